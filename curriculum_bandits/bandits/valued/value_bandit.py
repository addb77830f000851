"""One number per arm, and a distribution made of it: any estimate with any choice.

The group curricula of the literature differ in these two parts only. Neither divides by a probability, so answers to
draws without inclusion teach as well; what is drawn here always states it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.arrays import checked_utilities, require_kind, saved_array
from curriculum_bandits.bandits.capacity import Capacity
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.bandits.valued.choices import Choice
from curriculum_bandits.bandits.valued.estimates import Estimate
from curriculum_bandits.draw import Feedback

__all__ = ["By", "ValueBandit"]

By = Literal["value", "magnitude"]
"""What of a value is sought: that it is high, or that it is far from 0 on either side."""


class ValueBandit:
    """Draws from ``choice(values of estimate)``, projected on what a batch can hold; one run.

    Args:
        estimate: What is remembered of each arm. It becomes part of this bandit: do not share it.
        choice: How values become a distribution.
        capacity: How often an arm can be played in one round: a number or shape (K,); the number of its problems for
            an arm that is a group.
        by: ``"magnitude"`` chooses by absolute values, for which a fall counts as much as a rise.

    Raises:
        ValueError: If a setting is out of its range.

    >>> from curriculum_bandits.bandits.valued import Boltzmann, ExponentialAverage
    >>> bandit = ValueBandit(ExponentialAverage(2, rate=0.5), Boltzmann(0.5))
    >>> bandit.update([0], None, [1.0])
    >>> bandit.probabilities().round(3)
    array([0.731, 0.269])
    """

    def __init__(self, estimate: Estimate, choice: Choice, *, capacity: npt.ArrayLike = 1.0, by: By = "value") -> None:
        if by not in get_args(By):
            raise ValueError(f"by={by!r} is unknown; choose 'value' or 'magnitude'")
        self.n_arms = estimate.n_arms
        self.estimate, self.choice, self.by = estimate, choice, by
        self._capacity = Capacity(self.n_arms, capacity)
        self._rollouts: FloatArray = np.zeros(self.n_arms)
        self._plays = 1

    @property
    def values(self) -> FloatArray:
        """Value of each arm, shape (K,)."""
        return self.estimate.values

    @property
    def rollouts(self) -> FloatArray:
        """Rollouts of each arm since the beginning, shape (K,)."""
        return np.array(self._rollouts)

    def probabilities(self) -> FloatArray:
        """The distribution p_t over arms, shape (K,), for as many plays as were last asked for."""
        values = self.estimate.values
        sought = np.abs(values) if self.by == "magnitude" else values
        return self._capacity.projected(self.choice.log_weights(sought, self._rollouts), self._plays)

    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        """Play `size` arms from p_t; a larger batch than before bounds what an arm can take of it more tightly.

        Args:
            size: Plays in this round, m.
            rng: Source of randomness.
            candidates: Must be None.

        Returns:
            Arms, p_t and ``m p_t`` of each, shape (m,); an arm is played ``m p_t`` times rounded up or down.

        Raises:
            ValueError: If `candidates` is given, or `size` is below 1 or exceeds what all arms together hold.
        """
        if candidates is not None:
            raise ValueError("ValueBandit draws from all arms and takes no candidates")
        self._capacity.check(size)
        self._plays = size
        return self._capacity.play(self.probabilities(), size, rng)

    def update(self, arms: npt.ArrayLike, inclusion: npt.ArrayLike | None, values: npt.ArrayLike) -> None:
        """Learn from played arms, with one rollout behind each value.

        Args:
            arms: Arms that answered, shape (m,).
            inclusion: Not used.
            values: What each paid, shape (m,).

        Raises:
            ValueError: If shapes differ, an arm does not exist, or a value is not finite. Nothing is changed then.
        """
        played, utilities = checked_utilities(arms, values, n_arms=self.n_arms, leading=())
        self._learn(played, utilities, np.ones(len(played)))

    def update_on_evidence(self, arms: npt.ArrayLike, inclusion: npt.ArrayLike | None, evidence: Feedback) -> None:
        """Learn from played arms; an arm that was played several times is judged by all their rollouts together.

        Args:
            arms: Arms that answered, shape (m,).
            inclusion: Not used.
            evidence: What each paid, and from how many rollouts.

        Raises:
            ValueError: As `update`.
        """
        played, utilities = checked_utilities(arms, evidence.values, n_arms=self.n_arms, leading=())
        self._learn(played, utilities, evidence.counts.astype(np.float64))

    def _learn(self, played: IntArray, utilities: FloatArray, rollouts: FloatArray) -> None:
        self.estimate.record(played, utilities, rollouts)
        self._rollouts += np.bincount(played, weights=rollouts, minlength=self.n_arms)

    def state_dict(self) -> dict[str, Any]:
        """The estimate, rollouts of each arm and plays a round; settings belong to the constructor."""
        return {
            "kind": "value_bandit",
            "estimate": self.estimate.state_dict(),
            "rollouts": self._rollouts.copy(),
            "plays": self._plays,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, from a bandit with the same arms and estimate.

        Raises:
            ValueError: If the state is of another kind of bandit or estimate, or of another shape. Nothing is changed
                then.
        """
        require_kind(state, "value_bandit")
        rollouts, plays = saved_array(state, "rollouts", (self.n_arms,), what="rollouts"), int(state["plays"])
        self._capacity.check(plays)
        self.estimate.load_state_dict(state["estimate"])
        self._rollouts, self._plays = rollouts, plays
