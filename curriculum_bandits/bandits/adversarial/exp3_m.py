"""Exp3.M as published: many plays a round on mixed exponential weights, heavy weights truncated.

`Osmd` solves the same problem with the projection as part of the update; here an arm at its cap is played for certain
and its weight stands still until it falls below the cap again, which is what the published bound is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.adversarial.importance_weighted import ImportanceWeighted
from curriculum_bandits.bandits.arrays import play_distinct, refuse_candidates, sum_by_arm
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.sampling.simplex import kl_projection
from curriculum_bandits.state import Array, Field

__all__ = ["Exp3M"]


class Exp3M(ImportanceWeighted):
    r"""Exponential weights over arms, m of which are played in each round.

    .. math:: p = (1 - \gamma) \, w' / \textstyle\sum w' + \gamma / K

    Here w' is w with its largest weights cut down to one value, so that m p is at most 1. An arm that was not cut is
    multiplied by :math:`\exp(m \gamma \hat g / K)`, where :math:`\hat g = g / (m p)` if it was played and 0 if not.

    Args:
        n_arms: Number of arms K.
        plays: Plays per round m, below K.
        mixing: :math:`\gamma` in (0, 1].
        runs: Number of independent runs; None for one run without a leading axis.
        utility_range: (lo, hi) of the utilities; gains are scaled to [0, 1].

    Source: Uchiya, Nakamura & Kudo, "Algorithms for Adversarial Bandit Problems with Multiple Plays", ALT 2010. Drawn
    by systematic sampling, which has the same inclusion probabilities as their dependent rounding.

    >>> bandit = Exp3M(3, 2, mixing=0.3)
    >>> bandit.update(Selection([0, 1], [1 / 3, 1 / 3], [2 / 3, 2 / 3]), [1.0, 0.0])
    >>> bandit.probabilities().round(4)
    array([0.3821, 0.309 , 0.309 ])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_log_weights": Array(high=0.0)}
    utility_range: tuple[float, float]

    def __init__(
        self,
        n_arms: int,
        plays: int,
        *,
        mixing: float,
        runs: int | None = None,
        utility_range: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        require(f"[1, {n_arms})", plays=plays)
        require("(0, 1]", mixing=mixing)
        super().__init__(n_arms, runs, utility_range)
        self.plays, self.mixing = plays, mixing
        self._log_weights = np.zeros((*self._leading, n_arms))

    def probabilities(self) -> FloatArray:
        """The distribution p_t over arms, shape (..., K): what is played is m of these."""
        return np.asarray((1.0 - self.mixing) * self._truncated() + self.mixing / self.n_arms)

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        refuse_candidates(self, candidates)
        if size != self.plays:
            raise ValueError(f"{size} plays are asked for, but the bandit was made for {self.plays}; pass plays={size}")
        return play_distinct(self.probabilities(), size, rng)

    @override
    def _learn(self, arms: IntArray, inclusion: FloatArray, utilities: FloatArray) -> None:
        lo, hi = self.utility_range
        estimate = sum_by_arm(arms, (utilities - lo) / (hi - lo) / inclusion, self.n_arms)
        free = self._truncated() < self._cap * (1.0 - 1e-12)
        grown = self._log_weights + np.where(free, self.plays * self.mixing / self.n_arms * estimate, 0.0)
        self._log_weights = grown - np.max(grown, axis=-1, keepdims=True)

    @property
    def _cap(self) -> float:
        """Largest share of the truncated weights for which m p is at most 1; with gamma = 1 weights do not count."""
        if self.mixing == 1.0:
            return 1.0
        return min(1.0, (1.0 / self.plays - self.mixing / self.n_arms) / (1.0 - self.mixing))

    def _truncated(self) -> FloatArray:
        return kl_projection(self._log_weights, 0.0, self._cap)
