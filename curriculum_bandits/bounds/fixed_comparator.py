r"""Bounds against the best fixed arm, or the best fixed subset of arms, in hindsight.

Common to all: losses of every arm in [0, U] (or utilities in [0, U], played as losses U - u), chosen without knowing
the player's random numbers, and an update on importance-weighted losses. What is bounded is the pseudo-regret
:math:`\max_x E \sum_t (u_t(x) - u_t(x_t))`, the total over the horizon: `regret.external_regret` of means.
With m plays both sides sum over the m plays of a round. U is `scale`, in whose units bounds are; each step size is
divided by it.
"""

from __future__ import annotations

import math

from curriculum_bandits.bounds._checks import positive, whole

__all__ = [
    "exp3_anytime_bound",
    "exp3_anytime_step",
    "exp3_bound",
    "exp3_step",
    "osmd_entropy_bound",
    "osmd_entropy_step",
    "osmd_tsallis_bound",
    "osmd_tsallis_step",
    "tsallis_inf_bound",
    "tsallis_inf_step",
]


def exp3_bound(horizon: int, n_arms: int, *, step: float | None = None, scale: float = 1.0) -> float:
    r"""Exp3 with a constant step: :math:`U \sqrt{2 T K \ln K}` at the tuned one.

    With another constant step it is the trade-off of the theorem's proof, :math:`\ln K / \eta + \eta U^2 K T / 2`.

    Args:
        horizon: Rounds T.
        n_arms: Arms K.
        step: Constant step size; None is `exp3_step`.
        scale: Range U of the losses.

    Returns:
        Upper bound on the pseudo-regret, in units of the losses.

    Raises:
        ValueError: If an argument is out of its range.

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1. Assumes p proportional to ``exp(-step * estimated loss so far)``,
    one play a round, no exploration mixed in.

    >>> round(exp3_bound(1000, 2), 2)
    52.66
    """
    eta = exp3_step(horizon, n_arms, scale=scale) if step is None else positive("step", step)
    horizon, n_arms, scale = whole("horizon", horizon), whole("n_arms", n_arms), positive("scale", scale)
    return _trade_off(math.log(n_arms), scale**2 * n_arms * horizon / 2.0, eta)


def exp3_step(horizon: int, n_arms: int, *, scale: float = 1.0) -> float:
    r"""The step that `exp3_bound` is tuned for, :math:`\sqrt{2 \ln K / (T K)} / U`.

    Arguments and errors are those of `exp3_bound`.

    Returns:
        The step size; 0 for a single arm, which leaves nothing to learn.

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1.
    """
    horizon, n_arms = whole("horizon", horizon), whole("n_arms", n_arms)
    return math.sqrt(2.0 * math.log(n_arms) / (horizon * n_arms)) / positive("scale", scale)


def exp3_anytime_bound(horizon: int, n_arms: int, *, scale: float = 1.0) -> float:
    r"""Exp3 that does not know its horizon: :math:`2 U \sqrt{T K \ln K}`, for every T at once.

    Arguments and errors are those of `exp3_bound`.

    Returns:
        Upper bound on the pseudo-regret, in units of the losses.

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1, second part. Assumes p proportional to
    ``exp(-exp3_anytime_step(t) * estimated loss so far)``, the whole past at the present step (follow the regularised
    leader); mirror descent with the same steps does not have this bound.

    >>> round(exp3_anytime_bound(1000, 2), 2)
    74.47
    """
    horizon, n_arms = whole("horizon", horizon), whole("n_arms", n_arms)
    return 2.0 * positive("scale", scale) * math.sqrt(horizon * n_arms * math.log(n_arms))


def exp3_anytime_step(t: int, n_arms: int, *, scale: float = 1.0) -> float:
    r"""The step of round t that `exp3_anytime_bound` is proved for, :math:`\sqrt{\ln K / (t K)} / U`.

    Arguments and errors are those of `exp3_bound`; `t` is the round, counted from 1.

    Returns:
        The step size for the distribution played in round t.

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1, second part.
    """
    t, n_arms = whole("t", t), whole("n_arms", n_arms)
    return math.sqrt(math.log(n_arms) / (t * n_arms)) / positive("scale", scale)


def osmd_entropy_bound(
    horizon: int, n_arms: int, plays: int = 1, *, step: float | None = None, scale: float = 1.0
) -> float:
    r"""OSMD with negative entropy on m-subsets: :math:`U \sqrt{2 m K T \ln(K/m)}` at the tuned step.

    With another constant step it is the theorem's trade-off, :math:`m \ln(K/m) / \eta + \eta U^2 T K / 2`. With one
    play it is `exp3_bound`.

    Args:
        horizon: Rounds T.
        n_arms: Arms K.
        plays: Distinct arms played a round, m.
        step: Constant step size; None is `osmd_entropy_step`.
        scale: Range U of the losses.

    Returns:
        Upper bound on the pseudo-regret against the best fixed m-subset, summed over the m plays.

    Raises:
        ValueError: If an argument is out of its range.

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 5.6, for the m-subsets among their combinatorial actions. Assumes
    semi-bandit feedback (each played arm's own loss), arms drawn with inclusion probabilities exactly m p and divided
    by them, the KL projection on the capped set as part of the update, a uniform start and no floor.

    >>> round(osmd_entropy_bound(1000, 20, plays=5), 2)
    526.55
    """
    eta = osmd_entropy_step(horizon, n_arms, plays, scale=scale) if step is None else positive("step", step)
    horizon, n_arms, plays, scale = *_checked(horizon, n_arms, plays), positive("scale", scale)
    return _trade_off(plays * math.log(n_arms / plays), scale**2 * horizon * n_arms / 2.0, eta)


