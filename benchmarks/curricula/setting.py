"""What a method is made for: a learner, a budget and a seed. Most methods look at the bank and the seed alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from curriculum_bandits import Curriculum, ProblemBank

from .learners import BankLearner

__all__ = ["Made", "Setting"]

Made = Curriculum | tuple[Curriculum, Any]
"""A curriculum, or a curriculum and a stage of `curriculum_bandits.stages`."""


@dataclass(frozen=True)
class Setting:
    """What a method is made for.

    Attributes:
        learner: Who will learn, untrained.
        steps: Steps of the run; None where only rollouts are limited.
        batch: Problems per step.
        seed: Of bank, learner and curriculum.
    """

    learner: BankLearner
    steps: int | None
    batch: int
    seed: int

    @property
    def bank(self) -> ProblemBank:
        """The problems."""
        return self.learner.bank

    def schedule_steps(self) -> int:
        """Steps that a schedule can count on.

        Raises:
            ValueError: If their number is not known.
        """
        if self.steps is None:
            raise ValueError(
                "a schedule needs the number of steps, and only rollouts are limited; give --steps as well"
            )
        return self.steps
