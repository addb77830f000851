"""A distribution that moves from easy arms to hard ones as time goes by, and listens to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.arrays import require_kind
from curriculum_bandits.bandits.capacity import Capacity
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection

__all__ = ["EasyToHard", "Schedule"]

Schedule = Literal["cosine", "gaussian"]
"""How the distribution over levels moves: its two ends exchange places, or a bell walks through the levels."""


class EasyToHard:
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

    Raises:
        ValueError: If a setting is out of its range.

    Source: E2H, arXiv 2506.06632.

    >>> bandit = EasyToHard([0, 1], steps=1)
    >>> bandit.probabilities().round(3)
    array([0.667, 0.333])
    >>> _ = bandit.select(1, np.random.default_rng(0))
    >>> bandit.probabilities().round(3)
    array([0.333, 0.667])
    """

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
        if steps < 1:
            raise ValueError(f"steps is {steps}; give the number of batches, at least 1")
        if schedule not in get_args(Schedule):
            raise ValueError(f"schedule={schedule!r} is unknown; choose 'cosine' or 'gaussian'")
        for name, value in (("power", power), ("width", width)):
            if not (np.isfinite(value) and value > 0.0):
                raise ValueError(f"{name} is {value}; it must be a finite number above 0")
        self.n_arms, self.steps, self.schedule = n_arms, steps, schedule
        self.power, self.width = power, width
        self._capacity = Capacity(n_arms, capacity)
        self._plays = 1
        self._batches = 0

    @property
    def batches(self) -> int:
        """Batches drawn so far, t."""
        return self._batches

    def probabilities(self) -> FloatArray:
        """The distribution over arms of the next batch, shape (K,), for as many plays as were last asked for."""
        return self._capacity.projected(self._log_weights(), self._plays)

    def _log_weights(self) -> FloatArray:
        passed = min(self._batches / self.steps, 1.0)
        if self.schedule == "gaussian":
            mean = passed**self.power * (self.n_arms - 1)
            return np.asarray(-((self._levels - mean) ** 2) / (2.0 * self.width**2))
        easy = 0.5 * (1.0 + np.cos(np.pi * passed))
        return np.asarray(np.log(easy * (self.n_arms - self._levels) + (1.0 - easy) * (self._levels + 1.0)))

    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        """Play `size` arms of the distribution of this batch, and go on to the next.

        Args:
            size: Plays in this round, m.
            rng: Source of randomness.
            candidates: Must be None.

        Returns:
            Arms, p_t and ``m p_t`` of each, shape (m,); an arm is played ``m p_t`` times rounded up or down.

        Raises:
            ValueError: If `candidates` is given, or `size` is below 1 or exceeds what all arms together hold. The
                clock does not move then.
        """
        if candidates is not None:
            raise ValueError("EasyToHard draws from all arms and takes no candidates")
        self._capacity.check(size)
        self._plays = size
        selection = self._capacity.play(self.probabilities(), size, rng)
        self._batches += 1
        return selection

    def update(self, arms: IntArray, inclusion: FloatArray | None, values: FloatArray) -> None:
        """Nothing to learn.

        Args:
            arms: Not used.
            inclusion: Not used.
            values: Not used.
        """

    def state_dict(self) -> dict[str, Any]:
        """The clock and plays a round; settings belong to the constructor."""
        return {"kind": "easy_to_hard", "n_arms": self.n_arms, "batches": self._batches, "plays": self._plays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, for the same arms.

        Raises:
            ValueError: If the state is of another kind of bandit or another number of arms. Nothing is changed then.
        """
        require_kind(state, "easy_to_hard")
        if int(state["n_arms"]) != self.n_arms:
            raise ValueError(
                f"the saved schedule has {state['n_arms']} arms, this one {self.n_arms}; use the same bank"
            )
        batches, plays = int(state["batches"]), int(state["plays"])
        if batches < 0:
            raise ValueError(f"the saved schedule has drawn {batches} batches; load a state that was saved")
        self._capacity.check(plays)
        self._batches, self._plays = batches, plays
