"""Values of arms: averages of what each paid, or how fast that changes.

An estimate learns from the plays of a batch, each with its rollouts, and keeps a value per arm. An arm that was played
several times pays the mean over its rollouts. How values are used is decided elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.state import Array, Count, Field, Stateful

__all__ = ["ExponentialAverage", "LearningProgress", "RolloutWindow", "ScoreSlope", "Unheard", "ValueEstimate"]

Unheard = Literal["stay", "decay"]
"""What becomes of the value of an arm about which a batch says nothing: it stays, or decays as after a utility of 0."""


class ValueEstimate(Stateful, ABC):
    """A value per arm, and how it is learned; for one run.

    Args:
        n_arms: Number of arms K.
        start: Value of an arm not heard of, finite.
    """

    def __init__(self, n_arms: int, start: float = 0.0) -> None:
        require("(-inf, inf)", start=start)
        self.n_arms, self.start = n_arms, float(start)
        self._values: FloatArray = np.full(n_arms, self.start)

    @property
    def values(self) -> FloatArray:
        """Value of each arm, shape (K,), finite."""
        return np.array(self._values)

    @override
    def _put(self, values: Mapping[str, Any]) -> None:
        super()._put(values)
        self._values = self._derived()

    def _derived(self) -> FloatArray:
        """Values as they follow from all else that is kept; by default they are kept themselves."""
        return self._values

    @abstractmethod
    def learn(self, arms: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        """Learn from the arms of one batch, what each paid (finite) and the rollouts behind each (1 or more)."""


class ExponentialAverage(ValueEstimate):
    r""":math:`Q_i \leftarrow (1 - \alpha) Q_i + \alpha r_i`, r the mean over the rollouts of the arm in the batch.

    Args:
        n_arms: Number of arms K.
        rate: :math:`\alpha` in (0, 1].
        start: Q of an arm not heard of.
        unheard: ``"stay"`` moves the arms that answered only; ``"decay"`` takes r = 0 for all others.

    Source: SEC, arXiv 2505.14970; ``"decay"`` is what its public code does.

    >>> estimate = ExponentialAverage(2, rate=0.5)
    >>> estimate.learn(np.array([0, 0]), np.array([1.0, 0.0]), np.array([3.0, 1.0]))
    >>> estimate.values
    array([0.375, 0.   ])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_values": Array()}

    def __init__(self, n_arms: int, *, rate: float = 0.5, start: float = 0.0, unheard: Unheard = "stay") -> None:
        super().__init__(n_arms, start)
        require("(0, 1]", rate=rate)
        if unheard not in get_args(Unheard):
            raise ValueError(f"unheard={unheard!r} is unknown; choose 'stay' or 'decay'")
        self.rate, self.unheard = rate, unheard

    @override
    def learn(self, arms: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        heard, means = _mean_by_arm(arms, utilities, rollouts, self.n_arms)
        moved = heard if self.unheard == "stay" else np.ones_like(heard)
        self._values = np.where(moved, (1.0 - self.rate) * self._values + self.rate * means, self._values)


class RolloutWindow(ValueEstimate):
    """The mean over the latest rollouts of each arm.

    A problem brings its mean and so many rollouts; the oldest problem that the window reaches counts by those of its
    rollouts that are still inside.

    Args:
        n_arms: Number of arms K.
        window: Rollouts that are remembered of each arm.
        start: Value of an arm not heard of.

    Source: DUMP, arXiv 2504.09710.

    >>> estimate = RolloutWindow(1, window=4)
    >>> for utility in (9.0, 1.0, 0.0):
    ...     estimate.learn(np.array([0]), np.array([utility]), np.array([2.0]))
    >>> estimate.values
    array([0.5])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_utilities": Array(), "_weights": Array(low=0.0)}

    def __init__(self, n_arms: int, *, window: int = 300, start: float = 0.0) -> None:
        super().__init__(n_arms, start)
        require("[1, inf)", window=window)
        self.window = window
        # Newest last, and unused places first, with a weight of 0.
        self._utilities: FloatArray = np.zeros((n_arms, window))
        self._weights: FloatArray = np.zeros((n_arms, window))

    @override
    def learn(self, arms: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        for arm in np.unique(arms):
            new, length = arms == arm, self.window
            weights = np.concatenate([self._weights[arm], rollouts[new]])
            newer = np.cumsum(weights[::-1])[::-1] - weights  # rollouts after each
            kept = np.clip(length - newer, 0.0, weights)
            self._weights[arm] = kept[-length:]
            self._utilities[arm] = np.concatenate([self._utilities[arm], utilities[new]])[-length:]
        self._values = self._derived()

    @override
    def _derived(self) -> FloatArray:
        total = np.sum(self._weights, axis=1)
        means = np.sum(self._weights * self._utilities, axis=1) / np.maximum(total, 1.0)
        return np.where(total > 0.0, means, self.start)


class LearningProgress(ValueEstimate):
    r""":math:`Q_i \leftarrow Q_i + \alpha (x_i - x_i' - Q_i)`: by how much the score of an arm changes.

    The score x is the mean over the rollouts of the arm in the batch, and x' its score when it was last heard of, 0
    before the first time. Other arms keep their Q and their x'.

    Args:
        n_arms: Number of arms K.
        rate: :math:`\alpha` in (0, 1].

    Source: TSCL (online), arXiv 1707.00183.

    >>> estimate = LearningProgress(1, rate=0.5)
    >>> for score in (0.5, 0.25):
    ...     estimate.learn(np.array([0]), np.array([score]), np.array([1.0]))
    >>> estimate.values
    array([0.])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_values": Array(), "_scores": Array()}

    def __init__(self, n_arms: int, *, rate: float = 0.1) -> None:
        super().__init__(n_arms)
        require("(0, 1]", rate=rate)
        self.rate = rate
        self._scores: FloatArray = np.zeros(n_arms)

    @override
    def learn(self, arms: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        heard, scores = _mean_by_arm(arms, utilities, rollouts, self.n_arms)
        moved = self._values + self.rate * (scores - self._scores - self._values)
        self._values = np.where(heard, moved, self._values)
        self._scores = np.where(heard, scores, self._scores)


class ScoreSlope(ValueEstimate):
    """Least-squares slope of the latest scores of each arm, against the number of the batch they came with.

    Args:
        n_arms: Number of arms K.
        length: Scores that are remembered of each arm, at least 2.
        start: Value of an arm with fewer than two scores, which have no slope. Success rates cannot rise by more than
            the default of 1 per batch, so that each arm is tried twice before any is preferred (ours).

    Source: TSCL (window), arXiv 1707.00183.

    >>> estimate = ScoreSlope(1)
    >>> for score in (0.1, 0.2, 0.3):
    ...     estimate.learn(np.array([0]), np.array([score]), np.array([1.0]))
    >>> estimate.values.round(3)
    array([0.1])
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "_scores": Array(),
        "_times": Array(low=-1.0),
        "_clock": Count(),
    }

    def __init__(self, n_arms: int, *, length: int = 10, start: float = 1.0) -> None:
        super().__init__(n_arms, start)
        require("[2, inf)", length=length)
        self.length = length
        # Newest last; a time of -1 marks a place without a score.
        self._scores: FloatArray = np.zeros((n_arms, length))
        self._times: FloatArray = np.full((n_arms, length), -1.0)
        self._clock = 0

    @override
    def learn(self, arms: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        heard, scores = _mean_by_arm(arms, utilities, rollouts, self.n_arms)
        self._scores[heard] = np.column_stack([self._scores[heard, 1:], scores[heard]])
        self._times[heard] = np.column_stack([self._times[heard, 1:], np.full(np.count_nonzero(heard), self._clock)])
        self._clock += 1
        self._values = self._derived()

    @override
    def _derived(self) -> FloatArray:
        known = self._times >= 0.0
        count = np.maximum(np.sum(known, axis=1, keepdims=True), 1.0)
        time, score = (
            np.where(known, each - np.sum(each * known, axis=1, keepdims=True) / count, 0.0)
            for each in (self._times, self._scores)
        )
        spread = np.sum(time**2, axis=1)
        enough = np.sum(known, axis=1) >= 2
        return np.where(enough, np.sum(time * score, axis=1) / np.where(enough, spread, 1.0), self.start)


def _mean_by_arm(
    arms: IntArray, utilities: FloatArray, rollouts: FloatArray, n_arms: int
) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    """Which arms are heard of, and the mean over the rollouts of each, 0 for the others."""
    weight = np.bincount(arms, weights=rollouts, minlength=n_arms)
    total = np.bincount(arms, weights=rollouts * utilities, minlength=n_arms)
    heard = weight > 0.0
    return heard, total / np.where(heard, weight, 1.0)
