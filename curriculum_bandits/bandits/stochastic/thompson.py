"""Thompson sampling for gains in [0, 1]: draw a mean for each arm from its Beta posterior, play the highest."""

from __future__ import annotations

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.bandits.stochastic.arm_statistics import ArmStatistics
from curriculum_bandits.bandits.stochastic.stochastic_bandit import StochasticBandit

__all__ = ["ThompsonSampling"]


class ThompsonSampling(StochasticBandit):
    r"""Plays the m arms of the highest draws :math:`\theta_x \sim \mathrm{Beta}(a + S_x, b + N_x - S_x)`.

    A gain g between 0 and 1 adds g to the successes and 1 - g to the failures, in place of the coin of bias g that
    Agrawal & Goyal toss. The prior is not discounted with the statistics.

    Args:
        statistics: Statistics of the arms; with `Discounted`, discounted Thompson sampling.
        prior: (a, b), both above 0.
        utility_range: (lo, hi) of the utilities.

    Source: Thompson 1933; Agrawal & Goyal, "Analysis of Thompson Sampling for the Multi-armed Bandit Problem", COLT
    2012; Raj & Kalyani, "Taming Non-stationary Bandits: A Bayesian Approach", arXiv 1707.09727 (discounted).

    >>> from curriculum_bandits.bandits import Cumulative, Selection
    >>> bandit, rng = ThompsonSampling(Cumulative(2)), np.random.default_rng(0)
    >>> for _ in range(20):
    ...     bandit.update(Selection([0, 1], None, None), [0.0, 1.0])
    >>> bandit.select(1, rng).arms
    array([1])
    """

    def __init__(
        self,
        statistics: ArmStatistics,
        *,
        prior: tuple[float, float] = (1.0, 1.0),
        utility_range: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        if not min(prior) > 0.0:
            raise ValueError(f"prior is {prior}; both numbers must be above 0, (1, 1) is uniform")
        super().__init__(statistics, utility_range=utility_range)
        self.prior = prior

    @override
    def scores(self, rng: np.random.Generator) -> FloatArray:
        (a, b), counts, sums = self.prior, self.statistics.counts, self.statistics.sums
        return np.asarray(rng.beta(a + sums, b + (counts - sums)))
