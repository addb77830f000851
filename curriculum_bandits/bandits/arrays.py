"""Array operations that tabular bandits share: play from p, check the answers, sum them by arm."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.contract import FloatArray, IntArray, RefusedUtility, Selection
from curriculum_bandits.sampling import categorical, systematic_counts

__all__ = [
    "checked_answers",
    "checked_counts",
    "checked_utilities",
    "leading_axes",
    "of_arms",
    "play_distinct",
    "play_independent",
    "positions",
    "refuse_candidates",
    "refuse_size",
    "sum_by_arm",
]

_LEAST_INCLUSION = 1e-200


def leading_axes(runs: int | None) -> tuple[int, ...]:
    """Shape of everything that is kept once per run: ``()`` for None, else ``(runs,)``."""
    if runs is None:
        return ()
    if runs < 1:
        raise ValueError(f"runs is {runs}; give at least 1, or None for a single run")
    return (runs,)


def play_distinct(
    probability: FloatArray, size: int, rng: np.random.Generator, capacity: npt.ArrayLike = 1.0
) -> Selection:
    """Play arms so that each is played ``m p`` times, rounded up or down.

    Args:
        probability: p_t, shape (..., K), with ``m p`` at most the capacity.
        size: Plays m.
        rng: Source of randomness.
        capacity: How often an arm can be played in one round.

    Returns:
        Arms, p_t and ``m p_t`` of each, shape (..., m).
    """
    if size == 1:
        return play_independent(probability, 1, rng)
    expected = np.minimum(size * probability, capacity)
    arms = systematic_counts(expected, capacity, rng)
    played = of_arms(probability, arms)
    return Selection(arms, played, size * played)


def play_independent(probability: FloatArray, size: int, rng: np.random.Generator) -> Selection:
    """Play arms in independent draws; arguments and result are those of `play_distinct`."""
    arms = categorical(probability, size, rng)
    played = of_arms(probability, arms)
    return Selection(arms, played, size * played)


def of_arms(values: FloatArray, arms: IntArray) -> FloatArray:
    """The entries, of values of shape (..., K), at arms of shape (m,) or (runs, m); a copy of that shape."""
    return values.ravel()[positions(arms, values.shape[-1])]


def positions(arms: IntArray, n_arms: int) -> IntArray:
    """Where arms of shape (m,) or (runs, m) stand in a flattened (runs, K) array, which is much faster to index."""
    if arms.ndim == 1:
        return arms
    return np.asarray(arms + np.arange(0, len(arms) * n_arms, n_arms)[:, None])


def refuse_candidates(bandit: object, candidates: IntArray | None) -> None:
    """Raise ValueError if there are candidates: restricting a tabular distribution changes what is played."""
    if candidates is not None:
        raise ValueError(
            f"{type(bandit).__name__} draws from all arms and takes no candidates; use a curator that scores them"
        )


def refuse_size(size: int, available: int) -> None:
    """Raise ValueError if `size` different arms cannot be had of those available."""
    if not 1 <= size <= available:
        raise ValueError(f"{size} arms are asked for but there are {available}; ask for 1 to {available}")


def checked_answers(
    selection: Selection,
    values: npt.ArrayLike,
    *,
    n_arms: int,
    leading: tuple[int, ...],
    utility_range: tuple[float, float] | None = None,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """The answers of a round to a bandit that divides by inclusion.

    Args:
        selection: The plays that answered, shape (..., m) with `leading` in front.
        values: Their utilities, same shape.
        n_arms: Number of arms K.
        leading: Shape of the runs.
        utility_range: (lo, hi) that values must lie in, or None.

    Returns:
        Arms, inclusion and values as arrays of int64, float64 and float64.

    Raises:
        ValueError: If inclusion is None or not positive, shapes differ, or an arm does not exist.
        RefusedUtility: If a value is not finite or outside the range.
    """
    if selection.inclusion is None:
        raise ValueError(
            "this draw has no inclusion probability, and this bandit divides by it; draw with a sampler that states one"
        )
    weights = np.asarray(selection.inclusion, dtype=np.float64)
    played, utilities = _checked(selection.arms, values, n_arms, leading, utility_range, weights.shape)
    if not np.minimum.reduce(weights, axis=None) >= _LEAST_INCLUSION:  # not so where one is nan either
        worst = weights[~(weights >= _LEAST_INCLUSION)][0]
        raise ValueError(
            f"an inclusion is {worst}; it must be positive, and at least {_LEAST_INCLUSION} to divide by: pass the "
            "numbers that the draw recorded"
        )
    return played, weights, utilities


def checked_utilities(
    selection: Selection,
    values: npt.ArrayLike,
    *,
    n_arms: int,
    leading: tuple[int, ...] = (),
    utility_range: tuple[float, float] | None = None,
) -> tuple[IntArray, FloatArray]:
    """As `checked_answers` for a bandit that divides by nothing: inclusion is neither read nor returned."""
    return _checked(selection.arms, values, n_arms, leading, utility_range, None)


def checked_counts(counts: npt.ArrayLike | None, shape: tuple[int, ...]) -> FloatArray:
    """The rollouts behind each value, as float64 of the shape of the values; one each where they are not counted.

    Raises:
        ValueError: If they have another shape, or one is below 1 or not a whole number.
    """
    if counts is None:
        return np.ones(shape)
    found = np.asarray(counts, dtype=np.float64)
    if found.shape != shape:
        raise ValueError(f"counts have shape {found.shape} where values have {shape}; give one per value")
    if not np.all((found >= 1) & (found == np.floor(found))):
        bad = found[~((found >= 1) & (found == np.floor(found)))][0]
        raise ValueError(f"a count of rollouts is {bad}; a value that is told rests on 1 or more whole rollouts")
    return found


def _checked(
    arms: npt.ArrayLike,
    values: npt.ArrayLike,
    n_arms: int,
    leading: tuple[int, ...],
    utility_range: tuple[float, float] | None,
    inclusion_shape: tuple[int, ...] | None,
) -> tuple[IntArray, FloatArray]:
    played = np.asarray(arms, dtype=np.int64)
    utilities = np.asarray(values, dtype=np.float64)
    shape = played.shape
    alike = utilities.shape == shape and inclusion_shape in (None, shape)
    if not alike or shape[:-1] != leading or shape[-1:] in ((), (0,)):
        what, between = ("arms and values", "") if inclusion_shape is None else ("arms, inclusion and values", ",")
        middle = "" if inclusion_shape is None else f" {inclusion_shape}"
        raise ValueError(
            f"{what} have shapes {shape}{between}{middle} and {utilities.shape}; "
            f"all must be {leading} plus one axis of at least one play"
        )
    # Reductions first: what they find is searched for only where there is something to find.
    if np.minimum.reduce(played, axis=None) < 0 or np.maximum.reduce(played, axis=None) >= n_arms:
        unknown = played[(played < 0) | (played >= n_arms)][0]
        raise ValueError(f"arm {unknown} is outside 0..{n_arms - 1}; only arms of this bandit can answer")
    lo, hi = (-math.inf, math.inf) if utility_range is None else utility_range
    least, most = np.minimum.reduce(utilities, axis=None), np.maximum.reduce(utilities, axis=None)
    if not (math.isfinite(least) and math.isfinite(most) and least >= lo and most <= hi):
        bad = ~np.isfinite(utilities) | (utilities < lo) | (utilities > hi)
        remedy = "report a finite utility, or leave the arm out"
        if utility_range is not None:
            remedy = f"utility_range is ({lo}, {hi}); widen it, or leave it out for the scale-free form"
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise RefusedUtility(int(played[where]), where[-1], float(utilities[where]), remedy)
    return played, utilities


def sum_by_arm(arms: IntArray, terms: FloatArray, n_arms: int) -> FloatArray:
    """Sum terms, of the shape (m,) or (runs, m) of their arms, by arm: shape (K,) or (runs, K)."""
    shape = (*arms.shape[:-1], n_arms)
    flat = positions(arms, n_arms).ravel()
    return np.bincount(flat, weights=terms.ravel(), minlength=math.prod(shape)).reshape(shape)
