"""A distribution that moves from easy arms to hard ones as time goes by, and listens to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.bandits.curriculum.capped_bandit import CappedBandit
from curriculum_bandits.state import Count, Field, Fixed

__all__ = ["EasyToHard", "Schedule"]

Schedule = Literal["cosine", "gaussian"]
"""How the distribution over levels moves: its two ends exchange places, or a bell walks through the levels."""


class EasyToHard(CappedBandit):
    r"""K levels over T batches: the easiest are drawn most at first, the hardest at the end.

    In batch t = 0, 1, ..., counted as they are drawn, level i = 0, ..., K - 1 has

    - ``"cosine"``: :math:`p_i \propto a (K - i) + (1 - a)(i + 1)` with :math:`a = \frac12 (1 + \cos(\pi t / T))`
    - ``"gaussian"``: :math:`p_i \propto \exp(-(i - \mu)^2 / (2 \sigma^2))` with :math:`\mu = (t/T)^\beta (K - 1)`

    After T batches the distribution stays at its last. Under `gaussian` far levels are almost never drawn. One run.

    Args:
        levels: Level of each arm, 0 the easiest, shape (K,): a permutation of 0..K-1.
        steps: T, at least 1.
        schedule: Which of the two.
        power: :math:`\beta` > 0: below 1 the bell hurries at first. For `gaussian` only.
        width: :math:`\sigma` > 0, in levels. For `gaussian` only.
        capacity: How often an arm can be played in one round: a number or shape (K,).

    Source: E2H, arXiv 2506.06632.

    >>> bandit = EasyToHard([0, 1], steps=1)
    >>> bandit.probabilities().round(3)
    array([0.667, 0.333])
    >>> _ = bandit.select(1, np.random.default_rng(0))
    >>> bandit.probabilities().round(3)
    array([0.333, 0.667])
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "n_arms": Fixed("use the same bank"),
        "_batches": Count(),
    }

    def __init__(
        self,
        levels: npt.ArrayLike,
        steps: int,
        *,
        schedule: Schedule = "cosine",
        power: float = 0.5,
        width: float = 0.5,
        capacity: npt.ArrayLike = 1.0,
    ) -> None:
        self._levels = np.array(levels, dtype=np.float64)
        n_arms = self._levels.size
        if not np.array_equal(np.sort(self._levels.ravel()), np.arange(n_arms)) or self._levels.ndim != 1:
            raise ValueError(f"levels are {self._levels.tolist()}; give each of 0..{n_arms - 1} to one arm")
        require("[1, inf)", steps=steps)
        if schedule not in get_args(Schedule):
            raise ValueError(f"schedule={schedule!r} is unknown; choose 'cosine' or 'gaussian'")
        require("(0, inf)", power=power, width=width)
        super().__init__(n_arms, capacity)
        self.steps, self.schedule = steps, schedule
        self.power, self.width = power, width
        self._batches = 0

    @property
    def batches(self) -> int:
        """Batches drawn so far, t."""
        return self._batches

    @override
    def _distribution(self, plays: int) -> FloatArray:
        return self._capacity.projected(self._log_weights(), plays)

    def _log_weights(self) -> FloatArray:
        passed = min(self._batches / self.steps, 1.0)
        if self.schedule == "gaussian":
            mean = passed**self.power * (self.n_arms - 1)
            return np.asarray(-((self._levels - mean) ** 2) / (2.0 * self.width**2))
        easy = 0.5 * (1.0 + np.cos(np.pi * passed))
        return np.asarray(np.log(easy * (self.n_arms - self._levels) + (1.0 - easy) * (self._levels + 1.0)))

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        selection = super().select(size, rng, candidates)
        self._batches += 1
        self._changed()
        return selection
