"""One generation batch from the draw to its answer.

TRL generates once for several optimizer steps, or several times for one, so batches wait in a queue until the update
that used the last of them is done. Each keeps what is needed to score the same rollouts again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from curriculum_bandits import Draw, Rollouts

__all__ = ["ROW", "GenerationBatch", "Part", "sum_log_ratio"]

#: Name of the tensor that carries each row's place in the generation batch through TRL's shuffle and split.
ROW = "curriculum_row"


@dataclass
class Part:
    """Rows that are scored together, and their log-probabilities under the policy that generated them.

    Attributes:
        inputs: TRL's tensors of these rows, `ROW` among them.
        old_logps: Log-probability of each completion token before the update, shape (rows, tokens).
    """

    inputs: dict[str, Any]
    old_logps: torch.Tensor


@dataclass
class GenerationBatch:
    """A draw on its way through generation, update and second scoring.

    Attributes:
        draw: The draw; None on every process but the main one, unless the curriculum is asked in all of them.
        rewards: Combined reward of every row of all processes, shape (m * n,), NaN where missing; set by generation.
        micro_batches: How many micro-batches the updates take from it, repeats included.
        parts: What to score again.
        scored: Rows of this process that are in `parts`.
        consumed: Micro-batches taken so far.
        trained: Rows of this process that an update has used.
    """

    draw: Draw | None
    micro_batches: int
    rewards: torch.Tensor | None = None
    parts: list[Part] = field(default_factory=list)
    scored: set[int] = field(default_factory=set)
    consumed: int = 0
    trained: set[int] = field(default_factory=set)

    @property
    def finished(self) -> bool:
        """Whether the updates have taken all they will take from it."""
        return self.consumed >= self.micro_batches

    def add(self, part: Part) -> None:
        """Keep rows to score again.

        Args:
            part: Rows with their log-probabilities before the update.
        """
        self.parts.append(part)
        self.scored |= set(part.inputs[ROW].tolist())

    def rollouts(self, rows: np.ndarray, log_ratio: np.ndarray, lengths: np.ndarray, trained: np.ndarray) -> Rollouts:
        """The rollouts of the whole batch, with rows of all processes back in the order of the draw.

        Args:
            rows: Place of each gathered row in the generation batch, shape (r,).
            log_ratio: Its log-ratio, shape (r,).
            lengths: Its completion tokens, shape (r,).
            trained: Whether an update used it, shape (r,).

        Returns:
            Rollouts of shape (m, n); rows that were never scored count as missing.
        """
        assert self.draw is not None
        assert self.rewards is not None
        shape = (len(self.draw), -1)
        rewards = self.rewards.detach().double().cpu().numpy()

        def placed(values: np.ndarray) -> np.ndarray:
            column = np.zeros(len(rewards), dtype=values.dtype)
            column[rows] = values
            return column.reshape(shape)

        return Rollouts(
            rewards.reshape(shape), log_ratio=placed(log_ratio), lengths=placed(lengths), trained=placed(trained)
        )


def sum_log_ratio(new_logps: torch.Tensor, part: Part) -> tuple[torch.Tensor, torch.Tensor]:
    """Log-ratio of whole completions, subtracted per token and summed in float64.

    Args:
        new_logps: Log-probabilities of the tokens after the update, shape (rows, tokens).
        part: The rows.

    Returns:
        Log-ratio and number of completion tokens, shape (rows,) each, float64. Tokens a tool wrote do not count.
    """
    mask = part.inputs["completion_mask"]
    if "tool_mask" in part.inputs:
        mask = mask * part.inputs["tool_mask"]
    mask = mask.double()
    delta = torch.where(mask > 0, new_logps.double() - part.old_logps.double(), 0.0)
    return (delta * mask).sum(dim=1), mask.sum(dim=1)
