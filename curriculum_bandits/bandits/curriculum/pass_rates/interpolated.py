"""A posterior that learns of problems that were not drawn: their rate is guessed between two reference models.

Whoever measured the bank offline with a weak and a strong model knows for each problem two rates. How far the learner
has come from the one to the other shows in every batch, and that says something of all problems.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.bandits.curriculum.pass_rates.beta_posterior import PassRates
from curriculum_bandits.state import Field, Real

__all__ = ["InterpolatedPosterior"]

_LEAST_GAP = 1e-6


class InterpolatedPosterior(PassRates):
    r"""Beta counts of every problem, moved at every update by explicit and implicit evidence.

    :math:`a' = (1-\lambda) a + \lambda a_0 + (1-\rho) s + \rho \tilde s`, and likewise b with failures. For a
    problem of the batch s is its successes in n rollouts, and so is :math:`\tilde s`; for the others :math:`s = 0` and
    :math:`\tilde s = \bar n\, \tilde p`, with :math:`\bar n` the mean number of rollouts in the batch and
    :math:`\tilde p = \mathrm{clip}(weak + c\,(strong - weak), 0, 1)`. The coefficient c is the moving average of
    (mean rate of the batch - mean of weak) / (mean of strong - mean of weak), means over the batch.

    Args:
        weak: Success rate of the weaker reference model on each problem, shape (N,).
        strong: Success rate of the stronger one, shape (N,).
        forgetting: :math:`\lambda` in [0, 1].
        implicit: :math:`\rho` in [0, 1].
        memory: How much of c is kept from update to update, in [0, 1).
        prior: :math:`(a_0, b_0)`.

    Source: BOTS, arXiv 2510.26374: the recursion, :math:`\lambda = \rho = .2` and interpolation between two reference
    models. That c is averaged with a memory of .9, that the rates are clipped, and that a problem of the batch is its
    own implicit evidence, is how we read the authors' public code. Ours: :math:`\bar n` where rollouts differ in
    number, and that a batch on which both references do equally well leaves c as it is; before there is a c, there is
    no implicit evidence.

    >>> rates = InterpolatedPosterior([0.0, 0.0, 0.2], [1.0, 1.0, 0.6])
    >>> rates.learn(np.array([0]), np.array([2.0]), np.array([4.0]), None)
    >>> rates.coefficient, rates.successes.round(2).tolist()
    (0.5, [3.0, 1.4, 1.32])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"coefficient": Real(optional=True)}

    def __init__(
        self,
        weak: npt.ArrayLike,
        strong: npt.ArrayLike,
        *,
        forgetting: float = 0.2,
        implicit: float = 0.2,
        memory: float = 0.9,
        prior: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        self.weak, self.strong = (_rates(name, each) for name, each in (("weak", weak), ("strong", strong)))
        if self.weak.shape != self.strong.shape or len(self.weak) < 1:
            raise ValueError(
                f"weak has {len(self.weak)} rates, strong {len(self.strong)}; give one per problem in each"
            )
        super().__init__(len(self.weak), prior)
        require("[0, 1]", forgetting=forgetting, implicit=implicit)
        require("[0, 1)", memory=memory)
        self.forgetting, self.implicit, self.memory = forgetting, implicit, memory
        self.coefficient: float | None = None

    @override
    def learn(
        self, problems: IntArray, successes: FloatArray, rollouts: FloatArray, kl: FloatArray | None
    ) -> IntArray | None:
        weak = float(np.mean(self.weak[problems]))
        gap = float(np.mean(self.strong[problems])) - weak
        if abs(gap) > _LEAST_GAP:
            estimate = (float(np.mean(successes / rollouts)) - weak) / gap
            before = estimate if self.coefficient is None else self.coefficient
            self.coefficient = self.memory * before + (1.0 - self.memory) * estimate
        weight = 0.0 if self.coefficient is None else self.implicit * float(np.mean(rollouts))
        guessed = self.weak + (self.coefficient or 0.0) * (self.strong - self.weak)
        guessed = weight * np.minimum(np.maximum(guessed, 0.0), 1.0)
        for counts, first, new, supposed in (
            (self.successes, self.prior[0], successes, guessed),
            (self.failures, self.prior[1], rollouts - successes, weight - guessed),
        ):
            counts *= 1.0 - self.forgetting
            counts += self.forgetting * first
            explicit = counts[problems] + new  # (1 - rho) s + rho s
            counts += supposed
            counts[problems] = explicit
        self.seen[problems] = True
        return None


def _rates(name: str, values: npt.ArrayLike) -> FloatArray:
    rates = np.array(values, dtype=np.float64)
    bad = ~((rates >= 0.0) & (rates <= 1.0))
    if rates.ndim != 1 or np.any(bad):
        what = f"have shape {rates.shape}" if rates.ndim != 1 else f"hold {rates[bad][0]} (problem {np.argmax(bad)})"
        raise ValueError(f"the {name} reference rates {what}; give one success rate in [0, 1] per problem")
    return rates
