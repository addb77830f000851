"""The best that m plays can bring when every arm can be played only so often.

With capacity 1 that is the sum of the m largest values; with groups as arms, each with as many plays as it has
problems, the best arms are filled one after the other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.regret._arrays import as_capacity, finite

__all__ = ["best_subset", "best_subset_value"]


def best_subset(values: npt.ArrayLike, *, plays: int = 1, capacity: npt.ArrayLike = 1.0) -> IntArray:
    """Plays of each arm among the best m plays.

    Args:
        values: What one play of each arm brings, shape (..., K).
        plays: Plays m.
        capacity: How often an arm can be played: a number or shape (K,), whole, 1 or more, or ``inf``.

    Returns:
        Counts, shape (..., K), summing to m; ties go to the first arm. Divided by m they are the comparator's
        distribution, for `path_length`.

    Raises:
        ValueError: If a value is not finite, or the arms cannot be played m times.

    >>> best_subset([0.3, 0.9, 0.5], plays=3, capacity=[2, 1, 2])
    array([0, 1, 2])
    """
    values, limit = _checked(values, plays, capacity)
    order = np.argsort(-values, axis=-1, kind="stable")
    limit = limit[order]
    before = np.cumsum(limit, axis=-1) - limit
    counts = np.empty(values.shape)
    np.put_along_axis(counts, order, np.clip(plays - before, 0.0, limit), axis=-1)
    return counts.astype(np.int64)


def best_subset_value(values: npt.ArrayLike, *, plays: int = 1, capacity: npt.ArrayLike = 1.0) -> FloatArray:
    """Sum over the best m plays, shape (...); arguments and errors are those of `best_subset`.

    >>> float(best_subset_value([0.3, 0.9, 0.5], plays=2))
    1.4
    """
    values, limit = _checked(values, plays, capacity)
    if plays == 1:
        return np.asarray(np.max(values, axis=-1))
    return np.asarray(np.sum(best_subset(values, plays=plays, capacity=limit) * values, axis=-1))


def _checked(values: npt.ArrayLike, plays: int, capacity: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim < 1 or array.shape[-1] == 0:
        raise ValueError(f"values have shape {array.shape}; the last axis holds the arms, at least one")
    return finite(array, "values"), as_capacity(capacity, array.shape[-1], plays)
