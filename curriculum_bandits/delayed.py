"""A curriculum that hears of every batch some steps late, as under an asynchronous trainer.

For measuring what late answers cost: every trainer, and `run`, takes it in the place of the curriculum.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.state import Count, Field, Fixed, Flag, Part

__all__ = ["Delayed"]


@dataclass(frozen=True)
class _Held:
    """An answer that waits."""

    due: int
    draw: Draw
    feedback: Feedback


class _HeldAnswers(Field):
    """Answers that wait, oldest first."""

    @override
    def save(self, value: list[_Held]) -> Any:
        return [
            {"due": each.due, "draw": each.draw.state_dict(), "feedback": _columns(each.feedback)} for each in value
        ]

    @override
    def checked(self, saved: Any, present: Any, owner: Delayed) -> list[_Held]:
        held = []
        try:
            for each in saved:
                draw, feedback = Draw.from_state_dict(each["draw"]), Feedback(**each["feedback"])
                if len(draw) != len(feedback):
                    raise ValueError(f"holds {len(feedback)} utilities for a draw of {len(draw)} problems")
                held.append(_Held(int(each["due"]), draw, feedback))
        except (TypeError, KeyError) as error:
            raise ValueError(f"holds no answers ({error!r})") from None
        return held


class Delayed(Curriculum):
    """Holds every answer back for some steps; in all else it is the curriculum inside.

    A step ends with the first draw that is asked for after an answer. The answers of a step reach the curriculum
    `steps` steps later, in the order they were given; `outstanding` no longer lists their draws. Answers still held
    when training ends stay in the state. A utility that only the bandit refuses is an error of the `ask` that passes it
    on, and its draw is given up.

    Args:
        curriculum: The curriculum, whose draws are all asked for and answered through this object.
        steps: Steps that answers are late, 0 or more.

    Raises:
        ValueError: If `steps` is below 0.

    >>> from curriculum_bandits import ProblemBank, methods
    >>> late = Delayed(methods.osmd(ProblemBank(["easy", "right", "hard"]), seed=0), steps=1)
    >>> late.tell(late.ask(1), [0.1])
    >>> len(late.outstanding), len(late.curriculum.outstanding)
    (0, 1)
    """

    def __init__(self, curriculum: Curriculum, steps: int) -> None:
        if operator.index(steps) < 0:
            raise ValueError(f"steps is {steps}; give the number of steps that answers are late, 0 or more")
        self.curriculum, self.steps = curriculum, operator.index(steps)
        self.bank, self.bandit, self.arms = curriculum.bank, curriculum.bandit, curriculum.arms
        self.name = curriculum.name
        self._step, self._answered = 0, False
        self._held: list[_Held] = []

    def __getattr__(self, name: str) -> Any:
        if name == "curriculum":  # not yet there, as in a copy that is being made
            raise AttributeError(name)
        return getattr(self.curriculum, name)

    def __repr__(self) -> str:
        return f"Delayed({self.curriculum!r}, steps={self.steps})"

    @property
    @override
    def outstanding(self) -> tuple[Draw, ...]:
        held = {held.draw.ticket for held in self._held}
        return tuple(draw for draw in self.curriculum.outstanding if draw.ticket not in held)

    @override
    def ask(self, size: int) -> Draw:
        if not 1 <= operator.index(size) <= len(self.bank):
            return self.curriculum.ask(size)  # which says what is wrong
        step = self._step + self._answered
        while self._held and self._held[0].due < step:
            held = self._held[0]
            try:
                self.curriculum.tell(held.draw, held.feedback)
            except ValueError:
                self.curriculum.discard(held.draw)
                del self._held[0]
                raise
            del self._held[0]  # only now: an answer that was interrupted is given again
        draw = self.curriculum.ask(size)
        self._step, self._answered = step, False
        return draw

    @override
    def signal(self, rollouts: Rollouts) -> Feedback:
        return self.curriculum.signal(rollouts)

    @override
    def tell(self, draw: Draw, feedback: Rollouts | Feedback | npt.ArrayLike) -> None:
        self._refuse_answered(draw)
        issued, _ = self._claim(draw)
        answer = self._heard(feedback, len(issued))
        answered = answer.answered
        if self.steps == 0 or not np.all(np.isfinite(answer.values[answered])):
            self.curriculum.tell(draw, answer)  # which says what is wrong
        elif not answered.any():
            self.curriculum.discard(draw)
        else:
            known = {  # what stands in the place of a missing value is not kept
                name: column if name == "counts" else np.where(answered, column, np.nan)
                for name, column in _columns(answer).items()
            }
            self._held.append(_Held(self._step + self.steps, issued, Feedback(**known)))
        self._answered = True

    @override
    def discard(self, draw: Draw) -> None:
        self._refuse_answered(draw)
        self.curriculum.discard(draw)
        self._answered = True

    def _refuse_answered(self, draw: Draw) -> None:
        if any(draw.ticket == held.draw.ticket for held in self._held):
            raise ValueError(f"draw {draw.ticket.serial} was already answered; ask for a new draw and answer each once")


def _columns(feedback: Feedback) -> dict[str, Any]:
    values = {each.name: getattr(feedback, each.name) for each in fields(feedback)}
    return {name: column for name, column in values.items() if column is not None}


# The fields of the base class are those of the curriculum inside, which saves them.
Delayed.STATE = {
    "steps": Fixed("use that delay"),
    "_step": Count(),
    "_answered": Flag(),
    "_held": _HeldAnswers(),
    "curriculum": Part(),
}
