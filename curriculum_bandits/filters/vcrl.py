"""VCRL: train on problems whose rewards vary most, and on earlier ones of that kind where a batch lacks them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from curriculum_bandits._typing import BoolArray, FloatArray, IntArray, override
from curriculum_bandits.filters.dynamic_sampling import DynamicSampling
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.sampling import gumbel_top_k
from curriculum_bandits.state import Array, Field

__all__ = ["VarianceThreshold", "variance_score"]


_ROUNDING = 1e-12  # a score that is the threshold reaches it


def variance_score(rollouts: Rollouts) -> FloatArray:
    r"""Sample variance of the successes of each group over the largest it can have.

    :math:`v = \frac{k (n - k)}{n (n - 1)}` over :math:`\frac{n}{4 (n - 1)}` for even n and :math:`\frac{n + 1}{4 n}`
    for odd: 1 where half of the rollouts succeed, 0 where all or none do.

    Args:
        rollouts: Rewards (or successes) in [0, 1], shape (k, n).

    Returns:
        Shape (k,), 0 for a group with fewer than two valid rollouts.

    Source: Jiang et al., "VCRL", arXiv 2509.19803.

    >>> variance_score(Rollouts([[1, 1, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]])).tolist()
    [1.0, 0.75, 0.0]
    """
    valid = rollouts.valid
    n = np.sum(valid, axis=1).astype(np.float64)
    success = rollouts.rewards if rollouts.successes is None else rollouts.successes
    k = np.sum(np.where(valid, success, 0.0), axis=1)
    squares = np.sum(np.where(valid, success, 0.0) ** 2, axis=1)
    enough = n >= 2
    safe = np.where(enough, n, 2.0)
    variance = np.maximum(squares - k**2 / safe, 0.0) / (safe - 1.0)
    largest = np.where(safe % 2 == 0, safe / (4.0 * (safe - 1.0)), (safe + 1.0) / (4.0 * safe))
    return np.where(enough, variance / largest, 0.0)


class VarianceThreshold(DynamicSampling):
    r"""Keeps the groups whose variance score is at least a threshold; a memory of such problems fills what is missing.

    One batch is drawn. What falls short is replaced by problems from the memory, drawn by priority and rolled out anew;
    no draw holds them, so the curriculum is not told of them. A problem that is kept gets the priority :math:`P
    \leftarrow \mu P + (1 - \mu) v`, one that no longer reaches the threshold leaves. The settings, and
    the size and order of the memory, are ours.

    Args:
        threshold: :math:`\kappa` in (0, 1].
        memory: Problems remembered at most; those of least priority are dropped. 0 replays nothing.
        momentum: :math:`\mu` in [0, 1).
        seed: Seed of the replays.

    Raises:
        ValueError: If a setting is out of its range.

    Source: Jiang et al., "VCRL: Variance-based Curriculum Reinforcement Learning", arXiv 2509.19803.
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "_items": Array(low=0, shape=lambda filter: (None,)),
        "_priority": Array(low=0.0, shape=lambda filter: (None,)),
    }

    def __init__(self, threshold: float = 0.3, memory: int = 1024, momentum: float = 0.9, seed: int = 0) -> None:
        super().__init__(1, seed)
        if not 0.0 < threshold <= 1.0:
            raise ValueError(f"threshold is {threshold}; it must be above 0 and at most 1")
        if memory < 0 or not 0.0 <= momentum < 1.0:
            raise ValueError(f"memory is {memory} and momentum {momentum}; they must be 0 or more, and in [0, 1)")
        self.threshold, self.memory, self.momentum = threshold, memory, momentum
        self._items: IntArray = np.zeros(0, dtype=np.int64)  # remembered problems
        self._priority: FloatArray = np.zeros(0)  # P of each

    @override
    def keep(self, rollouts: Rollouts) -> BoolArray:
        return variance_score(rollouts) >= self.threshold - _ROUNDING

    @override
    def replayed(self, missing: int, drawn: IntArray) -> IntArray:
        others = ~np.isin(self._items, drawn)
        size = min(missing, int(np.sum(others)))
        if size == 0:
            return np.zeros(0, dtype=np.int64)
        return self._items[others][gumbel_top_k(np.log(self._priority[others]), size, self.rng)[0]]

    @override
    def after(self, items: IntArray, worth: BoolArray, rollouts: Rollouts, n_problems: int) -> None:
        judged = np.sum(rollouts.valid, axis=1) >= 2  # what has no rewards says nothing
        scores = variance_score(rollouts)[judged].tolist()
        priority = dict(zip(self._items.tolist(), self._priority.tolist(), strict=True))
        for item, kept, score in zip(items[judged].tolist(), worth[judged].tolist(), scores, strict=True):
            if kept:
                before = priority.get(item, score)
                priority[item] = self.momentum * before + (1.0 - self.momentum) * score
            else:
                priority.pop(item, None)
        if len(priority) > self.memory:
            priority = dict(sorted(priority.items(), key=lambda pair: -pair[1])[: self.memory])
        self._items = np.array(list(priority), dtype=np.int64)
        self._priority = np.array(list(priority.values()), dtype=np.float64)

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        items, priority = values["_items"], values["_priority"]
        if items.shape != priority.shape or len(np.unique(items)) < len(items) or not np.all(priority > 0.0):
            raise ValueError(
                f"the saved memory has {items.shape} different items and {priority.shape} priorities above 0"
            )
        return values
