"""Statistics of paired runs: speedup, interquartile mean, probability of improvement, share of an oracle's gain.

Pure functions of arrays. Curves are (seeds, evaluations), seeds are paired between entries, budgets are (evaluations,).
Every interval is a percentile bootstrap over seeds; a resample takes the same seeds of every entry, so what differs
between seeds but not between entries cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray

__all__ = [
    "RESAMPLES",
    "Estimate",
    "Speedup",
    "finals",
    "improvement_over_pairs",
    "interquartile_mean",
    "isotonic",
    "on_axis",
    "oracle_share",
    "probability_of_improvement",
    "speedup",
    "target",
    "time_to_threshold",
]

#: Bootstrap resamples of every interval.
RESAMPLES = 2000

_LAST = 3  # evaluations whose mean is the final value
_MOST_CELLS = 4_000_000  # of the table of block means; larger ones are worked off in parts


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: The estimate; nan where there is none.
        lower: Lower end; nan for a single seed.
        upper: Upper end; nan for a single seed.
    """

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Speedup:
    """How fast an entry reaches what the baseline ends at.

    Attributes:
        target: Mean over seeds of the baseline's last three evaluations.
        baseline_budget: Budget at which the baseline's mean curve crosses it.
        budget: Budget at which the entry's does, with its interval; an end is infinite where it is not reached.
        ratio: ``baseline_budget / budget``; 0 where the target is not reached, nan where the baseline starts at it.
        reached: Share of the resamples in which the entry reaches the target.
    """

    target: float
    baseline_budget: float
    budget: Estimate
    ratio: Estimate
    reached: float


def finals(curves: npt.ArrayLike) -> FloatArray:
    """The final value of each run: the mean of its last three evaluations, or of all where there are fewer.

    Args:
        curves: Shape (..., evaluations).

    Returns:
        Shape (...).

    >>> finals([[0.0, 0.1, 0.2, 0.3]])
    array([0.2])
    """
    return np.asarray(np.mean(np.asarray(curves, dtype=np.float64)[..., -_LAST:], axis=-1))


def target(baseline: npt.ArrayLike) -> float:
    """What an entry is asked to reach: the mean over seeds of the baseline's last three evaluations.

    Args:
        baseline: Curves of the baseline, shape (seeds, evaluations).

    Returns:
        The target.
    """
    return float(np.mean(finals(baseline)))


def on_axis(axis: npt.ArrayLike, budgets: npt.ArrayLike, curve: npt.ArrayLike) -> FloatArray:
    """A curve that was measured at budgets of its own, read at those of an axis.

    Args:
        axis: Budgets to read it at, shape (points,).
        budgets: Budget at each evaluation, ascending, shape (evaluations,).
        curve: Shape (evaluations,).

    Returns:
        Linear between evaluations, and the last value after the last one, shape (points,).

    >>> on_axis([0, 50, 300], [0, 100, 200], [0.0, 0.5, 0.75]).tolist()
    [0.0, 0.25, 0.75]
    """
    return np.interp(
        np.asarray(axis, dtype=np.float64), np.asarray(budgets, dtype=np.float64), np.asarray(curve, dtype=np.float64)
    )


