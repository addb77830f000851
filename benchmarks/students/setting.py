"""On what entries are compared: a learner, its bank and a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..harness.command import check_least

__all__ = ["Setting"]


@dataclass(frozen=True)
class Setting:
    """A learner and its budget; a run ends where the first of its limits is reached.

    Attributes:
        learner: Its name or import path.
        problems: Size of the bank N.
        steps: Updates of the learner; None for no limit.
        rollouts: The run ends after the first step at which so many were spent; None for no limit.
        batch: Problems per step.
        evaluate_every: Steps between evaluations.
    """

    learner: str
    problems: int
    steps: int | None
    rollouts: int | None
    batch: int
    evaluate_every: int

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_least(self, dict.fromkeys(("problems", "steps", "rollouts", "batch", "evaluate_every"), 1))
        if self.batch > self.problems:
            raise ValueError(f"batch is {self.batch}, but a bank has {self.problems} problems; ask for no more")
        if self.steps is None and self.rollouts is None:
            raise ValueError("neither steps nor rollouts are limited; give one of the two")

    def evaluations(self, steps: int) -> list[int]:
        """Steps at which a run of so many steps evaluates: before the first, after every so many, after the last.

        >>> Setting("frozen-lake", 720, 25, None, 16, 10).evaluations(25)
        [0, 10, 20, 25]
        """
        return sorted({*range(0, steps + 1, self.evaluate_every), steps})

    def complete(self, steps: Sequence[float], rollouts: Sequence[float]) -> bool:
        """Whether evaluations are those of a run from its beginning to its end.

        Args:
            steps: Step of each evaluation.
            rollouts: Rollouts until then.

        Returns:
            True if they are.
        """
        last = int(steps[-1])
        ended = last == self.steps or (self.rollouts is not None and rollouts[-1] >= self.rollouts)
        return ended and list(steps) == self.evaluations(last)
