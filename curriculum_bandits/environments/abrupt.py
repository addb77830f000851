"""Environments whose means stand still and then jump.

The setting of change detection and of switching regret: few segments, each an ordinary bandit.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import IntArray
from curriculum_bandits.environments.environment import Environment
from curriculum_bandits.environments.noise import BERNOULLI, Noise

__all__ = ["flipping", "piecewise_stationary", "random_abrupt"]


def piecewise_stationary(
    segments: npt.ArrayLike,
    horizon: int,
    *,
    starts: npt.ArrayLike | None = None,
    name: str = "piecewise stationary",
    noise: Noise = BERNOULLI,
) -> Environment:
    """Means that are constant within each segment.

    Args:
        segments: Means of each segment, shape (S, K).
        horizon: Number of rounds T.
        starts: First row of each segment, shape (S,), beginning with 0 and increasing; None makes the segments equally
            long, up to rounding.
        name: Name of the environment.
        noise: How a mean becomes a reward.

    Raises:
        ValueError: If a segment would be empty, or the starts are not as said.

    >>> piecewise_stationary([[0.1, 0.9], [0.9, 0.1]], horizon=4, starts=[0, 3]).means[:, 0]
    array([0.1, 0.1, 0.1, 0.9])
    """
    levels = np.asarray(segments, dtype=np.float64)
    if levels.ndim != 2:
        raise ValueError(f"segments has shape {levels.shape}; it must be (segments, arms)")
    first = _equal_starts(len(levels), horizon) if starts is None else np.asarray(starts, dtype=np.int64)
    lengths = np.diff(first, append=horizon)
    if first.shape != (len(levels),) or first[0] != 0 or np.any(lengths < 1):
        raise ValueError(
            f"starts is {first.tolist()} for {len(levels)} segments in {horizon} rounds; give one per segment, "
            "beginning with 0, each later than the one before and below the horizon"
        )
    return Environment(np.repeat(levels, lengths, axis=0), name=name, noise=noise)


def flipping(horizon: int = 100_000, gap: float = 0.1, *, noise: Noise = BERNOULLI) -> Environment:
    """Two arms: the first falls from 0.8 to ``0.5 - gap`` in the middle third and comes back, the second stays at 0.5.

    Args:
        horizon: Number of rounds T.
        gap: How far the first arm falls below the second, in [0, 0.5]: the smaller, the harder the change is to see.
        noise: How a mean becomes a reward.

    Raises:
        ValueError: If the gap is outside its range.

    Source: the flipping environment of Liu, Lee & Shroff, "A Change-Detection based Framework for Piecewise-stationary
    Multi-Armed Bandit Problem", AAAI 2018, from memory: the numbers, and which thirds they stand in, were not checked
    against the paper.

    >>> flipping(horizon=3).means
    array([[0.8, 0.5],
           [0.4, 0.5],
           [0.8, 0.5]])
    """
    if not 0.0 <= gap <= 0.5:
        raise ValueError(f"gap is {gap}; it must be in [0, 0.5]")
    segments = [[0.8, 0.5], [0.5 - gap, 0.5], [0.8, 0.5]]
    return piecewise_stationary(segments, horizon, name=f"flipping {gap:g}", noise=noise)


def random_abrupt(
    n_arms: int,
    horizon: int,
    changes: int,
    seed: int,
    *,
    gap: float = 0.1,
    shortest: int = 1,
    noise: Noise = BERNOULLI,
) -> Environment:
    """A random piecewise-stationary instance in which every change brings another best arm.

    Change points are uniform among those that leave each segment its least length. In each segment the best arm's mean
    is uniform between the greatest of the others plus `gap`, and 1; the others' are uniform in [0, 1 - gap].

    Args:
        n_arms: Number of arms K.
        horizon: Number of rounds T.
        changes: Number of change points S.
        seed: Seed of the instance (not of its rewards).
        gap: Least distance from the best mean to the second, in [0, 1].
        shortest: Least number of rounds in a segment.
        noise: How a mean becomes a reward.

    Returns:
        The environment, with exactly S change points.

    Raises:
        ValueError: If there are fewer than two arms, or the segments do not fit into the horizon.

    >>> random_abrupt(n_arms=4, horizon=1000, changes=3, seed=0, shortest=100).change_points.shape
    (3,)
    """
    slack = horizon - (changes + 1) * shortest
    if n_arms < 2 or changes < 0 or shortest < 1 or slack < 0 or not 0.0 <= gap <= 1.0:
        raise ValueError(
            f"n_arms {n_arms}, changes {changes}, shortest {shortest}, gap {gap}, horizon {horizon} do not fit; "
            "need two arms, (changes + 1) * shortest <= horizon, and a gap in [0, 1]"
        )
    rng = np.random.default_rng(seed)
    # Where a multiset of cuts in the slack is placed, each moved on by the least length: uniform among all that fit.
    cuts = np.sort(rng.choice(slack + changes, size=changes, replace=False)) - np.arange(changes)
    starts = np.concatenate([[0], cuts + shortest * np.arange(1, changes + 1)])
    means = rng.uniform(0.0, 1.0 - gap, size=(changes + 1, n_arms))
    best = _never_twice(n_arms, changes + 1, rng)[:, None]
    np.put_along_axis(means, best, -np.inf, axis=1)
    least = np.max(means, axis=1, keepdims=True) + gap
    np.put_along_axis(means, best, np.minimum(least + (1.0 - least) * rng.random(least.shape), 1.0), axis=1)
    return piecewise_stationary(means, horizon, starts=starts, name=f"random abrupt {seed}", noise=noise)


def _equal_starts(count: int, horizon: int) -> IntArray:
    return np.asarray(np.arange(count) * horizon // count, dtype=np.int64)


def _never_twice(n_arms: int, length: int, rng: np.random.Generator) -> IntArray:
    """A uniform sequence of arms without equal neighbours."""
    steps = rng.integers(1, n_arms, size=length)
    steps[0] = rng.integers(n_arms)
    return np.asarray(np.cumsum(steps) % n_arms, dtype=np.int64)
