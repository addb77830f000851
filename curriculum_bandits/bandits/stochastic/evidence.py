"""What a stochastic bandit remembers of each arm: how often it was played and what it paid, with three ways to forget.

Rules read `counts`, `sums` and `time` and never see how they came about, so every rule goes with every memory. All
gains lie in [0, 1].
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from curriculum_bandits.bandits.arrays import leading_axes, require_kind, sum_by_arm
from curriculum_bandits.bandits.contract import FloatArray, IntArray

__all__ = ["Cumulative", "Discounted", "Evidence", "SlidingWindow"]

_GRAIN = 2.0**30


class Evidence(Protocol):
    """What a rule needs to know.

    Attributes:
        n_arms: Number of arms K.
        runs: Number of independent runs, or None.
        counts: How much each arm was played, shape (..., K); fractions where plays are discounted.
        sums: Gains of those plays added up, shape (..., K).
        rounds: Rounds recorded since the very beginning.
    """

    n_arms: int
    runs: int | None
    counts: FloatArray
    sums: FloatArray
    rounds: int

    @property
    def time(self) -> float | FloatArray:
        """How many rounds are remembered, for all arms or of shape (..., K)."""
        ...

    def record(self, arms: IntArray, gains: FloatArray) -> None:
        """Add the plays of one round.

        Args:
            arms: Played arms, shape (..., m).
            gains: What each paid, within [0, 1], shape (..., m).
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs, as arrays and plain numbers."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned.
        """
        ...


class Cumulative:
    """Everything, for ever.

    Args:
        n_arms: Number of arms K.
        runs: Number of independent runs; None for one run without a leading axis.

    Attributes:
        counts: Plays of each arm, shape (..., K).
        sums: Their gains, shape (..., K).
        rounds: Rounds recorded.

    Raises:
        ValueError: If `n_arms` or `runs` is below 1.

    >>> evidence = Cumulative(3)
    >>> evidence.record(np.array([1, 2]), np.array([1.0, 0.5]))
    >>> evidence.counts, evidence.sums, evidence.time
    (array([0., 1., 1.]), array([0. , 1. , 0.5]), 1.0)
    """

    kind: ClassVar[str] = "cumulative"

    def __init__(self, n_arms: int, *, runs: int | None = None) -> None:
        if n_arms < 1:
            raise ValueError(f"n_arms is {n_arms}; there must be at least one arm")
        self.n_arms, self.runs = n_arms, runs
        self.counts: FloatArray = np.zeros((*leading_axes(runs), n_arms))
        self.sums: FloatArray = np.zeros_like(self.counts)
        self.rounds = 0

    @property
    def time(self) -> float | FloatArray:
        """Rounds recorded."""
        return float(self.rounds)

    def record(self, arms: IntArray, gains: FloatArray) -> None:
        """Add the plays of one round.

        Args:
            arms: Played arms, shape (..., m).
            gains: What each paid, within [0, 1], shape (..., m).
        """
        self._add(arms, np.ones(arms.shape), gains)
        self.rounds += 1

    def state_dict(self) -> dict[str, Any]:
        """Counts, sums and the number of rounds; settings belong to the constructor."""
        return {"kind": self.kind, "counts": self.counts.copy(), "sums": self.sums.copy(), "rounds": self.rounds}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, for the same arms and runs.

        Raises:
            ValueError: If the state is of another kind of evidence or of another shape.
        """
        require_kind(state, self.kind)
        counts, sums = (np.array(state[name], dtype=np.float64) for name in ("counts", "sums"))
        for name, array in (("counts", counts), ("sums", sums)):
            if array.shape != self.counts.shape:
                raise ValueError(
                    f"the saved {name} have shape {array.shape}, this evidence's {self.counts.shape}; "
                    "load the state of as many arms and runs"
                )
        rounds = int(state["rounds"])
        self._load_memory(state, counts)
        self.counts, self.sums, self.rounds = counts, sums, rounds

    def _add(self, arms: IntArray, plays: FloatArray, gains: FloatArray) -> None:
        self.counts += sum_by_arm(arms, plays, self.n_arms)
        self.sums += sum_by_arm(arms, gains, self.n_arms)

    def _load_memory(self, state: Mapping[str, Any], counts: FloatArray) -> None:
        """Load what a subclass keeps besides; it must check everything before it changes anything."""


