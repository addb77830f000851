"""The base of bandits that divide by inclusion: arms, runs, range, and answers checked before any is used."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import checked_answers, leading_axes
from curriculum_bandits.bandits.contract import ArrayLike, Bandit, Extra, FloatArray, IntArray, Selection
from curriculum_bandits.state import Stateful

__all__ = ["ImportanceWeighted"]


class ImportanceWeighted(Stateful, Bandit, ABC):
    """A bandit that divides by inclusion; a subclass plays, and learns in `_learn` from checked answers.

    Args:
        n_arms: Number of arms K.
        runs: Number of independent runs; None for one run without a leading axis.
        utility_range: (lo, hi) of the utilities, or None for any finite ones.
    """

    def __init__(self, n_arms: int, runs: int | None, utility_range: tuple[float, float] | None) -> None:
        require("[1, inf)", n_arms=n_arms)
        if utility_range is not None and not -math.inf < utility_range[0] < utility_range[1] < math.inf:
            raise ValueError(f"utility_range is {utility_range}; need lo < hi, both finite")
        self.n_arms, self.runs, self.utility_range = n_arms, runs, utility_range
        self._leading = leading_axes(runs)

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        answers = checked_answers(
            selection, values, n_arms=self.n_arms, leading=self._leading, utility_range=self.utility_range
        )
        self._learn(*answers)

    @abstractmethod
    def _learn(self, arms: IntArray, inclusion: FloatArray, utilities: FloatArray) -> None:
        """Learn from plays, each array of shape (..., m)."""
