"""The curriculum that knows what each problem is worth: the upper end of a scale whose lower end is uniform.

It reads the student's own gradient, which no method can see, and plays what that says is best right now. It plans
nothing: it is greedy, and exact to first order only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from curriculum_bandits.bandits.arrays import require_kind
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.environments.student import Student

__all__ = ["GreedyOracle"]


class GreedyOracle:
    """Plays the problems of largest `Student.expected_gain` at this moment; a bandit with a problem per arm.

    Greedy: a problem that is worth little now is not practised for what it would open up later. First-order: the
    problems of one cell are worth nearly the same, so a whole batch tends to come from one or two cells, and a large
    step there overshoots what the gradient promised. So it is a strong reference, not a bound: a method may beat it.

    Args:
        student: The student to be trained; it must be the one that learns from the draws.

    Attributes:
        n_arms: Number of problems in the bank.

    >>> from curriculum_bandits import Curriculum
    >>> from curriculum_bandits.environments import SkillStudent
    >>> from curriculum_bandits.signals import success_rate
    >>> student = SkillStudent.half_hopeless(n_problems=600)
    >>> oracle = Curriculum(student.bank, GreedyOracle(student), success_rate, name="greedy-oracle", seed=0)
    >>> bool(student.expected_gain(oracle.ask(8).items).min() > np.quantile(student.expected_gain(), 0.98))
    True
    """

    def __init__(self, student: Student) -> None:
        self.n_arms = len(student.bank)
        self._student = student

    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        """The `size` problems of largest expected gain, ties broken at random.

        Args:
            size: Problems to play, m.
            rng: Source of randomness, used for ties alone.
            candidates: Problems to choose among, all different, shape (M,), or None for all.

        Returns:
            Problems in no particular order, probability ``1 / m`` of each, for given the student the choice is
            certain but for ties; and no inclusion. Shape (m,) each.

        Raises:
            ValueError: If `size` is not between 1 and the number of problems to choose among.
        """
        pool = np.arange(self.n_arms) if candidates is None else np.asarray(candidates, dtype=np.int64)
        if not 1 <= size <= len(pool):
            raise ValueError(f"{size} problems are asked for but there are {len(pool)}; ask for 1 to {len(pool)}")
        gain = self._student.expected_gain(None if candidates is None else pool)
        least = np.partition(gain, -size)[-size]
        above, tied = np.flatnonzero(gain > least), np.flatnonzero(gain == least)
        arms = pool[np.concatenate([above, rng.choice(tied, size=size - len(above), replace=False)])]
        return Selection(arms, np.full(size, 1.0 / size), None)

    def update(self, arms: IntArray, inclusion: FloatArray | None, values: FloatArray) -> None:
        """Nothing to learn.

        Args:
            arms: Not used.
            inclusion: Not used.
            values: Not used.
        """

    def state_dict(self) -> dict[str, Any]:
        """Its kind and size; what it knows is the student's, which is saved as a learner."""
        return {"kind": "greedy_oracle", "n_arms": self.n_arms}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Check the kind; there is nothing to restore.

        Args:
            state: What `state_dict` returned.

        Raises:
            ValueError: If the state is of another kind of bandit, or of another number of problems.
        """
        require_kind(state, "greedy_oracle")
        if int(state["n_arms"]) != self.n_arms:
            raise ValueError(
                f"the saved oracle has {state['n_arms']} problems, this one {self.n_arms}; use the same bank"
            )