def osmd_entropy_step(horizon: int, n_arms: int, plays: int = 1, *, scale: float = 1.0) -> float:
    r"""The step that `osmd_entropy_bound` is tuned for, :math:`\sqrt{2 m \ln(K/m) / (K T)} / U`.

    It is the same whether the update is written for p or for m p: negative entropy does not notice the factor.

    Arguments and errors are those of `osmd_entropy_bound`.

    Returns:
        The step size; 0 where all arms are played in every round.

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 5.6.
    """
    horizon, n_arms, plays = _checked(horizon, n_arms, plays)
    return math.sqrt(2.0 * plays * math.log(n_arms / plays) / (n_arms * horizon)) / positive("scale", scale)


def osmd_tsallis_bound(
    horizon: int, n_arms: int, plays: int = 1, *, step: float | None = None, scale: float = 1.0
) -> float:
    r"""OSMD with 1/2-Tsallis entropy on m-subsets: :math:`2 U \sqrt{2 m K T}` at the tuned step.

    With another constant step it is the theorem's trade-off, which in the normalisation of `osmd_tsallis_step` reads
    :math:`4 m \sqrt K / \eta + \eta U^2 T \sqrt K / 2`.

    Arguments and errors are those of `osmd_entropy_bound`, with `osmd_tsallis_step` and its normalisation.

    Returns:
        Upper bound on the pseudo-regret against the best fixed m-subset, summed over the m plays.

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 5.7 with q = 2 (their potential :math:`(-x)^{-q}`); the assumptions are
    those of `osmd_entropy_bound`, with the Bregman projection of this regulariser.

    >>> round(osmd_tsallis_bound(1000, 20, plays=5), 2)
    894.43
    """
    eta = osmd_tsallis_step(horizon, n_arms, plays, scale=scale) if step is None else positive("step", step)
    horizon, n_arms, plays, scale = *_checked(horizon, n_arms, plays), positive("scale", scale)
    root = math.sqrt(n_arms)
    return _trade_off(4.0 * plays * root, scale**2 * horizon * root / 2.0, eta)


def osmd_tsallis_step(horizon: int, n_arms: int, plays: int = 1, *, scale: float = 1.0) -> float:
    r"""The step that `osmd_tsallis_bound` is tuned for, :math:`2 \sqrt{2 m / T} / U`.

    It is meant for :math:`F(p) = -4 \sum_x \sqrt{p_x}` over distributions p, up to a constant, as in Tsallis-INF and
    everywhere in this library. The theorem writes :math:`F(x) = -2 \sum \sqrt{x}` over x = m p with the step
    :math:`\sqrt{2/T}`; both make the same move, :math:`p'^{-1/2} = p^{-1/2} + \sqrt{2m/T}\, \tilde\ell` before the
    projection.

    Arguments and errors are those of `osmd_entropy_bound`.

    Returns:
        The step size.

    Source: Bubeck & Cesa-Bianchi 2012, Theorem 5.7 with q = 2; the change of normalisation is ours.
    """
    horizon, _, plays = _checked(horizon, n_arms, plays)
    return 2.0 * math.sqrt(2.0 * plays / horizon) / positive("scale", scale)


def tsallis_inf_bound(horizon: int, n_arms: int, *, scale: float = 1.0) -> float:
    r"""Tsallis-INF with importance-weighted losses: :math:`U (4 \sqrt{K T} + 1)`, for every T at once.

    Arguments and errors are those of `exp3_bound`.

    Returns:
        Upper bound on the pseudo-regret, in units of the losses.

    Source: Zimmert & Seldin, "Tsallis-INF: An Optimal Algorithm for Stochastic and Adversarial Bandits", 2021,
    Theorem 1, adversarial regime, plain importance weighting (not the reduced-variance estimator). Assumes follow the
    regularised leader with the steps of `tsallis_inf_step`, one play a round.

    >>> round(tsallis_inf_bound(1000, 2), 2)
    179.89
    """
    horizon, n_arms = whole("horizon", horizon), whole("n_arms", n_arms)
    return positive("scale", scale) * (4.0 * math.sqrt(n_arms * horizon) + 1.0)


def tsallis_inf_step(t: int, *, scale: float = 1.0) -> float:
    r"""The step of round t that `tsallis_inf_bound` is proved for, :math:`2 / (U \sqrt t)`.

    For the regulariser :math:`-4 \sum_x (\sqrt{p_x} - p_x / 2)`. (The reduced-variance estimator takes twice this
    step and has a bound of its own, which is not here.)

    Arguments and errors are those of `exp3_bound`; `t` is the round, counted from 1.

    Returns:
        The step size for the distribution played in round t.

    Source: Zimmert & Seldin 2021, Theorem 1.
    """
    return 2.0 / math.sqrt(whole("t", t)) / positive("scale", scale)


def _trade_off(distance: float, noise: float, step: float) -> float:
    """``distance / step + noise * step``; a step of 0 belongs to a distance of 0."""
    return noise * step + (distance / step if step > 0.0 else 0.0)


def _checked(horizon: int, n_arms: int, plays: int) -> tuple[int, int, int]:
    horizon, n_arms, plays = whole("horizon", horizon), whole("n_arms", n_arms), whole("plays", plays)
    if plays > n_arms:
        raise ValueError(f"plays is {plays} but there are {n_arms} arms; a subset holds each arm at most once")
    return horizon, n_arms, plays
