"""A curriculum that hears of every batch some steps late, as under an asynchronous trainer.

For measuring what late answers cost: every trainer, and `run`, takes it in the place of the curriculum.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.rollouts import Rollouts

__all__ = ["Delayed"]

_STATE = ("steps", "step", "answered", "held", "curriculum")


@dataclass(frozen=True)
class _Held:
    """An answer that waits."""

    due: int
    draw: Draw
    feedback: Feedback


class Delayed(Curriculum):
    """Holds every answer back for some steps; in all else it is the curriculum inside.

    A step ends with the first draw that is asked for after an answer. The answers of a step reach the curriculum
    `steps` steps later, in the order they were given. Those still held when training ends stay in the state.

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

    @property
    def outstanding(self) -> tuple[Draw, ...]:
        """Draws not yet answered, oldest first; those whose answer is held back are answered."""
        held = {held.draw.ticket for held in self._held}
        return tuple(draw for draw in self.curriculum.outstanding if draw.ticket not in held)

    def ask(self, size: int) -> Draw:
        """Draw the next batch, once the curriculum was told what is due.

        Args:
            size: As for the curriculum.

        Returns:
            As of the curriculum.

        Raises:
            ValueError: As the curriculum; or if it refuses an answer that is due, whose draw is then given up.
        """
        if not 1 <= operator.index(size) <= len(self.bank):
            return self.curriculum.ask(size)  # which says what is wrong
        step = self._step + self._answered
        while self._held and self._held[0].due < step:
            held = self._held.pop(0)
            try:
                self.curriculum.tell(held.draw, held.feedback)
            except ValueError:
                self.curriculum.discard(held.draw)
                raise
        draw = self.curriculum.ask(size)
        self._step, self._answered = step, False
        return draw

    def signal(self, rollouts: Rollouts) -> Feedback:
        """As of the curriculum.

        Args:
            rollouts: Row j belongs to ``draw.items[j]``.

        Returns:
            Values and counts, shape (m,) each.
        """
        return self.curriculum.signal(rollouts)

    def tell(self, draw: Draw, feedback: Feedback | Rollouts | npt.ArrayLike) -> None:
        """Answer a draw; the curriculum hears of it `steps` steps later.

        Args:
            draw: A draw of this curriculum, not answered yet.
            feedback: As for the curriculum.

        Raises:
            ValueError: As the curriculum, but for utilities that only its bandit refuses: these are an error of the
                `ask` that passes them on.
        """
        self._refuse_answered(draw)
        feedback = self.signal(feedback) if isinstance(feedback, Rollouts) else feedback
        answer = self._checked(draw, feedback)
        if self.steps == 0 or answer is None:
            self.curriculum.tell(draw, feedback)  # or raises what is wrong
        elif not answer.answered.any():
            self.curriculum.discard(draw)
        else:
            issued = next(each for each in self.outstanding if each.ticket == draw.ticket)
            self._held.append(_Held(self._step + self.steps, issued, answer))
        self._answered = True

    def discard(self, draw: Draw) -> None:
        """Give up a draw that will never be answered.

        Args:
            draw: A draw of this curriculum, not answered yet.

        Raises:
            ValueError: As `tell`.
        """
        self._refuse_answered(draw)
        self.curriculum.discard(draw)
        self._answered = True

    def state_dict(self) -> dict[str, Any]:
        """The state of the curriculum, and the answers that it has not heard yet."""
        held = [
            {"due": each.due, "serial": each.draw.ticket.serial, "feedback": _columns(each.feedback)}
            for each in self._held
        ]
        own = {"steps": self.steps, "step": self._step, "answered": self._answered, "held": held}
        return {**own, "curriculum": self.curriculum.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, with the same delay.

        Raises:
            ValueError: If it was saved with another delay, without one, or is not of this curriculum. All is then as
                it was.
        """
        missing = sorted(set(_STATE) - set(state))
        if missing:
            raise ValueError(f"the state lacks {missing}; give the state of a Delayed curriculum")
        if state["steps"] != self.steps:
            raise ValueError(f"the state was saved with steps {state['steps']}, this delay has {self.steps}; use that")
        step, answered = int(state["step"]), bool(state["answered"])
        before = self.curriculum.state_dict()
        try:
            self.curriculum.load_state_dict(state["curriculum"])
            draws = {draw.ticket.serial: draw for draw in self.curriculum.outstanding}
            held = [
                _Held(int(each["due"]), draws[each["serial"]], Feedback(**each["feedback"])) for each in state["held"]
            ]
            for each in held:
                if len(each.feedback) != len(each.draw):
                    raise ValueError(f"the answer held for draw {each.draw.ticket.serial} is not of its length")
        except BaseException:
            self.curriculum.load_state_dict(before)
            raise
        self._step, self._answered, self._held = step, answered, held

    def _refuse_answered(self, draw: Draw) -> None:
        if any(draw.ticket == held.draw.ticket for held in self._held):
            raise ValueError(f"draw {draw.ticket.serial} was already answered; ask for a new draw and answer each once")

    def _checked(self, draw: Draw, answer: Feedback | npt.ArrayLike) -> Feedback | None:
        """The answer as the curriculum would read it, or None if it would refuse it."""
        issued = next((each for each in self.curriculum.outstanding if each.ticket == draw.ticket), None)
        if not isinstance(answer, Feedback):
            values = np.asarray(answer, dtype=np.float64)
            if values.ndim != 1:
                return None
            answer = Feedback(values, np.ones(len(values), dtype=np.int64))
        if issued is None or not np.array_equal(issued.items, draw.items) or len(answer) != len(issued):
            return None
        if not np.all(np.isfinite(answer.values[answer.answered])):
            return None
        # What stands in the place of a missing value is not kept.
        columns = {
            name: values if name == "counts" else np.where(answer.answered, values, np.nan)
            for name, values in _columns(answer).items()
        }
        return Feedback(**columns)


def _columns(feedback: Feedback) -> dict[str, Any]:
    values = {each.name: getattr(feedback, each.name) for each in fields(feedback)}
    return {name: column for name, column in values.items() if column is not None}
