"""Bandits that play the arm that might pay most: an index over some evidence, no randomness anywhere."""

from __future__ import annotations

from typing import ClassVar, Protocol

import numpy as np

from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.bandits.stochastic.evidence import Evidence
from curriculum_bandits.bandits.stochastic.stochastic_bandit import StochasticBandit

__all__ = ["Index", "IndexBandit"]


class Index(Protocol):
    """A function of the evidence, such as `ucb_index`."""

    def __call__(self, counts: FloatArray, sums: FloatArray, time: float | FloatArray, /) -> FloatArray:
        """What each arm might pay, shape (..., K)."""
        ...


class IndexBandit(StochasticBandit):
    """Plays the m arms of the largest index, the first of equals.

    Args:
        evidence: What is remembered of each arm: `Cumulative`, `Discounted`, `SlidingWindow`, `SinceChange`.
        index: What is made of it: `ucb_index`, `kl_ucb_index`, with their settings bound.
        utility_range: (lo, hi) of the utilities.

    Attributes:
        n_arms: Number of arms K.
        runs: Number of independent runs, or None.
        evidence: As given.
        index: As given.
        utility_range: As given.

    >>> from curriculum_bandits.bandits.stochastic import Cumulative, ucb_index
    >>> bandit, rng = IndexBandit(Cumulative(3), ucb_index), np.random.default_rng(0)
    >>> for _ in range(3):
    ...     arms, _, _ = bandit.select(1, rng)
    ...     bandit.update(arms, None, [0.1 * arms[0]])
    >>> bandit.select(1, rng).arms
    array([2])
    """

    kind: ClassVar[str] = "index_bandit"

    def __init__(self, evidence: Evidence, index: Index, *, utility_range: tuple[float, float] = (0.0, 1.0)) -> None:
        super().__init__(evidence, utility_range=utility_range)
        self.index = index

    def scores(self, rng: np.random.Generator) -> FloatArray:
        """The indices.

        Args:
            rng: Not used.

        Returns:
            Index of each arm, shape (..., K).
        """
        return self.index(self.evidence.counts, self.evidence.sums, self.evidence.time)
