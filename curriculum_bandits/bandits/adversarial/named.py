"""The bandits of the literature by name: each is a configuration of a rule here, with the tuning its theorem assumes.

Settings follow from the numbers that all take, which suffice to reproduce a published baseline: ``n_arms`` K,
``horizon`` T in rounds, ``plays`` a round m, and ``segments`` S of the comparator (one more than its switches); of
``runs`` independent runs, with utilities in ``utility_range``, [0, 1] by default.
"""

from __future__ import annotations

import math

from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.adversarial.exp3_m import Exp3M
from curriculum_bandits.bandits.adversarial.exponential_weights import ExponentialWeights
from curriculum_bandits.bandits.adversarial.ftrl import Ftrl
from curriculum_bandits.bandits.adversarial.osmd import Osmd
from curriculum_bandits.bandits.adversarial.regularizers import Tsallis
from curriculum_bandits.bounds import (
    exp3_anytime_step,
    exp3_s_exploration,
    exp3_s_share,
    exp3_step,
    fixed_share_share,
    fixed_share_step,
    osmd_entropy_step,
    osmd_tsallis_step,
    rexp3_batch,
    rexp3_exploration,
)

__all__ = [
    "exp3",
    "exp3_anytime",
    "exp3_ix",
    "exp3_m",
    "exp3_p",
    "exp3_s",
    "fixed_share",
    "osmd_entropy",
    "osmd_tsallis",
    "rexp3",
    "tsallis_inf",
]

Range = tuple[float, float]


def exp3(n_arms: int, horizon: int, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)) -> Osmd:
    r"""Exp3 on losses with the step tuned for a horizon, :math:`\eta = \sqrt{2 \ln K / (T K)}`.

    Its bound is `bounds.exp3_bound`. Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1.

    >>> round(exp3(10, 1000).step, 4)
    0.0215
    """
    return osmd_entropy(n_arms, horizon, 1, runs=runs, utility_range=utility_range)


def exp3_anytime(n_arms: int, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)) -> Ftrl:
    r"""Exp3 without a horizon: follow the regularised leader with :math:`\eta_t = \sqrt{\ln K / (t K)}`.

    Its bound is `bounds.exp3_anytime_bound`. Source: Bubeck & Cesa-Bianchi 2012, Theorem 3.1.
    """
    return Ftrl(n_arms, lambda t: exp3_anytime_step(t, n_arms), runs=runs, utility_range=utility_range)


def exp3_ix(n_arms: int, horizon: int, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)) -> Osmd:
    r"""Exp3 with implicit exploration: losses divided by :math:`p + \gamma`, :math:`\gamma = \eta / 2`.

    The step is that of `exp3`.

    Source: Neu, "Explore no more: Improved high-probability regret bounds for non-stochastic bandits", 2015.
    """
    step = exp3_step(horizon, n_arms, scale=_width(utility_range))
    return Osmd(n_arms, runs=runs, floor=0.0, step=step, utility_range=utility_range, implicit_exploration=0.5 * step)


def exp3_m(
    n_arms: int, horizon: int, plays: int, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)
) -> Exp3M:
    r"""Exp3.M with :math:`\gamma = \min(1, \sqrt{K \ln(K/m) / ((e - 1) m T)})`.

    `osmd_entropy` solves the same problem with a better constant; `plays` must be below K.

    Source: Uchiya, Nakamura & Kudo, "Algorithms for Adversarial Bandit Problems with Multiple Plays", ALT 2010.
    """
    mixing = min(1.0, math.sqrt(n_arms * math.log(n_arms / plays) / ((math.e - 1.0) * plays * horizon)))
    return Exp3M(n_arms, plays, mixing=mixing, runs=runs, utility_range=utility_range)


def osmd_entropy(
    n_arms: int, horizon: int, plays: int, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)
) -> Osmd:
    r"""Many plays a round with negative entropy, step tuned for a horizon, :math:`\eta = \sqrt{2 m \ln(K/m) / (T K)}`.

    Its bound is `bounds.osmd_entropy_bound`. Source: Bubeck & Cesa-Bianchi 2012, Theorem 5.6.
    """
    step = osmd_entropy_step(horizon, n_arms, plays, scale=_width(utility_range))
    return Osmd(n_arms, runs=runs, plays=plays, floor=0.0, step=step, utility_range=utility_range)


def osmd_tsallis(
    n_arms: int, horizon: int, plays: int = 1, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)
) -> Osmd:
    r"""Many plays a round with 1/2-Tsallis entropy, step tuned for a horizon, :math:`\eta = \sqrt{8 m / T}`.

    The step belongs to the normalisation of `Tsallis`; it is worked out here and gives the constant of the theorem.
    Its bound is `bounds.osmd_tsallis_bound`. Source: Bubeck & Cesa-Bianchi 2012, Theorem 5.7.
    """
    step = osmd_tsallis_step(horizon, n_arms, plays, scale=_width(utility_range))
    return Osmd(
        n_arms, runs=runs, plays=plays, floor=0.0, step=step, utility_range=utility_range, regularizer=Tsallis(0.5)
    )


