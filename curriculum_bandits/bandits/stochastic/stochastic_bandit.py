"""What all stochastic bandits do alike: refuse what they cannot do, scale utilities to gains, play the highest scores.

A stochastic bandit needs no inclusion to learn and knows none of its plays, unless it randomises on purpose.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.arrays import checked_utilities, require_kind
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.bandits.stochastic.evidence import Evidence

__all__ = ["StochasticBandit", "highest"]


def highest(scores: FloatArray, size: int) -> IntArray:
    """The arms of the highest scores, the first of equals.

    Args:
        scores: Shape (..., K).
        size: How many, m.

    Returns:
        Arms, highest first, shape (..., m).

    >>> highest(np.array([0.5, 0.9, 0.9]), 2)
    array([1, 2])
    """
    if size == 1:
        return np.asarray(np.argmax(scores, axis=-1, keepdims=True), dtype=np.int64)
    return np.asarray(np.argsort(-scores, axis=-1, kind="stable")[..., :size], dtype=np.int64)


class StochasticBandit:
    """Plays the arms of the highest scores, which a subclass makes of the evidence in `scores`.

    Args:
        evidence: What is remembered of each arm, empty; it says how many arms and runs there are.
        utility_range: (lo, hi) of the utilities; gains are ``(utility - lo) / (hi - lo)``.

    Attributes:
        n_arms: Number of arms K.
        runs: Number of independent runs, or None.
        evidence: As given.
        utility_range: As given.

    Raises:
        ValueError: If the range is empty.
    """

    kind: ClassVar[str]

    def __init__(self, evidence: Evidence, *, utility_range: tuple[float, float] = (0.0, 1.0)) -> None:
        if not -math.inf < utility_range[0] < utility_range[1] < math.inf:
            raise ValueError(f"utility_range is {utility_range}; need lo < hi, both finite")
        self.n_arms, self.runs = evidence.n_arms, evidence.runs
        self.evidence, self.utility_range = evidence, utility_range

    def scores(self, rng: np.random.Generator) -> FloatArray:
        """What to play by.

        Args:
            rng: Source of randomness.

        Returns:
            Score of each arm, shape (..., K).
        """
        raise NotImplementedError("write scores(self, rng), which makes a score for every arm of self.evidence")

    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        """Play the `size` different arms of the highest scores.

        Args:
            size: Plays in this round, m, at most K.
            rng: Source of randomness.
            candidates: Must be None.

        Returns:
            Arms, best first; probability ``1 / m`` of each, for given the scores the choice is certain; and no
            inclusion. Shape (..., m).

        Raises:
            ValueError: If `size` is not in 1..K or candidates are given.
        """
        self._check(size, candidates)
        arms = highest(self.scores(rng), size)
        return Selection(arms, np.full(arms.shape, 1.0 / size), None)

    def update(self, arms: npt.ArrayLike, inclusion: npt.ArrayLike | None, values: npt.ArrayLike) -> None:
        """Record the gains of one round.

        Args:
            arms: Arms that answered, shape (..., m).
            inclusion: Not used; None will do.
            values: Their utilities, within `utility_range`, shape (..., m).

        Raises:
            ValueError: If shapes differ or an arm does not exist. The state is then as it was.
            RefusedUtility: If a utility is not finite or out of range. The state is then as it was.
        """
        played, utilities = checked_utilities(
            arms,
            values,
            n_arms=self.n_arms,
            leading=self.evidence.counts.shape[:-1],
            utility_range=self.utility_range,
        )
        lo, hi = self.utility_range
        self.evidence.record(played, (utilities - lo) / (hi - lo))

    def state_dict(self) -> dict[str, Any]:
        """The evidence; settings belong to the constructor."""
        return {"kind": self.kind, "evidence": self.evidence.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, from a bandit with the same settings.

        Raises:
            ValueError: If the state is of another kind of bandit or evidence, or of another shape.
        """
        require_kind(state, self.kind)
        self.evidence.load_state_dict(state["evidence"])

    def _check(self, size: int, candidates: IntArray | None) -> None:
        if candidates is not None:
            raise ValueError(f"{type(self).__name__} chooses among all arms and takes no candidates")
        if not 1 <= size <= self.n_arms:
            raise ValueError(f"{size} arms are asked for but there are {self.n_arms}; ask for 1 to {self.n_arms}")
