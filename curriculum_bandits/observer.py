"""Observers of a training loop: a few hooks that `run`, the trainers and loops of your own call alike.

An observer reads and never changes what is drawn or learned. Record, regret estimate, stall monitor and TensorBoard are
observers; those with a state continue with the checkpoint of the loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.rollouts import Rollouts

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
        """Continue from a saved state.

        Args:
            state: What `state_dict` returned.
        """


class Observers(Observer):
    """Several observers as one, called in order.

    Args:
        observers: The observers.
    """

    def __init__(self, observers: Iterable[Observer] = ()) -> None:
        self._all = tuple(observers)

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

    def state_dict(self) -> dict[str, Any]:
        """The states of those that have one, by class and number."""
        return {name: state for name, each in self._named() if (state := each.state_dict())}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state.

        Args:
            state: What `state_dict` returned, of the same observers in the same order.

        Raises:
            ValueError: If it is the state of other observers, or one refuses its part. All are then as they were.
        """
        before = self.state_dict()
        if set(before) != set(state):
            raise ValueError(
                f"the state was saved with the observers {sorted(state)}, here are {sorted(before)}; pass the same"
            )
        named = dict(self._named())
        try:
            for name, part in state.items():
                named[name].load_state_dict(part)
        except BaseException:
            for name, part in before.items():
                named[name].load_state_dict(part)
            raise

    def _named(self) -> Iterable[tuple[str, Observer]]:
        seen: Counter[str] = Counter()
        for each in self._all:
            name = type(each).__name__
            seen[name] += 1
            yield f"{name} {seen[name]}" if seen[name] > 1 else name, each
