"""A distribution over arms that a batch can be drawn from with exact inclusion.

Several published methods state a distribution and say nothing of batches. Where a batch holds m different problems,
none may have more than 1/m of the distribution, and a group of c problems no more than c/m: then each is played m p
times in expectation, and the draw can say so.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.arrays import play_distinct, refuse_candidates
from curriculum_bandits.bandits.contract import Bandit, FloatArray, IntArray, Selection
from curriculum_bandits.sampling.simplex import Capacity
from curriculum_bandits.state import Count, Field, Stateful

__all__ = ["CappedBandit"]


class CappedBandit(Stateful, Bandit, ABC):
    """Plays arms from a distribution with no entry above capacity / m. One run.

    Arms are played by systematic sampling, each ``m p_t`` times rounded up or down. A subclass says what the
    distribution is, and calls `_changed` when it has learned.

    Args:
        n_arms: Number of arms K.
        capacity: As `Capacity` takes it; with 1 no arm is played twice in one round.
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_plays": Count(low=1)}

    def __init__(self, n_arms: int, capacity: npt.ArrayLike = 1.0) -> None:
        self._capacity = Capacity(n_arms, capacity)
        self.n_arms = n_arms
        self._plays = 1
        self._current: FloatArray | None = None

    @abstractmethod
    def _distribution(self, plays: int) -> FloatArray:
        """p_t with no entry above ``capacity / plays``, shape (K,)."""

    def _changed(self) -> None:
        """The distribution must be computed again."""
        self._current = None

    def probabilities(self) -> FloatArray:
        """The distribution p_t over arms for batches of the size last asked for, shape (K,)."""
        return np.array(self._now())

    def _now(self) -> FloatArray:
        if self._current is None:
            self._current = self._distribution(self._plays)
        return self._current

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        refuse_candidates(self, candidates)
        self._set_plays(size)
        return play_distinct(self._now(), size, rng, self._capacity.each)

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        self._capacity.check(values["_plays"])
        return values

    @override
    def _put(self, values: Mapping[str, Any]) -> None:
        super()._put(values)
        self._changed()

    def _set_plays(self, plays: int) -> None:
        self._capacity.check(plays)
        if plays != self._plays:
            self._plays = plays
            self._changed()
