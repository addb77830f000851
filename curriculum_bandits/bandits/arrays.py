"""What every tabular bandit does with its arrays: check the answers, and add them up by arm."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.contract import FloatArray, IntArray, RefusedUtility

__all__ = ["checked_answers", "leading_axes", "sum_by_arm"]


def leading_axes(runs: int | None) -> tuple[int, ...]:
    """Shape of everything that is kept once per run.

    Args:
        runs: Number of independent runs, or None for one run without a leading axis.

    Returns:
        ``()`` or ``(runs,)``.

    Raises:
        ValueError: If `runs` is below 1.
    """
    if runs is None:
        return ()
    if runs < 1:
        raise ValueError(f"runs is {runs}; give at least 1, or None for a single run")
    return (runs,)


def checked_answers(
    arms: npt.ArrayLike,
    inclusion: npt.ArrayLike | None,
    values: npt.ArrayLike,
    *,
    n_arms: int,
    leading: tuple[int, ...],
    utility_range: tuple[float, float] | None = None,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """The answers of a round as arrays, or an error that names what is wrong with them.

    Args:
        arms: Arms that answered, shape (..., m) with `leading` in front.
        inclusion: Their number to divide by, same shape.
        values: Their utilities, same shape.
        n_arms: Number of arms K.
        leading: Shape of the runs.
        utility_range: (lo, hi) that values must lie in, or None.

    Returns:
        The three as arrays of int64, float64 and float64.

    Raises:
        ValueError: If inclusion is None or not positive, shapes differ, or an arm does not exist.
        RefusedUtility: If a value is not finite or outside the range.
    """
    if inclusion is None:
        raise ValueError(
            "this draw has no inclusion probability, and this bandit divides by it; draw with a sampler that states one"
        )
    played = np.asarray(arms, dtype=np.int64)
    weights = np.asarray(inclusion, dtype=np.float64)
    utilities = np.asarray(values, dtype=np.float64)
    shapes = (played.shape, weights.shape, utilities.shape)
    if len(set(shapes)) != 1 or played.shape[:-1] != leading or played.shape[-1:] in ((), (0,)):
        raise ValueError(
            f"arms, inclusion and values have shapes {shapes[0]}, {shapes[1]} and {shapes[2]}; "
            f"all must be {leading} plus one axis of at least one play"
        )
    unknown = (played < 0) | (played >= n_arms)
    if np.any(unknown):
        raise ValueError(f"arm {played[unknown][0]} is outside 0..{n_arms - 1}; only arms of this bandit can answer")
    void = ~(weights > 0.0)
    if np.any(void):
        raise ValueError(
            f"an inclusion is {weights[void][0]}; it must be positive: pass the numbers that the draw recorded"
        )
    bad = ~np.isfinite(utilities)
    remedy = "report a finite utility, or leave the arm out"
    if utility_range is not None:
        lo, hi = utility_range
        bad |= (utilities < lo) | (utilities > hi)
        remedy = f"utility_range is ({lo}, {hi}); widen it, or leave it out for the scale-free form"
    if np.any(bad):
        where = tuple(int(i) for i in np.argwhere(bad)[0])
        raise RefusedUtility(int(played[where]), where[-1], float(utilities[where]), remedy)
    return played, weights, utilities


def sum_by_arm(arms: IntArray, terms: FloatArray, n_arms: int) -> FloatArray:
    """Sum the terms of each arm, run by run.

    Args:
        arms: Shape (m,) or (runs, m).
        terms: Same shape.
        n_arms: Number of arms K.

    Returns:
        Sums, shape (K,) or (runs, K).
    """
    if arms.ndim == 1:
        return np.asarray(np.bincount(arms, weights=terms, minlength=n_arms), dtype=np.float64)
    runs = len(arms)
    flat = arms + n_arms * np.arange(runs)[:, None]
    total = np.bincount(flat.ravel(), weights=terms.ravel(), minlength=runs * n_arms)
    return np.asarray(total.reshape(runs, n_arms), dtype=np.float64)
