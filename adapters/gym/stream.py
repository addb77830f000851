"""A `Collector` of episodes: tasks out one at a time, finished episodes back in, and the credit of policy updates.

An agent's episodes end when they end: some before a policy update, some after it, in another order than they began. So
draws stay open until all their episodes are done, and each is answered once, after an update.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits import Curriculum, ProblemBank
from curriculum_bandits.collector import Answered, Collector, Task

__all__ = ["Episode", "TaskStream"]

FloatArray = npt.NDArray[np.float64]

_SUMS = ("improvements", "absolute_advantages", "kl", "steps", "value_losses", "valued_steps")


@dataclass(frozen=True)
class Episode:
    """An episode that was handed out: its number in the stream, from 0; its task's index in the bank, and its id."""

    number: int
    item: int
    task: str


class TaskStream:
    """Tasks of a curriculum, one at a time, for any number of environments.

    The order of a round: `begin` an episode, `finish` it, update the policy, `credit` what the update did to the steps
    of the episodes (optional, policy improvement and a critic's signals need it), `answer`. Episodes still running stay
    open and are answered after a later update.

    Args:
        curriculum: Chooses the tasks.
        batch_size: Tasks per draw.
        episodes: Episodes of each drawn task, n.

    Raises:
        ValueError: If a number makes no sense.

    >>> from curriculum_bandits import ProblemBank, methods
    >>> stream = TaskStream(methods.uniform(ProblemBank(["level 0", "level 1"])), batch_size=1)
    >>> episode = stream.begin()
    >>> stream.finish(episode.number, reward=1.0, length=7)
    >>> [answered.rollouts.rewards.tolist() for answered in stream.answer()]
    [[[1.0]]]
    """

    def __init__(self, curriculum: Curriculum, batch_size: int, *, episodes: int = 1) -> None:
        self.curriculum = curriculum
        self.collector = Collector(curriculum, batch_size, n_rollouts=episodes, at_once=False)
        # Of the episodes that began here and whose draw is open: where the collector knows them, and sums over steps.
        self._tasks: dict[int, Task] = {}
        self._sums: dict[int, FloatArray] = {}
        self._next_number = 0

    @property
    def bank(self) -> ProblemBank:
        """The tasks."""
        return self.curriculum.bank

    def begin(self) -> Episode:
        """A new episode of the next task to play; a new draw is asked for when the last is handed out."""
        (task,) = self.collector.ask()
        number = self._next_number
        self._next_number += 1
        self._tasks[number] = task
        return Episode(number, task.item, task.id)

    def finish(self, number: int, *, reward: float, length: int, success: float | None = None) -> None:
        """Report the end of an episode.

        Args:
            number: Which.
            reward: Its return.
            length: Its steps.
            success: In [0, 1], or None where only the return is known.

        Raises:
            ValueError: If the episode is not running, or a number makes no sense; names the task.
        """
        task = self._running(number)
        credit = self._credit_of(number)
        self.collector.tell(task.ticket, task.place, reward, length=length, successes=success, **credit)

    def abandon(self, number: int) -> None:
        """Give up a running episode that will never end: it is missing, which is no failure."""
        task = self._running(number)
        self.collector.cancel(task.ticket, task.place)

    def give_back(self, number: int) -> None:
        """Hand out again the task of a running episode that was broken off."""
        task = self._running(number)
        self.collector.give_back(task.ticket, task.place)
        del self._tasks[number]
        self._sums.pop(number, None)

    def is_running(self, number: int) -> bool:
        """Tell whether the end of an episode is still awaited.

        It is not once it ended, was abandoned or given back, its draw closed, or another state of the stream loaded.
        """
        task = self._tasks.get(number)
        return task is not None and self.collector.is_out(task.ticket, task.place)

    def credit(
        self,
        numbers: npt.ArrayLike,
        log_ratio: npt.ArrayLike,
        advantages: npt.ArrayLike,
        value_errors: npt.ArrayLike | None = None,
    ) -> None:
        r"""Credit the update just made to the episodes whose steps it was made from.

        Adds :math:`\sum_k \mathrm{expm1}(\Delta_k) A_k` to the improvement of each episode. An episode that lasts over
        several updates is credited by each with the steps that it saw. From the first credit on, an episode that no
        update was credited to is missing.

        Args:
            numbers: To which episode each step belongs, any shape; negative: to none.
            log_ratio: Log-probability of each action after the update minus before, of that shape.
            advantages: Advantage of each action under the policy before.
            value_errors: What each state turned out to be worth minus what the critic expected, or None.

        Raises:
            ValueError: If shapes differ, a number is not finite or so large that a sum is not, or an episode is not
                open; nothing is credited then.
        """
        episodes = np.asarray(numbers, dtype=np.int64).ravel()
        given = {"log_ratio": log_ratio, "advantages": advantages, "value_errors": value_errors}
        steps = {name: np.asarray(v, dtype=np.float64).ravel() for name, v in given.items() if v is not None}
        for name, values in steps.items():
            if values.shape != episodes.shape:
                raise ValueError(f"{name} has {values.size} steps for {episodes.size} numbers; give one per step")
        ours = episodes >= 0
        steps = {name: values[ours] for name, values in steps.items()}
        known, place = np.unique(episodes[ours], return_inverse=True)
        for number in known.tolist():
            if number not in self._tasks:
                raise ValueError(f"episode {number} is not open; credit an episode before its draw is answered")
        delta, advantage = steps["log_ratio"], steps["advantages"]
        errors = steps.get("value_errors")
        with np.errstate(over="ignore", invalid="ignore"):  # what is too large is refused below
            ratio, one = np.expm1(delta), np.ones(len(delta))
            each = [ratio * advantage, np.abs(advantage), ratio - delta, one]
            each += [np.zeros(len(delta))] * 2 if errors is None else [errors**2, one]
            sums = np.array([np.bincount(place, weights=values, minlength=len(known)) for values in each]).T
            sums = sums + [self._sums.get(number, np.zeros(len(_SUMS))) for number in known.tolist()]
        for row, number in enumerate(known.tolist()):
            if not np.all(np.isfinite(sums[row])):
                name = _SUMS[int(np.argmin(np.isfinite(sums[row])))]
                greatest = {what: float(np.max(np.abs(values[place == row]))) for what, values in steps.items()}
                raise ValueError(
                    f"{name} of an episode of the task {self._tasks[number].id!r} would not be finite, with steps up "
                    f"to {greatest}; a policy that diverged cannot be credited"
                )
        self.collector.needs |= {"improvements"}
        for row, number in enumerate(known.tolist()):
            self._sums[number] = sums[row]
            task = self._tasks[number]
            self.collector.amend(task.ticket, task.place, **self._credit_of(number))

    def answer(self) -> list[Answered]:
        """Tell the curriculum, after an update of the policy, of every draw whose episodes are all done.

        Returns:
            The draws that were answered, oldest first.

        Raises:
            ValueError: If the curriculum's signal needs what the episodes do not say, or several of a task; the draw
                then stays open.
        """
        try:
            return self.collector.answer()
        finally:
            self._forget()

    def close(self) -> list[Answered]:
        """End the training: answer every open draw with what it has, and give up those that have nothing.

        Before anything was credited, draws that the signal cannot judge are given up too.

        Returns:
            The draws that were answered, oldest first.

        Raises:
            ValueError: If a draw could not be answered, though something was credited, or the curriculum refused its
                utilities; every draw is closed all the same.
        """
        try:
            return self.collector.close(lenient=not self.collector.needs)
        finally:
            self._forget()

    def state_dict(self) -> dict[str, Any]:
        """The curriculum and the draws still open."""
        return self.collector.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state; episodes that were running, or waited for their credit, are played again.

        Load before the environments are reset: episodes that are running in them belong to no draw afterwards, and are
        played to their end for nothing, or until the next reset.

        Raises:
            ValueError: If it is of a stream with other settings, or of another curriculum. The stream is then as it
                was.
        """
        self.collector.load_state_dict(state)
        self.collector.give_back_all()
        self._tasks, self._sums = {}, {}

    def _running(self, number: int) -> Task:
        if number not in self._tasks:
            raise ValueError(f"episode {number} is not open; begin one, and finish each once")
        if not self.is_running(number):
            raise ValueError(f"episode {number} has already ended; begin another")
        return self._tasks[number]

    def _credit_of(self, number: int) -> dict[str, float]:
        """Fields of `Rollouts` that the updates so far give to an episode."""
        if number not in self._sums:
            return {}
        sums = dict(zip(_SUMS, self._sums[number].tolist(), strict=True))
        steps, valued = sums.pop("steps"), sums.pop("valued_steps")
        value_loss = sums.pop("value_losses")
        credit = {name: total if name == "improvements" else total / steps for name, total in sums.items()}
        return credit if valued == 0.0 else {**credit, "value_losses": value_loss / valued}

    def _forget(self) -> None:
        """Let go of the episodes whose draws are closed."""
        draws = {f"{draw.ticket.run}:{draw.ticket.serial}" for draw in self.collector.outstanding}
        self._tasks = {number: task for number, task in self._tasks.items() if task.ticket in draws}
        self._sums = {number: sums for number, sums in self._sums.items() if number in self._tasks}
