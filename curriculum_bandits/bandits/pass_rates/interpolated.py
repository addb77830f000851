"""Counts that hear of problems that were not drawn: their rate is guessed between two reference models.

Whoever measured the bank offline with a weak and a strong model knows for each problem two rates. How far the learner
has come from the one to the other shows in every batch, and that says something of all problems.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.arrays import require_kind
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.bandits.pass_rates.evidence import checked_counts, checked_prior

__all__ = ["InterpolatedCounts"]

_LEAST_GAP = 1e-6


class InterpolatedCounts:
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

    Raises:
        ValueError: If a setting is out of its range, or a reference rate is not in [0, 1].

    Source: BOTS, arXiv 2510.26374: the recursion, :math:`\lambda = \rho = .2` and interpolation between two reference
    models. That c is averaged with a memory of .9, that the rates are clipped, and that a problem of the batch is its
    own implicit evidence, is how we read the authors' public code. Ours: :math:`\bar n` where rollouts differ in
    number, and that a batch on which both references do equally well leaves c as it is; before there is a c, there is
    no implicit evidence.

    >>> rates = InterpolatedCounts([0.0, 0.0, 0.2], [1.0, 1.0, 0.6])
    >>> rates.learn(np.array([0]), np.array([2.0]), np.array([4.0]), None)
    >>> rates.coefficient, rates.successes.round(2).tolist()
    (0.5, [3.0, 1.4, 1.32])
    """

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
        for name, value in (("forgetting", forgetting), ("implicit", implicit)):
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} is {value}; it must be in [0, 1]")
        if not 0.0 <= memory < 1.0:
            raise ValueError(f"memory is {memory}; it must be in [0, 1)")
        self.n_problems = len(self.weak)
        self.forgetting, self.implicit, self.memory = forgetting, implicit, memory
        self.prior = checked_prior(prior)
        self.successes: FloatArray = np.full(self.n_problems, self.prior[0])
        self.failures: FloatArray = np.full(self.n_problems, self.prior[1])
        self.seen = np.zeros(self.n_problems, dtype=bool)
        self.coefficient: float | None = None

    def learn(
        self, problems: IntArray, successes: FloatArray, rollouts: FloatArray, drift: FloatArray | None
    ) -> IntArray | None:
        """Move every problem; see the class.

        Args:
            problems: Distinct problems, shape (m,).
            successes: Successful rollouts of each, shape (m,).
            rollouts: Rollouts of each, shape (m,).
            drift: Not used.

        Returns:
            None: all problems move.
        """
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

    def state_dict(self) -> dict[str, Any]:
        """The counts and how far the learner is; settings and reference rates belong to the constructor."""
        return {
            "kind": "interpolated_counts",
            "successes": self.successes.copy(),
            "failures": self.failures.copy(),
            "seen": self.seen.copy(),
            "coefficient": self.coefficient,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, for as many problems.

        Raises:
            ValueError: If it is of another kind or size, or holds no counts. Nothing is changed then.
        """
        require_kind(state, "interpolated_counts")
        counts = checked_counts(state, self.n_problems)
        coefficient = None if state["coefficient"] is None else float(state["coefficient"])
        if coefficient is not None and not math.isfinite(coefficient):
            raise ValueError(f"the saved coefficient is {coefficient}; the state is damaged, load another")
        self.successes, self.failures, self.seen = counts
        self.coefficient = coefficient


def _rates(name: str, values: npt.ArrayLike) -> FloatArray:
    rates = np.array(values, dtype=np.float64)
    bad = ~((rates >= 0.0) & (rates <= 1.0))
    if rates.ndim != 1 or np.any(bad):
        what = f"have shape {rates.shape}" if rates.ndim != 1 else f"hold {rates[bad][0]} (problem {np.argmax(bad)})"
        raise ValueError(f"the {name} reference rates {what}; give one success rate in [0, 1] per problem")
    return rates
