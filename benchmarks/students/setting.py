"""What a method is made for: a learner, a budget and a seed. Most methods look at the bank and the seed alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from curriculum_bandits import Curriculum, ProblemBank
from curriculum_bandits.environments import Student

from .learners import BankLearner

__all__ = ["Made", "Setting"]

Made = Curriculum | tuple[Curriculum, Any]
"""A curriculum, or a curriculum and a filter of `curriculum_bandits.filters`."""


@dataclass(frozen=True)
class Setting:
    """What a method is made for.

    Attributes:
        learner: Who will learn, untrained.
        steps: Most steps of the run; None where only rollouts are limited.
        rollouts: Rollouts of the run; None where only steps are limited.
        batch: Problems per step.
        seed: Of bank, learner and curriculum.
    """

    learner: BankLearner
    steps: int | None
    rollouts: int | None
    batch: int
    seed: int

    @property
    def bank(self) -> ProblemBank:
        """The problems."""
        return self.learner.bank

    def schedule_steps(self) -> int:
        """Steps that a schedule can count on: those that the budget pays for where each problem costs the same.

        Raises:
            ValueError: If their number is not known.
        """
        limits = [] if self.steps is None else [self.steps]
        if self.rollouts is not None and isinstance(self.learner, Student):
            limits.append(math.ceil(self.rollouts / (self.batch * self.learner.training.n_rollouts)))
        if not limits:
            raise ValueError("a schedule needs the number of steps, and only rollouts are limited; give --steps too")
        return min(limits)
