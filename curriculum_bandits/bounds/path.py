r"""The dynamic bound of OSMD with a floor, against any path of distributions.

Derived in this project: it is the theorem that `bandits.Osmd` with `utility_range` answers to, for one play or many,
drawn with replacement or without.
"""

from __future__ import annotations

import math

from curriculum_bandits.bounds._checks import at_least, positive, whole

__all__ = ["dynamic_bound", "dynamic_step"]


def dynamic_bound(
    horizon: int,
    n_arms: int,
    *,
    path_length: float = 0.0,
    plays: int = 1,
    replacement: bool = False,
    floor: float | None = None,
    step: float | None = None,
    scale: float = 1.0,
) -> float:
    r"""OSMD with a floor against a path of distributions. This project's own bound, not the paper's.

    .. math:: E \sum_t \langle p^*_t - p_t, u_t \rangle \le
              \frac{\ln N + \frac12 P_T \ln(N/\alpha)}{\eta} + \frac{\eta}{2} U^2 T \, v + \alpha U T

    with v = N/m without replacement and N/m + 1 for m independent draws.

    This is the regret of *one* play: for a round's m plays together multiply it by m. It assumes negative entropy in
    loss form, utilities in [0, U], unbiased estimates from m plays, the floor :math:`\alpha/N` on every arm and a
    uniform start. Without replacement the comparators obey the cap 1/m too (the best m-subset, not the best arm). It
    covers neither neural curators, nor clipping, nor stale windows, nor drift that the selections themselves cause.

    Derivation. Mirror descent pays :math:`[D(p^*_t, p_t) - D(p^*_t, p_{t+1})]/\eta` plus half of :math:`\eta` times
    :math:`\sum_x p_t(x) \tilde\ell_t(x)^2` in round t. Summed, the first part is ln N plus what moving the comparator
    costs: its entropies telescope, and :math:`\langle p^*_t - p^*_{t+1}, \ln p_{t+1} \rangle` is at most half the
    distance moved times the range of ln p, which the floor keeps within :math:`\ln(N/\alpha)`. The second part is at
    most :math:`U^2 v` in expectation. Mixing the comparators with the floor costs the last term.

    Args:
        horizon: Rounds T.
        n_arms: Arms N.
        path_length: :math:`P_T = \sum_t \|p^*_{t+1} - p^*_t\|_1`, `regret.path_length`; 2 S for an arm that switches
            S times (S + 1 segments).
        plays: Plays a round, m.
        replacement: Whether the m plays are independent draws.
        floor: Exploration alpha in (0, 1); None is 1/T.
        step: Constant step size eta; None is `dynamic_step`.
        scale: Range U of the utilities.

    Returns:
        Upper bound on the expected dynamic regret per play, in units of the utilities.

    Raises:
        ValueError: If an argument is out of its range.

    Source: derived in this project, after the analysis of mirror descent in Bubeck & Cesa-Bianchi 2012, chapter 5.

    >>> round(dynamic_bound(4000, 20, path_length=2 * 3), 1)
    2429.7
    """
    distance, noise, alpha = _dynamic(horizon, n_arms, path_length, plays, replacement, floor, scale)
    eta = math.sqrt(distance / noise) if step is None else positive("step", step)
    price = distance / eta if distance > 0.0 else 0.0
    return price + noise * eta + alpha * scale * horizon


def dynamic_step(
    horizon: int,
    n_arms: int,
    *,
    path_length: float = 0.0,
    plays: int = 1,
    replacement: bool = False,
    floor: float | None = None,
    scale: float = 1.0,
) -> float:
    r"""The step that minimises `dynamic_bound`.

    .. math:: \eta^* = \frac1U \sqrt{\frac{2 \ln N + P_T \ln(N/\alpha)}{T v}}

    Arguments and errors are those of `dynamic_bound`.

    Returns:
        The step size.

    Source: derived in this project; see `dynamic_bound`.
    """
    distance, noise, _ = _dynamic(horizon, n_arms, path_length, plays, replacement, floor, scale)
    return math.sqrt(distance / noise)


def _dynamic(
    horizon: int, n_arms: int, path_length: float, plays: int, replacement: bool, floor: float | None, scale: float
) -> tuple[float, float, float]:
    """The factors of 1/eta and of eta, and the floor."""
    horizon, n_arms, plays = whole("horizon", horizon), whole("n_arms", n_arms), whole("plays", plays)
    scale = positive("scale", scale)
    at_least("path_length", path_length, 0.0)
    if path_length > 2.0 * (horizon - 1):
        raise ValueError(
            f"path_length is {path_length}, but {horizon} rounds allow no more than {2 * (horizon - 1)}; "
            "two distributions are at most 2 apart"
        )
    if not replacement and plays > n_arms:
        raise ValueError(
            f"plays is {plays} but there are {n_arms} arms; without replacement play each at most once, or pass "
            "replacement=True"
        )
    alpha = 1.0 / horizon if floor is None else floor
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"floor is {alpha}; it must lie in (0, 1), and None (1/T) needs two rounds or more")
    distance = math.log(n_arms) + 0.5 * path_length * math.log(n_arms / alpha)
    variance = n_arms / plays + (1.0 if replacement else 0.0)
    return distance, 0.5 * scale**2 * horizon * variance, alpha
