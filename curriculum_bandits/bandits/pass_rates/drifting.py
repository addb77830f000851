"""Counts that are forgotten as fast as the policy moves: measured divergence takes the place of a fixed discount."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.arrays import require_kind, saved_array
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.bandits.pass_rates.evidence import checked_counts, checked_prior

__all__ = ["DriftingCounts"]


class DriftingCounts:
    r"""Counts of which :math:`\rho = 2^{-D/h}`, clipped, is kept on a visit, D the drift since the visit before.

    :math:`a' = \rho a + k` and :math:`b' = \rho b + (n - k)`: the prior is forgotten too. D adds up the mean drift of
    every update from that on the earlier visit's own rollouts to the last one before this visit, whichever problems the
    batches held (a problem that is visited first counts from the start). An update whose drift is not known counts as
    none: a learner that never reports any keeps the most, the upper end of the clip.

    Args:
        n_problems: Number of problems N.
        half_life: h, the drift in nats per token after which half is forgotten.
        kept: Ends of the clip on :math:`\rho`.
        prior: Beta parameters before any rollout.
        offline: Success rates measured beforehand, shape (N,), or None. Those problems start from `strength` rollouts
            of that rate instead of the prior; nan where none was measured.
        strength: How many rollouts a rate of `offline` counts as.

    Raises:
        ValueError: If a setting is out of its range.

    Source: SPO, arXiv 2509.13232: half-life, clip and recursion. It starts from rates measured offline; where there are
    none the prior is ours, and so is counting unknown drift as none. The default strength, ``1 / (1 - .875)``, is the
    weight at which the fastest forgetting settles for one rollout a visit.

    >>> rates = DriftingCounts(2, half_life=0.06)
    >>> for _ in range(2):
    ...     visited = rates.learn(np.array([0]), np.array([1.0]), np.array([1.0]), np.array([0.06]))
    >>> rates.successes.round(5).tolist()  # .96 + 1, then .875 of that + 1
    [2.715, 1.0]
    """

    def __init__(
        self,
        n_problems: int,
        *,
        half_life: float = 0.06,
        kept: tuple[float, float] = (0.875, 0.96),
        prior: tuple[float, float] = (1.0, 1.0),
        offline: npt.ArrayLike | None = None,
        strength: float = 8.0,
    ) -> None:
        if n_problems < 1:
            raise ValueError(f"n_problems is {n_problems}; there must be at least one")
        if not (half_life > 0.0 and math.isfinite(half_life)):
            raise ValueError(f"half_life is {half_life}; it must be positive, in nats per token")
        if not 0.0 < kept[0] <= kept[1] <= 1.0:
            raise ValueError(f"kept is {kept}; give (least, most) with 0 < least <= most <= 1")
        if not (strength > 0.0 and math.isfinite(strength)):
            raise ValueError(f"strength is {strength}; it must be positive, a number of rollouts")
        self.n_problems = n_problems
        self.half_life, self.kept = half_life, kept
        self.prior = checked_prior(prior)
        self.successes: FloatArray = np.full(n_problems, self.prior[0])
        self.failures: FloatArray = np.full(n_problems, self.prior[1])
        if offline is not None:
            rates = np.asarray(offline, dtype=np.float64)
            if rates.shape != (n_problems,) or np.any((rates < 0.0) | (rates > 1.0)):
                raise ValueError(f"offline rates of shape {rates.shape} must be {n_problems} numbers in [0, 1] or nan")
            known = ~np.isnan(rates)
            self.successes[known] = strength * rates[known]
            self.failures[known] = strength * (1.0 - rates[known])
        self.seen = np.zeros(n_problems, dtype=bool)
        self._moved = 0.0  # drift of all updates so far
        self._moved_at: FloatArray = np.zeros(n_problems)  # what that was on the last visit of each problem

    @property
    def drift(self) -> FloatArray:
        """D of each problem: the drift since its rollouts were last made, shape (N,)."""
        return self._moved - self._moved_at

    def learn(
        self, problems: IntArray, successes: FloatArray, rollouts: FloatArray, drift: FloatArray | None
    ) -> IntArray | None:
        """Forget by the drift, add, and note how far this update moved the policy.

        Args:
            problems: Distinct problems, shape (m,).
            successes: Successful rollouts of each, shape (m,).
            rollouts: Rollouts of each, shape (m,).
            drift: How far this update moved the policy, by answer, or None.

        Returns:
            The same problems: those not visited keep their counts until they are.
        """
        rho = np.clip(2.0 ** (-self.drift[problems] / self.half_life), *self.kept)
        self.successes[problems] = rho * self.successes[problems] + successes
        self.failures[problems] = rho * self.failures[problems] + (rollouts - successes)
        self.seen[problems] = True
        self._moved_at[problems] = self._moved
        self._moved += self._step(drift)
        return problems

    def _step(self, drift: FloatArray | None) -> float:
        """The mean of what is known; never below 0, nor beyond what brings any problem to the end of the clip."""
        known = np.zeros(0) if drift is None else drift[~np.isnan(drift)]
        farthest = -math.log2(self.kept[0]) * self.half_life
        return min(max(float(np.mean(known)), 0.0), farthest) if len(known) else 0.0

    def state_dict(self) -> dict[str, Any]:
        """The counts and the drift; settings belong to the constructor."""
        return {
            "kind": "drifting_counts",
            "successes": self.successes.copy(),
            "failures": self.failures.copy(),
            "seen": self.seen.copy(),
            "moved": self._moved,
            "moved_at": self._moved_at.copy(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, for as many problems.

        Raises:
            ValueError: If it is of another kind or size, or holds no counts. Nothing is changed then.
        """
        require_kind(state, "drifting_counts")
        counts = checked_counts(state, self.n_problems)
        moved = float(state["moved"])
        moved_at = saved_array(state, "moved_at", (self.n_problems,), what="drifts")
        if not (math.isfinite(moved) and np.all((moved_at >= 0.0) & (moved_at <= moved))):
            raise ValueError(f"the saved drift is {moved}, with visits outside 0..that; the state is damaged")
        self.successes, self.failures, self.seen = counts
        self._moved, self._moved_at = moved, moved_at
