"""The instances that papers print their regret on, under their authors' names.

A regret measured here can be laid beside a published one, where the horizon is the published one too. What is not
the paper's, or was not checked against it, is said so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from curriculum_bandits.environments.abrupt import flipping, piecewise_stationary
from curriculum_bandits.environments.drifting import sinusoid
from curriculum_bandits.environments.environment import Environment

__all__ = ["INSTANCES", "besbes_sinusoid", "besson_1", "besson_2", "garivier_moulines", "liu_lee_shroff"]


def besson_1(horizon: int = 5000) -> Environment:
    """Problem 1 of Besson et al.: three Bernoulli arms, five equal segments, one arm changing at a time.

    Args:
        horizon: Number of rounds; the published regrets are for 5000.

    Returns:
        The environment. Uniform play has dynamic pseudo-regret 0.3 per round: 1500 in 5000 rounds.

    Source: Besson, Kaufmann, Maillard & Seznec, "Efficient Change-Point Detection for Tackling Piecewise-Stationary
    Bandits", JMLR 2022.

    >>> besson_1().change_points
    array([1000, 2000, 3000, 4000])
    """
    segments = [[0.3, 0.5, 0.9], [0.3, 0.2, 0.9], [0.3, 0.2, 0.1], [0.7, 0.2, 0.1], [0.7, 0.5, 0.1]]
    return piecewise_stationary(segments, horizon, name="Besson 1")


def besson_2(horizon: int = 5000) -> Environment:
    """Problem 2 of Besson et al.: three Bernoulli arms, five equal segments, all arms changing at once.

    Args:
        horizon: Number of rounds; the published regrets are for 5000.

    Source: as `besson_1`.

    >>> besson_2().means[[0, 4999]]
    array([[0.4, 0.5, 0.9],
           [0.8, 0.1, 0.1]])
    """
    segments = [[0.4, 0.5, 0.9], [0.5, 0.4, 0.7], [0.6, 0.3, 0.5], [0.7, 0.2, 0.3], [0.8, 0.1, 0.1]]
    return piecewise_stationary(segments, horizon, name="Besson 2")


def garivier_moulines() -> Environment:
    """Three Bernoulli arms (.5, .3, .4) in 10,000 rounds; the third pays .9 in rounds 3000 <= t < 5000, t from 1.

    Source: Garivier & Moulines, "On Upper-Confidence Bound Policies for Switching Bandit Problems", ALT 2011.

    >>> garivier_moulines().change_points
    array([2999, 4999])
    """
    segments = [[0.5, 0.3, 0.4], [0.5, 0.3, 0.9], [0.5, 0.3, 0.4]]
    return piecewise_stationary(segments, 10_000, starts=[0, 2999, 4999], name="Garivier-Moulines")


def besbes_sinusoid(horizon: int = 10_000, variation: float = 3.0) -> Environment:
    r"""Two Bernoulli arms of means :math:`1/2 \pm 3/10 \sin(5 V \pi t / (3 T))`.

    Args:
        horizon: Number of rounds T; the default is ours.
        variation: Variation budget V; 3 in the paper.

    Source: Besbes, Gur & Zeevi, "Stochastic Multi-Armed-Bandit Problem with Non-stationary Rewards", 2014.

    >>> besbes_sinusoid(horizon=10).means[0].round(3)
    array([0.8, 0.2])
    """
    return replace(sinusoid(horizon, variation), name="Besbes sinusoid")


def liu_lee_shroff(horizon: int = 100_000, gap: float = 0.1) -> Environment:
    """The flipping environment of Liu, Lee & Shroff, AAAI 2018; see `flipping` for what was not checked.

    Args:
        horizon: Number of rounds T; the default is ours.
        gap: See `flipping`.
    """
    return replace(flipping(horizon, gap), name="Liu-Lee-Shroff")


#: The published instances by name; every constructor has defaults for all its arguments.
INSTANCES: Mapping[str, Callable[[], Environment]] = MappingProxyType(
    {
        "besson-1": besson_1,
        "besson-2": besson_2,
        "garivier-moulines": garivier_moulines,
        "besbes-sinusoid": besbes_sinusoid,
        "liu-lee-shroff": liu_lee_shroff,
    }
)
