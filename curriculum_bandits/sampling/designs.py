"""From weights to inclusion probabilities to items.

Every sampler here comes with the number to divide by, `inclusion`, for which
``E sum_{j: x_j = x} 1 / inclusion_j = 1`` holds for every item x that can be drawn. Which number that is differs
between designs (an exact inclusion probability, an expected count, a threshold probability), and confusing them is the
classic fault of importance-weighted learning; so each sampler states its own and a test measures it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.sampling.simplex import kl_projection

__all__ = [
    "categorical",
    "gumbel_top_k",
    "inclusion_probabilities",
    "nucleus",
    "systematic",
    "systematic_counts",
    "with_replacement",
]

_TOLERANCE = 1e-9
_BELOW_ONE = 1.0 - 2.0**-52


def inclusion_probabilities(weights: npt.ArrayLike, size: int) -> FloatArray:
    r"""Inclusion probabilities proportional to weights, capped at 1 and summing to `size`.

    :math:`\pi_i = \min(1, \lambda w_i)` with :math:`\lambda` such that :math:`\sum \pi_i = size`.

    Args:
        weights: Non-negative weights, shape (..., N).
        size: Number of items to draw, at least 1.

    Returns:
        Inclusion probabilities, shape (..., N).

    Raises:
        ValueError: If a weight is negative or not finite, or fewer than `size` are positive.

    >>> inclusion_probabilities([8.0, 1.0, 1.0], 2)
    array([1. , 0.5, 0.5])
    """
    values = np.asarray(weights, dtype=np.float64)
    _check_size(size)
    _check_non_negative(values, "weight")
    positive = int(np.min(np.sum(values > 0.0, axis=-1)))
    if positive < size:
        raise ValueError(
            f"only {positive} weights are positive but {size} items are asked for; ask for at most {positive} "
            "or give more items a positive weight"
        )
    with np.errstate(divide="ignore"):
        scaled = size * kl_projection(np.log(values), floor=0.0, cap=1.0 / size)
    return np.where(scaled > 1.0 - _TOLERANCE, 1.0, scaled)


def systematic(inclusion: npt.ArrayLike, rng: np.random.Generator) -> IntArray:
    """Madow's systematic sampling on a fresh permutation: distinct items, exact inclusion.

    Args:
        inclusion: Inclusion probabilities in [0, 1], shape (..., N), summing to a whole number m, the same in
            every run.
        rng: Source of randomness.

    Returns:
        Drawn items, shape (..., m), in random order; item i is among them with probability ``inclusion[..., i]``.

    Raises:
        ValueError: If a probability is outside [0, 1] or the sum is not a whole number.

    Source: Madow, "On the theory of systematic sampling II", 1949.

    >>> sorted(systematic([1.0, 0.0, 1.0], np.random.default_rng(0)).tolist())
    [0, 2]
    """
    values = np.asarray(inclusion, dtype=np.float64)
    if np.any(values > 1.0 + _TOLERANCE):
        raise ValueError(f"an inclusion probability is {np.max(values):.6g} > 1; use inclusion_probabilities to cap it")
    return systematic_counts(np.minimum(values, 1.0), 1.0, rng)


def systematic_counts(expected: npt.ArrayLike, capacity: npt.ArrayLike, rng: np.random.Generator) -> IntArray:
    """Systematic sampling where an arm may be drawn several times: its count is its expectation, rounded up or down.

    Args:
        expected: Expected counts, shape (..., K), summing to a whole number m, the same in every run.
        capacity: Largest count of each arm, broadcastable to (..., K); whole numbers or ``inf``. An arm whose
            expectation reaches its capacity is drawn exactly that often.
        rng: Source of randomness.

    Returns:
        Arms, shape (..., m), each repeated as often as it was drawn, in random order of arms.

    Raises:
        ValueError: If an expectation is negative, not finite or above capacity, or the sum is not a whole number.
    """
    counts = np.asarray(expected, dtype=np.float64)
    limit = np.asarray(capacity, dtype=np.float64)
    _check_non_negative(counts, "expected count")
    above = counts > limit + _TOLERANCE
    if above.any():
        raise ValueError(
            f"the expected count {counts[above][0]:.9g} exceeds its capacity "
            f"{np.broadcast_to(limit, counts.shape)[above][0]:.9g}; project the distribution on the feasible set first"
        )
    total = np.sum(counts, axis=-1)
    size = round(float(np.max(total)))
    off = total[np.abs(total - size) > 1e-6 * max(1, size)]
    if np.size(off):
        raise ValueError(
            f"inclusion sums to {off.flat[0]:.9g}, which is not one whole number in every run; scale it with "
            "inclusion_probabilities"
        )
    order = rng.permuted(np.broadcast_to(np.arange(counts.shape[-1]), counts.shape), axis=-1)
    if counts.ndim == 1:
        limits = limit if limit.ndim == 0 else np.broadcast_to(limit, counts.shape)[order]
        return np.asarray(order[_hits(counts[order], limits, size, float(rng.random((1,))[0]))])
    counts = np.take_along_axis(counts, order, axis=-1)
    limit = np.take_along_axis(np.broadcast_to(limit, counts.shape), order, axis=-1)
    certain, running = _running(counts, limit, size)
    offset = rng.random((*counts.shape[:-1], 1))
    drawn = np.diff(np.ceil(running - offset), axis=-1, prepend=0.0) + np.where(certain, limit, 0.0)
    repeats = np.maximum(drawn, 0.0).astype(np.int64)
    return np.repeat(order.ravel(), repeats.ravel()).reshape(*counts.shape[:-1], size)


def _running(counts: FloatArray, limit: FloatArray, size: int) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    """Which arms are certain, and the running sum of the others, which ends at the number of draws left for them.

    Certain arms are set aside, so that rounding in the running sum can never draw one less or one more often.
    """
    certain = counts >= limit - _TOLERANCE
    left = size - np.sum(np.where(certain, limit, 0.0), axis=-1, keepdims=True)
    running = np.cumsum(np.where(certain, 0.0, counts), axis=-1)
    return certain, np.where(running == running[..., -1:], left, np.minimum(running, left))


def _hits(counts: FloatArray, limit: FloatArray, size: int, offset: float) -> IntArray:
    """The same for one run, where only the points that are drawn need be looked up: positions, ascending."""
    certain, running = _running(counts, limit, size)
    left = round(float(running[-1]))
    points = np.minimum(offset + np.arange(left), np.nextafter(left, 0.0))  # rounding must not lift the last to the end
    found: IntArray = np.searchsorted(running, points, side="right")
    if left == size:
        return found
    fixed = np.flatnonzero(certain)
    repeats = np.broadcast_to(limit, counts.shape)[fixed].astype(np.int64)
    return np.sort(np.concatenate([np.repeat(fixed, repeats), found]))


def gumbel_top_k(log_weights: npt.ArrayLike, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    r"""Sequential draws without replacement by Gumbel noise, with the threshold probability to divide by.

    With :math:`\kappa` the (size+1)-th largest perturbed log weight, a drawn item's number is
    :math:`q_i = 1 - \exp(-e^{\phi_i - \kappa})`: a function of the draw, not an inclusion probability, and the one
    that makes :math:`\sum_{i \in S} f_i / q_i` unbiased for :math:`\sum_i f_i`.

    Args:
        log_weights: Log weights, shape (..., N); ``-inf`` is never drawn. Need not be normalised.
        size: Number of items.
        rng: Source of randomness.

    Returns:
        Items (..., size), in the order of a sequential draw, and the number to divide by (..., size).

    Raises:
        ValueError: If fewer than `size` log weights are finite, or one is ``nan`` or ``+inf``.

    Source: Kool, van Hoof, Welling, "Stochastic Beams and Where to Find Them", 2019, section 4.
    """
    logits = np.asarray(log_weights, dtype=np.float64)
    _check_size(size)
    _refuse(np.isnan(logits) | np.isposinf(logits), logits, "log weight", "finite, or -inf for an item never to draw")
    possible = int(np.min(np.sum(np.isfinite(logits), axis=-1)))
    if possible < size:
        raise ValueError(f"only {possible} log weights are finite but {size} items are asked for; ask for fewer")
    perturbed = logits + rng.gumbel(size=logits.shape)
    order = np.argsort(-perturbed, axis=-1, kind="stable")
    items = order[..., :size]
    if size == logits.shape[-1]:
        return items, np.ones(items.shape)
    threshold = np.take_along_axis(perturbed, order[..., size : size + 1], axis=-1)
    with np.errstate(over="ignore"):
        inclusion = -np.expm1(-np.exp(np.take_along_axis(logits, items, axis=-1) - threshold))
    return items, inclusion


def nucleus(probabilities: npt.ArrayLike, size: int, rng: np.random.Generator, *, top_p: float = 0.9) -> IntArray:
    """The second stage of ACTOR-CURATOR: part of the batch by probability, the rest uniformly.

    Of the K likeliest items, as many as hold together at most `top_p` of the probability, only the number matters:
    ``min(K, size)`` items are drawn without replacement in proportion to their probability, from all items, and the
    rest uniformly from what is left. K can be 0, where one item alone holds more. No inclusion probability of this
    design is known in closed form, so it comes without a number to divide by.

    Args:
        probabilities: Distribution over the items, shape (N,).
        size: Number of items to draw.
        rng: Source of randomness.
        top_p: Mass of the nucleus, in [0, 1].

    Returns:
        Distinct items, shape (size,), those drawn by probability first.

    Raises:
        ValueError: If a probability is negative or not finite, they do not sum to 1, `size` exceeds their number, or
            `top_p` is not in [0, 1].

    Source: Gu et al., "Actor-Curator", arXiv 2602.20532, and its authors' public code.

    >>> nucleus([0.0, 1.0, 0.0], 1, np.random.default_rng(0), top_p=1.0).tolist()
    [1]
    """
    values = _checked_distribution(probabilities)
    _check_size(size)
    if size > len(values):
        raise ValueError(f"{size} items are asked for but there are {len(values)}; ask for fewer")
    if not 0.0 <= top_p <= 1.0:
        raise ValueError(f"top_p is {top_p}; it must be in [0, 1]")
    held = np.cumsum(np.sort(values)[::-1])
    by_weight = min(int(np.sum(held <= top_p + _TOLERANCE)), size, int(np.count_nonzero(values)))
    with np.errstate(divide="ignore"):
        drawn = gumbel_top_k(np.log(values), by_weight, rng)[0] if by_weight else np.zeros(0, dtype=np.int64)
    rest = np.delete(np.arange(len(values)), drawn)
    return np.concatenate([drawn, rng.choice(rest, size - by_weight, replace=False)])


def with_replacement(probabilities: npt.ArrayLike, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Independent draws; the number to divide by is the expected count, ``size * p``.

    Args:
        probabilities: Distribution, shape (..., N), each row summing to 1.
        size: Number of draws.
        rng: Source of randomness.

    Returns:
        Items (..., size), possibly repeated, and ``size * p`` of each (..., size).

    Raises:
        ValueError: If a probability is negative or not finite, or a row does not sum to 1.

    >>> with_replacement([0.0, 1.0], 2, np.random.default_rng(0))
    (array([1, 1]), array([2., 2.]))
    """
    values = _checked_distribution(probabilities)
    _check_size(size)
    items = categorical(values, size, rng)
    return items, size * np.take_along_axis(values, items, axis=-1)


