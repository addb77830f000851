"""Acquisition functions of a success rate: an index to be highest, or a weight to draw by.

Each is one formula on rates in [0, 1]. Weights are given as logarithms, so that a sharp one cannot overflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray

__all__ = [
    "Acquisition",
    "DistanceToTarget",
    "ProbabilityInformative",
    "ProximalWeight",
    "UncertaintyWeight",
    "Variance",
]


class Acquisition(Protocol):
    """How desirable a problem of a given success rate is."""

    def __call__(self, rates: FloatArray, /) -> FloatArray:
        """Indices, more is better, or logarithms of weights, of the shape of the rates; these are in [0, 1]."""
        ...


@dataclass(frozen=True)
class DistanceToTarget(Acquisition):
    r""":math:`-(p - p^*)^2`: nearest to a target first.

    Attributes:
        target: :math:`p^*` in [0, 1].

    Source: MoPPS, arXiv 2507.04632, with a target of one half.

    >>> DistanceToTarget(0.5)(np.array([0.0, 0.5]))
    array([-0.25, -0.  ])
    """

    target: float = 0.5

    def __post_init__(self) -> None:
        require("[0, 1]", target=self.target)

    @override
    def __call__(self, rates: FloatArray, /) -> FloatArray:
        return np.asarray(-((rates - self.target) ** 2))


@dataclass(frozen=True)
class Variance(Acquisition):
    """``p (1 - p)``, the variance of one rollout, known as learnability.

    Source: SFL, arXiv 2408.15099; LILO, arXiv 2502.12272.

    >>> Variance()(np.array([0.5, 1.0]))
    array([0.25, 0.  ])
    """

    @override
    def __call__(self, rates: FloatArray, /) -> FloatArray:
        return np.asarray(rates * (1.0 - rates))


@dataclass(frozen=True)
class ProbabilityInformative(Acquisition):
    """``1 - p^n - (1 - p)^n``: the chance that n rollouts neither all succeed nor all fail.

    Attributes:
        n_rollouts: n, at least 2: one rollout alone never disagrees.

    >>> ProbabilityInformative(2)(np.array([0.5, 1.0]))
    array([0.5, 0. ])
    """

    n_rollouts: int = 8

    def __post_init__(self) -> None:
        require("[2, inf)", n_rollouts=self.n_rollouts)

    @override
    def __call__(self, rates: FloatArray, /) -> FloatArray:
        return np.asarray(1.0 - rates**self.n_rollouts - (1.0 - rates) ** self.n_rollouts)


@dataclass(frozen=True)
class UncertaintyWeight(Acquisition):
    """Log of ``sqrt(p (1 - p)) + least``: in proportion to the deviation of a rollout, and never zero.

    Attributes:
        least: What a solved or hopeless problem keeps, positive.

    Source: SPO, arXiv 2509.13232.

    >>> np.exp(UncertaintyWeight()(np.array([0.5, 1.0]))).round(3)
    array([0.55, 0.05])
    """

    least: float = 0.05

    def __post_init__(self) -> None:
        require("(0, inf)", least=self.least)

    @override
    def __call__(self, rates: FloatArray, /) -> FloatArray:
        return np.asarray(np.log(np.sqrt(rates * (1.0 - rates)) + self.least))


@dataclass(frozen=True)
class ProximalWeight(Acquisition):
    r"""Log of :math:`\exp(\beta\, p\, (p^* - p))`: most where the rate is half of what the best learner reaches.

    Attributes:
        sharpness: :math:`\beta`, 0 or more; 0 is uniform.
        best: :math:`p^*` in (0, 1], the success rate of the best learner.

    Source: ProCuRL, arXiv 2304.12877.

    >>> ProximalWeight(20.0)(np.array([0.5, 1.0]))
    array([5., 0.])
    """

    sharpness: float = 20.0
    best: float = 1.0

    def __post_init__(self) -> None:
        require("[0, inf)", sharpness=self.sharpness)
        require("(0, 1]", best=self.best)

    @override
    def __call__(self, rates: FloatArray, /) -> FloatArray:
        return np.asarray(self.sharpness * rates * (self.best - rates))
