"""The shapes that every function of regret takes, checked in one place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray

__all__ = ["as_arms", "as_capacity", "as_distribution", "as_earned", "as_table", "finite"]


def as_table(table: npt.ArrayLike) -> FloatArray:
    """Rewards or means, shape (..., T, K), finite."""
    values = np.asarray(table, dtype=np.float64)
    if values.ndim < 2 or 0 in values.shape[-2:]:
        raise ValueError(
            f"the table has shape {values.shape}; it must be (..., rounds, arms), with at least one of each"
        )
    return finite(values, "the table")


def as_earned(earned: npt.ArrayLike, table: FloatArray) -> FloatArray:
    """Earnings per round, shape (..., T), finite, as many rounds as the table."""
    values = np.asarray(earned, dtype=np.float64)
    if values.ndim < 1 or values.shape[-1] != table.shape[-2]:
        raise ValueError(
            f"earned has shape {values.shape} where the table has {table.shape[-2]} rounds; give one number per round, "
            "as earned_by_arms and its siblings return"
        )
    return finite(values, "earned")


def as_arms(arms: npt.ArrayLike, n_arms: int) -> IntArray:
    """Arms, any shape, whole numbers from 0 to ``n_arms - 1``."""
    values = np.asarray(arms)
    if not np.issubdtype(values.dtype, np.integer):
        raise ValueError(f"arms have dtype {values.dtype}; give whole numbers")
    bad = (values < 0) | (values >= n_arms)
    if np.any(bad):
        raise ValueError(f"arm {values[bad].flat[0]} does not exist; the table has arms 0..{n_arms - 1}")
    return values.astype(np.int64)


def as_capacity(capacity: npt.ArrayLike, n_arms: int, plays: int) -> FloatArray:
    """How often each arm can be played in one round, shape (K,), at most `plays`."""
    if plays < 1:
        raise ValueError(f"plays is {plays}; give at least 1")
    values = np.asarray(capacity, dtype=np.float64)
    if values.shape not in ((), (n_arms,)):
        raise ValueError(f"capacity has shape {values.shape}; give a number, or one for each of the {n_arms} arms")
    bad = ~((values >= 1.0) & ((np.floor(values) == values) | np.isposinf(values)))
    if np.any(bad):
        raise ValueError(f"a capacity is {values[bad].flat[0]}; give whole numbers, 1 or more, or inf")
    limit: FloatArray = np.broadcast_to(np.minimum(values, plays), (n_arms,))
    if np.sum(limit) < plays:
        raise ValueError(f"plays is {plays}, but all arms together can be played {np.sum(limit):.0f} times a round")
    return limit


def as_distribution(distribution: npt.ArrayLike) -> FloatArray:
    """Distributions over arms, shape (..., K): 0 or more, each summing to 1."""
    p = np.asarray(distribution, dtype=np.float64)
    if not (np.all(p >= 0.0) and np.all(np.abs(np.sum(p, axis=-1) - 1.0) <= 1e-6)):
        raise ValueError("a row of the distribution has a negative entry or does not sum to 1; normalise it")
    return p


def finite(values: FloatArray, what: str) -> FloatArray:
    """The values, or an error that names the first that is not finite."""
    bad = ~np.isfinite(values)
    if np.any(bad):
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{what} holds {values[where]} at {where}; give finite numbers")
    return values
