"""The common part of all bandits over success rates: how they learn from rollouts, and what they save."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.arrays import checked_counts, checked_utilities
from curriculum_bandits.bandits.contract import (
    ArrayLike,
    Bandit,
    Extra,
    FloatArray,
    IntArray,
    RefusedUtility,
    Selection,
)
from curriculum_bandits.bandits.curriculum.pass_rates.beta_posterior import PassRates
from curriculum_bandits.state import Field, Part, Stateful

__all__ = ["PassRateBandit", "top_at_random"]

_REMEDY = "this method counts successes: give a success rate in [0, 1], such as the signal success_rate does"


class PassRateBandit(Stateful, Bandit):
    """Learns a posterior of every success rate; a subclass chooses problems by it. One run.

    Answers are learned from by themselves, whatever the chance was that their problem was drawn.

    Args:
        rates: Posterior of each problem. It becomes part of this bandit: do not share it.
    """

    STATE: ClassVar[Mapping[str, Field]] = {"rates": Part()}

    def __init__(self, rates: PassRates) -> None:
        self.rates = rates
        self.n_arms = rates.n_problems

    def means(self) -> FloatArray:
        """The expected success rate of each problem, shape (N,)."""
        return self._means_of(slice(None))

    def _means_of(self, problems: IntArray | slice) -> FloatArray:
        a, b = self.rates.successes[problems], self.rates.failures[problems]
        return np.asarray(a / (a + b))

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        try:
            played, success = checked_utilities(selection, values, n_arms=self.n_arms, utility_range=(0.0, 1.0))
        except RefusedUtility as refused:
            arm = int(np.asarray(selection.arms)[refused.position])
            raise RefusedUtility(arm, refused.position, refused.value, _REMEDY) from None
        rollouts = checked_counts(counts, played.shape)
        # A problem that answers twice in a batch is visited once, with all its rollouts.
        problems, which = np.unique(played, return_inverse=True)
        successes, totals = (
            np.asarray(np.bincount(which, weights=each), dtype=np.float64) for each in (rollouts * success, rollouts)
        )
        moved = None if kl is None else np.asarray(kl, dtype=np.float64)
        self._learned(self.rates.learn(problems, successes, totals, moved))

    def _learned(self, problems: IntArray | None) -> None:
        """Called after the posterior of some problems, or with None of any, has changed."""

    @override
    def _put(self, values: Mapping[str, Any]) -> None:
        super()._put(values)
        self._learned(None)


def top_at_random(index: FloatArray, size: int, rng: np.random.Generator) -> IntArray:
    """Distinct positions, 0 to M of them, of the highest of M entries; which of equal ones is left to chance.

    The entries are not nan; the order of the positions means nothing.

    >>> sorted(top_at_random(np.array([3.0, 1.0, 2.0]), 2, np.random.default_rng(0)).tolist())
    [0, 2]
    """
    if size == 0:
        return np.zeros(0, dtype=np.int64)
    least = np.partition(index, len(index) - size)[len(index) - size]
    above = np.flatnonzero(index > least)
    level = np.flatnonzero(index == least)
    return np.concatenate([above, rng.choice(level, size - len(above), replace=False)])
