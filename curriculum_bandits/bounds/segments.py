r"""Bounds against a sequence of arms with few segments, for rewards that nothing else restrains.

Utilities lie in [0, U], U being `scale`, and are chosen without knowing the player's random numbers; regret is the
total over the horizon.
"""

from __future__ import annotations

import math

from curriculum_bandits.bounds._checks import between, positive, whole

__all__ = [
    "exp3_s_bound",
    "exp3_s_exploration",
    "exp3_s_share",
    "fixed_share_bound",
    "fixed_share_share",
    "fixed_share_step",
]

_E1 = math.e - 1.0


def exp3_s_bound(
    horizon: int, n_arms: int, segments: int, *, exploration: float | None = None, scale: float = 1.0
) -> float:
    r"""Exp3.S: :math:`2 U \sqrt{e - 1} \sqrt{K T (S \ln(K T) + e)}` at the tuned exploration.

    With another exploration :math:`\gamma` it is the trade-off that this minimises,
    :math:`U [K (S \ln(K T) + e) / \gamma + (e - 1) \gamma T]` (Theorem 8.1 there, with the same share 1/T). Where the
    tuned exploration would exceed 1 it is 1, and the bound says less than the trivial U T.

    Args:
        horizon: Rounds T.
        n_arms: Arms K.
        segments: S, the number of *segments* of the comparator, one more than its switches.
        exploration: Share of uniform play gamma in (0, 1]; None is `exp3_s_exploration`.
        scale: Range U of the rewards.

    Returns:
        Upper bound on the expected regret against every sequence of arms with at most S segments: the expectation of
        `regret.switching_regret` with S - 1 switches, for rewards fixed beforehand.

    Raises:
        ValueError: If an argument is out of its range.

    Source: Auer, Cesa-Bianchi, Freund & Schapire 2002, "The Nonstochastic Multiarmed Bandit Problem", Corollary 8.3.
    Their S bounds the hardness of the sequence, which is 1 plus the number of changes. Assumes Exp3.S in its gain form
    on rewards divided by U, with `exp3_s_share` and `exp3_s_exploration`, S known beforehand.

    >>> round(exp3_s_bound(5000, 3, segments=5), 1)
    2288.5
    """
    if exploration is None:
        gamma = exp3_s_exploration(horizon, n_arms, segments)
    else:
        gamma = between("exploration", exploration, math.ulp(0.0), 1.0, "it is a share of the plays, above 0")
    horizon, n_arms, segments = _segmented(horizon, n_arms, segments)
    difficulty = n_arms * (segments * math.log(n_arms * horizon) + math.e)
    return positive("scale", scale) * (difficulty / gamma + _E1 * gamma * horizon)


def exp3_s_exploration(horizon: int, n_arms: int, segments: int) -> float:
    r"""The exploration `exp3_s_bound` is tuned for, :math:`\min\{1, \sqrt{K (S \ln(K T) + e) / ((e - 1) T)}\}`.

    Arguments and errors are those of `exp3_s_bound`.

    Returns:
        Share of uniform play, gamma.

    Source: Auer, Cesa-Bianchi, Freund & Schapire 2002, Corollary 8.3.
    """
    horizon, n_arms, segments = _segmented(horizon, n_arms, segments)
    return min(1.0, math.sqrt(n_arms * (segments * math.log(n_arms * horizon) + math.e) / (_E1 * horizon)))


def exp3_s_share(horizon: int) -> float:
    r"""The share of weight that `exp3_s_bound` assumes Exp3.S to hand round, :math:`\alpha = 1/T`.

    Args:
        horizon: Rounds T.

    Returns:
        alpha: each weight gains ``e * alpha / K`` times the sum of all weights.

    Raises:
        ValueError: If `horizon` is below 1.

    Source: Auer, Cesa-Bianchi, Freund & Schapire 2002, Corollary 8.3.
    """
    return 1.0 / whole("horizon", horizon)


