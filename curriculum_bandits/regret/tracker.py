"""Regret as the rounds go by, for worlds whose means are known.

Rounds by the million need no table: the tracker keeps sums, one per arm and run, and gives the same numbers as the
functions of whole tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray
from curriculum_bandits.regret._arrays import as_arms, as_capacity, as_distribution, finite
from curriculum_bandits.regret.comparators import best_subset_value
from curriculum_bandits.regret.curves import score_between, uniform_share
from curriculum_bandits.regret.switching import advance
from curriculum_bandits.state import Array, Count, Field, Stateful

__all__ = ["RegretTracker"]

_SUMS = ("earned", "variation", "_oracle", "_uniform", "_totals", "_previous", "_best")


class RegretTracker(Stateful):
    """External, switching and dynamic regret so far.

    Args:
        n_arms: Number of arms K.
        runs: Number of independent runs; None for one run without a leading axis.
        plays: Plays a round, m.
        capacity: As in `curves.external_regret`.
        switches: Follow the best sequence with at most this many switches too; one play a round only.

    Attributes:
        rounds: Rounds so far, T.
        earned: Earnings of the policy so far, shape (...).
        variation: Variation budget spent so far, shape (...); see `variation.variation_budget`.

    Raises:
        ValueError: If a setting is out of its range.

    >>> tracker = RegretTracker(2)
    >>> tracker.update(means=[1.0, 0.0], arms=[0])
    >>> tracker.update(means=[0.0, 1.0], arms=[0])
    >>> float(tracker.external), float(tracker.dynamic), float(tracker.variation)
    (0.0, 1.0, 1.0)
    """

    STATE: ClassVar[Mapping[str, Field]] = {"rounds": Count(), **{name: Array() for name in _SUMS}}

    def __init__(
        self,
        n_arms: int,
        *,
        runs: int | None = None,
        plays: int = 1,
        capacity: npt.ArrayLike = 1.0,
        switches: int | None = None,
    ) -> None:
        if n_arms < 1:
            raise ValueError(f"n_arms is {n_arms}; give at least 1")
        if runs is not None and runs < 1:
            raise ValueError(f"runs is {runs}; give at least 1, or None for a single run")
        if switches is not None and (switches < 0 or plays != 1):
            raise ValueError(f"switches is {switches} with {plays} plays; give 0 or more, and one play a round")
        self.n_arms, self.plays, self.rounds = n_arms, plays, 0
        self._capacity = as_capacity(capacity, n_arms, plays)
        self._share = uniform_share(capacity, n_arms, plays)
        leading = () if runs is None else (runs,)
        self.earned, self.variation, self._oracle, self._uniform = (np.zeros(leading) for _ in range(4))
        self._totals, self._previous = np.zeros((2, *leading, n_arms))
        self._best = np.zeros((*leading, 0 if switches is None else switches + 1, n_arms))

    @property
    def external(self) -> FloatArray:
        """Regret against the best fixed m-subset, shape (...); see `curves.external_regret`."""
        return best_subset_value(self._totals, plays=self.plays, capacity=self._capacity) - self.earned

    @property
    def dynamic(self) -> FloatArray:
        """Regret against the best m-subset of each round, shape (...); see `curves.dynamic_regret`."""
        return np.asarray(self._oracle - self.earned)

    @property
    def switching(self) -> FloatArray:
        """Regret against the best sequence with at most `switches` switches, shape (...).

        Raises:
            ValueError: If the tracker was made without `switches`.
        """
        if self._best.shape[-2] == 0:
            raise ValueError("this tracker follows no switching comparator; make it with switches=S")
        return np.asarray(np.max(self._best[..., -1, :], axis=-1) - self.earned)

    @property
    def score(self) -> FloatArray:
        """0 = oracle, 1 = uniform, shape (...); see `curves.normalised_score`."""
        return score_between(self.earned, self._oracle, self._uniform)

    def update(self, means: npt.ArrayLike, arms: npt.ArrayLike) -> None:
        """Count one round by the arms that were played.

        Args:
            means: The round's means, shape (..., K); one row serves all runs.
            arms: Played arms, shape (..., m).

        Raises:
            ValueError: If a shape is wrong, an arm does not exist or a mean is not finite. The state is then as it was.
        """
        values = self._means(means)
        played = as_arms(arms, self.n_arms)
        if played.shape != (*self.earned.shape, self.plays):
            raise ValueError(f"arms have shape {played.shape}; they must be {(*self.earned.shape, self.plays)}")
        self._count(values, np.sum(np.take_along_axis(values, played, axis=-1), axis=-1))

    def update_expected(self, means: npt.ArrayLike, distribution: npt.ArrayLike) -> None:
        """Count one round by the distribution that was played: its expected earnings, without the noise of the draw.

        Args:
            means: As for `update`.
            distribution: The policy's p_t, shape (..., K).

        Raises:
            ValueError: As `update`, or if a row is no distribution.
        """
        values = self._means(means)
        p = as_distribution(distribution)
        if p.shape != values.shape:
            raise ValueError(f"the distribution has shape {p.shape}; it must be {values.shape}")
        self._count(values, self.plays * np.sum(values * p, axis=-1))

    def _means(self, means: npt.ArrayLike) -> FloatArray:
        values = finite(np.asarray(means, dtype=np.float64), "means")
        if values.shape not in ((self.n_arms,), self._totals.shape):
            raise ValueError(f"means have shape {values.shape}; they must be {self._totals.shape}")
        return np.broadcast_to(values, self._totals.shape)

    def _count(self, values: FloatArray, earned: FloatArray) -> None:
        if self.rounds:
            self.variation = self.variation + np.max(np.abs(values - self._previous), axis=-1)
        self._best = advance(self._best, values) if self._best.shape[-2] else self._best
        self.earned = self.earned + earned
        self._oracle = self._oracle + best_subset_value(values, plays=self.plays, capacity=self._capacity)
        self._uniform = self._uniform + self.plays * (values @ self._share)
        self._totals, self._previous = self._totals + values, np.array(values)
        self.rounds += 1