def categorical(weights: FloatArray, size: int, rng: np.random.Generator) -> IntArray:
    """Independent draws, shape (..., size), in proportion to weights of shape (..., N); 0 is never drawn.

    Nothing is checked: weights must be finite and 0 or more, with a positive sum in each row.

    >>> categorical(np.array([[0.0, 2.0], [1.0, 0.0]]), 2, np.random.default_rng(0))
    array([[1, 1],
           [0, 0]])
    """
    cumulative = np.add.accumulate(weights, axis=-1)
    # A hair below the total, lest rounding lift a point to it, beyond the last item of positive weight.
    points = rng.random((*weights.shape[:-1], size)) * (cumulative[..., -1:] * _BELOW_ONE)
    if weights.ndim == 1:
        return np.asarray(np.searchsorted(cumulative, points, side="right"), dtype=np.int64)
    if size == 1:
        return np.asarray((cumulative > points).argmax(axis=-1)[..., None], dtype=np.int64)
    return np.asarray(np.sum(cumulative[..., None, :] <= points[..., None], axis=-1), dtype=np.int64)


def _checked_distribution(probabilities: npt.ArrayLike) -> FloatArray:
    values = np.asarray(probabilities, dtype=np.float64)
    _check_non_negative(values, "probability")
    total = np.sum(values, axis=-1, keepdims=True)
    off = total[np.abs(total - 1.0) > 1e-6]
    if np.size(off):
        raise ValueError(f"probabilities sum to {off.flat[0]:.9g}, not 1; normalise them")
    return values


def _check_size(size: int) -> None:
    if size < 1:
        raise ValueError(f"size is {size}; ask for at least 1 item")


def _check_non_negative(values: FloatArray, what: str) -> None:
    if values.size and not (np.minimum.reduce(values, axis=None) >= 0.0 and np.isfinite(np.max(values))):
        _refuse(~(np.isfinite(values) & (values >= 0.0)), values, what, "finite and non-negative")


def _refuse(bad: npt.NDArray[np.bool_], values: FloatArray, what: str, remedy: str) -> None:
    if np.any(bad):
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{what} at index {where} is {values[where]}; it must be {remedy}")
