"""What is remembered of the success rate of each problem: counts of successes and failures that are forgotten in time.

All of it is the two parameters of a Beta distribution per problem; the kinds differ only in how they forget. What is
wanted of a rate, and how problems are chosen by it, is said elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.arrays import require_kind, saved_array
from curriculum_bandits.bandits.contract import FloatArray, IntArray

__all__ = ["BetaCounts", "PassRates", "checked_counts", "checked_prior", "thompson_rates"]


class PassRates(Protocol):
    """What is known of the success rate of each of N problems.

    Attributes:
        n_problems: Number of problems N.
        successes: First parameter a of the Beta distribution of each, shape (N,).
        failures: Second parameter b, shape (N,).
        seen: Which problems have been answered, shape (N,).
    """

    n_problems: int
    successes: FloatArray
    failures: FloatArray
    seen: npt.NDArray[np.bool_]

    def learn(
        self, problems: IntArray, successes: FloatArray, rollouts: FloatArray, drift: FloatArray | None
    ) -> IntArray | None:
        """Hear what a batch brought.

        Args:
            problems: Distinct problems, shape (m,).
            successes: How many rollouts of each succeeded, shape (m,), need not be whole.
            rollouts: How many there were, shape (m,).
            drift: How far the update moved the policy on each answer, in nats per token, any length, nan where it is
                not known; or None.

        Returns:
            The problems whose counts may have changed, or None for all.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs, as arrays and plain numbers."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned.
        """
        ...


class BetaCounts:
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

    Raises:
        ValueError: If a setting is out of its range.

    Source: MoPPS, arXiv 2507.04632; the fading is ours.

    >>> rates = BetaCounts(2, discount=0.5)
    >>> rates.learn(np.array([1]), np.array([3.0]), np.array([4.0]), None)
    array([1])
    >>> rates.successes.tolist(), rates.failures.tolist()
    ([1.0, 4.0], [1.0, 2.0])
    """

    def __init__(
        self, n_problems: int, *, discount: float = 0.5, prior: tuple[float, float] = (1.0, 1.0), fading: float = 1.0
    ) -> None:
        if n_problems < 1:
            raise ValueError(f"n_problems is {n_problems}; there must be at least one")
        if not 0.0 <= discount <= 1.0:
            raise ValueError(f"discount is {discount}; it must be in [0, 1], 1 keeps plain counts")
        if not 0.0 < fading <= 1.0:
            raise ValueError(f"fading is {fading}; it must be in (0, 1], 1 leaves unvisited problems as they are")
        self.n_problems = n_problems
        self.discount, self.fading = discount, fading
        self.prior = checked_prior(prior)
        self.successes: FloatArray = np.full(n_problems, self.prior[0])
        self.failures: FloatArray = np.full(n_problems, self.prior[1])
        self.seen = np.zeros(n_problems, dtype=bool)

    def learn(
        self, problems: IntArray, successes: FloatArray, rollouts: FloatArray, drift: FloatArray | None
    ) -> IntArray | None:
        """Discount and add; see the class.

        Args:
            problems: Distinct problems, shape (m,).
            successes: Successful rollouts of each, shape (m,).
            rollouts: Rollouts of each, shape (m,).
            drift: Not used.

        Returns:
            The same problems, or None where everything fades.
        """
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

    def state_dict(self) -> dict[str, Any]:
        """The counts; settings belong to the constructor."""
        return {
            "kind": "beta_counts",
            "successes": self.successes.copy(),
            "failures": self.failures.copy(),
            "seen": self.seen.copy(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, for as many problems.

        Raises:
            ValueError: If it is of another kind or size, or holds no counts. Nothing is changed then.
        """
        require_kind(state, "beta_counts")
        self.successes, self.failures, self.seen = checked_counts(state, self.n_problems)


def thompson_rates(a: FloatArray, b: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One draw from Beta(a, b) for each problem.

    Args:
        a: First parameters, shape (M,).
        b: Second parameters, shape (M,).
        rng: Source of randomness.

    Returns:
        Rates in [0, 1], shape (M,).

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


def checked_prior(prior: tuple[float, float]) -> tuple[float, float]:
    """The prior, if it is one.

    Args:
        prior: (a, b).

    Returns:
        The same as two floats.

    Raises:
        ValueError: If one of them is not positive and finite.
    """
    a, b = (float(each) for each in prior)
    if not (a > 0.0 and b > 0.0 and math.isfinite(a + b)):
        raise ValueError(f"prior is {prior}; give two positive numbers, such as (1, 1)")
    return a, b


def checked_counts(state: Mapping[str, Any], n_problems: int) -> tuple[FloatArray, FloatArray, npt.NDArray[np.bool_]]:
    """Copies of saved counts, if they are counts of as many problems.

    Args:
        state: What a `state_dict` returned.
        n_problems: Number of problems N.

    Returns:
        Successes, failures and which are seen, shape (N,) each.

    Raises:
        ValueError: If a shape is another, or a count is negative or not finite.
    """
    shape = (n_problems,)
    a, b = (saved_array(state, name, shape, what=name) for name in ("successes", "failures"))
    seen = saved_array(state, "seen", shape, what="marks of what was seen").astype(bool)
    for name, counts in (("successes", a), ("failures", b)):
        bad = ~(np.isfinite(counts) & (counts >= 0.0))
        if np.any(bad):
            raise ValueError(f"the saved {name} hold {counts[bad][0]}; the state is damaged, load another")
    return a, b, seen
