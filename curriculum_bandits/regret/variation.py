r"""Movement of the world, and of a comparator that moves with it.

Bounds for changing worlds are written in one of two currencies: the variation budget :math:`V_T` of the means, or the
path length :math:`P_T` of the comparator's distributions; an arm that switches S times has :math:`P_T = 2 S`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.regret._arrays import as_arms, as_table

__all__ = ["arm_distribution", "path_length", "switches", "variation_budget"]


def variation_budget(means: npt.ArrayLike) -> FloatArray:
    r"""Variation budget of the means, :math:`V_T = \sum_{t < T} \max_x |\mu_{t+1}(x) - \mu_t(x)|`.

    Args:
        means: Means, shape (..., T, K); the budget, shape (...), is in their units.

    Raises:
        ValueError: If the table has no rounds or arms, or is not finite.

    Source: Besbes, Gur & Zeevi 2014, section 2.

    >>> float(variation_budget([[0.0, 0.5], [0.25, 0.0], [0.25, 0.25]]))
    0.75
    """
    return np.asarray(np.sum(np.max(np.abs(np.diff(as_table(means), axis=-2)), axis=-1), axis=-1))


def path_length(distributions: npt.ArrayLike) -> FloatArray:
    r"""Path length of a sequence of distributions, :math:`P_T = \sum_{t < T} \|p_{t+1} - p_t\|_1`.

    Args:
        distributions: Distributions over arms, shape (..., T, K); for a sequence of arms see `arm_distribution`, for
            the best m-subset of each round `comparators.best_subset` divided by m.

    Returns:
        The path length, shape (...), at most 2 (T - 1).

    Raises:
        ValueError: As `variation_budget`.

    >>> float(path_length(arm_distribution([0, 0, 1, 0], n_arms=2)))
    4.0
    """
    return np.asarray(np.sum(np.abs(np.diff(as_table(distributions), axis=-2)), axis=(-2, -1)))


def arm_distribution(arms: npt.ArrayLike, n_arms: int) -> FloatArray:
    """Arms, shape (..., T), as distributions with all their mass on one arm, shape (..., T, K).

    Raises:
        ValueError: If an arm does not exist.

    >>> arm_distribution([1, 0], n_arms=2)
    array([[0., 1.],
           [1., 0.]])
    """
    return np.eye(n_arms)[as_arms(arms, n_arms)]


def switches(arms: npt.ArrayLike) -> IntArray:
    """Number of changes in a sequence of arms, shape (...); twice that is its path length.

    >>> int(switches([0, 0, 1, 0]))
    2
    """
    return np.asarray(np.sum(np.diff(np.asarray(arms), axis=-1) != 0, axis=-1))
