"""Difficulty pools: three pools by what a problem paid last, each with a weight, as in a public training framework.

There, problems leave the pool that is drawn from and hardly come back. A pool that only drains excludes for ever, so
here every pool keeps a weight, and a problem moves both ways with its latest result.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.arrays import checked_utilities, refuse_candidates
from curriculum_bandits.bandits.contract import ArrayLike, Extra, FloatArray, IntArray, Selection
from curriculum_bandits.bandits.curriculum.capped_bandit import CappedBandit
from curriculum_bandits.sampling import systematic_counts
from curriculum_bandits.state import Array, Field

__all__ = ["DifficultyPools"]

_UNSEEN = np.int8(3)  # after 0 hard, 1 normal, 2 easy


class DifficultyPools(CappedBandit):
    r"""Draws problems in proportion to the weight of their pool: hard, normal, easy or not seen yet. One run.

    With v the latest value of a problem, it is hard where :math:`v \le b_0`, easy where :math:`v \ge b_1`, else normal.
    Its probability is proportional to its pool's weight, at most 1/m in a batch of m. A weight is per problem: a pool
    of twice as many problems is drawn from twice as often.

    Args:
        n_arms: Number of problems N.
        boundaries: :math:`b_0 < b_1`.
        weights: Weights of hard, normal and easy problems, each above 0.
        unseen_weight: Weight of a problem that has not answered yet, above 0.

    Raises:
        ValueError: If the boundaries do not ascend, or a weight is 0: such a pool would keep its problems for ever.

    >>> pools = DifficultyPools(3, weights=(0.5, 2.0, 0.5))
    >>> pools.update(Selection([0, 1], None, None), [0.25, 1.0])
    >>> pools.probabilities().round(3)
    array([0.571, 0.143, 0.286])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_pool": Array(low=0, high=3)}

    def __init__(
        self,
        n_arms: int,
        *,
        boundaries: tuple[float, float] = (0.0, 1.0),
        weights: Sequence[float] = (0.1, 1.0, 0.1),
        unseen_weight: float = 1.0,
    ) -> None:
        super().__init__(n_arms)
        low, high = boundaries
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"boundaries are {boundaries}; give two finite numbers, the smaller first")
        if len(weights) != 3:
            raise ValueError(f"{len(weights)} weights are given; give three, for hard, normal and easy problems")
        for name, weight in zip(("hard", "normal", "easy", "unseen"), (*weights, unseen_weight), strict=True):
            if not (math.isfinite(weight) and weight > 0.0):
                raise ValueError(
                    f"the weight of {name} problems is {weight}; it must be above 0, or they would be excluded for ever"
                )
        self.boundaries = (low, high)
        self._weights = np.array([*weights, unseen_weight], dtype=np.float64)
        self._pool = np.full(n_arms, _UNSEEN)

    def _of_pools(self, plays: int) -> FloatArray:
        """p_t of one problem of each pool, shape (4,): all of a pool have the same, so no more need be computed."""
        sizes, cap = np.bincount(self._pool, minlength=4), 1.0 / plays
        at_cap = np.zeros(4, dtype=bool)
        while True:
            left = 1.0 - cap * float(np.sum(sizes[at_cap]))
            free = self._weights * ~at_cap
            mass = float(np.sum(free * sizes))
            each = np.where(at_cap, cap, free * (left / mass if mass > 0.0 else 0.0))
            beyond = ~at_cap & (each > cap)
            if not beyond.any():
                return each
            at_cap |= beyond

    def _distribution(self, plays: int) -> FloatArray:
        return np.asarray(self._of_pools(plays)[self._pool])

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        # First the number of problems of each pool, then which, uniformly.
        refuse_candidates(self, candidates)
        self._set_plays(size)
        each, sizes = self._of_pools(size), np.bincount(self._pool, minlength=4)
        drawn = systematic_counts(np.minimum(size * each * sizes, sizes), sizes, rng)
        parts = [
            rng.choice(np.flatnonzero(self._pool == pool), count, replace=False)
            for pool, count in enumerate(np.bincount(drawn, minlength=4))
            if count
        ]
        arms = np.concatenate(parts)
        played = each[self._pool[arms]]
        return Selection(arms, played, size * played)

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        played, rewards = checked_utilities(selection, values, n_arms=self.n_arms)
        low, high = self.boundaries
        self._pool[played] = 1 - (rewards <= low).astype(np.int8) + (rewards >= high)
        self._changed()

    def diagnostics(self) -> dict[str, float]:
        """Share of the problems in each pool, as ``pool/hard``, ``pool/normal``, ``pool/easy`` and ``pool/unseen``."""
        shares = np.bincount(self._pool, minlength=4) / self.n_arms
        names = ("hard", "normal", "easy", "unseen")
        return {f"pool/{name}": float(share) for name, share in zip(names, shares, strict=True)}
