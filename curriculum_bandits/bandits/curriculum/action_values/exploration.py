"""Exploration rules: from the values of arms to a distribution over them.

A rule has no memory: it maps values, and how many rollouts stand behind each, to log weights. The bandit projects
these on what a batch can hold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray

__all__ = ["Boltzmann", "Exploration", "Greedy", "UpperConfidence"]


class Exploration(Protocol):
    """A map from values to a distribution."""

    def log_weights(self, values: FloatArray, rollouts: FloatArray) -> FloatArray:
        """Log weights, finite and up to a common constant, by value and rollouts so far of each arm, shape (K,) all."""
        ...


@dataclass(frozen=True)
class Boltzmann(Exploration):
    r""":math:`p_i \propto e^{Q_i / \tau}`; the temperature is in the unit of the values.

    Attributes:
        temperature: :math:`\tau` > 0.

    >>> Boltzmann(0.5).log_weights(np.array([0.0, 1.0]), np.zeros(2))
    array([0., 2.])
    """

    temperature: float = 1.0

    def __post_init__(self) -> None:
        require("(0, inf)", temperature=self.temperature)

    @override
    def log_weights(self, values: FloatArray, rollouts: FloatArray) -> FloatArray:
        return np.asarray(values / self.temperature)


@dataclass(frozen=True)
class Greedy(Exploration):
    r"""The best arm with probability :math:`1 - \epsilon`, any arm with :math:`\epsilon`; equal ones share.

    Attributes:
        epsilon: In (0, 1]. Not 0: the best arm may hold less than a batch, and an arm never drawn is never known.

    >>> np.exp(Greedy(0.3).log_weights(np.array([0.0, 1.0, 1.0]), np.zeros(3))).round(3)
    array([0.1 , 0.45, 0.45])
    """

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        require("(0, 1]", epsilon=self.epsilon)

    @override
    def log_weights(self, values: FloatArray, rollouts: FloatArray) -> FloatArray:
        best = values == np.max(values)
        return np.asarray(np.log((1.0 - self.epsilon) * best / np.sum(best) + self.epsilon / len(values)))


@dataclass(frozen=True)
class UpperConfidence(Exploration):
    r""":math:`p_i \propto e^{U_i / \tau}` with :math:`U_i = Q_i + \sqrt{2 \ln(N + 1) / (n_i + 1)}`.

    Here n_i counts the rollouts of arm i and N those of all arms.

    Attributes:
        temperature: :math:`\tau` > 0, in the unit of the values.

    Source: DUMP, arXiv 2504.09710.

    >>> UpperConfidence(1.0).log_weights(np.zeros(2), np.array([0.0, 7.0])).round(3)
    array([2.039, 0.721])
    """

    temperature: float = 0.1

    def __post_init__(self) -> None:
        require("(0, inf)", temperature=self.temperature)

    @override
    def log_weights(self, values: FloatArray, rollouts: FloatArray) -> FloatArray:
        bonus = np.sqrt(2.0 * math.log(np.sum(rollouts) + 1.0) / (rollouts + 1.0))
        return np.asarray((values + bonus) / self.temperature)
