"""The capped simplex: distributions between a floor and a cap, and the Kullback-Leibler projection on them.

Mirror descent with negative entropy, and fixed-size sampling designs, need the same thing: scale a
positive vector until it sums to one while every entry stays between a floor and a cap. It lives here once.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray

__all__ = ["Capacity", "capped", "kl_projection", "rescaled_into", "spread_rounding"]


_MAX_ITERATIONS = 200
_NEWTON_ONLY = 20
_RESCALINGS = 12
_SETTLED = 1e-14
_TINIEST = 1e-300
_FAR = 1e200  # weights that must be raised so far have lost digits, or everything, to underflow
_SLACK = 1e-9


def kl_projection(log_weights: npt.ArrayLike, floor: npt.ArrayLike, cap: npt.ArrayLike) -> FloatArray:
    r"""Project positive weights on :math:`\{p : floor \le p \le cap, \sum p = 1\}` in KL divergence.

    The projection of :math:`w` is :math:`\mathrm{clip}(\lambda w, floor, cap)` with the one
    :math:`\lambda` that makes it sum to 1. It is found by a Newton iteration; where that loses small weights beside
    large ones, by a safeguarded one in the log domain, so weights may span any range (:math:`e^{-10^5}` beside 1).

    Args:
        log_weights: Log of the weights, shape (..., K). ``-inf`` is a weight of zero, which stays at its floor.
        floor: Lower bounds, broadcastable to (..., K), non-negative.
        cap: Upper bounds, broadcastable to (..., K), each at least its floor; may be ``inf``.

    Returns:
        The projected distribution, shape (..., K), float64.

    Raises:
        ValueError: If the set is empty: floors sum to more than 1, or the caps of the entries that can move,
            with the floors of those that cannot, to less.

    >>> kl_projection(np.log([0.7, 0.2, 0.1]), floor=0.0, cap=0.5)
    array([0.5       , 0.33333333, 0.16666667])
    """
    logits = np.asarray(log_weights, dtype=np.float64)
    logits = logits - np.max(logits, axis=-1, keepdims=True)
    low, high = (np.broadcast_to(np.asarray(bound, dtype=np.float64), logits.shape) for bound in (floor, cap))
    _check_feasible(logits, low, high)
    plain = (bound if isinstance(bound, float) else np.asarray(bound, dtype=np.float64) for bound in (floor, cap))
    projected, settled = rescaled_into(np.exp(logits), *plain)
    if not np.all(settled):
        left = ~settled
        projected[left] = _in_log_domain(logits[left], low[left], high[left])
    return projected


def rescaled_into(
    weights: FloatArray, low: float | FloatArray, high: float | FloatArray
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    r"""The same projection from weights themselves, fast, where they are within reach of each other.

    A Newton iteration on the scale :math:`\lambda`: the sum of clipped weights is piecewise linear in it.

    Args:
        weights: Non-negative weights, the sum of each row positive and finite, shape (..., K).
        low: Lower bounds, broadcastable to (..., K); together they leave room, which is not checked.
        high: Upper bounds, likewise.

    Returns:
        Projections, shape (..., K), and which rows are settled, shape (...): in the others (weights so far apart that
        some are lost beside the others, or bounds met one by one) the first is of no use.

    >>> rescaled_into(np.array([7.0, 2.0, 1.0]), 0.0, 0.5)
    (array([0.5       , 0.33333333, 0.16666667]), array(True))
    """
    scale = 1.0 / np.add.reduce(weights, axis=-1, keepdims=True)
    result: FloatArray = weights * scale
    # Bounds that cannot bind are usually plain numbers, and cost nothing then.
    floored, capped = not (isinstance(low, float) and low <= 0.0), not (isinstance(high, float) and high >= 1.0)
    if not (floored and np.less(result, low).any()) and not (capped and np.greater(result, high).any()):
        return result, np.ones(result.shape[:-1], dtype=np.bool_)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for _ in range(_RESCALINGS):
            np.minimum(np.maximum(result, low, out=result), high, out=result)
            error = 1.0 - np.add.reduce(result, axis=-1, keepdims=True)
            settled = np.abs(error) <= _SETTLED
            if settled.all():
                break
            free = weights * ((result > low) & (result < high))
            scale = np.where(settled, scale, scale + error / np.add.reduce(free, axis=-1, keepdims=True))
            np.multiply(weights, scale, out=result)
        np.minimum(np.maximum(result, low, out=result), high, out=result)
        settled &= (scale > 0.0) & (scale < _FAR)
    return result, settled[..., 0]


def capped(weights: FloatArray, cap: float) -> FloatArray:
    r"""The KL projection of K weights where none may exceed a cap of at least 1 / K: :math:`\min(cap, \lambda w_i)`.

    Weights are 0 or more, one at least above. A weight of 0 is taken for 1e-300, and so gets something only where the
    caps of the others leave something over.

    >>> capped(np.array([7.0, 2.0, 1.0]), 0.5)
    array([0.5       , 0.33333333, 0.16666667])
    """
    distribution, settled = rescaled_into(weights, 0.0, cap)
    if settled.all():
        return distribution
    projected: FloatArray = kl_projection(np.log(np.maximum(weights, _TINIEST)), floor=0.0, cap=cap)
    return projected


class Capacity:
    """How often each arm can be played in one round.

    Args:
        n_arms: Number of arms K.
        capacity: Plays that each arm can take in one round: a number or shape (K,), at least 1. For arms that are
            groups the number of their problems.

    Raises:
        ValueError: If there is no arm, or one without capacity.

    Attributes:
        each: Capacity of each arm, shape (K,).

    >>> Capacity(2, [1, 9]).projected(np.log([0.5, 0.5]), plays=4)
    array([0.25, 0.75])
    """

    def __init__(self, n_arms: int, capacity: npt.ArrayLike = 1.0) -> None:
        if n_arms < 1:
            raise ValueError(f"n_arms is {n_arms}; a bandit needs at least one arm")
        self.each: FloatArray = np.array(capacity, dtype=np.float64)  # one number for all arms, or one of each
        self._total = float(np.sum(np.broadcast_to(self.each, (n_arms,))))
        if not np.all(self.each >= 1):
            raise ValueError(f"a capacity is {np.min(self.each)}; every arm must take at least 1 play a round")

    def check(self, plays: int) -> None:
        """Raise ValueError if plays in one round are below 1, or above what all arms together hold."""
        if not 1 <= plays <= self._total:
            raise ValueError(
                f"{plays} plays are asked for but all arms together can be played {self._total:.0f} times a round; "
                "ask for 1 to that"
            )

    def projected(self, log_weights: FloatArray, plays: int) -> FloatArray:
        """The p nearest to weights of shape (..., K), in KL divergence, with ``m p`` at most the capacity.

        The number of plays m is one that `check` grants.
        """
        cap = self.each / plays
        return kl_projection(log_weights, 0.0, 1.0 if np.all(cap >= 1.0) else np.minimum(cap, 1.0))


def _in_log_domain(logits: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """The projection for weights of any range: a safeguarded Newton iteration on the log of the scale."""
    theta = -np.log(np.sum(np.exp(logits), axis=-1, keepdims=True))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        log_low, log_high = np.log(low), np.log(high)
        # Below `lower` every entry sits at its floor, above `upper` every movable one at its cap.
        never = np.isneginf(logits)
        lower = np.min(np.where(never, np.inf, log_low - logits), axis=-1, keepdims=True)
        lower = np.where(np.isfinite(lower), lower, theta - 50.0)
        upper = np.max(np.where(never, -np.inf, log_high - logits), axis=-1, keepdims=True)
        upper = np.where(
            np.isfinite(upper),
            upper,
            50.0 - np.min(logits, axis=-1, keepdims=True, where=~np.isneginf(logits), initial=0.0),
        )
        for iteration in range(_MAX_ITERATIONS):
            shifted = theta + logits
            at_cap, at_floor = shifted >= log_high, shifted <= log_low
            free = ~(at_cap | at_floor)
            clipped = np.sum(np.where(at_cap, high, 0.0) + np.where(at_floor & ~at_cap, low, 0.0), -1, keepdims=True)
            log_free = _log_sum_exp(np.where(free, logits, -np.inf))
            total = clipped + np.exp(theta + log_free)
            lower = np.where(total < 1.0, np.maximum(lower, theta), lower)
            upper = np.where(total > 1.0, np.minimum(upper, theta), upper)
            newton = np.log(1.0 - clipped) - log_free
            # Newton alone may meet the clipped entries one by one; halving in between bounds the number of rounds.
            halving = iteration >= _NEWTON_ONLY and iteration % 2 == 1
            inside = (newton > lower) & (newton < upper) & (not halving)
            step = np.where(inside, newton, 0.5 * (lower + upper))
            settled = (np.abs(total - 1.0) <= 1e-15) | (np.abs(step - theta) <= 1e-16 * np.maximum(1.0, np.abs(theta)))
            if np.all(settled | (upper - lower <= 1e-15 * np.maximum(1.0, np.abs(theta)))):
                break
            theta = np.where(settled, theta, step)
        projected = np.clip(np.exp(theta + logits), low, high)
    return spread_rounding(projected, low, high)


def spread_rounding(projected: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Give what rounding left over to the entries that are free to move within bounds of the same shape (..., K)."""
    room = np.where((projected > low) & (projected < high), projected, 0.0)
    mass = np.sum(room, axis=-1, keepdims=True)
    error = 1.0 - np.sum(projected, axis=-1, keepdims=True)
    correction = np.where(mass > 0.0, error * room / np.where(mass > 0.0, mass, 1.0), 0.0)
    result: FloatArray = np.clip(projected + correction, low, high)
    return result


def _log_sum_exp(logits: FloatArray) -> FloatArray:
    largest = np.max(logits, axis=-1, keepdims=True)
    shift = np.where(np.isneginf(largest), 0.0, largest)
    total: FloatArray = shift + np.log(np.sum(np.exp(logits - shift), axis=-1, keepdims=True))
    return total


def _check_feasible(logits: FloatArray, low: FloatArray, high: FloatArray) -> None:
    if np.any(low < 0.0) or np.any(low > high):
        raise ValueError("floor must be non-negative and at most the cap everywhere; lower the floor or raise the cap")
    least = np.max(np.sum(low, axis=-1))
    most = np.min(np.sum(np.where(np.isneginf(logits), low, high), axis=-1))
    if least > 1.0 + _SLACK:
        raise ValueError(f"the floors sum to {least:.6g} > 1, so no distribution fits; lower the floor")
    if most < 1.0 - _SLACK:
        raise ValueError(
            f"the caps sum to {most:.6g} < 1, so no distribution fits; ask for fewer plays or give more arms a weight"
        )
