"""Statistics of each arm, its plays and their gains, with three ways to forget.

Rules read `counts`, `sums` and `time` and never see how they came about, so every rule works with all statistics. All
gains lie in [0, 1].
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import leading_axes, sum_by_arm
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.state import Array, Count, Field, Stateful

__all__ = ["ArmStatistics", "Cumulative", "Discounted", "SlidingWindow"]

_GRAIN = 2.0**30


class ArmStatistics(Stateful, ABC):
    """Plays and gains of each arm, as a rule reads them; a subclass says what is forgotten.

    Args:
        n_arms: Number of arms K.
        runs: Number of independent runs; None for one run without a leading axis.

    Attributes:
        counts: How much each arm was played, shape (..., K); fractions where plays are discounted.
        sums: Gains of those plays added up, shape (..., K).
        rounds: Rounds recorded since the very beginning.
    """

    STATE: ClassVar[Mapping[str, Field]] = {"counts": Array(low=0.0), "sums": Array(low=0.0), "rounds": Count()}

    def __init__(self, n_arms: int, *, runs: int | None = None) -> None:
        require("[1, inf)", n_arms=n_arms)
        self.n_arms, self.runs = n_arms, runs
        self.counts: FloatArray = np.zeros((*leading_axes(runs), n_arms))
        self.sums: FloatArray = np.zeros_like(self.counts)
        self.rounds = 0

    @property
    @abstractmethod
    def time(self) -> float | FloatArray:
        """How many rounds are remembered, for all arms or of shape (..., K)."""

    @abstractmethod
    def record(self, arms: IntArray, gains: FloatArray) -> None:
        """Add the plays of one round: arms and what each paid, within [0, 1], of shape (..., m) both."""

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        if np.any(values["sums"] > values["counts"] * (1.0 + 1e-9)):
            raise ValueError("the saved sums exceed the counts, and no gain is above 1")
        return values

    def _add(self, arms: IntArray, plays: FloatArray, gains: FloatArray) -> None:
        self.counts += sum_by_arm(arms, plays, self.n_arms)
        self.sums += sum_by_arm(arms, gains, self.n_arms)


class Cumulative(ArmStatistics):
    """Everything, for ever.

    >>> statistics = Cumulative(3)
    >>> statistics.record(np.array([1, 2]), np.array([1.0, 0.5]))
    >>> statistics.counts, statistics.sums, statistics.time
    (array([0., 1., 1.]), array([0. , 1. , 0.5]), 1.0)
    """

    @property
    @override
    def time(self) -> float | FloatArray:
        return float(self.rounds)

    @override
    def record(self, arms: IntArray, gains: FloatArray) -> None:
        self._add(arms, np.ones(arms.shape), gains)
        self.rounds += 1


class Discounted(Cumulative):
    r"""All of the past, each round counting :math:`\gamma` times the one after it.

    Every arm's counts and sums are multiplied by :math:`\gamma` once a round, whether it was played or not.

    Args:
        n_arms: Number of arms K.
        gamma: Discount :math:`\gamma` in (0, 1].
        runs: Number of independent runs; None for one run without a leading axis.

    >>> statistics = Discounted(2, gamma=0.5)
    >>> for arm in (0, 1, 1):
    ...     statistics.record(np.array([arm]), np.array([1.0]))
    >>> statistics.counts, statistics.time
    (array([0.25, 1.5 ]), 1.75)
    """

    def __init__(self, n_arms: int, *, gamma: float, runs: int | None = None) -> None:
        require("(0, 1]", gamma=gamma)
        super().__init__(n_arms, runs=runs)
        self.gamma = gamma

    @property
    def time(self) -> float | FloatArray:
        r"""Discounted number of rounds, :math:`\sum_{s \le t} \gamma^{t-s} = (1 - \gamma^t)/(1 - \gamma)`."""
        if self.gamma == 1.0:
            return float(self.rounds)
        return -math.expm1(self.rounds * math.log(self.gamma)) / (1.0 - self.gamma)

    @override
    def record(self, arms: IntArray, gains: FloatArray) -> None:
        self.counts *= self.gamma
        self.sums *= self.gamma
        super().record(arms, gains)


class SlidingWindow(Cumulative):
    r"""The last :math:`\tau` rounds.

    A ring holds the plays of the window; what leaves it is subtracted. Gains are rounded to multiples of
    :math:`2^{-30}`, so that sums of up to :math:`2^{23}` of them are exact and what was added leaves no trace when it
    is subtracted.

    Args:
        n_arms: Number of arms K.
        window: Length :math:`\tau` in rounds.
        runs: Number of independent runs; None for one run without a leading axis.

    >>> statistics = SlidingWindow(2, window=2)
    >>> for arm in (0, 1, 1):
    ...     statistics.record(np.array([arm]), np.array([0.5]))
    >>> statistics.counts, statistics.sums, statistics.time
    (array([0., 2.]), array([0., 1.]), 2.0)
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "_arms": Array(low=-1, shape=lambda window: (*window._arms.shape[:-1], None)),
        "_gains": Array(low=0.0, high=1.0, shape=lambda window: (*window._arms.shape[:-1], None)),
    }

    def __init__(self, n_arms: int, *, window: int, runs: int | None = None) -> None:
        require("[1, inf)", window=window)
        super().__init__(n_arms, runs=runs)
        self.window = window
        # One row a round; arm -1 marks an empty place, and there are as many places as a round ever had plays.
        self._arms: IntArray = np.empty((window, *leading_axes(runs), 0), dtype=np.int64)
        self._gains: FloatArray = np.empty(self._arms.shape)

    @property
    def time(self) -> float | FloatArray:
        r"""Rounds in the window, :math:`\min(t, \tau)`."""
        return float(min(self.rounds, self.window))

    @override
    def record(self, arms: IntArray, gains: FloatArray) -> None:
        exact = np.rint(gains * _GRAIN) / _GRAIN
        missing = arms.shape[-1] - self._arms.shape[-1]
        if missing > 0:
            self._arms, self._gains = _widened(self._arms, missing, -1), _widened(self._gains, missing, 0.0)
        row = self.rounds % self.window
        old_arms, old_gains = self._arms[row], self._gains[row]
        leaving = old_arms >= 0
        self._add(
            np.concatenate([arms, np.maximum(old_arms, 0)], axis=-1),
            np.concatenate([np.ones(arms.shape), np.where(leaving, -1.0, 0.0)], axis=-1),
            np.concatenate([exact, -old_gains], axis=-1),
        )
        if missing < 0:
            arms, exact = _widened(arms, -missing, -1), _widened(exact, -missing, 0.0)
        self._arms[row], self._gains[row] = arms, exact
        self.rounds += 1

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        arms, gains = values["_arms"], values["_gains"]
        if gains.shape != arms.shape or np.any(arms >= self.n_arms):
            raise ValueError(
                f"the saved window has arms and gains of shapes {arms.shape} and {gains.shape}, and arms up to "
                f"{np.max(arms, initial=-1)}; the shapes must be equal, and arms below {self.n_arms}"
            )
        return values


def _widened(array: Any, places: int, filling: float) -> Any:
    return np.concatenate([array, np.full((*array.shape[:-1], places), filling, dtype=array.dtype)], axis=-1)
