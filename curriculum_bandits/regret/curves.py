r"""Regret after every round: external, dynamic, and the score between oracle and uniform.

Entry t of a curve is the regret after round t against the comparator that is best for the rounds up to t; the last
entry is the total. One function serves realised regret, pseudo-regret and expected regret, according to the table and
the earnings it is given.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray
from curriculum_bandits.regret._arrays import as_capacity, as_earned, as_table
from curriculum_bandits.regret.comparators import best_subset_value

__all__ = ["comparator_earnings", "dynamic_regret", "external_regret", "normalised_score"]


def comparator_earnings(
    table: npt.ArrayLike, *, plays: int = 1, capacity: npt.ArrayLike = 1.0
) -> tuple[FloatArray, FloatArray]:
    """Cumulated earnings of the comparators: minus those of a policy they are its regret, external and dynamic.

    Arguments and errors are those of `external_regret`.

    Returns:
        After every round, shape (..., T) each: those of the best fixed arm or m-subset for the rounds so far, and those
        of the best of each round.

    >>> fixed, best = comparator_earnings([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> fixed, best
    (array([1., 1., 2.]), array([1., 2., 3.]))
    """
    values = as_table(table)
    fixed = best_subset_value(np.cumsum(values, axis=-2), plays=plays, capacity=capacity)
    return fixed, np.cumsum(best_subset_value(values, plays=plays, capacity=capacity), axis=-1)


def external_regret(
    table: npt.ArrayLike, earned: npt.ArrayLike, *, plays: int = 1, capacity: npt.ArrayLike = 1.0
) -> FloatArray:
    r"""Regret against the best fixed arm, or m-subset of arms, in hindsight.

    :math:`R_t = \max_S \sum_{s \le t} \sum_{x \in S} u_s(x) - \sum_{s \le t} earned_s`.

    Args:
        table: Rewards (realised regret) or means (pseudo-regret), shape (..., T, K).
        earned: What the policy earned in each round, from the same table, shape (..., T); leading axes broadcast.
        plays: Plays a round, m.
        capacity: How often an arm can be played in one round, a number or shape (K,); inf lets the comparator play
            the best arm m times.

    Returns:
        The curve, shape (..., T); the last entry is the total.

    Raises:
        ValueError: If shapes do not fit or a number is not finite.

    >>> table = [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    >>> external_regret(table, earned=[1.0, 0.0, 0.0])
    array([0., 0., 1.])
    """
    values = as_table(table)
    gained = np.cumsum(as_earned(earned, values), axis=-1)
    return best_subset_value(np.cumsum(values, axis=-2), plays=plays, capacity=capacity) - gained


def dynamic_regret(
    table: npt.ArrayLike, earned: npt.ArrayLike, *, plays: int = 1, capacity: npt.ArrayLike = 1.0
) -> FloatArray:
    r"""Regret against the best arm, or m-subset of arms, of each round.

    :math:`R_t = \sum_{s \le t} (\max_S \sum_{x \in S} u_s(x) - earned_s)`. Meant for means: against the best of noisy
    rewards every policy has linear regret. Arguments, result and errors are those of `external_regret`.

    >>> dynamic_regret([[1.0, 0.0], [0.0, 1.0]], earned=[1.0, 0.0])
    array([0., 1.])
    """
    values = as_table(table)
    best = best_subset_value(values, plays=plays, capacity=capacity)
    return np.cumsum(best - as_earned(earned, values), axis=-1)


def normalised_score(
    table: npt.ArrayLike, earned: npt.ArrayLike, *, plays: int = 1, capacity: npt.ArrayLike = 1.0
) -> FloatArray:
    """Share of the way from the oracle to uniform play: 0 = the best of each round, 1 = uniform.

    It is comparable between environments, above 1 for what is worse than uniform. Uniform play gives each arm a share
    in proportion to its capacity, as drawing problems uniformly does where arms are groups. Arguments and errors are
    those of `external_regret`; the table holds means.

    Returns:
        The score over all rounds, shape (...); nan where the oracle earns no more than uniform play, so that nothing
        tells policies apart.

    >>> table = [[1.0, 0.0], [0.0, 1.0]]
    >>> [float(normalised_score(table, earned)) for earned in ([1.0, 1.0], [0.5, 0.5], [1.0, 0.5])]
    [0.0, 1.0, 0.5]
    """
    values = as_table(table)
    gained = np.sum(as_earned(earned, values), axis=-1)
    oracle = np.sum(best_subset_value(values, plays=plays, capacity=capacity), axis=-1)
    uniform = plays * np.sum(values @ uniform_share(capacity, values.shape[-1], plays), axis=-1)
    return score_between(gained, oracle, uniform)


def uniform_share(capacity: npt.ArrayLike, n_arms: int, plays: int) -> FloatArray:
    """Distribution over arms of uniform play, shape (K,)."""
    as_capacity(capacity, n_arms, plays)
    weights = np.broadcast_to(np.asarray(capacity, dtype=np.float64), (n_arms,))
    weights = np.ones(n_arms) if np.any(np.isposinf(weights)) else weights
    return np.asarray(weights / np.sum(weights))


def score_between(earned: FloatArray, oracle: FloatArray, uniform: FloatArray) -> FloatArray:
    """``(oracle - earned) / (oracle - uniform)``; nan where the two do not differ."""
    span = oracle - uniform
    tells = span > 1e-12 * np.maximum(np.abs(oracle), np.abs(uniform))
    return np.where(tells, (oracle - earned) / np.where(tells, span, 1.0), np.nan)
