"""One generation batch from its draws to their answers.

TRL generates once for several optimizer steps, or several times for one, so batches wait in a queue until the update
that used the last of them is done. Each keeps what is needed to score the same rollouts again. With the filter of
groups a batch holds several draws; without it, one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from curriculum_bandits import Draw, Rollouts

__all__ = ["ROW", "Drawn", "GenerationBatch", "Part", "Scores", "loss_mask", "sum_log_ratio"]

#: Name of the tensor that carries each row's place in the generation batch through TRL's shuffle and split.
ROW = "curriculum_row"


def loss_mask(inputs: dict[str, Any]) -> torch.Tensor:
    """Which completion tokens the policy wrote and is trained on, shape (rows, tokens); those of tools do not count."""
    mask: torch.Tensor = inputs["completion_mask"]
    return mask * inputs["tool_mask"] if "tool_mask" in inputs else mask


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
class Drawn:
    """One draw, rolled out.

    Attributes:
        draw: The draw; None on every process but the main one, unless the curriculum is asked in all of them.
        first: Place of its first row in the generation batch.
        generated: Combined rewards of its rows on all processes, shape (m, n), NaN where missing; set by generation.
        lengths: Completion tokens of these rows, shape (m * n,); set by generation.
        local_first: Place among its own rows of the first that this process generated.
        completions: What this process generated, in order.
    """

    draw: Draw | None
    first: int
    generated: Rollouts = field(default_factory=lambda: Rollouts(np.zeros((0, 1))))
    lengths: torch.Tensor | None = None
    local_first: int = 0
    completions: Sequence[Any] = ()


@dataclass
class Scores:
    """Of rows of all processes, shape (r,): places in the generation batch, log-ratios under the updated policy."""

    rows: np.ndarray
    log_ratio: np.ndarray


@dataclass
class GenerationBatch:
    """Draws on their way through generation, update and second scoring.

    Attributes:
        micro_batches: How many micro-batches the updates take from it, repeats included.
        draws: The draws, in the order they were made.
        parts: What to score again.
        scored: Rows of this process that are in `parts`.
        consumed: Micro-batches taken so far.
        trained: Rows of this process that an update has used.
    """

    micro_batches: int
    draws: list[Drawn] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    scored: set[int] = field(default_factory=set)
    consumed: int = 0
    trained: set[int] = field(default_factory=set)

    @property
    def finished(self) -> bool:
        """Whether the updates have taken all they will take from it."""
        return self.consumed >= self.micro_batches

    @property
    def rows(self) -> int:
        """Rows of all processes in the draws that have been rolled out."""
        return sum(drawn.generated.rewards.size for drawn in self.draws)

    def add(self, part: Part) -> None:
        """Keep rows of this process, with their log-probabilities before the update, to score them again."""
        self.parts.append(part)
        self.scored |= set(part.inputs[ROW].tolist())

    def rollouts(self, drawn: Drawn, trained: np.ndarray, scores: Scores | None) -> Rollouts:
        """The rollouts of one draw, shape (m, n), with rows of all processes back in its order.

        Args:
            drawn: The draw.
            trained: Places in the generation batch of the rows that an update used.
            scores: Of the updated policy, or None where the curriculum does not ask for them. A row without one counts
                as missing, unless all rewards of its group are equal: then how far the policy moved on it makes no
                difference.
        """
        assert drawn.lengths is not None
        rewards = drawn.generated.rewards
        own = drawn.first + np.arange(rewards.size).reshape(rewards.shape)
        lengths = drawn.lengths.detach().double().cpu().numpy().reshape(rewards.shape)
        log_ratio: np.ndarray | None = None
        if scores is not None:
            of_row = np.zeros(self.rows)
            of_row[scores.rows] = scores.log_ratio
            log_ratio = of_row[own]
            scored = np.isin(own, scores.rows)
            lengths = np.where(scored | ~drawn.generated.informative[:, None], lengths, 0.0)
        texts = np.full(rewards.size, None, dtype=object)
        texts[drawn.local_first : drawn.local_first + len(drawn.completions)] = drawn.completions
        return Rollouts(
            rewards,
            log_ratio=log_ratio,
            lengths=lengths,
            trained=np.isin(own, trained),
            completions=texts.reshape(rewards.shape),
        )


def sum_log_ratio(new_logps: torch.Tensor, part: Part) -> torch.Tensor:
    """Log-ratio of whole completions, shape (rows,), subtracted per token and summed in float64.

    Args:
        new_logps: Log-probabilities of the tokens after the update, shape (rows, tokens).
        part: The rows.
    """
    mask = loss_mask(part.inputs).double()
    delta = torch.where(mask > 0, new_logps.double() - part.old_logps.double(), 0.0)
    return (delta * mask).sum(dim=1)
