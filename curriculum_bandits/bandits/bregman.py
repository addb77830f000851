"""The Bregman projection: from dual coordinates to the distribution inside floor and cap.

Whatever the regulariser, the projection is clip(primal(y + theta), floor, cap) with the one theta that makes it sum to
1. Negative entropy has a form of its own, in `projection`, because it must bear weights of any smallness.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.bandits.regularizers import NegativeEntropy, Regularizer
from curriculum_bandits.projection import kl_projection, spread_rounding

__all__ = ["bregman_projection"]

_MAX_ITERATIONS = 120
_NEWTON_ONLY = 30
_TOLERANCE = 1e-13  # the rest is spread over the arms that are free


def bregman_projection(
    dual: npt.ArrayLike, floor: npt.ArrayLike, cap: npt.ArrayLike, regularizer: Regularizer
) -> FloatArray:
    r"""The distribution in the feasible set that is nearest to the point with these dual coordinates.

    :math:`\arg\max_p \langle y, p \rangle - F(p)` over :math:`\{floor \le p \le cap, \sum p = 1\}`.

    Args:
        dual: :math:`y`, shape (..., K), finite; a constant added to all arms changes nothing.
        floor: Lower bounds, broadcastable to (..., K).
        cap: Upper bounds, broadcastable to (..., K), at most 1.
        regularizer: F.

    Returns:
        The distribution, shape (..., K).

    Raises:
        ValueError: If the set is empty.

    >>> from curriculum_bandits.bandits.regularizers import Tsallis
    >>> bregman_projection([0.0, -1.0], 0.0, 1.0, Tsallis(0.5)).round(3)
    array([0.665, 0.335])
    """
    y = np.asarray(dual, dtype=np.float64)
    low = np.broadcast_to(np.asarray(floor, dtype=np.float64), y.shape)
    high = np.broadcast_to(np.asarray(cap, dtype=np.float64), y.shape)
    if isinstance(regularizer, NegativeEntropy):
        return kl_projection(y, low, high)
    least, most = float(np.max(np.sum(low, axis=-1))), float(np.min(np.sum(high, axis=-1)))
    if least > 1.0 + 1e-9 or most < 1.0 - 1e-9 or np.any(low > high):
        raise ValueError(f"no distribution lies between floors of sum {least:.6g} and caps of sum {most:.6g}")
    top = np.max(y, axis=-1, keepdims=True)
    y = y - top
    arms = y.shape[-1]
    # With the smallest arm at 1 all are at their caps.
    theta = np.full_like(top, regularizer.dual(np.array(1.0 / arms)))
    upper = regularizer.dual(np.array(1.0)) - np.min(y, axis=-1, keepdims=True)
    # With the largest this small, what stands above the floors is at most half of what may.
    spare = np.maximum(1.0 - np.sum(low, axis=-1, keepdims=True), 1e-12)
    lower = regularizer.dual(spare / (2.0 * arms))
    for iteration in range(_MAX_ITERATIONS):
        probability = regularizer.primal(y + theta)
        free = (probability > low) & (probability < high)
        total = np.sum(np.clip(probability, low, high), axis=-1, keepdims=True)
        slope = np.sum(np.where(free, regularizer.slope(np.where(free, probability, 1.0)), 0.0), axis=-1, keepdims=True)
        error = total - 1.0
        settled = np.abs(error) <= _TOLERANCE
        if np.all(settled | (upper - lower <= 4e-16 * np.maximum(1.0, np.abs(theta)))):
            break
        lower = np.where(error < 0.0, theta, lower)
        upper = np.where(error > 0.0, theta, upper)
        newton = theta - error / np.where(slope > 0.0, slope, 1.0)
        halving = iteration >= _NEWTON_ONLY and iteration % 2 == 1
        trusted = (slope > 0.0) & (newton > lower) & (newton < upper) & (not halving)
        theta = np.where(settled, theta, np.where(trusted, newton, 0.5 * (lower + upper)))
    return spread_rounding(np.clip(regularizer.primal(y + theta), low, high), low, high)
