"""What is remembered of each arm, as one number: averages of what it paid, or how fast that changes.

An estimate hears the plays of a batch, each with its rollouts, and keeps a value per arm. An arm that was played
several times pays the mean over its rollouts. What the values are used for is not its business.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Protocol, get_args

import numpy as np

from curriculum_bandits.bandits.arrays import require_kind, saved_array
from curriculum_bandits.bandits.contract import FloatArray, IntArray

__all__ = ["Estimate", "ExponentialAverage", "LearningProgress", "RolloutWindow", "ScoreSlope", "Unheard"]

Unheard = Literal["stay", "decay"]
"""What becomes of the value of an arm about which a batch says nothing: it stays, or decays as after a utility of 0."""


class Estimate(Protocol):
    """A value per arm, and how it is learned; for one run.

    Attributes:
        n_arms: Number of arms K.
    """

    n_arms: int

    @property
    def values(self) -> FloatArray:
        """Value of each arm, shape (K,), finite."""
        ...

    def record(self, arms: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        """Learn from the plays of one batch.

        Args:
            arms: Played arms, shape (m,).
            utilities: What each paid, finite, shape (m,).
            rollouts: Rollouts behind each, 1 or more, shape (m,).
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs, as arrays and plain numbers."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit; a foreign one is refused and changes nothing.

        Args:
            state: What `state_dict` returned.
        """
        ...


class ExponentialAverage:
    r""":math:`Q_i \leftarrow (1 - \alpha) Q_i + \alpha r_i`, r the mean over the rollouts of the arm in the batch.

    Args:
        n_arms: Number of arms K.
        rate: :math:`\alpha` in (0, 1].
        start: Q of an arm not heard of.
        unheard: ``"stay"`` moves the arms that answered only; ``"decay"`` takes r = 0 for all others.

    Raises:
        ValueError: If a setting is out of its range.

    Source: SEC, arXiv 2505.14970; ``"decay"`` is what its public code does.

    >>> estimate = ExponentialAverage(2, rate=0.5)
    >>> estimate.record(np.array([0, 0]), np.array([1.0, 0.0]), np.array([3.0, 1.0]))
    >>> estimate.values
    array([0.375, 0.   ])
    """

    def __init__(self, n_arms: int, *, rate: float = 0.5, start: float = 0.0, unheard: Unheard = "stay") -> None:
        _check_rate(rate)
        _check_start(start)
        if unheard not in get_args(Unheard):
            raise ValueError(f"unheard={unheard!r} is unknown; choose 'stay' or 'decay'")
        self.n_arms, self.rate, self.unheard = n_arms, rate, unheard
        self._values: FloatArray = np.full(n_arms, float(start))

    @property
    def values(self) -> FloatArray:
        """Q, shape (K,)."""
        return np.array(self._values)

    def record(self, arms: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        """See `Estimate.record`.

        Args:
            arms: Shape (m,).
            utilities: Shape (m,).
            rollouts: Shape (m,).
        """
        heard, means = _mean_by_arm(arms, utilities, rollouts, self.n_arms)
        moved = heard if self.unheard == "stay" else np.ones_like(heard)
        self._values = np.where(moved, (1.0 - self.rate) * self._values + self.rate * means, self._values)

    def state_dict(self) -> dict[str, Any]:
        """Q; settings belong to the constructor."""
        return {"kind": "exponential_average", "values": self._values.copy()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Estimate.load_state_dict`.

        Args:
            state: What `state_dict` returned.

        Raises:
            ValueError: If it is of another kind or another number of arms.
        """
        require_kind(state, "exponential_average")
        self._values = saved_array(state, "values", (self.n_arms,), what="values")


