"""Draws in proportion to a weight of the success rate, with exact inclusion."""

from __future__ import annotations

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.bandits.curriculum.capped_bandit import CappedBandit
from curriculum_bandits.bandits.curriculum.pass_rates.acquisition import Acquisition
from curriculum_bandits.bandits.curriculum.pass_rates.beta_posterior import PassRates
from curriculum_bandits.bandits.curriculum.pass_rates.pass_rate_bandit import PassRateBandit
from curriculum_bandits.sampling.simplex import kl_projection, rescaled_into

__all__ = ["Weighted"]

_FAR_BELOW = 1e-200


class Weighted(PassRateBandit, CappedBandit):
    """All problems in proportion to their weight, none more than once a batch. One run.

    With m plays no problem can be played more often than always, so weights are scaled until none exceeds 1/m of
    their sum; the inclusion is then m p exactly.

    Args:
        rates: What is remembered of each problem; its mean is what is weighed.
        acquisition: Log of the weight of a rate.

    >>> from curriculum_bandits.bandits.contract import Selection
    >>> from curriculum_bandits.bandits.curriculum.pass_rates import BetaPosterior, UncertaintyWeight
    >>> bandit = Weighted(BetaPosterior(2, discount=1.0, prior=(1e-9, 1e-9)), UncertaintyWeight())
    >>> bandit.update(Selection([0, 0, 1], [0.5] * 3, None), [1.0, 0.0, 1.0])
    >>> bandit.probabilities().round(3)
    array([0.917, 0.083])
    """

    def __init__(self, rates: PassRates, acquisition: Acquisition) -> None:
        CappedBandit.__init__(self, rates.n_problems)
        PassRateBandit.__init__(self, rates)
        self.acquisition = acquisition
        # Weights are kept relative to about the largest there can be, so that one may be replaced without the others.
        self._largest = float(np.max(acquisition(np.linspace(0.0, 1.0, 1001))))
        self._log_weights: FloatArray = acquisition(self.means())
        self._weights: FloatArray = np.exp(self._log_weights - self._largest)

    @override
    def _distribution(self, plays: int) -> FloatArray:
        if np.sum(self._weights) > _FAR_BELOW:
            probability, settled = rescaled_into(self._weights, 0.0, 1.0 / plays)
            if settled:
                return probability
        return kl_projection(self._log_weights, 0.0, 1.0 / plays)  # for weights too far apart for the quick way

    @override
    def _learned(self, problems: IntArray | None) -> None:
        """Weigh anew what has changed: in a large bank that is next to nothing."""
        which = slice(None) if problems is None else problems
        self._log_weights[which] = self.acquisition(self._means_of(which))
        self._weights[which] = np.exp(self._log_weights[which] - self._largest)
        self._changed()
