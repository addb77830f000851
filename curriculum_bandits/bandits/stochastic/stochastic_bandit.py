"""The base of stochastic bandits: scale utilities to gains, record them, play the highest scores.

A stochastic bandit needs no inclusion to learn and knows none of its plays, unless it randomises on purpose.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.arrays import checked_utilities, refuse_candidates, refuse_size
from curriculum_bandits.bandits.contract import ArrayLike, Bandit, Extra, FloatArray, IntArray, Selection
from curriculum_bandits.bandits.stochastic.arm_statistics import ArmStatistics
from curriculum_bandits.state import Field, Part, Stateful

__all__ = ["StochasticBandit", "highest"]


def highest(scores: FloatArray, size: int) -> IntArray:
    """The m arms, shape (..., m), of the highest scores, of shape (..., K): highest first, and the first of equals.

    >>> highest(np.array([0.5, 0.9, 0.9]), 2)
    array([1, 2])
    """
    if size == 1:
        return np.asarray(np.argmax(scores, axis=-1, keepdims=True), dtype=np.int64)
    return np.asarray(np.argsort(-scores, axis=-1, kind="stable")[..., :size], dtype=np.int64)


class StochasticBandit(Stateful, Bandit, ABC):
    """Plays the arms of the highest scores, which a subclass makes of the statistics in `scores`.

    Arms come best first, with probability ``1 / m`` each, for given the scores the choice is certain, and no inclusion.

    Args:
        statistics: Statistics of the arms, empty; they say how many arms and runs there are.
        utility_range: (lo, hi) of the utilities; gains are ``(utility - lo) / (hi - lo)``.
    """

    STATE: ClassVar[Mapping[str, Field]] = {"statistics": Part()}

    def __init__(self, statistics: ArmStatistics, *, utility_range: tuple[float, float] = (0.0, 1.0)) -> None:
        if not -math.inf < utility_range[0] < utility_range[1] < math.inf:
            raise ValueError(f"utility_range is {utility_range}; need lo < hi, both finite")
        self.n_arms, self.runs = statistics.n_arms, statistics.runs
        self.statistics, self.utility_range = statistics, utility_range

    @abstractmethod
    def scores(self, rng: np.random.Generator) -> FloatArray:
        """Score of each arm, shape (..., K); a rule that randomises draws from `rng`."""

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        self._check(size, candidates)
        arms = highest(self.scores(rng), size)
        return Selection(arms, np.full(arms.shape, 1.0 / size), None)

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        played, utilities = checked_utilities(
            selection,
            values,
            n_arms=self.n_arms,
            leading=self.statistics.counts.shape[:-1],
            utility_range=self.utility_range,
        )
        lo, hi = self.utility_range
        self.statistics.record(played, (utilities - lo) / (hi - lo))

    def _check(self, size: int, candidates: IntArray | None) -> None:
        refuse_candidates(self, candidates)
        refuse_size(size, self.n_arms)
