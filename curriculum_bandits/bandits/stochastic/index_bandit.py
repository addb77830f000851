"""Bandits that play the arm that might pay most: an index over arm statistics, no randomness anywhere."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.bandits.stochastic.arm_statistics import ArmStatistics
from curriculum_bandits.bandits.stochastic.stochastic_bandit import StochasticBandit

__all__ = ["Index", "IndexBandit"]


class Index(Protocol):
    """A function of arm statistics, such as `ucb_index`."""

    def __call__(self, counts: FloatArray, sums: FloatArray, time: float | FloatArray, /) -> FloatArray:
        """Optimistic gain of each arm, shape (..., K)."""
        ...


class IndexBandit(StochasticBandit):
    """Plays the m arms of the largest index, the first of equals.

    Args:
        statistics: `Cumulative`, `Discounted`, `SlidingWindow` or `SinceChange`.
        index: `ucb_index` or `kl_ucb_index`, with their settings bound.
        utility_range: (lo, hi) of the utilities.

    >>> from curriculum_bandits.bandits import Cumulative
    >>> from curriculum_bandits.bandits.stochastic.index import ucb_index
    >>> bandit, rng = IndexBandit(Cumulative(3), ucb_index), np.random.default_rng(0)
    >>> for _ in range(3):
    ...     selection = bandit.select(1, rng)
    ...     bandit.update(selection, 0.1 * selection.arms)
    >>> bandit.select(1, rng).arms
    array([2])
    """

    def __init__(
        self, statistics: ArmStatistics, index: Index, *, utility_range: tuple[float, float] = (0.0, 1.0)
    ) -> None:
        super().__init__(statistics, utility_range=utility_range)
        self.index = index

    @override
    def scores(self, rng: np.random.Generator) -> FloatArray:
        return self.index(self.statistics.counts, self.statistics.sums, self.statistics.time)
