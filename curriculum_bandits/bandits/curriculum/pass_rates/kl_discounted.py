"""A posterior that forgets as fast as the policy moves: its measured divergence replaces a fixed discount."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.bandits.curriculum.pass_rates.beta_posterior import PassRates
from curriculum_bandits.state import Array, Field, Real

__all__ = ["KlDiscountedPosterior"]


class KlDiscountedPosterior(PassRates):
    r"""Counts of which :math:`\rho = 2^{-D/h}`, clipped, is kept on a visit, D the KL since the visit before.

    :math:`a' = \rho a + k` and :math:`b' = \rho b + (n - k)`: the prior is forgotten too. D adds up the mean KL of
    every update from that on the earlier visit's own rollouts to the last one before this visit, whichever problems the
    batches held (a problem that is visited first counts from the start). An update whose KL is not known counts as
    none: a learner that never reports any keeps the most, the upper end of the clip.

    Args:
        n_problems: Number of problems N.
        half_life: h, the divergence in nats per token after which half is forgotten.
        kept: Ends of the clip on :math:`\rho`.
        prior: Beta parameters before any rollout.
        offline: Success rates measured beforehand, shape (N,), or None. Those problems start from `strength` rollouts
            of that rate instead of the prior; nan where none was measured.
        strength: How many rollouts a rate of `offline` counts as.

    Source: SPO, arXiv 2509.13232: half-life, clip and recursion. It starts from rates measured offline; where there are
    none the prior is ours, and so is counting unknown KL as none. The default strength, ``1 / (1 - .875)``, is the
    weight at which the fastest forgetting settles for one rollout a visit.

    >>> rates = KlDiscountedPosterior(2, half_life=0.06)
    >>> for _ in range(2):
    ...     visited = rates.learn(np.array([0]), np.array([1.0]), np.array([1.0]), np.array([0.06]))
    >>> rates.successes.round(5).tolist()  # .96 + 1, then .875 of that + 1
    [2.715, 1.0]
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_moved": Real(low=0.0), "_moved_at": Array(low=0.0)}

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
        super().__init__(n_problems, prior)
        require("(0, inf)", half_life=half_life, strength=strength)
        if not 0.0 < kept[0] <= kept[1] <= 1.0:
            raise ValueError(f"kept is {kept}; give (least, most) with 0 < least <= most <= 1")
        self.half_life, self.kept = half_life, kept
        if offline is not None:
            rates = np.asarray(offline, dtype=np.float64)
            if rates.shape != (n_problems,) or np.any((rates < 0.0) | (rates > 1.0)):
                raise ValueError(f"offline rates of shape {rates.shape} must be {n_problems} numbers in [0, 1] or nan")
            known = ~np.isnan(rates)
            self.successes[known] = strength * rates[known]
            self.failures[known] = strength * (1.0 - rates[known])
        self._moved = 0.0  # KL of all updates so far
        self._moved_at: FloatArray = np.zeros(n_problems)  # the same on the last visit of each problem

    @property
    def kl(self) -> FloatArray:
        """D of each problem: the KL since its rollouts were last made, in nats per token, shape (N,)."""
        return self._moved - self._moved_at

    @override
    def learn(
        self, problems: IntArray, successes: FloatArray, rollouts: FloatArray, kl: FloatArray | None
    ) -> IntArray | None:
        rho = np.clip(2.0 ** (-self.kl[problems] / self.half_life), *self.kept)
        self.successes[problems] = rho * self.successes[problems] + successes
        self.failures[problems] = rho * self.failures[problems] + (rollouts - successes)
        self.seen[problems] = True
        self._moved_at[problems] = self._moved
        self._moved += self._step(kl)
        return problems

    def _step(self, kl: FloatArray | None) -> float:
        """The mean of what is known; never below 0, nor beyond what brings any problem to the end of the clip."""
        known = np.zeros(0) if kl is None else kl[~np.isnan(kl)]
        farthest = -math.log2(self.kept[0]) * self.half_life
        return min(max(float(np.mean(known)), 0.0), farthest) if len(known) else 0.0

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        if np.any(values["_moved_at"] > values["_moved"]):
            raise ValueError(f"the saved KL is {values['_moved']}, with visits beyond that; the state is damaged")
        return values
