"""Draw problems in proportion to how much their success rate is wanted, with the exact chance of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from curriculum_bandits.bandits.arrays import play_distinct, require_kind
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.bandits.pass_rates.evidence import PassRates
from curriculum_bandits.bandits.pass_rates.pass_rate_bandit import PassRateBandit
from curriculum_bandits.bandits.pass_rates.wanted import Wanted
from curriculum_bandits.projection import kl_projection, rescaled_into

__all__ = ["Weighted"]

_FAR_BELOW = 1e-200


class Weighted(PassRateBandit):
    """All problems in proportion to their weight, none more than once a batch. One run.

    With m plays no problem can be played more often than always, so weights are scaled until none exceeds 1/m of
    their sum; the inclusion is then m p exactly.

    Args:
        rates: What is remembered of each problem; its mean is what is weighed.
        wanted: Log of the weight of a rate.

    >>> from curriculum_bandits.bandits.pass_rates import BetaCounts, UncertaintyWeight
    >>> bandit = Weighted(BetaCounts(2, discount=1.0, prior=(1e-9, 1e-9)), UncertaintyWeight())
    >>> bandit.update([0, 0, 1], None, [1.0, 0.0, 1.0])
    >>> bandit.probabilities().round(3)
    array([0.917, 0.083])
    """

    kind = "weighted"

    def __init__(self, rates: PassRates, wanted: Wanted) -> None:
        super().__init__(rates)
        self.wanted = wanted
        self._plays = 1
        # Weights are kept relative to about the largest there can be, so that one may be replaced without the others.
        self._largest = float(np.max(wanted(np.linspace(0.0, 1.0, 1001))))
        self._log_weights: FloatArray = wanted(self.means())
        self._weights: FloatArray = np.exp(self._log_weights - self._largest)
        self._probability: FloatArray | None = None  # kept until the evidence or the number of plays changes

    def probabilities(self) -> FloatArray:
        """The distribution p_t over problems for as many plays as were last asked for, shape (N,)."""
        return np.array(self._current(self._plays))

    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        """Play `size` problems.

        Args:
            size: Problems to play, m.
            rng: Source of randomness.
            candidates: Must be None: restricting the distribution changes what is played.

        Returns:
            Problems, p_t and ``m p_t`` of each, shape (m,), drawn by systematic sampling.

        Raises:
            ValueError: If `candidates` is given or there are fewer problems than `size`.
        """
        if candidates is not None:
            raise ValueError("Weighted draws from all problems and takes no candidates; use Shortlist to choose among")
        if not 1 <= size <= self.n_arms:
            raise ValueError(f"{size} problems are asked for but there are {self.n_arms}; ask for 1 to {self.n_arms}")
        return play_distinct(self._current(size), size, rng)

    def _current(self, plays: int) -> FloatArray:
        if self._probability is None or plays != self._plays:
            self._probability, self._plays = self._capped(plays), plays
        return self._probability

    def _capped(self, plays: int) -> FloatArray:
        if np.sum(self._weights) > _FAR_BELOW:
            probability, settled = rescaled_into(self._weights, 0.0, 1.0 / plays)
            if settled:
                return probability
        return kl_projection(self._log_weights, 0.0, 1.0 / plays)  # for weights too far apart for the quick way

    def _learned(self, problems: IntArray | None) -> None:
        """Weigh anew what has changed: in a large bank that is next to nothing."""
        which = slice(None) if problems is None else problems
        self._log_weights[which] = self.wanted(self._means_of(which))
        self._weights[which] = np.exp(self._log_weights[which] - self._largest)
        self._probability = None

    def state_dict(self) -> dict[str, Any]:
        """The evidence and the last number of plays; settings belong to the constructor."""
        return {**super().state_dict(), "plays": self._plays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, for as many problems and the same kind of evidence.

        Raises:
            ValueError: If it is of another kind or size. Nothing is changed then.
        """
        require_kind(state, self.kind)
        plays = int(state["plays"])
        if not 1 <= plays <= self.n_arms:
            raise ValueError(f"the state was saved with {plays} plays of {self.n_arms} problems; load another")
        super().load_state_dict(state)
        self._plays = plays
