"""Metrics of one batch, by the same names in every loop and every adapter, and an observer for TensorBoard.

They measure which problems were drawn and how many of them were informative, from rollouts and feedback alone.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from curriculum_bandits._typing import IntArray
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.draw import Feedback
from curriculum_bandits.extras import require_extra
from curriculum_bandits.observer import Observer
from curriculum_bandits.rollouts import Rollouts

__all__ = ["BATCH_METRICS", "TensorBoard", "batch_metrics", "drawn_by_group", "step_metrics"]

#: Every name that `batch_metrics` may return.
BATCH_METRICS = (
    "reward",
    "informative_share",
    "answered_share",
    "missing_rollouts",
    "utility_mean",
    "utility_std",
    "log_ratio_mean",
    "log_ratio_std",
    "log_ratio_max_abs",
)


def batch_metrics(rollouts: Rollouts, feedback: Feedback) -> dict[str, float]:
    """Summary of one batch.

    Args:
        rollouts: m problems with n rollouts each.
        feedback: Their utilities, shape (m,).

    Returns:
        ``reward``: mean of the valid rewards. ``informative_share``: share of judged problems (two valid rollouts or
        more) whose rewards differ; the others taught nothing. ``answered_share``: share of problems with a utility.
        ``missing_rollouts``: rollouts without a reward or of length 0. ``utility_mean``, ``utility_std``. With
        log-ratios also ``log_ratio_mean``, ``log_ratio_std`` and ``log_ratio_max_abs``, over whole sequences. A mean
        over nothing is nan.

    >>> metrics = batch_metrics(Rollouts(rewards=[[1, 0], [1, 1]]), Feedback([0.2, 0.0], [2, 2]))
    >>> metrics["informative_share"], metrics["utility_mean"]
    (0.5, 0.1)
    """
    valid = rollouts.valid
    rewards = rollouts.rewards
    judged = np.sum(valid, axis=1) >= 2
    utilities = feedback.values[feedback.answered]
    metrics = {
        "reward": _of(np.mean, rewards[valid]),
        "informative_share": _of(np.mean, rollouts.informative[judged]),
        "answered_share": _of(np.mean, feedback.answered),
        "missing_rollouts": float(np.sum(~valid)),
        "utility_mean": _of(np.mean, utilities),
        "utility_std": _of(np.std, utilities),
    }
    if rollouts.log_ratio is not None:
        moved = rollouts.log_ratio[valid]
        metrics |= {
            "log_ratio_mean": _of(np.mean, moved),
            "log_ratio_std": _of(np.std, moved),
            "log_ratio_max_abs": _of(np.max, np.abs(moved)),
        }
    return metrics


def drawn_by_group(bank: ProblemBank, items: IntArray) -> dict[str, float]:
    """Share of each group of the bank, by name, among drawn problems, shape (m,); empty without groups.

    >>> drawn_by_group(ProblemBank(["a", "b", "c"], groups=["x", "x", "y"]), np.array([0, 2]))
    {'x': 0.5, 'y': 0.5}
    """
    if bank.groups is None:
        return {}
    counts = np.bincount(bank.groups[items], minlength=len(bank.group_names))
    return {name: float(count) / len(items) for name, count in zip(bank.group_names, counts, strict=True)}


def step_metrics(curriculum: Curriculum, items: IntArray, rollouts: Rollouts, feedback: Feedback) -> dict[str, float]:
    """Metrics of the batch of a step, and of the curriculum after it.

    Args:
        curriculum: The curriculum.
        items: Every problem that was rolled out, shape (m,).
        rollouts: Their rollouts.
        feedback: Their utilities, shape (m,).

    Returns:
        `batch_metrics`; the share of each group as ``drawn/<group>``; ``entropy`` and ``effective_problems`` of the
        curriculum's distribution; and its other diagnostics as ``curator/<name>``.
    """
    entropy = curriculum.entropy()
    return {
        **batch_metrics(rollouts, feedback),
        **{f"drawn/{name}": share for name, share in drawn_by_group(curriculum.bank, items).items()},
        "entropy": entropy,
        "effective_problems": math.exp(entropy),
        **{f"curator/{name}": value for name, value in curriculum.diagnostics().items() if name != "entropy"},
    }


class TensorBoard(Observer):
    """Writes the finite metrics of steps and the scores of evaluations as TensorBoard events.

    Args:
        folder: Folder of the events.

    Raises:
        ModuleNotFoundError: Without the extra ``tensorboard``.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._events = require_extra("tensorboard.summary", "tensorboard").Writer(str(folder))

    def stepped(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write the metrics of a step."""
        for name, value in metrics.items():
            if name != "step" and math.isfinite(value):
                self._events.add_scalar(name, value, step)

    def evaluated(self, step: int, scores: Mapping[str, float]) -> None:
        """Write the scores of an evaluation."""
        self.stepped(step, scores)

    def close(self) -> None:
        """Close the file of events."""
        self._events.close()


def _of(statistic: Callable[[Any], Any], values: Any) -> float:
    return float(statistic(values)) if np.size(values) else math.nan
