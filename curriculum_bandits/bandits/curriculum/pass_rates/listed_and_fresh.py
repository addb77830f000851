"""Half of the batch from a list of the best problems known, half fresh from everywhere else."""

from __future__ import annotations

import math

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import refuse_candidates, refuse_size
from curriculum_bandits.bandits.contract import IntArray, Selection
from curriculum_bandits.bandits.curriculum.pass_rates.acquisition import Acquisition
from curriculum_bandits.bandits.curriculum.pass_rates.beta_posterior import PassRates
from curriculum_bandits.bandits.curriculum.pass_rates.pass_rate_bandit import PassRateBandit, top_at_random

__all__ = ["ListedAndFresh"]


class ListedAndFresh(PassRateBandit):
    r"""Part of the batch uniformly from the top list, the rest uniformly from all that is left. One run.

    With h of m problems from a list of L among N, a listed problem is drawn with probability
    :math:`h/L + (1 - h/L) f` and any other with :math:`f = (m - h)/(N - h)`: that is the inclusion, given the list, and
    therefore over the ties that the list may have broken at random too. Problems never answered are listed last.

    Args:
        rates: What is remembered of each problem; its mean is judged.
        acquisition: Index of a rate; the highest are listed.
        listed: Part of the bank that the list holds, in (0, 1]; it is never shorter than what is drawn from it.
        share: Part of the batch that is drawn from the list, in [0, 1], rounded down.

    >>> from curriculum_bandits.bandits.curriculum.pass_rates import BetaPosterior, Variance
    >>> bandit = ListedAndFresh(BetaPosterior(10), Variance(), listed=0.1, share=0.5)
    >>> bandit.update(Selection([3, 3, 4], [0.1] * 3, None), [1.0, 0.0, 1.0])
    >>> selection = bandit.select(2, np.random.default_rng(0))
    >>> 3 in selection.arms, selection.inclusion.round(3).tolist()
    (True, [1.0, 0.111])
    """

    def __init__(self, rates: PassRates, acquisition: Acquisition, *, listed: float = 0.04, share: float = 0.5) -> None:
        require("(0, 1]", listed=listed)
        require("[0, 1]", share=share)
        super().__init__(rates)
        self.acquisition, self.listed, self.share = acquisition, listed, share

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        refuse_candidates(self, candidates)
        n = self.n_arms
        refuse_size(size, n)
        from_list = int(self.share * size)
        length = max(from_list, math.ceil(self.listed * n))
        index = np.where(self.rates.seen, self.acquisition(self.means()), -np.inf)
        best = top_at_random(index, length, rng)
        chosen = rng.choice(best, from_list, replace=False)
        fresh = _others(chosen, n, size - from_list, rng)
        arms = np.concatenate([chosen, fresh])
        on_list, otherwise = from_list / length, (size - from_list) / max(n - from_list, 1)
        is_listed = np.isin(arms, best)
        inclusion = np.where(is_listed, on_list + (1.0 - on_list) * otherwise, otherwise)
        return Selection(arms, inclusion / size, inclusion)


def _others(taken: IntArray, n: int, size: int, rng: np.random.Generator) -> IntArray:
    """Uniformly distinct problems of 0..n-1 that are not taken, shape (size,)."""
    if size == 0:
        return np.zeros(0, dtype=np.int64)
    # The r-th of what is left is r plus as many taken ones as come before it.
    ranks = rng.choice(n - len(taken), size, replace=False)
    order = np.sort(taken)
    return np.asarray(ranks + np.searchsorted(order - np.arange(len(order)), ranks, side="right"))
