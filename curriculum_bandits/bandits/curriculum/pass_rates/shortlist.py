"""The best problems, by an acquisition function of the success rate, of a few more candidates than are needed."""

from __future__ import annotations

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import refuse_size
from curriculum_bandits.bandits.contract import IntArray, Selection
from curriculum_bandits.bandits.curriculum.pass_rates.acquisition import Acquisition
from curriculum_bandits.bandits.curriculum.pass_rates.beta_posterior import PassRates, thompson_rates
from curriculum_bandits.bandits.curriculum.pass_rates.pass_rate_bandit import PassRateBandit, top_at_random
from curriculum_bandits.sampling.candidates import UniformCandidates

__all__ = ["Shortlist"]


class Shortlist(PassRateBandit):
    """The m best of a uniform sample of candidates; ties are broken at random. One run.

    The probability that draws state is ``1 / m`` each, for given the rates the choice is certain; they state no
    inclusion, for the chance that a problem is kept has no closed form.

    Args:
        rates: What is remembered of each problem.
        acquisition: Index of a rate; the highest are kept.
        candidates: Candidates per problem of a batch, at least 1; None looks at all problems each time.
        thompson: Judge a rate drawn from what is known of each candidate, instead of its mean.

    >>> from curriculum_bandits.bandits.curriculum.pass_rates import BetaPosterior, DistanceToTarget
    >>> bandit = Shortlist(BetaPosterior(3), DistanceToTarget(0.5), candidates=None, thompson=False)
    >>> bandit.update(Selection([0, 1], [0.5] * 2, None), [1.0, 0.0])
    >>> bandit.select(1, np.random.default_rng(0)).arms
    array([2])
    """

    def __init__(
        self, rates: PassRates, acquisition: Acquisition, *, candidates: float | None = 8.0, thompson: bool = True
    ) -> None:
        if candidates is not None:
            require("[1, inf]", candidates=candidates)
        super().__init__(rates)
        self.acquisition, self.candidates, self.thompson = acquisition, candidates, thompson
        self._proposal = UniformCandidates(rates.n_problems)

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        refuse_size(size, self.n_arms if candidates is None else len(candidates))
        among = self._looked_at(size, rng) if candidates is None else np.asarray(candidates, dtype=np.int64)
        a, b = self.rates.successes, self.rates.failures
        if among is not None:
            a, b = a[among], b[among]
        rates = thompson_rates(a, b, rng) if self.thompson else a / (a + b)
        kept = top_at_random(self.acquisition(rates), size, rng)
        return Selection(kept if among is None else among[kept], np.full(size, 1.0 / size), None)

    def _looked_at(self, size: int, rng: np.random.Generator) -> IntArray | None:
        """A sample of candidates, or None for all problems."""
        if self.candidates is None or self.candidates * size >= self.n_arms:
            return None
        return self._proposal.propose(max(size, int(self.candidates * size)), rng)[0]