def isotonic(curves: npt.ArrayLike) -> FloatArray:
    r"""The least-squares non-decreasing fit of each curve.

    :math:`\hat y_i = \max_{j \le i} \min_{k \ge i} \text{mean}(y_j, \dots, y_k)` (Robertson, Wright and Dykstra 1988,
    Theorem 1.4.4), which fits thousands of resampled curves at once.

    Args:
        curves: Shape (..., evaluations).

    Returns:
        Of that shape.

    >>> isotonic([0.0, 0.4, 0.2, 1.0]).round(6).tolist()
    [0.0, 0.3, 0.3, 1.0]
    """
    values = np.asarray(curves, dtype=np.float64)
    length = values.shape[-1]
    rows = values.reshape(-1, length)
    part = max(1, _MOST_CELLS // length**2)
    fitted = [_isotonic(rows[first : first + part]) for first in range(0, len(rows), part)]
    return np.concatenate(fitted).reshape(values.shape)


def time_to_threshold(budgets: npt.ArrayLike, curves: npt.ArrayLike, targets: npt.ArrayLike) -> FloatArray:
    """Budget at which the isotonic fit of each curve reaches its target, linear between evaluations.

    Args:
        budgets: Budget at each evaluation, ascending, shape (evaluations,).
        curves: Shape (..., evaluations).
        targets: Shape (...), or one for all.

    Returns:
        Shape (...); infinite where the target is not reached, the first budget where the curve begins at it.

    >>> time_to_threshold([0, 10, 20], [[0.0, 0.4, 0.8], [0.0, 0.1, 0.2]], 0.6)
    array([15., inf])
    """
    x, fitted = np.asarray(budgets, dtype=np.float64), isotonic(curves)
    if x.shape != fitted.shape[-1:]:
        raise ValueError(f"there are {len(x)} budgets for {fitted.shape[-1]} evaluations; give one each")
    aims = np.broadcast_to(np.asarray(targets, dtype=np.float64), fitted.shape[:-1])
    # A fit is a mean of means: the baseline's own last block may miss its target by rounding alone.
    there = fitted >= (aims - 1e-12 * np.maximum(1.0, np.abs(aims)))[..., None]
    first = np.argmax(there, axis=-1)
    before = np.maximum(first - 1, 0)
    y_before, y_first = (np.take_along_axis(fitted, at[..., None], axis=-1)[..., 0] for at in (before, first))
    rise = y_first - y_before
    share = np.divide(aims - y_before, rise, out=np.ones_like(rise), where=rise > 0.0)
    budget = x[before] + np.clip(share, 0.0, 1.0) * (x[first] - x[before])
    return np.where(np.any(there, axis=-1), budget, np.inf)


def speedup(
    budgets: npt.ArrayLike,
    baseline: npt.ArrayLike,
    entry: npt.ArrayLike,
    *,
    rival: npt.ArrayLike | None = None,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Speedup:
    """By what factor an entry needs less budget than the baseline, or than a rival, to the baseline's final value.

    The mean curve over seeds is what crosses, the baseline's own as well, which always gets there. Each resample has
    its own target and both its own crossings.

    A resample in which the entry does not reach the target has no ratio; all that is known is that it lies between 0
    and the baseline's crossing over the last budget. It counts as 0 for the lower end of the interval and as that
    largest possible value for the upper end: censoring widens the interval and never moves an end inwards. A resample
    in which the baseline begins at its target, so that there is no speed to speak of, is left out.

    Args:
        budgets: Budget at each evaluation, ascending, shape (evaluations,).
        baseline: Curves of the baseline, shape (seeds, evaluations).
        entry: Curves of the entry on the same seeds in the same order, of that shape.
        rival: Curves of what the entry is compared with, likewise; None is the baseline. The target stays the
            baseline's. Where the rival does not reach it, it counts as if it had with the last budget, which
            understates the entry.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Returns:
        The speed; what is said there of the baseline's budget is said of the rival's.

    Raises:
        ValueError: If the shapes do not fit.
    """
    x = np.asarray(budgets, dtype=np.float64)
    base, other = _paired(baseline, entry)
    weights = np.concatenate([np.full((1, len(base)), 1.0 / len(base)), _weights(len(base), resamples, seed)])
    base_mean, other_mean = weights @ base, weights @ other  # row 0: the estimate; the others: resamples
    aims = finals(base_mean)
    budget = time_to_threshold(x, other_mean, aims)
    if rival is None:
        base_budget = time_to_threshold(x, base_mean, aims)
    else:
        base_budget = np.minimum(time_to_threshold(x, weights @ _paired(baseline, rival)[1], aims), x[-1])
    defined = base_budget > x[0]
    with np.errstate(divide="ignore"):  # an entry that starts above the target is infinitely fast
        ratio = np.divide(base_budget, budget, out=np.full_like(budget, np.nan), where=defined)
    reached = np.isfinite(budget)
    at_most = np.where(reached, ratio, base_budget / x[-1])
    kept = defined[1:]
    lower, upper = _ends(len(base) if defined[0] else 0, ratio[1:][kept], at_most[1:][kept])
    return Speedup(
        target=float(aims[0]),
        baseline_budget=float(base_budget[0]),
        budget=Estimate(float(budget[0]), *_ends(len(base), budget[1:])),
        ratio=Estimate(float(ratio[0]), lower, upper),
        reached=float(np.mean(reached[1:])),
    )


def interquartile_mean(final: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Estimate:
    """Interquartile mean of final values, with a stratified bootstrap interval (Agarwal et al. 2021).

    The runs of all strata are pooled, as there.

    Args:
        final: Final values, shape (seeds,), or (strata, seeds): seeds are then resampled in each stratum (a student, a
            task) apart, and the mean is over all.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Returns:
        The mean of the middle half: a quarter of the values, rounded down, is cut at either side.

    >>> interquartile_mean([0.1, 0.4, 0.6, 5.0]).value
    0.5
    """
    strata = np.atleast_2d(np.asarray(final, dtype=np.float64))
    rng = np.random.default_rng(seed)
    seeds = strata.shape[1]
    drawn = [values[rng.integers(seeds, size=(resamples, seeds))] for values in strata]
    lower, upper = _ends(seeds, _middle(np.concatenate(drawn, axis=1)))
    return Estimate(float(_middle(strata.reshape(1, -1))[0]), lower, upper)


def probability_of_improvement(
    baseline: npt.ArrayLike, entry: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """The chance that an entry ends above the baseline on the same seed; ties count half.

    Seeds are paired: a seed is one bank and one learner, which differ between seeds more than entries do, and a user
    has one of them to choose an entry for. `improvement_over_pairs` is the usual measure, which pairs no seeds.

    Args:
        baseline: Final values of the baseline, shape (seeds,) or (strata, seeds): a stratum is a learner.
        entry: Those of the entry on the same seeds in the same order, of that shape.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Returns:
        The share of seeds on which it does, mean over strata; seeds are resampled in each stratum apart.

    Raises:
        ValueError: If the shapes do not fit.

    >>> probability_of_improvement([0.1, 0.2, 0.3, 0.4], [0.2, 0.3, 0.3, 0.3]).value
    0.625
    """
    base, other = (np.atleast_2d(values) for values in _paired(baseline, entry))
    won = 0.5 * (np.sign(other - base) + 1.0)
    seeds = base.shape[1]
    shares = [_weights(seeds, resamples, seed + stratum) @ of_stratum for stratum, of_stratum in enumerate(won)]
    return Estimate(float(np.mean(won)), *_ends(seeds, np.mean(shares, axis=0)))


def improvement_over_pairs(
    baseline: npt.ArrayLike, entry: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> Estimate:
    """The chance that a run of an entry ends above a run of the baseline, whatever their seeds; ties count half.

    The probability of improvement of Agarwal et al. 2021: on each task the share of all pairs of runs, mean over tasks,
    with both entries' runs resampled independently on each task.

    Args:
        baseline: Final values of the baseline, shape (seeds,) or (strata, seeds): a stratum is a task, here a learner.
        entry: Those of the entry, of that shape.
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Returns:
        The chance.

    Raises:
        ValueError: If the shapes do not fit.

    >>> improvement_over_pairs([0.1, 0.2], [0.2, 0.3]).value
    0.875
    """
    base, other = (np.atleast_2d(values) for values in _paired(baseline, entry))
    won = 0.5 * (np.sign(other[:, :, None] - base[:, None, :]) + 1.0)  # of every pair, (strata, seeds, seeds)
    seeds = base.shape[1]
    shares = [
        np.einsum(
            "ri,ij,rj->r",
            _weights(seeds, resamples, seed + 2 * stratum),
            of_stratum,
            _weights(seeds, resamples, seed + 2 * stratum + 1),
            optimize=True,
        )
        for stratum, of_stratum in enumerate(won)
    ]
    return Estimate(float(np.mean(won)), *_ends(seeds, np.mean(shares, axis=0)))


def oracle_share(
    baseline: npt.ArrayLike,
    entry: npt.ArrayLike,
    oracle: npt.ArrayLike,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Estimate:
    """Which part of an oracle's gain an entry has: (entry - baseline) / (oracle - baseline), of means.

    A resample in which the oracle does not end above the baseline says nothing about the share: it counts as minus
    infinity for the lower end of the interval and as infinity for the upper.

    Args:
        baseline: Final values of the baseline, shape (seeds,).
        entry: Those of the entry on the same seeds in the same order, shape (seeds,).
        oracle: Those of the oracle, shape (seeds,).
        resamples: Bootstrap resamples.
        seed: Seed of the bootstrap.

    Returns:
        The share: 0 is the baseline, 1 the oracle; nan where the oracle does not end above the baseline.

    Raises:
        ValueError: If the shapes do not fit.

    >>> oracle_share([0.0, 0.5], [0.25, 0.75], [0.5, 1.0])
    Estimate(value=0.5, lower=0.5, upper=0.5)
    """
    base, other = _paired(baseline, entry)
    _, best = _paired(baseline, oracle)
    weights = np.concatenate([np.full((1, len(base)), 1.0 / len(base)), _weights(len(base), resamples, seed)])
    gain, most = weights @ (other - base), weights @ (best - base)
    known = most > 1e-12 * np.mean(np.abs(base))
    share = np.divide(gain, most, out=np.full_like(gain, np.nan), where=known)
    if not known[0]:
        return Estimate(math.nan, math.nan, math.nan)
    at_least, at_most = (np.where(known, share, unknown)[1:] for unknown in (-np.inf, np.inf))
    return Estimate(float(share[0]), *_ends(len(base), at_least, at_most))


def _isotonic(rows: FloatArray) -> FloatArray:
    length = rows.shape[1]
    total = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)], axis=1)
    count = np.arange(1, length + 1) - np.arange(length)[:, None]  # entries from j to k
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (total[:, None, 1:] - total[:, :-1, None]) / count
    mean = np.where(count == 1, rows[:, None, :], np.where(count > 1, mean, np.inf))
    least = np.minimum.accumulate(mean[:, :, ::-1], axis=2)[:, :, ::-1]  # over k >= i, of blocks that begin at j
    return np.asarray(np.max(np.where(count >= 1, least, -np.inf), axis=1))


def _paired(*arrays: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    one, other = (np.asarray(array, dtype=np.float64) for array in arrays)
    if one.shape != other.shape or len(one) == 0:
        raise ValueError(f"shapes are {one.shape} and {other.shape}; give the same seeds, at least one, of both")
    return one, other


def _weights(seeds: int, resamples: int, seed: int) -> FloatArray:
    """How often each seed is in each resample, over their number, shape (resamples, seeds)."""
    counts = np.random.default_rng(seed).multinomial(seeds, np.full(seeds, 1.0 / seeds), size=resamples)
    return np.asarray(counts / seeds)


def _middle(values: FloatArray) -> FloatArray:
    cut = values.shape[1] // 4
    return np.asarray(np.mean(np.sort(values, axis=1)[:, cut : values.shape[1] - cut], axis=1))


def _ends(seeds: int, at_least: FloatArray, at_most: FloatArray | None = None) -> tuple[float, float]:
    """The 95 % interval of resamples, each known to lie between two values; no mixing, for some may be infinite."""
    if seeds < 2 or len(at_least) == 0:
        return math.nan, math.nan
    return (
        float(np.quantile(at_least, 0.025, method="inverted_cdf")),
        float(np.quantile(at_least if at_most is None else at_most, 0.975, method="inverted_cdf")),
    )
