"""Noise that turns means into rewards and leaves the means as they are.

Regret is counted in means, so each kind of noise here has exactly the mean it was given. Numbers are taken from the
generator one after the other, so a long table and the same table in blocks are equal.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from curriculum_bandits._typing import FloatArray, override

__all__ = ["BERNOULLI", "Bernoulli", "ClippedGaussian", "Deterministic", "Noise"]


class Noise(Protocol):
    """Draws rewards in [0, 1] around means in [0, 1]."""

    def draw(self, means: FloatArray, rng: np.random.Generator) -> FloatArray:
        """One reward for each mean, independent of each other.

        Args:
            means: Any shape, in [0, 1].
            rng: Source of randomness; numbers are taken in the order of the array.

        Returns:
            Rewards in [0, 1], of that shape and with exactly that expectation.
        """
        ...


@dataclass(frozen=True)
class Bernoulli(Noise):
    """Rewards 0 and 1: 1 with the probability that the mean says."""

    @override
    def draw(self, means: FloatArray, rng: np.random.Generator) -> FloatArray:
        return np.asarray(rng.random(means.shape) < means, dtype=np.float64)


#: The default noise everywhere.
BERNOULLI = Bernoulli()


@dataclass(frozen=True)
class Deterministic(Noise):
    """No noise: the reward is the mean."""

    @override
    def draw(self, means: FloatArray, rng: np.random.Generator) -> FloatArray:
        return np.array(means)


@dataclass(frozen=True)
class ClippedGaussian(Noise):
    r"""Gaussian noise, clipped to :math:`\pm \min(\mu, 1 - \mu)`.

    Clipping the reward to [0, 1] would move the mean wherever the mean is not 1/2; clipping the noise symmetrically
    keeps rewards in [0, 1] and the mean exact. At a mean of 0 or 1 there is then no noise.

    Attributes:
        deviation: Standard deviation before clipping, 0 or more.

    Raises:
        ValueError: If the deviation is negative or not finite.
    """

    deviation: float = 0.1

    def __post_init__(self) -> None:
        """Refuse a deviation that is none."""
        if not (math.isfinite(self.deviation) and self.deviation >= 0.0):
            raise ValueError(f"deviation is {self.deviation}; give a finite number, 0 or more")

    @override
    def draw(self, means: FloatArray, rng: np.random.Generator) -> FloatArray:
        room = np.minimum(means, 1.0 - means)
        noise = np.clip(self.deviation * rng.standard_normal(means.shape), -room, room)
        return np.clip(means + noise, 0.0, 1.0)  # mu + (1 - mu) may exceed 1 in the last bit
