"""What all choices by success rate share: how they hear rollouts, and what they save."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.arrays import checked_utilities, require_kind
from curriculum_bandits.bandits.contract import FloatArray, IntArray, RefusedUtility
from curriculum_bandits.bandits.pass_rates.evidence import PassRates
from curriculum_bandits.draw import Feedback

__all__ = ["PassRateBandit", "top_at_random"]

_REMEDY = "this method counts successes: give a success rate in [0, 1], such as the signal success_rate does"


class PassRateBandit:
    """Hears success rates and keeps them as evidence; a choice among problems is added by those built on it.

    One run. Answers are learned from by themselves, whatever the chance was that their problem was drawn.

    Args:
        rates: What is remembered of each problem.

    Attributes:
        n_arms: Number of problems N.
        rates: As given.
    """

    kind = "pass_rates"

    def __init__(self, rates: PassRates) -> None:
        self.rates = rates
        self.n_arms = rates.n_problems

    def means(self) -> FloatArray:
        """The expected success rate of each problem, shape (N,)."""
        return self._means_of(slice(None))

    def _means_of(self, problems: IntArray | slice) -> FloatArray:
        a, b = self.rates.successes[problems], self.rates.failures[problems]
        return np.asarray(a / (a + b))

    def update(self, arms: npt.ArrayLike, inclusion: npt.ArrayLike | None, values: npt.ArrayLike) -> None:
        """Learn from one rollout per value.

        Args:
            arms: Problems that answered, shape (m,).
            inclusion: Not used.
            values: Success of each, in [0, 1], shape (m,).

        Raises:
            ValueError: If a problem does not exist or shapes differ. The state is then as it was.
            RefusedUtility: If a value is not in [0, 1]. The state is then as it was.
        """
        self._hear(arms, values, None, None)

    def update_on_evidence(self, arms: IntArray, inclusion: FloatArray | None, evidence: Feedback) -> None:
        """Learn from success rates over as many rollouts as the evidence counts.

        Args:
            arms: Problems that answered, shape (m,).
            inclusion: Not used.
            evidence: Success rate in [0, 1], number of rollouts (1 or more) and drift of each.

        Raises:
            ValueError: As `update`.
            RefusedUtility: As `update`.
        """
        self._hear(arms, evidence.values, evidence.counts.astype(np.float64), evidence.drift)

    def _hear(
        self, arms: npt.ArrayLike, values: npt.ArrayLike, counts: FloatArray | None, drift: FloatArray | None
    ) -> None:
        try:
            played, success = checked_utilities(arms, values, n_arms=self.n_arms, leading=(), utility_range=(0.0, 1.0))
        except RefusedUtility as refused:
            arm = int(np.asarray(arms)[refused.position])
            raise RefusedUtility(arm, refused.position, refused.value, _REMEDY) from None
        rollouts = np.ones(len(played)) if counts is None else counts
        # A problem that answers twice in a batch is visited once, with all its rollouts.
        problems, which = np.unique(played, return_inverse=True)
        successes, totals = (
            np.asarray(np.bincount(which, weights=each), dtype=np.float64) for each in (rollouts * success, rollouts)
        )
        self._learned(self.rates.learn(problems, successes, totals, drift))

    def _learned(self, problems: IntArray | None) -> None:
        """Called after the evidence on some problems, or with None on any, has changed."""

    def state_dict(self) -> dict[str, Any]:
        """The evidence; settings belong to the constructor."""
        return {"kind": self.kind, "rates": self.rates.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, for as many problems and the same kind of evidence.

        Raises:
            ValueError: If it is of another kind or size. Nothing is changed then.
        """
        require_kind(state, self.kind)
        self.rates.load_state_dict(state["rates"])
        self._learned(None)


def top_at_random(index: FloatArray, size: int, rng: np.random.Generator) -> IntArray:
    """Positions of the highest entries; which of equal ones are among them is left to chance.

    Args:
        index: Shape (M,), not nan.
        size: How many, 0 to M.
        rng: Source of randomness.

    Returns:
        Distinct positions, shape (size,), in no order that means anything.

    >>> sorted(top_at_random(np.array([3.0, 1.0, 2.0]), 2, np.random.default_rng(0)).tolist())
    [0, 2]
    """
    if size == 0:
        return np.zeros(0, dtype=np.int64)
    least = np.partition(index, len(index) - size)[len(index) - size]
    above = np.flatnonzero(index > least)
    level = np.flatnonzero(index == least)
    return np.concatenate([above, rng.choice(level, size - len(above), replace=False)])
