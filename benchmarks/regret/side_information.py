"""What a policy may be told about an instance beyond its number of arms: segments, path, variation.

Told the truth, a policy is tuned as its theorem wants; the tables say who was told what.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits.environments import Environment
from curriculum_bandits.regret import best_subset, path_length, variation_budget

__all__ = ["best_arm_segments", "change_count", "comparator_path", "variation"]


def best_arm_segments(means: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Where an arm that is best in every round must be left, when it is always kept as long as it can be.

    Args:
        means: Means, shape (T, K).

    Returns:
        First row of each segment, shape (S,), beginning with 0; no sequence of best arms has fewer segments.

    >>> best_arm_segments([[0.5, 0.5, 0.1], [0.2, 0.6, 0.1], [0.9, 0.1, 0.1]])
    array([0, 2])
    """
    table = np.asarray(means, dtype=np.float64)
    best = table == np.max(table, axis=1, keepdims=True)
    changed = np.flatnonzero(np.any(best[1:] != best[:-1], axis=1)) + 1
    starts, kept = [0], best[0]
    for t in changed:
        kept = kept & best[t]
        if not np.any(kept):
            starts.append(int(t))
            kept = best[t]
    return np.asarray(starts, dtype=np.int64)


def change_count(environment: Environment) -> int:
    """Number of changes, for policies that are tuned by it: at least 1.

    Args:
        environment: The instance.

    Returns:
        Its change points; where the means change in more than a tenth of the rounds, which is drift, the switches of
        the best arm.
    """
    points = len(environment.change_points)
    drifts = 10 * points > environment.horizon
    return max(1, len(best_arm_segments(environment.means)) - 1 if drifts else points)


def comparator_path(environment: Environment, plays: int = 1) -> float:
    """Path length of the best arm of each round, or of the best m-subset as a distribution.

    Args:
        environment: The instance.
        plays: Plays a round, m.

    Returns:
        The path length; 2 for each switch of a single best arm.
    """
    if plays == 1:
        return 2.0 * (len(best_arm_segments(environment.means)) - 1)
    return float(path_length(best_subset(environment.means, plays=plays) / plays))


def variation(environment: Environment) -> float:
    """Variation budget that the means spend.

    Args:
        environment: The instance.

    Returns:
        The budget, 0 where nothing changes.
    """
    return float(variation_budget(environment.means))
