"""The two ends of every scale: uniform draws, which learn nothing, and an oracle, which knows the means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import leading_axes, refuse_size
from curriculum_bandits.bandits.contract import Bandit, FloatArray, IntArray, Selection
from curriculum_bandits.sampling import systematic
from curriculum_bandits.state import Count, Field, Stateful

__all__ = ["Oracle", "Uniform"]


def _pool(n_arms: int, size: int, candidates: IntArray | None) -> IntArray:
    """The arms to choose among, if they are enough for `size` different ones."""
    pool = np.arange(n_arms) if candidates is None else np.asarray(candidates, dtype=np.int64)
    refuse_size(size, len(pool))
    return pool


class Uniform(Stateful, Bandit):
    """Every arm with the same chance in every round, no arm twice in one round.

    Args:
        n_arms: Number of arms K.
        runs: Number of independent runs; None for one run without a leading axis.

    >>> Uniform(4).select(2, np.random.default_rng(0)).inclusion
    array([0.5, 0.5])
    """

    def __init__(self, n_arms: int, *, runs: int | None = None) -> None:
        require("[1, inf)", n_arms=n_arms)
        self.n_arms, self.runs = n_arms, runs
        self._leading = leading_axes(runs)

    def probabilities(self) -> FloatArray:
        """The uniform distribution, shape (..., K)."""
        return np.full((*self._leading, self.n_arms), 1.0 / self.n_arms)

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        pool = _pool(self.n_arms, size, candidates)
        arms = pool[systematic(np.full((*self._leading, len(pool)), size / len(pool)), rng)]
        return Selection(arms, np.full(arms.shape, 1.0 / len(pool)), np.full(arms.shape, size / len(pool)))


class Oracle(Stateful, Bandit):
    """Plays the arms that are best in this very round, from a table of true means.

    Args:
        means: True means by round, shape (T, K); the last row stands for all later rounds.
        runs: Number of independent runs; None for one run without a leading axis.

    >>> Oracle([[0.1, 0.9], [0.8, 0.2]]).select(1, np.random.default_rng(0)).arms
    array([1])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_round": Count()}

    def __init__(self, means: npt.ArrayLike, *, runs: int | None = None) -> None:
        self.means: FloatArray = np.array(means, dtype=np.float64)
        if self.means.ndim != 2 or self.means.size == 0:
            raise ValueError(f"means have shape {self.means.shape}; they must be (rounds, arms)")
        self.n_arms, self.runs = self.means.shape[1], runs
        self._leading = leading_axes(runs)
        self._round = 0

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        pool = _pool(self.n_arms, size, candidates)
        now = self.means[min(self._round, len(self.means) - 1)]
        best = pool[np.argsort(-now[pool], kind="stable")[:size]]
        self._round += 1
        arms = np.broadcast_to(best, (*self._leading, size)).copy()
        return Selection(arms, np.full(arms.shape, 1.0 / size), np.ones(arms.shape))
