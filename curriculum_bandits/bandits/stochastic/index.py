"""Indices: what each arm might pay at best, given how often it was played and what it paid.

Pure functions of arrays. An arm that was never played has index infinity, so that every arm is tried.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import entr, xlogy

from curriculum_bandits.bandits.contract import FloatArray

__all__ = ["bernoulli_kl", "kl_ucb_index", "kl_upper_bound", "mean_index", "ucb_index"]

_FORGOTTEN = 1e-100  # a discounted count below this is that of an arm never played: its inverse must not overflow
_EDGE = 2.0**-53  # means are kept this far from 0 and 1, where the divergence is finite
_NEWTON_STEPS = 40  # five or six do; the bound is there so that the loop ends


def bernoulli_kl(p: npt.ArrayLike, q: npt.ArrayLike) -> FloatArray:
    r"""Kullback-Leibler divergence of two Bernoulli means, :math:`p \ln(p/q) + (1-p) \ln((1-p)/(1-q))`.

    Args:
        p: Means in [0, 1], any shape.
        q: Means in [0, 1], shape that broadcasts with it.

    Returns:
        The divergence, infinite where q is 0 or 1 and p is not.

    >>> bernoulli_kl(0.5, [0.5, 0.25, 0.0])
    array([0.        , 0.14384104,        inf])
    """
    first, second = np.asarray(p, dtype=np.float64), np.asarray(q, dtype=np.float64)
    crossed = xlogy(first, second) + xlogy(1.0 - first, 1.0 - second)
    return np.asarray(np.maximum(-entr(first) - entr(1.0 - first) - crossed, 0.0))


def kl_upper_bound(mean: npt.ArrayLike, level: npt.ArrayLike) -> FloatArray:
    r"""The largest q in [mean, 1] with :math:`\mathrm{kl}(mean, q) \le level`, by Newton's method from above.

    The divergence is convex in q, so from the right of the root every step stays right of it, and the start is the
    least of three upper bounds: Pinsker's, the one for small means :math:`(q-p)^2/(2q) \le level`, and the one for
    large levels :math:`-(1-p)\ln(1-q) \le level + h(p)`, where h is the entropy.

    Args:
        mean: Means in [0, 1], any shape.
        level: Levels, 0 or more, shape that broadcasts with it.

    Returns:
        The bounds, to an absolute error of about 1e-10.

    Source: Garivier & Cappé, "The KL-UCB Algorithm for Bounded Stochastic Bandits and Beyond", COLT 2011, section 2.

    >>> kl_upper_bound([0.0, 0.5, 1.0], [np.log(2.0), 0.1438410362, 1.0]).round(6)
    array([0.5 , 0.75, 1.  ])
    """
    mean, level = np.asarray(mean, dtype=np.float64), np.asarray(level, dtype=np.float64)
    p = np.minimum(np.maximum(mean, _EDGE), 1.0 - _EDGE)
    rest = 1.0 - p
    target = level + entr(p) + entr(rest)  # kl(p, q) = level where p ln q + (1-p) ln(1-q) + level + h(p) = 0
    q = np.minimum(p + np.sqrt(0.5 * level), p + level + np.sqrt(level * (level + 2.0 * p)))
    q = np.minimum(q, -np.expm1(-target / rest))
    q = np.minimum(np.maximum(q, p), 1.0 - _EDGE)
    for _ in range(_NEWTON_STEPS):
        above = 1.0 - q
        left = np.minimum(p * np.log(q) + rest * np.log(above) + target, 0.0)  # above 0 by rounding only
        lower = np.maximum(q + left * q * above / np.maximum(q - p, 1e-12), p)
        moved = np.max(q - lower, initial=0.0)
        q = lower
        if moved < 1e-7:  # Newton's steps square: the next one would be below the tolerance
            break
    return np.asarray(np.maximum(np.where(q >= 1.0 - _EDGE, 1.0, q), mean))


def mean_index(counts: FloatArray, sums: FloatArray, time: float | FloatArray = 0.0) -> FloatArray:
    """Mean gain S/N and nothing more, the greedy rule; arguments as of `ucb_index`, of which `time` is not used.

    >>> mean_index(np.array([2.0, 0.0]), np.array([1.0, 0.0]))
    array([0.5, inf])
    """
    played = counts > _FORGOTTEN
    return np.where(played, sums / np.where(played, counts, 1.0), np.inf)


def ucb_index(counts: FloatArray, sums: FloatArray, time: float | FloatArray, *, width: float = 2.0) -> FloatArray:
    r"""Mean plus padding, :math:`S/N + \sqrt{w \ln n / N}`, with counts N, sums S and time n.

    The published paddings, for gains in [0, 1], are w = 2 for UCB1; :math:`4\xi` for discounted UCB, whose padding is
    :math:`2\sqrt{\xi \ln n_t(\gamma)/N_t(\gamma)}`; and :math:`\xi` for sliding-window UCB, whose padding is
    :math:`\sqrt{\xi \ln\min(t, \tau)/N_t(\tau)}`.

    Args:
        counts: Plays N, discounted or not, shape (..., K).
        sums: Their gains S, shape (..., K).
        time: Rounds n that they come from, a number or of a shape that broadcasts.
        width: w.

    Returns:
        Index of each arm, shape (..., K).

    Source: Auer, Cesa-Bianchi & Fischer, "Finite-time Analysis of the Multiarmed Bandit Problem", 2002, figure 1;
    Garivier & Moulines, "On Upper-Confidence Bound Policies for Switching Bandit Problems", ALT 2011.

    >>> ucb_index(np.array([2.0, 0.0]), np.array([1.0, 0.0]), np.e)
    array([1.5, inf])
    """
    played = counts > _FORGOTTEN
    n = np.where(played, counts, 1.0)
    return np.where(played, sums / n + np.sqrt(width * np.log(np.maximum(time, 1.0)) / n), np.inf)


def kl_ucb_index(counts: FloatArray, sums: FloatArray, time: float | FloatArray, *, c: float = 0.0) -> FloatArray:
    r"""The largest mean q that is plausible, :math:`N\, \mathrm{kl}(S/N, q) \le \ln t + c \ln\ln t`.

    The theorem asks for a c of 3, the paper recommends 0 in practice; else as for `ucb_index`. The index of an
    arm that was played is within [0, 1].

    Source: Garivier & Cappé, "The KL-UCB Algorithm for Bounded Stochastic Bandits and Beyond", COLT 2011, algorithm 1.

    >>> kl_ucb_index(np.array([1.0, 0.0]), np.array([0.0, 0.0]), 2.0)
    array([0.5, inf])
    """
    played = counts > _FORGOTTEN
    n = np.where(played, counts, 1.0)
    budget = np.log(np.maximum(time, 1.0))
    if c:
        budget = budget + c * np.log(np.maximum(budget, 1.0))
    return np.where(played, kl_upper_bound(sums / n, budget / n), np.inf)