def exp3_p(
    n_arms: int, horizon: int, confidence: float = 0.05, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)
) -> ExponentialWeights:
    r"""Exp3.P, whose bound holds with probability :math:`1 - \delta`: every gain gets a bonus before it is divided.

    :math:`\beta = \sqrt{\ln(K/\delta)/(TK)}`, :math:`\eta = 0.95 \sqrt{\ln K/(TK)}`, :math:`\gamma = 1.05 \sqrt{K \ln K
    / T}`, where `confidence` is :math:`\delta` in (0, 1).

    Source: Bubeck & Cesa-Bianchi 2012, section 3.2.
    """
    require("(0, 1)", confidence=confidence)
    spread = math.log(n_arms) / (horizon * n_arms)
    return ExponentialWeights(
        n_arms,
        step=0.95 * math.sqrt(spread),
        mixing=min(1.0, 1.05 * n_arms * math.sqrt(spread)),
        bonus=math.sqrt(math.log(n_arms / confidence) / (n_arms * horizon)),
        runs=runs,
        utility_range=utility_range,
    )


def exp3_s(
    n_arms: int, horizon: int, segments: int, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)
) -> ExponentialWeights:
    r"""Exp3.S, tuned for comparators of S segments.

    :math:`\alpha = 1/T`, :math:`\gamma = \min(1, \sqrt{K (S \ln(KT) + e) / ((e-1) T)})`, :math:`\eta = \gamma / K`.
    Its bound is `bounds.exp3_s_bound`. Source: Auer, Cesa-Bianchi, Freund & Schapire 2002, Corollary 8.3.
    """
    mixing = exp3_s_exploration(horizon, n_arms, segments)
    return ExponentialWeights(
        n_arms,
        step=mixing / n_arms,
        mixing=mixing,
        sharing=exp3_s_share(horizon),
        runs=runs,
        utility_range=utility_range,
    )


def fixed_share(
    n_arms: int, horizon: int, segments: int, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)
) -> Osmd:
    r"""Exp3 on losses with fixed share, tuned for comparators of S segments.

    After each update :math:`\alpha = (S - 1)/(T - 1)` of the distribution, at most half, returns to uniform;
    :math:`\eta = \sqrt{2 D / (K T)}` with the D of `bounds.fixed_share_bound`. With one segment it is `exp3`.

    Source: Herbster & Warmuth, "Tracking the Best Expert", 1998; for bandits derived here.

    >>> round(fixed_share(10, 1000, 5).share, 4)
    0.004
    """
    share = fixed_share_share(horizon, segments)
    step = fixed_share_step(horizon, n_arms, segments, scale=_width(utility_range))
    return Osmd(n_arms, runs=runs, floor=0.0, share=share, step=step, utility_range=utility_range)


def rexp3(
    n_arms: int, horizon: int, variation: float, *, runs: int | None = None, utility_range: Range = (0.0, 1.0)
) -> ExponentialWeights:
    r"""Exp3 started again every :math:`\Delta = \lceil (K \ln K)^{1/3} (T/V)^{2/3} \rceil` rounds.

    Inside a batch :math:`\gamma = \min(1, \sqrt{K \ln K / ((e - 1) \Delta)})`.
    The `variation` budget V is above 0, in units of the width of `utility_range`. Its bound is `bounds.rexp3_bound`.

    Source: Besbes, Gur & Zeevi, "Stochastic Multi-Armed-Bandit Problem with Non-stationary Rewards", 2014, Theorem 2.
    """
    if not variation > 0.0:
        raise ValueError(f"variation is {variation}; Rexp3 needs a positive budget, exp3 is for a budget of 0")
    batch = rexp3_batch(horizon, n_arms, variation)
    mixing = rexp3_exploration(batch, n_arms)
    return ExponentialWeights(
        n_arms, step=mixing / n_arms, mixing=mixing, restart_every=batch, runs=runs, utility_range=utility_range
    )


def tsallis_inf(
    n_arms: int, *, reduced_variance: bool = False, runs: int | None = None, utility_range: Range = (0.0, 1.0)
) -> Ftrl:
    r"""Tsallis-INF: 1/2-Tsallis entropy with :math:`\eta_t = 2/\sqrt t`, or :math:`4/\sqrt t` with reduced variance.

    With `reduced_variance` the estimator subtracts 1/2 where p is not small; the bound of the plain form is
    `bounds.tsallis_inf_bound`.

    Source: Zimmert & Seldin, "Tsallis-INF: An Optimal Algorithm for Stochastic and Adversarial Bandits", 2021, Thm. 1.
    """
    scale = 4.0 if reduced_variance else 2.0
    return Ftrl(
        n_arms,
        lambda t: scale / math.sqrt(t),
        regularizer=Tsallis(0.5),
        reduced_variance=reduced_variance,
        runs=runs,
        utility_range=utility_range,
    )


def _width(utility_range: Range) -> float:
    return utility_range[1] - utility_range[0]
