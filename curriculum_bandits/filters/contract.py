"""The contract of filters, who ask of a learner that rolling out and updating are two steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from curriculum_bandits._typing import BoolArray, IntArray
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.rollouts import PendingRollouts, Rollouts

__all__ = ["Filter", "FilterStep", "RolloutFirstLearner"]


@runtime_checkable
class RolloutFirstLearner(Protocol):
    """A learner that can look at rollouts before it decides what to train on."""

    def roll_out(self, items: IntArray, n_rollouts: int | None = None) -> PendingRollouts:
        """Roll out problems; the policy does not change.

        Args:
            items: Indices into the bank, shape (k,), repeats allowed.
            n_rollouts: Rollouts of each; None is the learner's own number.

        Returns:
            A group for each item, in their order.
        """
        ...

    def update(self, groups: PendingRollouts, used: BoolArray) -> Rollouts:
        """Update the policy once.

        Args:
            groups: Rolled out by the present policy, each with as many valid rollouts as it has rewards.
            used: Which of the groups to train on, shape (k,); where none is, the policy does not change.

        Returns:
            The rollouts of all groups, also of those not trained on, with how the policy moved on them
            (`Rollouts.log_ratio`, 0 without an update) and which were trained on.
        """
        ...

    def evaluate(self) -> Mapping[str, float]:
        """Measure the policy, in numbers by name; nothing here may train it."""
        ...


@dataclass(frozen=True)
class FilterStep:
    """Results of one step under a filter.

    Attributes:
        items: Every problem that was rolled out, shape (k,).
        rollouts: All their rollouts after the update, shape (k, n); where some got fewer the rest is missing.
        feedback: What they said of each, shape (k,).
        spent: Rollouts made, those of rejected groups included.
        tokens: Tokens of all of them; nan where lengths are not known.
        counts: What happened, by name, for the log: ``draws``, ``trained``, ``rejected``, ...
        seconds: By part: ``ask``, ``learn``, ``tell``.
        draws: The draws that were answered, in order; the rows of `rollouts` are theirs in this order.
        admitted: Which problems of each draw were rolled out; empty where all were.
    """

    items: IntArray
    rollouts: Rollouts
    feedback: Feedback
    spent: int
    tokens: float
    counts: Mapping[str, float] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    draws: Sequence[Draw] = ()
    admitted: Sequence[BoolArray] = ()

    def answers(self) -> Iterator[tuple[Draw, Rollouts, Feedback]]:
        """Every draw with the rollouts and the feedback of its problems.

        Yields:
            Draw, rollouts and feedback, a row per problem; one that was not rolled out is missing.
        """
        start = 0
        for number, draw in enumerate(self.draws):
            here = self.admitted[number] if self.admitted else np.ones(len(draw), dtype=bool)
            if len(draw) == len(self.items) and here.all():  # the only one
                yield draw, self.rollouts, self.feedback
                return
            rows = np.where(here, start + np.cumsum(here) - 1, 0)
            start += int(here.sum())
            rollouts, feedback = self.rollouts[rows], self.feedback[rows]
            if not here.all():
                lost = ~here[:, None]
                rollouts = replace(
                    rollouts,
                    rewards=np.where(lost, np.nan, rollouts.rewards),
                    lengths=None if rollouts.lengths is None else np.where(lost, 0.0, rollouts.lengths),
                    trained=None if rollouts.trained is None else rollouts.trained & ~lost,
                )
                feedback = replace(feedback, counts=np.where(here, feedback.counts, 0))
            yield draw, rollouts, feedback


@runtime_checkable
class Filter(Protocol):
    """One step of training, in which not all that is drawn need be trained on."""

    def step(self, curriculum: Curriculum, learner: RolloutFirstLearner, batch_size: int) -> FilterStep:
        """Ask, roll out, choose, update, and tell every draw; if something fails, no draw is left open.

        Args:
            curriculum: Draws the problems, and hears about all of them, rejected ones too.
            learner: Is updated once at most.
            batch_size: Groups to train on.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs, as arrays and plain numbers."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        ...
