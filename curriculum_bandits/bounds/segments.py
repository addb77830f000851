r"""Bounds against a sequence of arms with few segments, for rewards that nothing else restrains.

Utilities lie in [0, U], U being `scale`, and are chosen without knowing the player's random numbers; regret is the
total over the horizon.
"""

from __future__ import annotations

import math

from curriculum_bandits.bounds._checks import between, positive, whole

__all__ = ["exp3_s_bound", "exp3_s_exploration", "exp3_s_share"]

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

    Args:
        horizon: Rounds T.
        n_arms: Arms K.
        segments: Segments S of the comparator.

    Returns:
        Share of uniform play, gamma.

    Raises:
        ValueError: If an argument is out of its range.

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


def _segmented(horizon: int, n_arms: int, segments: int) -> tuple[int, int, int]:
    horizon, n_arms, segments = whole("horizon", horizon), whole("n_arms", n_arms), whole("segments", segments)
    if segments > horizon:
        raise ValueError(f"segments is {segments} but there are {horizon} rounds; a segment has at least one")
    return horizon, n_arms, segments
