"""The curriculum that knows what each problem is worth: the upper end of a scale whose lower end is uniform.

It reads the student's own gradient, which no method can see, and plays what that says is best right now. It plans
nothing: it is greedy, and exact to first order only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from curriculum_bandits._typing import IntArray, override
from curriculum_bandits.bandits.contract import Bandit, Selection
from curriculum_bandits.environments.student import Student
from curriculum_bandits.state import Field, Fixed, Stateful

__all__ = ["GreedyOracle"]


class GreedyOracle(Stateful, Bandit):
    """Plays the problems of largest `Student.expected_gain` at this moment; a bandit with a problem per arm.

    Greedy: a problem that is worth little now is not practised for what it would open up later. First-order: the
    problems of one cell are worth nearly the same, so a whole batch tends to come from one or two cells, and a large
    step there overshoots what the gradient promised. So it is a strong reference, not a bound: a method may beat it.
    Ties are broken at random; for the choice is otherwise certain, it states no inclusion.

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

    STATE: ClassVar[Mapping[str, Field]] = {"n_arms": Fixed("use the same bank")}  # the student is saved as a learner

    def __init__(self, student: Student) -> None:
        self.n_arms = len(student.bank)
        self._student = student

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        pool = np.arange(self.n_arms) if candidates is None else np.asarray(candidates, dtype=np.int64)
        if not 1 <= size <= len(pool):
            raise ValueError(f"{size} problems are asked for but there are {len(pool)}; ask for 1 to {len(pool)}")
        gain = self._student.expected_gain(None if candidates is None else pool)
        least = np.partition(gain, -size)[-size]
        above, tied = np.flatnonzero(gain > least), np.flatnonzero(gain == least)
        arms = pool[np.concatenate([above, rng.choice(tied, size=size - len(above), replace=False)])]
        return Selection(arms, np.full(size, 1.0 / size), None)
