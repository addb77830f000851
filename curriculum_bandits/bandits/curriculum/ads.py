"""ADS: clusters drawn by their success, and in each a window of problems that slides to where success is one half.

The clusters and the order of difficulty are fixed; what is learned is one number per cluster and where its window
stands. Problems outside the windows are not drawn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import checked_utilities
from curriculum_bandits.bandits.contract import ArrayLike, Extra, FloatArray, IntArray, RefusedUtility, Selection
from curriculum_bandits.bandits.curriculum.capped_bandit import CappedBandit
from curriculum_bandits.sampling.simplex import capped
from curriculum_bandits.state import Array, Count, Field

__all__ = ["ClusterWindows"]


class ClusterWindows(CappedBandit):
    r"""Draws cluster k with probability :math:`p_k`, and in it a problem of its window, uniformly. One run.

    After each answer :math:`r_k` becomes the mean success of cluster k's answers (clusters without one keep theirs),
    and :math:`p_k \leftarrow (1-\alpha) p_k + \alpha r_k / \sum_j r_j` for every cluster (uniform where all
    :math:`r_j` are 0). A window is a set of `width` problems, at first the easiest of the cluster. A problem of it that
    succeeded in more than target + tolerance of its rollouts gives its place to the nearest harder problem that is
    not in the window, one below target - tolerance to the nearest easier; at the end of the cluster it stays.

    Problems outside the windows are starved for as long as they are outside, as published; clusters that always fail
    until the reset. Where the batch is larger than all windows together, the others fill it up, uniformly.

    What is ours: a batch is spread over clusters by :math:`p_k` with exact inclusion, where the authors play the whole
    windows of a few clusters; no problem gets more than 1/m; places are exchanged beginning at the end of the window
    that they move to, so that a window which is altogether too easy moves on by one; and the reset counts answers.

    Args:
        difficulty: Difficulty of each problem, shape (N,), finite; larger is harder.
        clusters: Cluster of each problem, shape (N,), every cluster 0..K-1 used at least once.
        width: Problems in a window; all of a cluster that has fewer.
        target: The success that windows seek.
        tolerance: How far from it a problem may be and keep its place.
        smoothing: :math:`\alpha`, in [0, 1].
        first_rate: :math:`r_k` of a cluster that has not answered yet, in (0, 1].
        reset_after: Distributions and windows start anew after so many answers; None is N, one pass over the bank,
            0 never.

    Source: Xu et al., "Learning at the Right Pace: Adaptive Data Scheduling Improves LLM Reinforcement Learning",
    arXiv 2606.22305, and its authors' public code for what :math:`r_k`, the width and the moves are.

    >>> bandit = ClusterWindows([1, 2, 3, 1, 2, 3], [0, 0, 0, 1, 1, 1], width=1)
    >>> bandit.update(Selection([0, 3], None, None), [1.0, 0.5])
    >>> bandit.probabilities().round(3)
    array([0.  , 0.55, 0.  , 0.45, 0.  , 0.  ])
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "_clusters": Array(),
        "_share": Array(distribution=True),
        "_rates": Array(low=0.0, high=1.0),
        "_inside": Array(),
        "_answers": Count(),
    }

    def __init__(
        self,
        difficulty: npt.ArrayLike,
        clusters: npt.ArrayLike,
        *,
        width: int = 32,
        target: float = 0.5,
        tolerance: float = 0.17,
        smoothing: float = 0.3,
        first_rate: float = 0.5,
        reset_after: int | None = None,
    ) -> None:
        values, labels = np.array(difficulty, dtype=np.float64), np.array(clusters, dtype=np.int64)
        if values.ndim != 1 or values.shape != labels.shape:
            raise ValueError(
                f"difficulty and clusters have shapes {values.shape} and {labels.shape}; both must be (N,)"
            )
        super().__init__(len(values))
        if not np.all(np.isfinite(values)):
            missing = int(np.argmin(np.isfinite(values)))
            raise ValueError(f"the difficulty of problem {missing} is {values[missing]}; give every problem a number")
        if labels.min() < 0 or np.any(np.bincount(labels) == 0):
            raise ValueError("clusters must be numbered 0..K-1 without gaps")
        reset_after = self.n_arms if reset_after is None else reset_after
        require("[1, inf)", width=width)
        require("(-inf, inf)", target=target)
        require("[0, inf)", tolerance=tolerance, reset_after=reset_after)
        require("[0, 1]", smoothing=smoothing)
        require("(0, 1]", first_rate=first_rate)
        self.width, self.target, self.tolerance = width, target, tolerance
        self.smoothing, self.first_rate, self.reset_after = smoothing, first_rate, reset_after
        self._clusters: IntArray = labels
        # Places: problems by cluster, in it by difficulty; those of cluster k are start[k]..start[k+1]-1.
        self._problems: IntArray = np.lexsort((values, labels))
        self._place_of: IntArray = np.argsort(self._problems)
        sizes = np.bincount(labels)
        self._start: IntArray = np.concatenate([[0], np.cumsum(sizes)])
        self._in_window: IntArray = np.minimum(sizes, width)
        self._begin()

    def _begin(self) -> None:
        """Every cluster alike, every window at the easy end."""
        count = len(self._in_window)
        self._share: FloatArray = np.full(count, 1.0 / count)
        self._rates: FloatArray = np.full(count, self.first_rate)
        rank = np.arange(self.n_arms) - np.repeat(self._start[:-1], np.diff(self._start))
        self._inside: npt.NDArray[np.bool_] = rank < self.width  # by place
        self._answers = 0
        self._changed()

    @property
    def shares(self) -> FloatArray:
        """p_k of each cluster, shape (K,)."""
        return np.array(self._share)

    @property
    def windows(self) -> list[IntArray]:
        """Problems in the window of each cluster, the easiest first."""
        ends = zip(self._start[:-1], self._start[1:], strict=True)
        return [self._problems[first:last][self._inside[first:last]] for first, last in ends]

    def _distribution(self, plays: int) -> FloatArray:
        inside = self._problems[self._inside]
        distribution = np.zeros(self.n_arms)
        if len(inside) < plays:
            distribution[:] = (1.0 - len(inside) / plays) / (self.n_arms - len(inside))
            distribution[inside] = 1.0 / plays
        else:
            clusters = self._clusters[inside]
            distribution[inside] = capped(self._share[clusters] / self._in_window[clusters], 1.0 / plays)
        return distribution

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        played, rates = checked_utilities(selection, values, n_arms=self.n_arms)
        outside = (rates < 0.0) | (rates > 1.0)
        if outside.any():
            worst = int(np.argmax(outside))
            raise RefusedUtility(int(played[worst]), worst, float(rates[worst]), "a success rate is between 0 and 1")
        self._move(self._place_of[played], rates)
        clusters = self._clusters[played]
        answers = np.bincount(clusters, minlength=len(self._rates))
        sums = np.bincount(clusters, weights=rates, minlength=len(self._rates))
        self._rates = np.where(answers > 0, sums / np.maximum(answers, 1), self._rates)
        total = float(np.sum(self._rates))
        wanted = self._rates / total if total > 0.0 else np.full(len(self._rates), 1.0 / len(self._rates))
        share = (1.0 - self.smoothing) * self._share + self.smoothing * wanted
        self._share = share / np.sum(share)
        self._answers += len(played)
        if self.reset_after and self._answers >= self.reset_after:
            self._begin()
        self._changed()

    def _move(self, places: IntArray, rates: FloatArray) -> None:
        """Each answered place of a window that is too easy or too hard changes for the nearest free one."""
        here = self._inside[places]
        harder = np.sort(places[here & (rates > self.target + self.tolerance)])[::-1]
        easier = np.sort(places[here & (rates < self.target - self.tolerance)])
        for place in harder:
            free = ~self._inside[place + 1 : self._start[self._clusters[self._problems[place]] + 1]]
            if free.any():
                self._inside[place], self._inside[place + 1 + np.argmax(free)] = False, True
        for place in easier:
            free = ~self._inside[self._start[self._clusters[self._problems[place]]] : place][::-1]
            if free.any():
                self._inside[place], self._inside[place - 1 - np.argmax(free)] = False, True

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        if not np.array_equal(values["_clusters"], self._clusters):
            raise ValueError("the state was saved with other clusters; give clusters= as they were then")
        held = np.add.reduceat(values["_inside"].astype(np.int64), self._start[:-1])
        if not np.array_equal(held, self._in_window):
            raise ValueError("the saved windows are of another width; construct the bandit as it was saved")
        return values
