"""The Bregman projection: from dual coordinates to the distribution inside floor and cap.

Whatever the regulariser, the projection is clip(primal(y + theta), floor, cap) with the one theta that makes it sum to
1. Negative entropy has a form of its own, in `projection`, because it must bear weights of any smallness.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.adversarial.regularizers import NegativeEntropy, Regularizer
from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.sampling.simplex import kl_projection, spread_rounding

__all__ = ["bregman_projection"]

_MAX_ITERATIONS = 120
_NEWTON_ONLY = 30
_HOPELESS = 1e-9
_TOLERANCE = 1e-13  # the rest is spread over the arms that are free


def bregman_projection(
    dual: npt.ArrayLike,
    floor: npt.ArrayLike,
    cap: npt.ArrayLike,
    regularizer: Regularizer,
    *,
    start: npt.ArrayLike | None = None,
) -> FloatArray:
    r"""The distribution in the feasible set that is nearest to the point with these dual coordinates.

    :math:`\arg\max_p \langle y, p \rangle - F(p)` over :math:`\{floor \le p \le cap, \sum p = 1\}`.

    Args:
        dual: :math:`y`, shape (..., K), finite; a constant added to all arms changes nothing.
        floor: Lower bounds, broadcastable to (..., K).
        cap: Upper bounds, broadcastable to (..., K), at most 1.
        regularizer: F.
        start: A finite guess of theta, broadcastable to (..., 1): 0 where y is a small step away from the dual of a
            distribution in the set. It shortens the way and changes the answer by rounding alone. None is no guess.

    Returns:
        The distribution, shape (..., K).

    Raises:
        ValueError: If the set is empty.

    >>> from curriculum_bandits.bandits.adversarial.regularizers import Tsallis
    >>> bregman_projection([0.0, -1.0], 0.0, 1.0, Tsallis(0.5)).round(3)
    array([0.665, 0.335])
    """
    y = np.asarray(dual, dtype=np.float64)
    if isinstance(regularizer, NegativeEntropy):
        return kl_projection(y, floor, cap)
    top = np.max(y, axis=-1, keepdims=True)
    y = y - top
    # With the largest arm at 1/K the sum is at most 1, with the largest at 1 at least 1.
    lower, upper = regularizer.dual(np.array([1.0 / y.shape[-1], 1.0]))
    guess = np.full_like(top, upper) if start is None else top + np.asarray(start, dtype=np.float64)
    low, high = np.asarray(floor, dtype=np.float64), np.asarray(cap, dtype=np.float64)
    bounded = bool(low.max() > 0.0 or high.min() < 1.0)  # bounds that cannot bind cost nothing
    if bounded:
        low, high = np.broadcast_to(low, y.shape), np.broadcast_to(high, y.shape)
        least, most = float(np.max(np.sum(low, axis=-1))), float(np.min(np.sum(high, axis=-1)))
        if least > 1.0 + 1e-9 or most < 1.0 - 1e-9 or np.any(low > high):
            raise ValueError(f"no distribution lies between floors of sum {least:.6g} and caps of sum {most:.6g}")
        # With the smallest arm at 1 all are at their caps.
        upper = upper - np.min(y, axis=-1, keepdims=True)
        # With the largest this small, what stands above the floors is at most half of what may.
        spare = np.maximum(1.0 - np.sum(low, axis=-1, keepdims=True), 1e-12)
        lower = regularizer.dual(spare / (2.0 * y.shape[-1]))
    theta = np.clip(guess, lower, upper)
    for iteration in range(_MAX_ITERATIONS):
        probability = regularizer.primal(y + theta)
        if bounded:
            free = (probability > low) & (probability < high)
            slopes = np.where(free, regularizer.slope(np.where(free, probability, 1.0)), 0.0)
            probability = np.clip(probability, low, high)
        else:
            slopes = regularizer.slope(probability)
        total, slope = (np.add.reduce(terms, axis=-1, keepdims=True) for terms in (probability, slopes))
        error = total - 1.0
        settled = np.abs(error) <= _TOLERANCE
        if np.all(settled | (upper - lower <= 4e-16 * np.maximum(1.0, np.abs(theta)))):
            break
        lower = np.where(error < 0.0, theta, lower)
        upper = np.where(error > 0.0, theta, upper)
        # Newton's step on the root of the sum, which is nearer to a straight line than the sum.
        ahead = error * 2.0 * total / (1.0 + np.sqrt(total))
        newton = theta - ahead / np.where(slope > 0.0, slope, 1.0)
        halving = iteration >= _NEWTON_ONLY and iteration % 2 == 1
        trusted = (slope > 0.0) & (newton > lower) & (newton < upper) & (not halving)
        theta = np.where(settled, theta, np.where(trusted, newton, 0.5 * (lower + upper)))
    if not bounded:
        return np.asarray(probability / total)
    if np.any(np.abs(error) > _HOPELESS):
        # Duals so far apart that no float lies where their sum would be 1: the nearest of what was reached.
        return kl_projection(np.log(np.maximum(probability, 1e-300)), low, high)
    return spread_rounding(probability, low, high)