def fixed_share_bound(
    horizon: int,
    n_arms: int,
    segments: int,
    *,
    share: float | None = None,
    step: float | None = None,
    scale: float = 1.0,
) -> float:
    r"""Fixed share on importance-weighted losses: :math:`U \sqrt{2 K T D}` at the tuned share and step.

    .. math:: D = S \ln K + (T - 1) \, h\Big(\frac{S - 1}{T - 1}\Big), \qquad
              h(x) = -x \ln x - (1 - x) \ln(1 - x)

    With another share :math:`\alpha`, D is :math:`S \ln K - (S - 1) \ln \alpha - (T - S) \ln(1 - \alpha)`, and with
    another step the bound is the trade-off :math:`D / \eta + \eta U^2 K T / 2`. With one segment, which needs no share,
    it is `exp3_bound`. Where the tuned share would exceed 1/2 it is 1/2, and the bound says less than the trivial U T.

    Derived here, not in the paper. Exponential weights with fixed share is Bayes' rule over sequences of arms, the
    prior being a Markov chain: it begins anywhere with 1/K, stays with :math:`1 - \alpha + \alpha/K`, and moves to each
    other arm with :math:`\alpha/K`. A sequence of S segments has the prior weight :math:`\frac1K (\alpha/K)^{S-1}
    (1 - \alpha + \alpha/K)^{T-S} \ge e^{-D}`, and one of fewer no less, since up to 1/2 staying is likelier than a
    move. The normalisers :math:`Z_t = \sum_x p_t(x) e^{-\eta \tilde\ell_t(x)}` multiply to the sum over all sequences
    of prior weight times :math:`e^{-\eta \tilde L}`, which is at least its one term
    :math:`e^{-D - \eta \tilde L}` of the comparator. Losses being non-negative,
    :math:`-\ln Z_t \ge \eta \langle p_t, \tilde\ell_t \rangle - \frac12 \eta^2 \sum_x p_t(x) \tilde\ell_t(x)^2`, and
    the last sum is at most :math:`K U^2` in expectation, given the past. So the regret is at most
    :math:`D / \eta + \eta U^2 K T / 2`; D is least at the tuned share, and the whole at the tuned step.

    Args:
        horizon: Rounds T.
        n_arms: Arms K.
        segments: S, the number of segments of the comparator, one more than its switches.
        share: Part alpha of the distribution that returns to uniform after each update, at most 1/2; None is
            `fixed_share_share`.
        step: Constant step size eta; None is `fixed_share_step`, which minimises the bound.
        scale: Range U of the losses.

    Returns:
        Upper bound on the expected regret against every sequence of arms with at most S segments: the expectation of
        `regret.switching_regret` with S - 1 switches, for rewards fixed beforehand.

    Raises:
        ValueError: If an argument is out of its range.

    Source: derived in this project; fixed share and its prior are of Herbster & Warmuth, "Tracking the Best Expert",
    1998. Assumes negative entropy in loss form, one play a round, a uniform start, no floor, S known beforehand.

    >>> round(fixed_share_bound(5000, 3, segments=5), 1)
    1067.9
    """
    eta = fixed_share_step(horizon, n_arms, segments, share=share, scale=scale)
    eta = eta if step is None else positive("step", step)
    distance = _sequence_distance(horizon, n_arms, segments, share)
    noise = positive("scale", scale) ** 2 * n_arms * horizon / 2.0
    return noise * eta + (distance / eta if distance > 0.0 else 0.0)


def fixed_share_share(horizon: int, segments: int) -> float:
    r"""The share `fixed_share_bound` is tuned for, :math:`\alpha = \min\{\frac12, (S - 1) / (T - 1)\}`.

    Arguments and errors are those of `fixed_share_bound`.

    Returns:
        Part of the distribution that returns to uniform after each update; 0 for a single segment.

    Source: derived in this project; see `fixed_share_bound`. Herbster & Warmuth 1998 tune theirs alike.
    """
    horizon, _, segments = _segmented(horizon, 1, segments)
    return min(0.5, (segments - 1) / max(horizon - 1, 1))


def fixed_share_step(
    horizon: int, n_arms: int, segments: int, *, share: float | None = None, scale: float = 1.0
) -> float:
    r"""The step that minimises `fixed_share_bound`, :math:`\sqrt{2 D / (K T)} / U`.

    Arguments and errors are those of `fixed_share_bound`.

    Returns:
        The step size; 0 for a single arm in a single segment, which leaves nothing to learn.

    Source: derived in this project; see `fixed_share_bound`.
    """
    distance = _sequence_distance(horizon, n_arms, segments, share)
    return math.sqrt(2.0 * distance / (n_arms * horizon)) / positive("scale", scale)


def _sequence_distance(horizon: int, n_arms: int, segments: int, share: float | None) -> float:
    """D, minus the log of what a sequence of S segments weighs at least in the prior of fixed share."""
    horizon, n_arms, segments = _segmented(horizon, n_arms, segments)
    alpha = fixed_share_share(horizon, segments) if share is None else share
    remedy = "staying must be likelier than any move, and a switch possible"
    alpha = between("share", alpha, math.ulp(0.0) if segments > 1 else 0.0, 0.5, remedy)
    switching = (segments - 1) * math.log(n_arms / alpha) if segments > 1 else 0.0
    return math.log(n_arms) + switching - (horizon - segments) * math.log1p(-alpha)


def _segmented(horizon: int, n_arms: int, segments: int) -> tuple[int, int, int]:
    horizon, n_arms, segments = whole("horizon", horizon), whole("n_arms", n_arms), whole("segments", segments)
    if segments > horizon:
        raise ValueError(f"segments is {segments} but there are {horizon} rounds; a segment has at least one")
    return horizon, n_arms, segments
