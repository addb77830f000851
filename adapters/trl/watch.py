"""Notices when nothing is learned: batch after batch in which all rewards of every group are equal.

Nothing fails then, the loss is simply zero, and hours pass. The warning names the likely cause, once.
"""

from __future__ import annotations

import logging

import numpy as np

from curriculum_bandits import Rollouts

__all__ = ["NothingLearned"]

logger = logging.getLogger(__name__)


class NothingLearned:
    """Warns once when every group of many batches in a row had equal rewards.

    Args:
        patience: Batches in a row before it warns.
    """

    def __init__(self, patience: int = 20) -> None:
        self.patience = patience
        self._batches = 0
        self._least, self._most = np.inf, -np.inf
        self._warned = False

    def see(self, rollouts: Rollouts, informative: np.ndarray, example: str | None) -> None:
        """Look at one batch.

        Args:
            rollouts: All of it.
            informative: Which groups had rewards that differ, shape (m,).
            example: A completion, to show what the verifier was given.
        """
        rewards = rollouts.rewards[rollouts.valid]
        if informative.any() or not len(rewards):
            self._batches, self._least, self._most = 0, np.inf, -np.inf
            self._warned = self._warned and not informative.any()
            return
        self._batches += 1
        self._least, self._most = min(self._least, rewards.min()), max(self._most, rewards.max())
        if self._batches >= self.patience and not self._warned:
            self._warned = True
            logger.warning(
                "in the last %d batches all rollouts of every problem earned the same, so nothing was learned: %s",
                self._batches,
                self._cause(example),
            )

    def _cause(self, example: str | None) -> str:
        shown = "" if example is None else f" The last completion looked at is {example[:200]!r}."
        if self._least < self._most:
            return (
                f"problems are either solved (up to {self._most:g}) or hopeless ({self._least:g}) for this model. Add "
                "problems in between, raise the temperature, or raise num_generations." + shown
            )
        if self._least <= 0:
            return (
                f"every reward was {self._least:g}. The problems are too hard for this model, its answers are cut off "
                "(max_completion_length), or the verifier does not accept their form." + shown
            )
        return (
            f"every reward was {self._least:g}. The problems are solved already, or the reward does not depend on the "
            "answer." + shown
        )
