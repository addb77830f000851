"""GLR-klUCB: kl-UCB that forgets an arm, or all arms, when a likelihood ratio test says that its mean has changed.

The pieces are apart: the statistic and its thresholds are functions of arrays, `SinceChange` tests arm statistics and
restarts them, and `GlrKlUcb` adds the forced exploration without which a change of a bad arm goes unseen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import entr, lambertw

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import positions
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.bandits.stochastic.arm_statistics import Cumulative
from curriculum_bandits.bandits.stochastic.index import kl_ucb_index
from curriculum_bandits.bandits.stochastic.index_bandit import Index, IndexBandit
from curriculum_bandits.state import Array, Field

__all__ = ["GlrKlUcb", "SinceChange", "Threshold", "bernoulli_glr", "practical_threshold", "proved_threshold"]


class Threshold(Protocol):
    """Least statistic that counts as a change, such as `practical_threshold`."""

    def __call__(self, n: FloatArray, delta: float, /) -> FloatArray:
        """The threshold for n observations and false alarm probability delta, of the shape of n."""
        ...


def bernoulli_glr(before: npt.ArrayLike, s: npt.ArrayLike, total: npt.ArrayLike, n: npt.ArrayLike) -> FloatArray:
    r"""Log likelihood ratio of a change after s of n observations.

    :math:`s\,\mathrm{kl}(\hat\mu_{1:s}, \hat\mu_{1:n}) + (n - s)\,\mathrm{kl}(\hat\mu_{s+1:n}, \hat\mu_{1:n})`, which
    is :math:`n\,h(\hat\mu_{1:n}) - s\,h(\hat\mu_{1:s}) - (n - s)\,h(\hat\mu_{s+1:n})` with the entropy h. The test
    takes the largest over s.

    Args:
        before: Sum of the first s observations, each in [0, 1], any shape.
        s: Their number, between 1 and n - 1, shape that broadcasts.
        total: Sum of all, shape that broadcasts.
        n: Number of all, shape that broadcasts.

    Returns:
        The ratio, 0 or more.

    Source: Besson, Kaufmann, Maillard & Seznec, "Efficient Change-Point Detection for Tackling Piecewise-Stationary
    Bandits", JMLR 2022.

    >>> bernoulli_glr([0.0, 1.0], [2, 3], 2.0, 4).round(4)  # the observations are 0 0 1 1
    array([2.7726, 0.863 ])
    """
    first, split, every, count = (np.asarray(x, dtype=np.float64) for x in (before, s, total, n))
    rest = count - split
    spread = count * _entropy(every / count) - split * _entropy(first / split) - rest * _entropy((every - first) / rest)
    return np.asarray(np.maximum(spread, 0.0))


def practical_threshold(n: FloatArray, delta: float) -> FloatArray:
    r"""The threshold of the experiments, :math:`\beta(n, \delta) = \ln(n^{3/2} / \delta)`.

    Here n is the number of observations, any shape, and delta the probability of a false alarm aimed at.

    Source: code of the authors' experiments, github.com/EmilieKaufmann/PiecewiseStationaryBandits.

    >>> round(float(practical_threshold(np.array(100.0), 0.01)), 4)
    11.5129
    """
    return np.asarray(1.5 * np.log(n) - math.log(delta))


def proved_threshold(n: FloatArray, delta: float) -> FloatArray:
    r"""The threshold of the theorem, :math:`\beta(n, \delta) = 2 T(\ln(3 n^{3/2}/\delta) / 2) + 6 \ln(1 + \ln n)`.

    :math:`T(x) = 2 \tilde h((h^{-1}(1 + x) + \ln(2 \zeta(2))) / 2)` with :math:`h(u) = u - \ln u` for u above 1 and
    :math:`\tilde h(y) = e^{1/h^{-1}(y)} h^{-1}(y)` where :math:`y \ge h(1/\ln(3/2))`, else :math:`\frac32 (y - \ln \ln
    \frac32)`; about :math:`x + 4 \ln(1 + x + \sqrt{2x})` for x of 5 and more.

    Here n is the number of observations, any shape, and delta the probability of a false alarm, kept at all n at once.

    Source: Besson, Kaufmann, Maillard & Seznec, JMLR 2022; Kaufmann & Koolen, "Mixture Martingales
    Revisited with Applications to Sequential Tests and Confidence Intervals", JMLR 2021, for T.
    """
    x = 0.5 * (math.log(3.0 / delta) + 1.5 * np.log(n))
    y = 0.5 * (_inverse_excess(1.0 + x) + math.log(math.pi**2 / 3.0))
    knee = 1.0 / math.log(1.5)
    root = _inverse_excess(np.maximum(y, 1.0))
    bound = np.where(y >= knee - math.log(knee), np.exp(1.0 / root) * root, 1.5 * (y - math.log(math.log(1.5))))
    return np.asarray(4.0 * bound + 6.0 * np.log1p(np.log(n)))


def _entropy(mean: FloatArray) -> FloatArray:
    inside = np.minimum(np.maximum(mean, 0.0), 1.0)  # a difference of sums can leave [0, 1] by rounding
    return np.asarray(entr(inside) + entr(1.0 - inside))


def _inverse_excess(y: FloatArray) -> FloatArray:
    """The u above 1 with u - ln u = y, for y of 1 and more."""
    return np.asarray(-lambertw(-np.exp(-y), k=-1).real, dtype=np.float64)


class SinceChange(Cumulative):
    r"""Everything since the last change that a test has found in an arm's gains.

    After every `test_every`-th gain of an arm, its gains since its last restart are split at every `split_every`-th,
    and where the largest `bernoulli_glr` reaches the threshold :math:`\beta(n, \delta)`, the arm (or all arms of the
    run) starts afresh. Only sums at possible splits are kept, in an array that grows by doubling.

    Args:
        n_arms: Number of arms K.
        delta: :math:`\delta`, the probability of a false alarm aimed at.
        restart: What a change restarts: ``"local"`` its arm, ``"global"`` all arms of its run.
        test_every: Gains of an arm between tests.
        split_every: Gains between possible splits.
        threshold: :math:`\beta`.
        runs: Number of independent runs; None for one run without a leading axis.

    Attributes:
        restarts: Changes found so far, shape (...).

    Source: Besson, Kaufmann, Maillard & Seznec, JMLR 2022.

    >>> statistics = SinceChange(2, delta=0.01, test_every=1, split_every=1)
    >>> for t in range(30):
    ...     statistics.record(np.array([0]), np.array([float(t < 15)]))
    >>> int(statistics.restarts), int(statistics.counts[0])
    (1, 11)
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "restarts": Array(low=0),
        "_starts": Array(low=0.0),
        "_history": Array(low=0.0, shape=lambda statistics: (statistics.counts.size, None)),
    }

    def __init__(
        self,
        n_arms: int,
        *,
        delta: float,
        restart: Literal["local", "global"] = "local",
        test_every: int = 10,
        split_every: int = 10,
        threshold: Threshold = practical_threshold,
        runs: int | None = None,
    ) -> None:
        require("(0, 1)", delta=delta)
        if restart not in ("local", "global"):
            raise ValueError(f"restart={restart!r} is unknown; choose 'local' or 'global'")
        require("[1, inf)", test_every=test_every, split_every=split_every)
        super().__init__(n_arms, runs=runs)
        self.delta, self.restart, self.threshold = delta, restart, threshold
        self.test_every, self.split_every = test_every, split_every
        self.restarts: IntArray = np.zeros(self.counts.shape[:-1], dtype=np.int64)
        self._starts: FloatArray = np.zeros_like(self.counts)  # the round of each arm's last restart
        self._history: FloatArray = np.empty((self.counts.size, 0))  # row: run and arm; column: split

    @property
    def time(self) -> float | FloatArray:
        """Rounds since each arm's last restart, shape (..., K)."""
        return self.rounds - self._starts

    @override
    def record(self, arms: IntArray, gains: FloatArray) -> None:
        plays = arms.shape[-1]
        rows = positions(arms.reshape(-1, plays), self.n_arms)
        changed = [self._changed(row, gain) for row, gain in zip(rows.T, gains.reshape(-1, plays).T, strict=True)]
        self.rounds += 1
        self._restart(np.concatenate(changed))

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        columns = int(np.max(values["counts"])) // self.split_every
        if values["_history"].shape[1] < columns or np.any(values["_starts"] > values["rounds"]):
            raise ValueError(
                f"the saved history has {values['_history'].shape[1]} splits where {columns} are needed, or restarts "
                "that lie ahead; load the state of the same split_every"
            )
        return values

    def _changed(self, rows: IntArray, gains: FloatArray) -> IntArray:
        """Record one gain for each of these arms, all different, and return those that have changed."""
        counts, sums = self.counts.reshape(-1), self.sums.reshape(-1)  # views: the arrays are contiguous
        counts[rows] += 1.0
        sums[rows] += gains
        n = counts[rows].astype(np.int64)
        kept = n % self.split_every == 0
        if np.any(kept):
            column = n[kept] // self.split_every - 1
            self._make_room(int(np.max(column)) + 1)
            self._history[rows[kept], column] = sums[rows[kept]]
        due = (n % self.test_every == 0) & (n > self.split_every)
        if not np.any(due):
            return rows[:0]
        return self._significant(rows[due], n[due], sums[rows[due]])

    def _significant(self, rows: IntArray, n: IntArray, totals: FloatArray) -> IntArray:
        """Those of the arms whose largest ratio over all splits reaches the threshold."""
        splits = (n - 1) // self.split_every
        # Histories have different lengths: all splits of all arms lie one after the other, with no padding.
        starts = np.cumsum(splits) - splits
        arm = np.repeat(np.arange(len(rows)), splits)
        column = np.arange(len(arm)) - starts[arm]
        count = n.astype(np.float64)
        ratio = bernoulli_glr(
            self._history[rows[arm], column], (column + 1.0) * self.split_every, totals[arm], count[arm]
        )
        return rows[np.maximum.reduceat(ratio, starts) >= self.threshold(count, self.delta)]

    def _restart(self, rows: IntArray) -> None:
        if not len(rows):
            return
        run = np.unique(rows // self.n_arms)
        self.restarts.reshape(-1)[run] += 1
        if self.restart == "global":
            rows = (run[:, None] * self.n_arms + np.arange(self.n_arms)).ravel()
        self.counts.reshape(-1)[rows] = 0.0
        self.sums.reshape(-1)[rows] = 0.0
        self._starts.reshape(-1)[rows] = self.rounds
        self._history[rows] = 0.0  # nothing is left that a saved state would not hold

    def _make_room(self, columns: int) -> None:
        if columns > self._history.shape[1]:
            rows, old = self._history.shape
            self._history = np.concatenate([self._history, np.zeros((rows, max(columns - old, old, 8)))], axis=1)


class GlrKlUcb(IndexBandit):
    r"""kl-UCB since the last change found, with arms played in turn now and then.

    In the k-th episode (one more than the changes found) and the rounds t = 0, 1, ..., arm :math:`t \bmod \lceil
    K/\alpha_k \rceil` is played if there is such an arm, and the arm of the largest index otherwise.
    :math:`\alpha_k = \alpha \sqrt k` or :math:`\alpha`. An arm's index knows the rounds since its own restart. With
    several plays a round, the others have the largest indices.

    Args:
        statistics: Statistics of the arms, and the test.
        exploration: :math:`\alpha` in [0, 1]; about that share of the plays is in turn.
        growing: Let :math:`\alpha_k` grow with the changes found.
        index: The index of all other rounds.
        utility_range: (lo, hi) of the utilities.

    Source: Besson, Kaufmann, Maillard & Seznec, JMLR 2022.
    """

    statistics: SinceChange

    def __init__(
        self,
        statistics: SinceChange,
        *,
        exploration: float,
        growing: bool = False,
        index: Index = kl_ucb_index,
        utility_range: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        require("[0, 1]", exploration=exploration)
        super().__init__(statistics, index, utility_range=utility_range)
        self.exploration, self.growing = exploration, growing

    @override
    def scores(self, rng: np.random.Generator) -> FloatArray:
        # An arm whose turn it is stands above all; no index is above 1 but that of an arm never played.
        indices = np.minimum(super().scores(rng), 2.0)
        return np.where(self._turn()[..., None] == np.arange(self.n_arms), 3.0, indices)

    def _turn(self) -> IntArray:
        """Whose turn it is in each run; there may be no such arm."""
        if self.exploration == 0.0:
            return np.full(self.statistics.restarts.shape, -1)
        episode = 1.0 + self.statistics.restarts if self.growing else np.ones(self.statistics.restarts.shape)
        share = np.minimum(self.exploration * np.sqrt(episode), 1.0)
        return np.asarray(self.statistics.rounds % np.ceil(self.n_arms / share).astype(np.int64))
