"""Regret against the best sequence of arms with at most S switches, exactly, by dynamic programming.

The table of the program holds, for every number of switches and every arm, the most that a sequence ending there can
have earned; a round costs O(S K). External regret is the case S = 0, dynamic regret the case S = T - 1.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import BoolArray, FloatArray, IntArray
from curriculum_bandits.regret._arrays import as_earned, as_table

__all__ = ["SwitchingRegret", "switching_regret"]


class SwitchingRegret(NamedTuple):
    """Regret against a sequence of arms that switches.

    Attributes:
        curve: Regret after every round against the best sequence for the rounds so far, shape (..., T).
        comparator: The best sequence of arms for all rounds, shape (..., T) with the leading axes of the table.
    """

    curve: FloatArray
    comparator: IntArray


def switching_regret(table: npt.ArrayLike, earned: npt.ArrayLike, switches: int) -> SwitchingRegret:
    """Regret of one play a round against the best sequence with at most `switches` switches.

    Args:
        table: Rewards (realised regret) or means (pseudo-regret), shape (..., T, K).
        earned: What the policy earned in each round, from the same table, shape (..., T); leading axes broadcast.
        switches: S, the largest number of rounds in which the comparator may change its arm; S + 1 segments.

    Returns:
        The curve, shape (..., T), whose last entry is the total, and the comparator, which switches no more often than
        it gains by.

    Raises:
        ValueError: If shapes do not fit, a number is not finite or `switches` is negative.

    >>> table = [[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    >>> regret = switching_regret(table, earned=[0.0, 0.0, 0.0], switches=2)
    >>> float(regret.curve[-1]), regret.comparator.tolist()
    (3.0, [0, 1, 0])
    """
    values = as_table(table)
    gained = np.cumsum(as_earned(earned, values), axis=-1)
    if switches < 0:
        raise ValueError(f"switches is {switches}; give 0 (a fixed arm) or more")
    rounds, n_arms = values.shape[-2:]
    leading = values.shape[:-2]
    runs = values.reshape(-1, rounds, n_arms)
    states = min(switches, rounds - 1) + 1
    switched = np.zeros((rounds, len(runs), states, n_arms), dtype=bool)
    source = np.zeros((rounds, len(runs), states), dtype=np.int64)  # the arm to switch from
    curve = np.empty((len(runs), rounds))
    best = np.repeat(runs[:, 0, None, :], states, axis=1)
    curve[:, 0] = np.max(best[:, -1], axis=-1)
    for t in range(1, rounds):
        source[t] = np.argmax(best, axis=-1)
        switched[t, :, 1:] = np.max(best[:, :-1], axis=-1, keepdims=True) > best[:, 1:]
        best = advance(best, runs[:, t])
        curve[:, t] = np.max(best[:, -1], axis=-1)
    comparator = _backtrack(np.argmax(best[:, -1], axis=-1), switched, source)
    return SwitchingRegret(curve.reshape(*leading, rounds) - gained, comparator.reshape(*leading, rounds))


def advance(best: FloatArray, values: FloatArray) -> FloatArray:
    """One round of the dynamic program, whose rewards or means are `values`, shape (..., K).

    Before and after, `best` is the most earned with at most s switches, ending in arm x, shape (..., S + 1, K).
    """
    kept = best.copy()
    kept[..., 1:, :] = np.maximum(best[..., 1:, :], np.max(best[..., :-1, :], axis=-1, keepdims=True))
    return np.asarray(kept + values[..., None, :])


def _backtrack(last: IntArray, switched: BoolArray, source: IntArray) -> IntArray:
    rounds, n_runs, states, _ = switched.shape
    run = np.arange(n_runs)
    arms = np.empty((n_runs, rounds), dtype=np.int64)
    arms[:, -1] = last
    left = np.full(n_runs, states - 1)
    for t in range(rounds - 1, 0, -1):
        changes = switched[t, run, left, arms[:, t]]
        left = left - changes
        arms[:, t - 1] = np.where(changes, source[t, run, left], arms[:, t])
    return arms
