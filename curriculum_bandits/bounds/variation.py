r"""Bounds on dynamic regret where the means move no further than a budget: a lower order, and restarted Exp3.

The order of the lower bound is a theorem of others. The constants of the upper bounds are derived in this project, and
their docstrings say so. Means lie in [0, U], U being `scale`, and are fixed beforehand; regret is the total over the
horizon.
"""

from __future__ import annotations

import math

from curriculum_bandits.bounds._checks import at_least, between, positive, whole

__all__ = [
    "restarted_exp3_batch",
    "restarted_exp3_bound",
    "rexp3_batch",
    "rexp3_bound",
    "rexp3_exploration",
    "variation_lower_bound_order",
]

_E1 = math.e - 1.0


def variation_lower_bound_order(horizon: int, n_arms: int, variation: float, *, scale: float = 1.0) -> float:
    r"""The order of what nobody can beat, without its constant: :math:`U^{2/3} (K V)^{1/3} T^{2/3}`.

    Some absolute constant times this is a lower bound on the worst dynamic regret of any policy, over all instances
    with variation budget V. The constant is not stated here, so this number is neither above nor below any regret: use
    it for slopes and ratios.

    Args:
        horizon: Rounds T.
        n_arms: Arms K, at least 2.
        variation: Budget V, `regret.variation_budget` of the means, in units of the utilities; V/U in [1/K, T/K].
        scale: Range U of the utilities.

    Returns:
        The order, in units of the utilities.

    Raises:
        ValueError: If an argument is out of its range.

    Source: Besbes, Gur & Zeevi 2014, "Stochastic Multi-Armed-Bandit Problem with Non-stationary Rewards", Theorem 1.

    >>> round(variation_lower_bound_order(1000, 8, 1.0), 6)
    200.0
    """
    horizon, n_arms, scale = whole("horizon", horizon), whole("n_arms", n_arms, 2), positive("scale", scale)
    relative = at_least("variation", variation, 0.0) / scale
    between(
        "variation / scale", relative, 1.0 / n_arms, horizon / n_arms, "the theorem holds for V/U from 1/K to T/K only"
    )
    return scale * float((n_arms * relative * horizon**2) ** (1.0 / 3.0))


def rexp3_bound(horizon: int, n_arms: int, variation: float, *, batch: int | None = None, scale: float = 1.0) -> float:
    r"""Rexp3 with a constant: U times :math:`(e-1) \gamma T + \lceil T/\Delta \rceil K \ln K / \gamma + \Delta V / U`.

    Derived in this project, for Rexp3 as published (Exp3 in gain form, begun anew every :math:`\Delta` rounds with
    exploration :math:`\gamma` = `rexp3_exploration`). At the published batch it is at most
    :math:`U [(2 \sqrt{e-1} + 1)(K \ln K \cdot V/U)^{1/3} T^{2/3} + V/U + \sqrt{(e-1) \Delta K \ln K}]` where
    :math:`\gamma < 1`; the last two terms are what rounding and a last short batch cost.

    Derivation. (1) Inside a batch the regret against its best fixed arm is at most
    :math:`(e-1) \gamma n + K \ln K/\gamma` for n rounds (Auer et al. 2002, Theorem 3.1); sum over the
    :math:`\lceil T/\Delta \rceil` batches. (2) Let x be the arm that is best at the middle round c of a batch. In round
    t the best arm beats x by at most twice the variation between t and c. Summed over the batch, a change between two
    neighbouring rounds counts for the rounds on its far side from c, at most half of the batch; so playing x in place
    of the best arm of each round costs at most :math:`2 (\Delta/2)` times the variation inside the batch, hence at most
    :math:`\Delta V` in all. (Without the choice of the middle it would be twice that.)

    Args:
        horizon: Rounds T.
        n_arms: Arms K, at least 2.
        variation: Budget V, `regret.variation_budget` of the means, in units of the utilities.
        batch: Rounds between restarts; None is `rexp3_batch`.
        scale: Range U of the utilities.

    Returns:
        Upper bound on the expected dynamic regret, `regret.dynamic_regret` of means.

    Raises:
        ValueError: If an argument is out of its range.

    Source: the algorithm and the order :math:`(V K \ln K)^{1/3} T^{2/3}` are Besbes, Gur & Zeevi 2014, Theorem 2; the
    constant is ours. Assumes the means fixed beforehand and rewards in [0, U].

    >>> round(rexp3_bound(5000, 2, variation=3.0), 1)
    1705.7
    """
    horizon, n_arms, scale = whole("horizon", horizon), whole("n_arms", n_arms, 2), positive("scale", scale)
    rounds = _batch(horizon, rexp3_batch(horizon, n_arms, variation, scale=scale) if batch is None else batch)
    gamma = rexp3_exploration(rounds, n_arms)
    inside = _E1 * gamma * horizon + math.ceil(horizon / rounds) * n_arms * math.log(n_arms) / gamma
    return scale * inside + rounds * at_least("variation", variation, 0.0)