class Discounted(Cumulative):
    r"""All of the past, each round counting :math:`\gamma` times the one after it.

    Every arm's counts and sums are multiplied by :math:`\gamma` once a round, whether it was played or not.

    Args:
        n_arms: Number of arms K.
        gamma: Discount :math:`\gamma` in (0, 1].
        runs: Number of independent runs; None for one run without a leading axis.

    Attributes:
        counts: Discounted plays of each arm, shape (..., K).
        sums: Their discounted gains, shape (..., K).
        rounds: Rounds recorded.

    Raises:
        ValueError: If a setting is out of its range.

    >>> evidence = Discounted(2, gamma=0.5)
    >>> for arm in (0, 1, 1):
    ...     evidence.record(np.array([arm]), np.array([1.0]))
    >>> evidence.counts, evidence.time
    (array([0.25, 1.5 ]), 1.75)
    """

    kind: ClassVar[str] = "discounted"

    def __init__(self, n_arms: int, *, gamma: float, runs: int | None = None) -> None:
        if not 0.0 < gamma <= 1.0:
            raise ValueError(f"gamma is {gamma}; a discount lies above 0 and at most at 1")
        super().__init__(n_arms, runs=runs)
        self.gamma = gamma

    @property
    def time(self) -> float | FloatArray:
        r"""Discounted number of rounds, :math:`\sum_{s \le t} \gamma^{t-s} = (1 - \gamma^t)/(1 - \gamma)`."""
        if self.gamma == 1.0:
            return float(self.rounds)
        return -math.expm1(self.rounds * math.log(self.gamma)) / (1.0 - self.gamma)

    def record(self, arms: IntArray, gains: FloatArray) -> None:
        """Discount all arms, then add the plays of one round.

        Args:
            arms: Played arms, shape (..., m).
            gains: What each paid, within [0, 1], shape (..., m).
        """
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

    Attributes:
        counts: Plays of each arm in the window, shape (..., K).
        sums: Their gains, shape (..., K).
        rounds: Rounds recorded.

    Raises:
        ValueError: If a setting is out of its range.

    >>> evidence = SlidingWindow(2, window=2)
    >>> for arm in (0, 1, 1):
    ...     evidence.record(np.array([arm]), np.array([0.5]))
    >>> evidence.counts, evidence.sums, evidence.time
    (array([0., 2.]), array([0., 1.]), 2.0)
    """

    kind: ClassVar[str] = "sliding_window"

    def __init__(self, n_arms: int, *, window: int, runs: int | None = None) -> None:
        if window < 1:
            raise ValueError(f"window is {window}; remember at least 1 round")
        super().__init__(n_arms, runs=runs)
        self.window = window
        # One row a round; arm -1 marks an empty place, and there are as many places as a round ever had plays.
        self._arms: IntArray = np.empty((window, *leading_axes(runs), 0), dtype=np.int64)
        self._gains: FloatArray = np.empty(self._arms.shape)

    @property
    def time(self) -> float | FloatArray:
        r"""Rounds in the window, :math:`\min(t, \tau)`."""
        return float(min(self.rounds, self.window))

    def record(self, arms: IntArray, gains: FloatArray) -> None:
        """Add the plays of one round in place of the oldest.

        Args:
            arms: Played arms, shape (..., m).
            gains: What each paid, within [0, 1], shape (..., m).
        """
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

    def state_dict(self) -> dict[str, Any]:
        """What every evidence keeps, and the plays in the window."""
        return {**super().state_dict(), "window_arms": self._arms.copy(), "window_gains": self._gains.copy()}

    def _load_memory(self, state: Mapping[str, Any], counts: FloatArray) -> None:
        arms = np.array(state["window_arms"], dtype=np.int64)
        gains = np.array(state["window_gains"], dtype=np.float64)
        if arms.shape[:-1] != self._arms.shape[:-1] or gains.shape != arms.shape:
            raise ValueError(
                f"the saved window has shapes {arms.shape} and {gains.shape}; both must be {self._arms.shape[:-1]} "
                "plus one axis of plays: load the state of as long a window and as many runs"
            )
        self._arms, self._gains = arms, gains


def _widened(array: Any, places: int, filling: float) -> Any:
    return np.concatenate([array, np.full((*array.shape[:-1], places), filling, dtype=array.dtype)], axis=-1)
