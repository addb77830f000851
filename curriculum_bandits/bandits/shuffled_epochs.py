"""Uniform choice as every trainer does it: shuffle, walk through, shuffle again.

It learns nothing, and it is the base of every comparison. Each item is drawn once an epoch, so the chance of a
given item in a given batch is m/N over the shuffles, which is the inclusion it records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import leading_axes, refuse_candidates, refuse_size
from curriculum_bandits.bandits.contract import Bandit, FloatArray, IntArray, Selection
from curriculum_bandits.state import Array, Field, Fixed, Stateful

__all__ = ["ShuffledEpochs"]


class ShuffledEpochs(Stateful, Bandit):
    """Every arm once per epoch, in a fresh random order; no arm twice in one batch.

    Where a batch crosses the end of an epoch, arms that it already holds wait until later in the new epoch. The
    recorded inclusion ``m / K`` is the marginal one, over all shuffles; given the past, an arm's chance is 0 or
    higher.

    Args:
        n_arms: Number of arms K.
        runs: Number of independent runs; None for one run without a leading axis.

    >>> epochs, rng = ShuffledEpochs(4), np.random.default_rng(0)
    >>> sorted(epochs.select(2, rng).arms.tolist() + epochs.select(2, rng).arms.tolist())
    [0, 1, 2, 3]
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "n_arms": Fixed("use the same bank"),
        "_order": Array(low=0, shape=lambda epochs: (len(epochs._order), None)),
    }

    def __init__(self, n_arms: int, *, runs: int | None = None) -> None:
        require("[1, inf)", n_arms=n_arms)
        self.n_arms, self.runs = n_arms, runs
        self._leading = leading_axes(runs)
        self._order: IntArray = np.empty((runs or 1, 0), dtype=np.int64)  # what is left of the epoch

    def probabilities(self) -> FloatArray:
        """The uniform distribution, shape (..., K)."""
        return np.full((*self._leading, self.n_arms), 1.0 / self.n_arms)

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        refuse_candidates(self, candidates)
        refuse_size(size, self.n_arms)
        if self._order.shape[1] < size:
            self._order = np.stack([self._extend(left, size, rng) for left in self._order])
        arms, self._order = self._order[:, :size], self._order[:, size:]
        if self.runs is None:
            arms = arms[0]
        return Selection(arms.copy(), np.full(arms.shape, 1.0 / self.n_arms), np.full(arms.shape, size / self.n_arms))

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        for left in values["_order"]:
            if len(np.unique(left)) < len(left) or np.any(left >= self.n_arms):
                raise ValueError(f"the saved order holds an arm twice, or one outside 0..{self.n_arms - 1}")
        return values

    def _extend(self, left: IntArray, size: int, rng: np.random.Generator) -> IntArray:
        fresh = rng.permutation(self.n_arms)
        repeated = np.isin(fresh, left)
        first, waiting = fresh[~repeated], fresh[repeated]
        needed = size - len(left)
        later = rng.permutation(np.concatenate([first[needed:], waiting]))
        return np.concatenate([left, first[:needed], later])
