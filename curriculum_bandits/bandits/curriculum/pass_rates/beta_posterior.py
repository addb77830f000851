"""Beta posteriors of the success rates of problems: counts of successes and failures that are forgotten in time.

The kinds differ only in how they forget. Acquisition functions and the choice of problems are elsewhere.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.state import Array, Field, Stateful

__all__ = ["BetaPosterior", "PassRates", "thompson_rates"]


class PassRates(Stateful, ABC):
    """A Beta posterior of the success rate of each of N problems; a subclass says how it forgets.

    Args:
        n_problems: Number of problems N.
        prior: :math:`(a_0, b_0)`, positive.

    Attributes:
        successes: First parameter a of the Beta distribution of each, shape (N,).
        failures: Second parameter b, shape (N,).
        seen: Which problems have been answered, shape (N,).
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "successes": Array(low=0.0),
        "failures": Array(low=0.0),
        "seen": Array(),
    }

    def __init__(self, n_problems: int, prior: tuple[float, float]) -> None:
        require("[1, inf)", n_problems=n_problems)
        a, b = (float(each) for each in prior)
        if not 0.0 < min(a, b) <= max(a, b) < math.inf:
            raise ValueError(f"prior is {prior}; give two positive numbers, such as (1, 1)")
        self.n_problems, self.prior = n_problems, (a, b)
        self.successes: FloatArray = np.full(n_problems, a)
        self.failures: FloatArray = np.full(n_problems, b)
        self.seen: npt.NDArray[np.bool_] = np.zeros(n_problems, dtype=bool)

    @abstractmethod
    def learn(
        self, problems: IntArray, successes: FloatArray, rollouts: FloatArray, kl: FloatArray | None
    ) -> IntArray | None:
        """Learn from a batch.

        Args:
            problems: Distinct problems, shape (m,).
            successes: Successful rollouts of each, shape (m,), need not be whole.
            rollouts: Rollouts of each, shape (m,).
            kl: How far the update moved the policy on each answer, in nats per token, any length, nan where it is not
                known; or None.

        Returns:
            The problems whose counts may have changed, or None for all.
        """


class BetaPosterior(PassRates):
    r"""Counts of successes and failures, of which part is forgotten whenever a problem is visited.

    After n rollouts of a problem with k successes, :math:`a' = \lambda a + (1-\lambda) a_0 + k` and
    :math:`b' = \lambda b + (1-\lambda) b_0 + (n - k)`. Problems that are not visited do not move, unless `fading` is
    below 1: before each update everything then returns to the prior by that factor,
    :math:`a \leftarrow a_0 + f (a - a_0)`, so that what was judged long ago is judged again (ours).

    Args:
        n_problems: Number of problems N.
        discount: :math:`\lambda` in [0, 1]; 1 keeps plain counts.
        prior: :math:`(a_0, b_0)`, positive.
        fading: f in (0, 1].

    Source: MoPPS, arXiv 2507.04632; the fading is ours.

    >>> rates = BetaPosterior(2, discount=0.5)
    >>> rates.learn(np.array([1]), np.array([3.0]), np.array([4.0]), None)
    array([1])
    >>> rates.successes.tolist(), rates.failures.tolist()
    ([1.0, 4.0], [1.0, 2.0])
    """

    def __init__(
        self, n_problems: int, *, discount: float = 0.5, prior: tuple[float, float] = (1.0, 1.0), fading: float = 1.0
    ) -> None:
        super().__init__(n_problems, prior)
        require("[0, 1]", discount=discount)
        require("(0, 1]", fading=fading)
        self.discount, self.fading = discount, fading

    @override
    def learn(
        self, problems: IntArray, successes: FloatArray, rollouts: FloatArray, kl: FloatArray | None
    ) -> IntArray | None:
        for counts, first, new in (
            (self.successes, self.prior[0], successes),
            (self.failures, self.prior[1], rollouts - successes),
        ):
            if self.fading < 1.0:
                counts -= first
                counts *= self.fading
                counts += first
            counts[problems] = self.discount * counts[problems] + (1.0 - self.discount) * first + new
        self.seen[problems] = True
        return problems if self.fading == 1.0 else None


def thompson_rates(a: FloatArray, b: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One draw from Beta(a, b) for each problem, shape (M,).

    >>> bool(thompson_rates(np.array([1e9]), np.array([1.0]), np.random.default_rng(0))[0] > 0.99)
    True
    """
    # Beta(1, 1) is uniform, which costs a tenth when it is drawn as such: most problems of a large bank are unseen.
    learned = np.flatnonzero((a != 1.0) | (b != 1.0))
    if len(learned) == len(a):
        return rng.beta(a, b)
    rates = rng.random(len(a))
    rates[learned] = rng.beta(a[learned], b[learned])
    return rates
