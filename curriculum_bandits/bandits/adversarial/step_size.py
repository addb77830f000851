"""How far one round of mirror descent moves.

A constant step suits utilities of a known range. Policy improvements have no known range (1e-4 early, 1e-6 late), so
the default measures its own estimates as it goes, in the manner of AdaGrad: scaling every utility by a constant leaves
every distribution as it was.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray

__all__ = ["ScaleFree"]

_TINY = 1e-300


@dataclass(frozen=True)
class ScaleFree:
    r"""Step size that adapts to the observed estimates.

    .. math:: \eta_t = scale \cdot \min\Big(\sqrt{D / \textstyle\sum_{s \le t} \gamma^{t-s} V_s},\;
              1 / \max_{s \le t} \gamma^{t-s} \|\tilde u_s\|_\infty\Big), \quad
              V_s = \sum_x \tilde u_s(x)^2 / f''(p_s(x))

    For negative entropy 1/f''(p) = p. D is the largest divergence from the prior inside the feasible set. The first
    term balances the two sides of the mirror descent bound; the second keeps every exponent at most `scale`, which that
    bound needs when utilities are gains. Derived here, not in the paper.

    Attributes:
        scale: Multiplies the step; 1 is the balance above.
        memory: Rounds after which an old estimate has lost most of its say, :math:`\gamma = 1 - 1/memory`;
            ``inf`` never forgets, so the step vanishes, which fits a stationary problem only.
    """

    scale: float = 1.0
    memory: float = math.inf

    def __post_init__(self) -> None:
        require("(0, inf)", scale=self.scale)
        require("[1, inf]", memory=self.memory)

    @property
    def retention(self) -> float:
        """Share of an old estimate's weight that survives one round, gamma."""
        return 1.0 - 1.0 / self.memory

    def step(
        self, energy: FloatArray, peak: FloatArray, divergence: float, spent: FloatArray, largest: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Step size for this round, new `spent` and new `largest`; the step is 0 while every estimate was 0.

        Args:
            energy: V of this round, shape (...), with f'' at the distribution that the estimates are applied to.
            peak: Largest absolute estimate of this round, shape (...).
            divergence: D, the largest divergence from the prior.
            spent: Discounted sum of V before this round, shape (...).
            largest: Discounted largest absolute estimate before this round, shape (...).
        """
        spent = self.retention * spent + energy
        largest = np.maximum(self.retention * largest, peak)
        # Where nothing has been seen yet both sums are 0; the tiny number keeps the divisions quiet.
        eta = np.minimum(np.sqrt(divergence / np.maximum(spent, _TINY)), 1.0 / np.maximum(largest, _TINY))
        return np.where(largest > 0.0, self.scale * eta, 0.0), spent, largest
