"""Epsilon-greedy: the best arms so far, except in a share of the rounds, which play at random.

The one rule of this family that knows how likely each arm was, so it records an inclusion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.bandits.stochastic.arm_statistics import ArmStatistics
from curriculum_bandits.bandits.stochastic.index import mean_index
from curriculum_bandits.bandits.stochastic.stochastic_bandit import StochasticBandit, highest

__all__ = ["EpsilonGreedy", "InverseTime"]


@dataclass(frozen=True)
class InverseTime:
    r"""The schedule :math:`\epsilon_t = \min(1, c/t)`.

    Attributes:
        c: The constant; the theorem asks for :math:`c K / d^2` with d at most the smallest gap and c above 5.

    Source: Auer, Cesa-Bianchi & Fischer, "Finite-time Analysis of the Multiarmed Bandit Problem", 2002, Theorem 3.

    >>> InverseTime(5.0)(20)
    0.25
    """

    c: float

    def __call__(self, t: int) -> float:
        r""":math:`\epsilon_t`, the share of random rounds, in round t = 1, 2, ..."""
        return min(1.0, self.c / t)


class EpsilonGreedy(StochasticBandit):
    r"""With probability :math:`\epsilon_t` m different arms at random, else the m of the highest mean gain.

    An arm never played counts as better than all others. Inclusion is :math:`(1 - \epsilon_t) 1[x\ best] + \epsilon_t
    m/K`.

    Args:
        statistics: Statistics of the arms.
        epsilon: :math:`\epsilon`, or a function that gives :math:`\epsilon_t` for the rounds t = 1, 2, ...
        plays: Plays per round that `probabilities` speaks of; `select` can be asked for any number.
        utility_range: (lo, hi) of the utilities.

    Source: Auer, Cesa-Bianchi & Fischer, "Finite-time Analysis of the Multiarmed Bandit Problem", 2002, figure 3.

    >>> from curriculum_bandits.bandits import Cumulative
    >>> bandit = EpsilonGreedy(Cumulative(2), epsilon=0.1)
    >>> bandit.update(Selection([0, 1], None, None), [0.0, 1.0])
    >>> bandit.probabilities()
    array([0.05, 0.95])
    """

    def __init__(
        self,
        statistics: ArmStatistics,
        *,
        epsilon: float | Callable[[int], float],
        plays: int = 1,
        utility_range: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        super().__init__(statistics, utility_range=utility_range)
        if not callable(epsilon):
            require("[0, 1]", epsilon=epsilon)
        require(f"[1, {self.n_arms}]", plays=plays)
        self.plays, self._epsilon = plays, epsilon

    @property
    def epsilon(self) -> float:
        r""":math:`\epsilon_t` of the coming round."""
        if not callable(self._epsilon):
            return self._epsilon
        coming = self.statistics.rounds + 1
        value = self._epsilon(coming)
        if not 0.0 <= value <= 1.0:
            raise ValueError(f"epsilon in round {coming} is {value}; a schedule stays within 0 and 1")
        return value

    @override
    def scores(self, rng: np.random.Generator) -> FloatArray:
        means = self._means()
        explores = rng.random(means.shape[:-1]) < self.epsilon
        return np.where(explores[..., None], rng.random(means.shape), means)

    def probabilities(self) -> FloatArray:
        """Inclusion divided by the number of plays, shape (..., K)."""
        best = highest(self._means(), self.plays)
        return self._inclusion(best) / self.plays

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        self._check(size, candidates)
        best, arms = highest(self._means(), size), highest(self.scores(rng), size)
        inclusion = np.take_along_axis(self._inclusion(best), arms, axis=-1)
        return Selection(arms, inclusion / size, inclusion)

    def _means(self) -> FloatArray:
        return mean_index(self.statistics.counts, self.statistics.sums)

    def _inclusion(self, best: IntArray) -> FloatArray:
        epsilon, size = self.epsilon, best.shape[-1]
        inclusion = np.full(self.statistics.counts.shape, epsilon * size / self.n_arms)
        certain = np.take_along_axis(inclusion, best, axis=-1) + (1.0 - epsilon)
        np.put_along_axis(inclusion, best, certain, axis=-1)
        return inclusion
