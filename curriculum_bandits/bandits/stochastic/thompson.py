"""Thompson sampling for gains in [0, 1]: draw a mean for each arm from its Beta posterior, play the highest."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.bandits.stochastic.evidence import Evidence
from curriculum_bandits.bandits.stochastic.stochastic_bandit import StochasticBandit

__all__ = ["ThompsonSampling"]


class ThompsonSampling(StochasticBandit):
    r"""Plays the m arms of the highest draws :math:`\theta_x \sim \mathrm{Beta}(a + S_x, b + N_x - S_x)`.

    A gain g between 0 and 1 adds g to the successes and 1 - g to the failures, in place of the coin of bias g that
    Agrawal & Goyal toss. The prior is not discounted with the evidence.

    Args:
        evidence: What is remembered of each arm; with `Discounted`, discounted Thompson sampling.
        prior: (a, b), both above 0.
        utility_range: (lo, hi) of the utilities.

    Attributes:
        n_arms: Number of arms K.
        runs: Number of independent runs, or None.
        evidence: As given.
        prior: As given.
        utility_range: As given.

    Raises:
        ValueError: If a setting is out of its range.

    Source: Thompson 1933; Agrawal & Goyal, "Analysis of Thompson Sampling for the Multi-armed Bandit Problem", COLT
    2012; Raj & Kalyani, "Taming Non-stationary Bandits: A Bayesian Approach", arXiv 1707.09727 (discounted).

    >>> from curriculum_bandits.bandits.stochastic import Cumulative
    >>> bandit, rng = ThompsonSampling(Cumulative(2)), np.random.default_rng(0)
    >>> for _ in range(20):
    ...     bandit.update([0, 1], None, [0.0, 1.0])
    >>> bandit.select(1, rng).arms
    array([1])
    """

    kind: ClassVar[str] = "thompson_sampling"

    def __init__(
        self,
        evidence: Evidence,
        *,
        prior: tuple[float, float] = (1.0, 1.0),
        utility_range: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        if not min(prior) > 0.0:
            raise ValueError(f"prior is {prior}; both numbers must be above 0, (1, 1) is uniform")
        super().__init__(evidence, utility_range=utility_range)
        self.prior = prior

    def scores(self, rng: np.random.Generator) -> FloatArray:
        """A draw from every arm's posterior.

        Args:
            rng: Source of randomness.

        Returns:
            Drawn means, shape (..., K).
        """
        (a, b), counts, sums = self.prior, self.evidence.counts, self.evidence.sums
        return np.asarray(rng.beta(a + sums, b + (counts - sums)))