class RolloutWindow:
    """The mean over the latest rollouts of each arm.

    A problem brings its mean and so many rollouts; the oldest problem that the window reaches counts by those of its
    rollouts that are still inside.

    Args:
        n_arms: Number of arms K.
        window: Rollouts that are remembered of each arm.
        start: Value of an arm not heard of.

    Raises:
        ValueError: If a setting is out of its range.

    Source: DUMP, arXiv 2504.09710.

    >>> estimate = RolloutWindow(1, window=4)
    >>> for utility in (9.0, 1.0, 0.0):
    ...     estimate.record(np.array([0]), np.array([utility]), np.array([2.0]))
    >>> estimate.values
    array([0.5])
    """

    def __init__(self, n_arms: int, *, window: int = 300, start: float = 0.0) -> None:
        if window < 1:
            raise ValueError(f"window is {window}; give at least 1 rollout")
        _check_start(start)
        self.n_arms, self.window, self.start = n_arms, window, float(start)
        # Newest last, and unused places first, with a weight of 0.
        self._utilities: FloatArray = np.zeros((n_arms, window))
        self._weights: FloatArray = np.zeros((n_arms, window))
        self._values: FloatArray = self._means()

    @property
    def values(self) -> FloatArray:
        """Means, shape (K,)."""
        return np.array(self._values)

    def record(self, arms: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        """See `Estimate.record`.

        Args:
            arms: Shape (m,).
            utilities: Shape (m,).
            rollouts: Shape (m,).
        """
        for arm in np.unique(arms):
            new, length = arms == arm, self.window
            weights = np.concatenate([self._weights[arm], rollouts[new]])
            newer = np.cumsum(weights[::-1])[::-1] - weights  # rollouts after each
            kept = np.clip(length - newer, 0.0, weights)
            self._weights[arm] = kept[-length:]
            self._utilities[arm] = np.concatenate([self._utilities[arm], utilities[new]])[-length:]
        self._values = self._means()

    def _means(self) -> FloatArray:
        total = np.sum(self._weights, axis=1)
        means = np.sum(self._weights * self._utilities, axis=1) / np.maximum(total, 1.0)
        return np.where(total > 0.0, means, self.start)

    def state_dict(self) -> dict[str, Any]:
        """What is inside the windows; settings belong to the constructor."""
        return {"kind": "rollout_window", "utilities": self._utilities.copy(), "weights": self._weights.copy()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Estimate.load_state_dict`.

        Args:
            state: What `state_dict` returned, for a window of the same length.

        Raises:
            ValueError: If it is of another kind, number of arms or length.
        """
        require_kind(state, "rollout_window")
        shape = (self.n_arms, self.window)
        utilities = saved_array(state, "utilities", shape, what="utilities")
        self._weights = saved_array(state, "weights", shape, what="weights")
        self._utilities = utilities
        self._values = self._means()


class LearningProgress:
    r""":math:`Q_i \leftarrow Q_i + \alpha (x_i - x_i' - Q_i)`: by how much the score of an arm changes.

    The score x is the mean over the rollouts of the arm in the batch, and x' its score when it was last heard of, 0
    before the first time. Other arms keep their Q and their x'.

    Args:
        n_arms: Number of arms K.
        rate: :math:`\alpha` in (0, 1].

    Raises:
        ValueError: If `rate` is out of its range.

    Source: TSCL (online), arXiv 1707.00183.

    >>> estimate = LearningProgress(1, rate=0.5)
    >>> for score in (0.5, 0.25):
    ...     estimate.record(np.array([0]), np.array([score]), np.array([1.0]))
    >>> estimate.values
    array([0.])
    """

    def __init__(self, n_arms: int, *, rate: float = 0.1) -> None:
        _check_rate(rate)
        self.n_arms, self.rate = n_arms, rate
        self._values: FloatArray = np.zeros(n_arms)
        self._scores: FloatArray = np.zeros(n_arms)

    @property
    def values(self) -> FloatArray:
        """Q, shape (K,)."""
        return np.array(self._values)

    def record(self, arms: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        """See `Estimate.record`.

        Args:
            arms: Shape (m,).
            utilities: Shape (m,).
            rollouts: Shape (m,).
        """
        heard, scores = _mean_by_arm(arms, utilities, rollouts, self.n_arms)
        moved = self._values + self.rate * (scores - self._scores - self._values)
        self._values = np.where(heard, moved, self._values)
        self._scores = np.where(heard, scores, self._scores)

    def state_dict(self) -> dict[str, Any]:
        """Q and the latest scores; settings belong to the constructor."""
        return {"kind": "learning_progress", "values": self._values.copy(), "scores": self._scores.copy()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Estimate.load_state_dict`.

        Args:
            state: What `state_dict` returned.

        Raises:
            ValueError: If it is of another kind or another number of arms.
        """
        require_kind(state, "learning_progress")
        values = saved_array(state, "values", (self.n_arms,), what="values")
        self._scores = saved_array(state, "scores", (self.n_arms,), what="scores")
        self._values = values


class ScoreSlope:
    """Least-squares slope of the latest scores of each arm, against the number of the batch they came with.

    Args:
        n_arms: Number of arms K.
        length: Scores that are remembered of each arm, at least 2.
        start: Value of an arm with fewer than two scores, which have no slope. Success rates cannot rise by more than
            the default of 1 per batch, so that each arm is tried twice before any is preferred (ours).

    Raises:
        ValueError: If a setting is out of its range.

    Source: TSCL (window), arXiv 1707.00183.

    >>> estimate = ScoreSlope(1)
    >>> for score in (0.1, 0.2, 0.3):
    ...     estimate.record(np.array([0]), np.array([score]), np.array([1.0]))
    >>> estimate.values.round(3)
    array([0.1])
    """

    def __init__(self, n_arms: int, *, length: int = 10, start: float = 1.0) -> None:
        if length < 2:
            raise ValueError(f"length is {length}; a slope needs at least 2 scores")
        _check_start(start)
        self.n_arms, self.length, self.start = n_arms, length, float(start)
        # Newest last, and of each arm only the last `known` are scores.
        self._scores, self._times = np.zeros((n_arms, length)), np.zeros((n_arms, length))
        self._known: FloatArray = np.zeros(n_arms)
        self._clock = 0
        self._values: FloatArray = self._slopes()

    @property
    def values(self) -> FloatArray:
        """Slopes per batch, shape (K,)."""
        return np.array(self._values)

    def record(self, arms: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        """See `Estimate.record`.

        Args:
            arms: Shape (m,).
            utilities: Shape (m,).
            rollouts: Shape (m,).
        """
        heard, scores = _mean_by_arm(arms, utilities, rollouts, self.n_arms)
        self._scores[heard] = np.column_stack([self._scores[heard, 1:], scores[heard]])
        self._times[heard] = np.column_stack([self._times[heard, 1:], np.full(np.sum(heard), self._clock)])
        self._known = np.minimum(self._known + heard, self.length)
        self._clock += 1
        self._values = self._slopes()

    def _slopes(self) -> FloatArray:
        known = np.arange(self.length) >= self.length - self._known[:, None]
        count = np.maximum(self._known, 1.0)[:, None]
        time, score = (
            np.where(known, each - np.sum(each * known, axis=1, keepdims=True) / count, 0.0)
            for each in (self._times, self._scores)
        )
        spread = np.sum(time**2, axis=1)
        enough = self._known >= 2
        return np.where(enough, np.sum(time * score, axis=1) / np.where(enough, spread, 1.0), self.start)

    def state_dict(self) -> dict[str, Any]:
        """The latest scores and when they came; settings belong to the constructor."""
        return {
            "kind": "score_slope",
            "scores": self._scores.copy(),
            "times": self._times.copy(),
            "known": self._known.copy(),
            "clock": self._clock,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Estimate.load_state_dict`.

        Args:
            state: What `state_dict` returned, for as many scores per arm.

        Raises:
            ValueError: If it is of another kind, number of arms or length.
        """
        require_kind(state, "score_slope")
        shape = (self.n_arms, self.length)
        scores = saved_array(state, "scores", shape, what="scores")
        times = saved_array(state, "times", shape, what="times")
        known, clock = saved_array(state, "known", (self.n_arms,), what="counts"), int(state["clock"])
        self._scores, self._times, self._known, self._clock = scores, times, known, clock
        self._values = self._slopes()


def _mean_by_arm(
    arms: IntArray, utilities: FloatArray, rollouts: FloatArray, n_arms: int
) -> tuple[np.ndarray[Any, np.dtype[np.bool_]], FloatArray]:
    """Which arms are heard of, and the mean over the rollouts of each, 0 for the others."""
    weight = np.bincount(arms, weights=rollouts, minlength=n_arms)
    total = np.bincount(arms, weights=rollouts * utilities, minlength=n_arms)
    heard = weight > 0.0
    return heard, total / np.where(heard, weight, 1.0)


def _check_rate(rate: float) -> None:
    if not 0.0 < rate <= 1.0:
        raise ValueError(f"rate is {rate}; it must be above 0 and at most 1")


def _check_start(start: float) -> None:
    if not math.isfinite(start):
        raise ValueError(f"start is {start}; give a finite number")
