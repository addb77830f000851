"""Prioritized level replay: new levels for as long as there are any, else those that scored high or waited long.

The paper draws one level at a time and first decides whether a new one. Here that is one distribution over all
problems, from which a batch of distinct ones is drawn with exact inclusion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import checked_utilities
from curriculum_bandits.bandits.contract import ArrayLike, Extra, FloatArray, IntArray, Selection
from curriculum_bandits.bandits.curriculum.capped_bandit import CappedBandit
from curriculum_bandits.sampling.simplex import capped
from curriculum_bandits.state import Array, Count, Field

__all__ = ["PrioritizedLevels"]

_LEAST_LOG = -600.0  # weights below its exponential would be lost to underflow


class PrioritizedLevels(CappedBandit):
    r"""Replays seen problems by rank of their score and by staleness, and draws unseen ones uniformly. One run.

    With n of N problems seen, a draw is a replay with probability n/N, else uniform over the unseen:

    .. math::
        p(x) = \begin{cases} 1/N & \text{x unseen} \\
        (n/N) \, [(1-\rho) P_S(x) + \rho P_C(x)] & \text{x seen} \end{cases}

    with :math:`P_S \propto \mathrm{rank}^{-1/\beta}` (rank 1 is the highest score) and :math:`P_C \propto c - C_x`, how
    many updates ago x answered last (uniform where all have just answered). The score is the latest value; an answer
    makes a problem seen, and when all are, the gate is closed.

    What is ours: time counts updates, not episodes (problems of one batch are equally fresh either way). Problems of
    the same score share the probability of their ranks equally, as if ties were broken at random at each draw. And a
    batch holds m different problems, so :math:`P_S` and :math:`P_C` are each projected on the cap that makes
    :math:`m p \le 1`: after the mixture, it would be staleness alone that fills the batch, for
    :math:`\mathrm{rank}^{-10}` puts nearly all on the first rank.

    Args:
        n_arms: Number of problems N.
        temperature: :math:`\beta`, above 0.
        staleness: :math:`\rho`, in [0, 1]. With 0, a problem of low rank may in effect never come again.

    Source: Jiang, Grefenstette, Rocktäschel, "Prioritized Level Replay", arXiv 2010.03934.

    >>> levels = PrioritizedLevels(4, temperature=1.0, staleness=0.0)
    >>> levels.update(Selection([0, 1], None, None), [0.2, 0.8])
    >>> levels.probabilities().round(3)
    array([0.167, 0.333, 0.25 , 0.25 ])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_scores": Array(), "_answered": Array(low=0), "_updates": Count()}

    def __init__(self, n_arms: int, *, temperature: float = 0.1, staleness: float = 0.1) -> None:
        super().__init__(n_arms)
        require("(0, inf)", temperature=temperature)
        require("[0, 1]", staleness=staleness)
        self.temperature, self.staleness = temperature, staleness
        self._scores: FloatArray = np.zeros(n_arms)
        self._answered: IntArray = np.zeros(n_arms, dtype=np.int64)  # last update with an answer, 0 if unseen
        self._updates = 0
        self._log_ranks: FloatArray = np.log(np.arange(1, n_arms + 1))
        self._ranks: tuple[tuple[int, int], FloatArray] | None = None
        self._rank()

    def _rank(self) -> None:
        """Sort the seen problems, the highest score first."""
        seen = np.flatnonzero(self._answered > 0)
        self._order: IntArray = seen[np.argsort(-self._scores[seen], kind="stable")]
        self._descending: FloatArray = self._scores[self._order]
        self._changed()

    def _rank_again(self, played: IntArray) -> None:
        """Take the played problems out of the order and put them in where they now belong: no sort of all."""
        moved = np.zeros(self.n_arms, dtype=bool)
        moved[played] = True
        stays = ~moved[self._order]
        order, descending = self._order[stays], self._descending[stays]
        arms = np.flatnonzero(moved)
        arms = arms[np.argsort(-self._scores[arms], kind="stable")]
        places = np.searchsorted(-descending, -self._scores[arms])
        self._order = np.insert(order, places, arms)
        self._descending = np.insert(descending, places, self._scores[arms])
        self._changed()

    def _distribution(self, plays: int) -> FloatArray:
        seen = len(self._order)
        distribution = np.full(self.n_arms, 1.0 / self.n_arms)
        if seen:
            cap = self.n_arms / (plays * seen)  # within the replays, which have seen / N of the distribution
            waited = (self._updates - self._answered[self._order]).astype(np.float64)
            by_rank = _shared(self._by_rank(seen, plays, cap), self._descending)
            by_staleness = capped(waited if waited.any() else np.ones(seen), cap)
            replay = (1.0 - self.staleness) * by_rank + self.staleness * by_staleness
            distribution[self._order] = seen / self.n_arms * replay
        return distribution

    def _by_rank(self, seen: int, plays: int, cap: float) -> FloatArray:
        """P_S by rank, which is the same as long as neither batches nor the number of seen problems change."""
        if self._ranks is None or self._ranks[0] != (seen, plays):
            self._ranks = (seen, plays), _by_rank(self._log_ranks[:seen], 1.0 / self.temperature, cap)
        return self._ranks[1]

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        played, scores = checked_utilities(selection, values, n_arms=self.n_arms)
        self._updates += 1
        self._scores[played] = scores
        self._answered[played] = self._updates
        self._rank_again(played)

    def diagnostics(self) -> dict[str, float]:
        """Share of the problems seen, by the name ``seen``."""
        return {"seen": len(self._order) / self.n_arms}

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        latest = np.max(values["_answered"])
        if latest > values["_updates"]:
            raise ValueError(f"a saved problem answered in update {latest}, after {values['_updates']} updates in all")
        return values

    @override
    def _put(self, values: Mapping[str, Any]) -> None:
        super()._put(values)
        self._rank()


def _by_rank(log_ranks: FloatArray, power: float, cap: float) -> FloatArray:
    """Proportional to rank ** -power, ranks from 1, none above the cap; weights may span any range."""
    count, log_weights = len(log_ranks), -power * log_ranks
    if log_weights[-1] > _LEAST_LOG:
        weights = np.exp(log_weights)
        of_rest = weights / np.cumsum(weights[::-1])[::-1]  # share of each rank in itself and all below
    else:
        of_rest = np.exp(log_weights - np.logaddexp.accumulate(log_weights[::-1])[::-1])
    left = 1.0 - cap * np.arange(count)  # what there is for a rank and all below it, if those above are at the cap
    fits = left * of_rest <= cap
    first = int(np.argmax(fits)) if fits.any() else count  # none: rounding, where all are at the cap
    result = np.full(count, cap)
    if first < count:
        result[first:] = left[first] * of_rest[first] * np.exp(log_weights[first:] - log_weights[first])
    return result


def _shared(by_rank: FloatArray, descending: FloatArray) -> FloatArray:
    """Equal scores share the probability of the ranks they stand at."""
    starts = np.flatnonzero(np.concatenate([[True], descending[1:] != descending[:-1]]))
    sizes = np.diff(starts, append=len(descending))
    return np.repeat(np.add.reduceat(by_rank, starts) / sizes, sizes)
