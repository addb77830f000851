"""Adaptive data scheduling: clusters of features by their success, in each a window where success is one half."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.curriculum.ads import ClusterWindows
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.extras import require_extra
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["ads"]


@method(
    "ADS",
    paper="arXiv 2606.22305",
    needs=("features", "difficulty"),
    arms="clusters of features",
    bandit="shares, and a window of difficulty in each",
    batch="systematic",
    example={"clusters": 4, "width": 4},
)
def ads(
    bank: ProblemBank,
    seed: int = 0,
    *,
    clusters: int | npt.ArrayLike = 64,
    width: int = 32,
    target: float = 0.5,
    tolerance: float = 0.17,
    smoothing: float = 0.3,
    reset_after: int | None = None,
    signal: Signal = success_rate,
) -> Curriculum:
    """Clusters drawn by their success rate, and in each the problems of a window that slides along difficulty.

    Problems outside the windows are not drawn while they are outside, as published.

    Args:
        bank: The problems, with a difficulty each, and with features unless `clusters` are given.
        seed: Seed of the draws. Clusters do not depend on it, so that a saved run can be resumed.
        clusters: Number of clusters of the features (k-means), of which a small bank gets fewer: at most one per
            `width` problems; or the label of each problem's cluster, shape (N,).
        width: Problems in a window.
        target: The success rate that windows seek.
        tolerance: How far from it a problem may be and keep its place.
        smoothing: How far the distribution over clusters moves in an update.
        reset_after: Distributions and windows start anew after so many answers; None is one pass over the bank, 0
            never.
        signal: What moves windows and shares; it must lie in [0, 1].

    Raises:
        ValueError: If the bank has no difficulty, or neither features nor labels are given, or a setting is out of its
            range.
        ModuleNotFoundError: If features are to be clustered and scikit-learn is not installed (extra ``neural``).

    Source: Xu et al., "Learning at the Right Pace: Adaptive Data Scheduling Improves LLM Reinforcement Learning",
    arXiv 2606.22305; how a batch is spread over clusters, and what else is ours, is said in `ClusterWindows`.

    >>> bank = ProblemBank(["1+1=", "12+34=", "2*3=", "12*34="], difficulty=[1, 2, 1, 2])
    >>> curriculum = ads(bank, clusters=[0, 0, 1, 1], width=1)
    >>> curriculum.tell(curriculum.ask(2), [1.0, 1.0])
    >>> sorted(curriculum.ask(2).items.tolist())
    [1, 3]
    """
    if bank.difficulty is None:
        raise ValueError("ADS needs the difficulty of each problem; give ProblemBank difficulty=")
    labels = _clustered(bank, int(clusters), width) if np.ndim(clusters) == 0 else np.asarray(clusters)  # type: ignore[arg-type]
    if labels.shape != (len(bank),):
        raise ValueError(f"clusters have shape {labels.shape}; give one label per problem, shape ({len(bank)},)")
    bandit = ClusterWindows(
        bank.difficulty,
        np.unique(labels, return_inverse=True)[1],
        width=width,
        target=target,
        tolerance=tolerance,
        smoothing=smoothing,
        reset_after=reset_after,
    )
    return Curriculum(bank, bandit, signal, name="ads", seed=seed)


def _clustered(bank: ProblemBank, count: int, width: int) -> npt.NDArray[np.int64]:
    if bank.features is None:
        raise ValueError(
            "ADS clusters features of the problems; give ProblemBank features=, or ads clusters= as labels"
        )
    if count < 1:
        raise ValueError(f"clusters is {count}; give at least 1, or the label of each problem")
    fewer = max(1, min(count, len(bank) // max(width, 1)))
    k_means = require_extra("sklearn.cluster", "neural").KMeans(n_clusters=fewer, n_init=1, random_state=0)
    return np.asarray(k_means.fit_predict(np.asarray(bank.features, dtype=np.float64)), dtype=np.int64)
