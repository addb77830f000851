"""Observers of a training loop: a few hooks that `run`, the trainers and loops of your own call alike.

An observer reads and never changes what is drawn or learned. Record, regret estimate, stall monitor and TensorBoard are
observers; those with a state continue with the checkpoint of the loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.state import Field, Fixed, Parts, Stateful

__all__ = ["Observer", "Observers"]


class Observer:
    """The hooks, none of which does anything: a subclass overrides those it needs.

    The order of a step is `drawn`, `answered` (each once per draw, several times with a filter), `stepped`, and
    `evaluated` where the step ends with an evaluation. A draw that is given up is never answered.
    """

    def drawn(self, draw: Draw) -> None:
        """A batch was drawn; with a filter this is called when the step is done.

        Args:
            draw: The draw.
        """

    def answered(self, draw: Draw, rollouts: Rollouts, feedback: Feedback) -> None:
        """The curriculum was told of a draw.

        Args:
            draw: The draw, of m problems.
            rollouts: Its rollouts, m problems with n each; those of problems that were not rolled out are missing.
            feedback: What the curriculum was told, or will be where answers are held back.
        """

    def stepped(self, step: int, metrics: dict[str, float]) -> None:
        """A step is done.

        Args:
            step: Updates done.
            metrics: Numbers of the step: ``tokens`` so far, ``seconds/step`` and ``seconds/PART``, and more by name.
                What an observer adds is seen by those after it, the record last.
        """

    def evaluated(self, step: int, scores: Mapping[str, float]) -> None:
        """The policy was evaluated.

        Args:
            step: Updates done.
            scores: Numbers by name, such as ``accuracy`` and ``accuracy/GROUP``.
        """

    def close(self) -> None:
        """The loop has ended or failed."""

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs, as arrays and plain numbers; empty for an observer without a state."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state that `state_dict` returned."""


class Observers(Stateful, Observer):
    """Several observers as one, called in order; a state is refused by others than those it was saved with.

    Args:
        observers: The observers.

    Attributes:
        hears_answers: False if no observer overrides `answered`, which then need not be called.
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "_classes": Fixed("pass the observers it was saved with"),
        "_stateful": Parts(),
    }

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self._all = tuple(observers)
        self.hears_answers = any(
            getattr(each.answered, "__func__", None) is not Observer.answered for each in self._all
        )
        self._stateful = tuple(each for each in self._all if each.state_dict())
        self._classes = ", ".join(type(each).__name__ for each in self._stateful)

    def drawn(self, draw: Draw) -> None:
        """Pass on a draw."""
        for each in self._all:
            each.drawn(draw)

    def answered(self, draw: Draw, rollouts: Rollouts, feedback: Feedback) -> None:
        """Pass on an answer."""
        for each in self._all:
            each.answered(draw, rollouts, feedback)

    def stepped(self, step: int, metrics: dict[str, float]) -> None:
        """Pass on a step; what one observer adds to `metrics` is seen by the next."""
        for each in self._all:
            each.stepped(step, metrics)

    def evaluated(self, step: int, scores: Mapping[str, float]) -> None:
        """Pass on an evaluation."""
        for each in self._all:
            each.evaluated(step, scores)

    def close(self) -> None:
        """Close them all."""
        for each in self._all:
            each.close()
