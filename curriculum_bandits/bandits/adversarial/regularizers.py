"""The convex functions that mirror descent and follow-the-regularised-leader measure distance with.

Each is separable, F(p) = sum_x f(p_x), and is known here by its derivative f' (the way to the dual) and the inverse of
it (the way back). How fast the way back grows where p is small decides how much a bandit explores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray

__all__ = ["LogBarrier", "NegativeEntropy", "Regularizer", "Tsallis"]

_TINIEST = 1e-300


class Regularizer(Protocol):
    """A separable convex function of a distribution; but for `value`, arrays have any shape and keep it."""

    def value(self, probability: FloatArray) -> FloatArray:
        """F of probabilities of 0 or more, shape (..., K), as shape (...); ``inf`` where it is infinite."""
        ...

    def dual(self, probability: FloatArray) -> FloatArray:
        """Derivative f' at each positive probability, in which it increases."""
        ...

    def primal(self, dual: FloatArray) -> FloatArray:
        """The probability, not normalised, whose f' is given; ``inf`` at and beyond the least upper bound of f'."""
        ...

    def slope(self, probability: FloatArray) -> FloatArray:
        """Derivative of `primal` at the dual of a positive probability, 1 / f''; positive."""
        ...


@dataclass(frozen=True)
class NegativeEntropy:
    r""":math:`f(p) = p \ln p`, the regulariser of Exp3.

    >>> NegativeEntropy().primal(NegativeEntropy().dual(np.array([0.25])))
    array([0.25])
    """

    def value(self, probability: FloatArray) -> FloatArray:
        """``sum p ln p``."""
        return np.asarray(np.sum(probability * np.log(np.maximum(probability, _TINIEST)), axis=-1))

    def dual(self, probability: FloatArray) -> FloatArray:
        """``ln p``."""
        return np.asarray(np.log(probability))

    def primal(self, dual: FloatArray) -> FloatArray:
        """``exp(y)``."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(dual))

    def slope(self, probability: FloatArray) -> FloatArray:
        """``p``."""
        return probability


@dataclass(frozen=True)
class Tsallis:
    r""":math:`f(p) = -\frac{p^\alpha - \alpha p}{\alpha (1 - \alpha)}`; :math:`\alpha = 1/2` is that of Tsallis-INF.

    It tends to negative entropy (up to a constant) as the power goes to 1 and to the log-barrier as it goes to 0.

    Attributes:
        power: :math:`\alpha` in (0, 1).

    Source: Zimmert & Seldin, "Tsallis-INF", 2021, with this normalisation; Audibert, Bubeck & Lugosi 2014 use half of
    it for the power 1/2.

    >>> Tsallis(0.5).primal(Tsallis(0.5).dual(np.array([0.25])))
    array([0.25])
    """

    # The powers below are squares and square roots at 1/2, which NumPy takes several times faster than others.
    power: float = 0.5

    def __post_init__(self) -> None:
        require("(0, 1)", power=self.power)

    def value(self, probability: FloatArray) -> FloatArray:
        r""":math:`-\sum (p^\alpha - \alpha p) / (\alpha (1 - \alpha))`."""
        a = self.power
        return np.asarray(-np.sum(probability**a - a * probability, axis=-1) / (a * (1.0 - a)))

    def dual(self, probability: FloatArray) -> FloatArray:
        r""":math:`(1 - p^{\alpha - 1}) / (1 - \alpha)`."""
        return np.asarray((1.0 - 1.0 / probability ** (1.0 - self.power)) / (1.0 - self.power))

    def primal(self, dual: FloatArray) -> FloatArray:
        r""":math:`(1 - (1 - \alpha) y)^{1 / (\alpha - 1)}`."""
        base = np.maximum(1.0 - (1.0 - self.power) * dual, 0.0)
        with np.errstate(divide="ignore", over="ignore"):
            return np.asarray(1.0 / base ** (1.0 / (1.0 - self.power)))

    def slope(self, probability: FloatArray) -> FloatArray:
        r""":math:`p^{2 - \alpha}`."""
        return np.asarray(probability * probability ** (1.0 - self.power))


@dataclass(frozen=True)
class LogBarrier:
    r""":math:`f(p) = -\ln p`: the strongest push away from the border.

    Source: Foster et al., "Learning in Games: Robustness of Fast Convergence", 2016.

    >>> LogBarrier().primal(LogBarrier().dual(np.array([0.25])))
    array([0.25])
    """

    def value(self, probability: FloatArray) -> FloatArray:
        """``-sum ln p``."""
        with np.errstate(divide="ignore"):
            return np.asarray(-np.sum(np.log(probability), axis=-1))

    def dual(self, probability: FloatArray) -> FloatArray:
        """``-1 / p``."""
        return np.asarray(-1.0 / probability)

    def primal(self, dual: FloatArray) -> FloatArray:
        """``-1 / y``."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.where(dual < 0.0, -1.0 / np.minimum(dual, -0.0), np.inf))

    def slope(self, probability: FloatArray) -> FloatArray:
        """``p ** 2``."""
        return np.asarray(probability**2)