def rexp3_batch(horizon: int, n_arms: int, variation: float, *, scale: float = 1.0) -> int:
    r"""Rounds between restarts of Rexp3 as published, :math:`\lceil (K \ln K)^{1/3} (T U / V)^{2/3} \rceil`.

    Arguments and errors are those of `rexp3_bound`; a budget of 0 needs no restart.

    Returns:
        Batch size, at most T.

    Source: Besbes, Gur & Zeevi 2014, Theorem 2 (stated for U = 1).
    """
    return _tuned_batch(horizon, n_arms, variation, scale, 1.0)


def rexp3_exploration(batch: int, n_arms: int) -> float:
    r"""Exploration inside the batches of Rexp3, :math:`\min\{1, \sqrt{K \ln K / ((e - 1) \Delta)}\}`.

    Arguments and errors are those of `rexp3_bound`.

    Returns:
        Share of uniform play, gamma.

    Source: Besbes, Gur & Zeevi 2014, Theorem 2; Auer et al. 2002, Corollary 3.2.
    """
    batch, n_arms = whole("batch", batch), whole("n_arms", n_arms, 2)
    return min(1.0, math.sqrt(n_arms * math.log(n_arms) / (_E1 * batch)))


def restarted_exp3_bound(
    horizon: int, n_arms: int, variation: float, *, batch: int | None = None, scale: float = 1.0
) -> float:
    r"""Exp3 in loss form begun anew every :math:`\Delta` rounds: a smaller constant than Rexp3's.

    .. math:: \lceil T/\Delta \rceil \frac{\ln K}{\eta} + \frac{\eta}{2} U^2 K T + \Delta V
              \quad\text{with}\quad \eta = \tfrac1U \sqrt{2 \ln K / (\Delta K)}

    Derived in this project: step (1) of `rexp3_bound` with Bubeck & Cesa-Bianchi 2012, Theorem 3.1, in place of Auer et
    al. 2002. At `restarted_exp3_batch` it is about :math:`3 \cdot 2^{-1/3} U (K \ln K \cdot V/U)^{1/3} T^{2/3}`.

    Arguments and errors are those of `rexp3_bound`, with `restarted_exp3_batch`.

    Returns:
        Upper bound on the expected dynamic regret, `regret.dynamic_regret` of means. The step of every batch is
        ``exp3_step(batch, n_arms, scale=scale)``, also of a shorter last one.

    Source: derived here. Assumes the means fixed beforehand and losses in [0, U].

    >>> round(restarted_exp3_bound(5000, 2, variation=3.0), 1)
    1119.7
    """
    horizon, n_arms, scale = whole("horizon", horizon), whole("n_arms", n_arms, 2), positive("scale", scale)
    rounds = _batch(horizon, restarted_exp3_batch(horizon, n_arms, variation, scale=scale) if batch is None else batch)
    root = math.sqrt(rounds * n_arms * math.log(n_arms) / 2.0)  # U root = ln K / eta = (eta / 2) U^2 K Delta
    return scale * root * (math.ceil(horizon / rounds) + horizon / rounds) + rounds * at_least(
        "variation", variation, 0.0
    )


def restarted_exp3_batch(horizon: int, n_arms: int, variation: float, *, scale: float = 1.0) -> int:
    r"""Rounds between restarts for which `restarted_exp3_bound` is about least.

    :math:`\lceil (K \ln K / 2)^{1/3} (T U/V)^{2/3} \rceil` minimises the bound with :math:`T/\Delta` in place of the
    number of batches.

    Arguments and errors are those of `restarted_exp3_bound`; a budget of 0 needs no restart.

    Returns:
        Batch size, at most T.

    Source: derived here.
    """
    return _tuned_batch(horizon, n_arms, variation, scale, 0.5)


def _batch(horizon: int, batch: int) -> int:
    batch = whole("batch", batch)
    if batch > horizon:
        raise ValueError(f"batch is {batch} but there are {horizon} rounds; give at most that")
    return batch


def _tuned_batch(horizon: int, n_arms: int, variation: float, scale: float, factor: float) -> int:
    """``ceil((factor K ln K)^(1/3) (T / V)^(2/3))``, at most T."""
    horizon, n_arms = whole("horizon", horizon), whole("n_arms", n_arms, 2)
    relative = at_least("variation", variation, 0.0) / positive("scale", scale)
    if relative == 0.0:
        return horizon
    length = (factor * n_arms * math.log(n_arms)) ** (1.0 / 3.0) * (horizon / relative) ** (2.0 / 3.0)
    return math.ceil(length) if length < horizon else horizon
