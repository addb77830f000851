"""Earnings of a policy in each round, read off a table of rewards or of means.

From rewards it is what was really earned, and regret is realised; from means it is free of the noise of rewards; from
means and the policy's distribution it is free of the noise of its draws too, and regret is the conditional expectation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.regret._arrays import as_arms, as_distribution, as_table

__all__ = ["earned_by_arms", "earned_by_batches", "earned_by_distribution"]


def earned_by_arms(table: npt.ArrayLike, arms: npt.ArrayLike) -> FloatArray:
    """Earnings of one play a round, shape (..., T).

    Args:
        table: Rewards or means, shape (..., T, K); leading axes broadcast with those of `arms`.
        arms: Played arms, shape (..., T).

    Raises:
        ValueError: If shapes do not fit, an arm does not exist or the table is not finite.

    >>> earned_by_arms([[0.1, 0.9], [0.4, 0.3]], [1, 0])
    array([0.9, 0.4])
    """
    values = as_table(table)
    return _taken(values, as_arms(arms, values.shape[-1])[..., None])[..., 0]


def earned_by_batches(table: npt.ArrayLike, arms: npt.ArrayLike) -> FloatArray:
    """Earnings of m plays a round: the sum over the plays, an arm played twice counting twice.

    Arguments, result and errors are those of `earned_by_arms`, with `arms` of shape (..., T, m).

    >>> earned_by_batches([[1.0, 2.0, 4.0]], [[0, 2]])
    array([5.])
    """
    values = as_table(table)
    return np.asarray(np.sum(_taken(values, as_arms(arms, values.shape[-1])), axis=-1))


def earned_by_distribution(table: npt.ArrayLike, distribution: npt.ArrayLike, *, plays: int = 1) -> FloatArray:
    r"""Expected earnings of m plays from a distribution, :math:`m \langle p_t, u_t \rangle`, shape (..., T).

    Args:
        table: Rewards or means, shape (..., T, K); leading axes broadcast with those of `distribution`.
        distribution: The policy's p_t, shape (..., T, K), each row summing to 1.
        plays: Plays a round, m.

    Raises:
        ValueError: If shapes do not fit, a row is no distribution or the table is not finite.

    >>> earned_by_distribution([[1.0, 0.0]], [[0.25, 0.75]], plays=2)
    array([0.5])
    """
    values = as_table(table)
    p = as_distribution(distribution)
    if p.shape[-2:] != values.shape[-2:]:
        raise ValueError(
            f"the distribution has shape {p.shape} where the table has {values.shape}; rounds and arms differ"
        )
    if plays < 1:
        raise ValueError(f"plays is {plays}; give at least 1")
    return np.asarray(plays * np.sum(values * p, axis=-1))


def _taken(table: FloatArray, arms: IntArray) -> FloatArray:
    """Entries of the table (..., T, K) for arms (..., T, m)."""
    rounds = arms.shape[-2] if arms.ndim >= 2 else 0
    if rounds != table.shape[-2]:
        raise ValueError(
            f"arms have {rounds} rounds where the table has {table.shape[-2]}; one play a round is (..., T), several "
            "are (..., T, m) and need earned_by_batches"
        )
    leading = np.broadcast_shapes(table.shape[:-2], arms.shape[:-2])
    table = np.broadcast_to(table, (*leading, *table.shape[-2:]))
    return np.take_along_axis(table, np.broadcast_to(arms, (*leading, *arms.shape[-2:])), axis=-1)
