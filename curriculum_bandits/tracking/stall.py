"""Stall monitor: warns when all rewards of every group are equal for many steps.

Nothing fails then, the loss is simply zero, and hours pass. The warning names the likely cause, once.
"""

from __future__ import annotations

import logging

import numpy as np

from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.observer import Observer
from curriculum_bandits.rollouts import Rollouts

__all__ = ["StallMonitor"]

logger = logging.getLogger(__name__)


class StallMonitor(Observer):
    """Warns once when every group of many steps in a row had equal rewards.

    Args:
        patience: Steps in a row before it warns; those without an answer do not count.
    """

    def __init__(self, patience: int = 20) -> None:
        self.patience = patience
        self._steps, self._warned, self._informative = 0, False, False
        self._least, self._most = np.inf, -np.inf  # rewards since a group last taught something
        self._rewarded = False  # in this step
        self._shown = ""

    def answered(self, draw: Draw, rollouts: Rollouts, feedback: Feedback) -> None:
        """Look at the rewards of a draw."""
        rewards = rollouts.rewards[rollouts.valid]
        self._informative = self._informative or bool(rollouts.informative.any())
        if len(rewards):
            self._rewarded = True
            self._least, self._most = min(self._least, rewards.min()), max(self._most, rewards.max())
        if rollouts.completions is not None:
            last = next((text for text in rollouts.completions.flat[::-1] if isinstance(text, str)), None)
            self._shown = "" if last is None else f" The last completion looked at is {last[:200]!r}."

    def stepped(self, step: int, metrics: dict[str, float]) -> None:
        """Count the step, and warn when there were too many."""
        if self._informative:
            self._steps, self._warned, self._least, self._most = 0, False, np.inf, -np.inf
        elif self._rewarded:
            self._steps += 1
        self._informative = self._rewarded = False
        if self._steps >= self.patience and not self._warned:
            self._warned = True
            logger.warning(
                "in the last %d steps all rollouts of every problem had equal rewards, so nothing was learned: %s%s",
                self._steps,
                self._cause(),
                self._shown,
            )

    def _cause(self) -> str:
        if self._least < self._most:
            return (
                f"problems are either solved (up to {self._most:g}) or hopeless ({self._least:g}) for this model. Add "
                "problems in between, raise the temperature, or roll out each problem more often."
            )
        if self._least <= 0:
            return (
                f"every reward was {self._least:g}. The problems are too hard for this model, its answers are cut off, "
                "or the verifier does not accept their form."
            )
        return (
            f"every reward was {self._least:g}. The problems are solved already, or the reward does not depend on the "
            "answer."
        )
