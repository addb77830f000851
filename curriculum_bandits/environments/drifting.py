"""Environments whose means move a little every round.

The setting of variation budgets: there is no change to detect, only an old estimate that is worth less and less.
"""

from __future__ import annotations

import math

import numpy as np

from curriculum_bandits.environments.environment import Environment
from curriculum_bandits.environments.noise import BERNOULLI, Noise

__all__ = ["random_walk", "sinusoid"]


def sinusoid(
    horizon: int,
    variation: float,
    n_arms: int = 2,
    *,
    center: float = 0.5,
    amplitude: float = 0.3,
    noise: Noise = BERNOULLI,
) -> Environment:
    r"""Arms that take turns on a sine wave: :math:`\mu_{t,k} = c + a \sin(\pi V t / (2 a T) + 2 \pi k / K)`.

    The speed is such that each arm's mean moves by V in all (exactly so where V is a whole number of amplitudes and
    the wave begins at its middle, else up to a fraction of an amplitude). With two arms, c = 1/2 and a = 3/10 this is
    :math:`1/2 \pm 3/10 \sin(5 V \pi t / (3 T))`.

    Args:
        horizon: Number of rounds T; t runs from 1 to T.
        variation: Total variation V of each arm; with two arms also the variation budget, for they move together.
        n_arms: Number of arms K.
        center: Mean of the means, c.
        amplitude: Amplitude a, above 0.
        noise: How a mean becomes a reward.

    Raises:
        ValueError: If the wave leaves [0, 1], or variation is negative.

    Source: for two arms Besbes, Gur & Zeevi, "Stochastic Multi-Armed-Bandit Problem with Non-stationary Rewards",
    2014.

    >>> sinusoid(horizon=5, variation=3.0).means[1].round(3)
    array([0.5, 0.5])
    """
    if not (0.0 < amplitude <= min(center, 1.0 - center) and variation >= 0.0):
        raise ValueError(
            f"center {center}, amplitude {amplitude} and variation {variation} do not fit; need a wave within [0, 1] "
            "and a variation of 0 or more"
        )
    angle = math.pi * variation / (2.0 * amplitude) * np.arange(1, horizon + 1) / horizon
    phase = 2.0 * math.pi * np.arange(n_arms) / n_arms
    means = center + amplitude * np.sin(angle[:, None] + phase)
    return Environment(np.clip(means, 0.0, 1.0), name=f"sinusoid {variation:g}", noise=noise)


def random_walk(
    n_arms: int,
    horizon: int,
    step: float,
    seed: int,
    *,
    low: float = 0.0,
    high: float = 1.0,
    noise: Noise = BERNOULLI,
) -> Environment:
    """Arms on independent Gaussian random walks, reflected at both ends.

    Args:
        n_arms: Number of arms K.
        horizon: Number of rounds T.
        step: Standard deviation of one round's step.
        seed: Seed of the instance (not of its rewards).
        low: Lower end.
        high: Upper end, above the lower one.
        noise: How a mean becomes a reward.

    Returns:
        The environment; the first round's means are uniform between the ends.

    Raises:
        ValueError: If the ends are not in order and within [0, 1], or step is negative.

    Source: the reflected walk of Slivkins & Upfal, "Adapting to a Changing Environment: the Brownian Restless Bandits",
    COLT 2008.

    >>> bool(np.ptp(random_walk(n_arms=3, horizon=1000, step=0.05, seed=0, low=0.2, high=0.4).means) <= 0.2)
    True
    """
    if not (0.0 <= low < high <= 1.0 and step >= 0.0):
        raise ValueError(
            f"low {low}, high {high} and step {step} do not fit; need 0 <= low < high <= 1 and a step of 0 or more"
        )
    rng = np.random.default_rng(seed)
    width = high - low
    walk = rng.uniform(0.0, width, size=n_arms) + step * np.cumsum(
        np.concatenate([np.zeros((1, n_arms)), rng.standard_normal((horizon - 1, n_arms))]), axis=0
    )
    reflected = np.abs((walk + width) % (2.0 * width) - width)  # unfolds the walk between two mirrors
    return Environment(np.clip(low + reflected, low, high), name=f"random walk {step:g}", noise=noise)
