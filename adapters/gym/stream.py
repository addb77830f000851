"""The queue between a curriculum and environments: tasks out one at a time, finished episodes back in, answers late.

An agent's episodes end when they end: some before a policy update, some after it, in another order than they began. So
draws stay open until all their episodes are done, and each is answered once, after an update.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits import Curriculum, Draw, Feedback, ProblemBank, Rollouts
from curriculum_bandits.signals import episode_improvements

__all__ = ["Answered", "Episode", "TaskStream"]

FloatArray = npt.NDArray[np.float64]

_WAITING, _RUNNING, _FINISHED, _MISSING = range(4)

# What is kept of every episode of a draw, besides where it stands.
_NUMBERS = ("rewards", "successes", "lengths", "improvements", "advantages", "errors", "kl", "credited", "valued")


@dataclass(frozen=True)
class Episode:
    """An episode that was handed out.

    Attributes:
        number: Counts the episodes of a stream, from 0; by it the stream knows the episode again.
        item: Index of its task in the bank.
        task: Id of its task.
    """

    number: int
    item: int
    task: str


@dataclass(frozen=True, eq=False)
class Answered:
    """A draw that was just answered.

    Attributes:
        draw: The draw.
        rollouts: Its episodes, a row per task.
        feedback: What the curriculum was told.
    """

    draw: Draw
    rollouts: Rollouts
    feedback: Feedback


class _Open:
    """A draw with episodes still to come."""

    def __init__(self, draw: Draw, episodes: int) -> None:
        shape = (len(draw), episodes)
        self.draw = draw
        self.status = np.full(shape, _WAITING, dtype=np.int64)
        self.numbers = {name: np.zeros(shape) for name in _NUMBERS}
        self.numbers["rewards"][:] = np.nan
        self.numbers["successes"][:] = np.nan

    def clear(self, place: tuple[int, int]) -> None:
        for name, values in self.numbers.items():
            values[place] = np.nan if name in ("rewards", "successes") else 0.0

    @property
    def done(self) -> bool:
        return bool(np.all(self.status >= _FINISHED))

    def usable(self, credits: bool) -> npt.NDArray[np.bool_]:
        """What has an end; where episodes are credited, one that no update was credited to is missing."""
        usable = self.status == _FINISHED
        return usable & (self.numbers["credited"] > 0) if credits else usable

    def rollouts(self, credits: bool) -> Rollouts:
        numbers, finished = self.numbers, self.usable(credits)
        rewards = np.where(finished, numbers["rewards"], np.nan)
        steps, valued = numbers["credited"], numbers["valued"]

        def known(values: FloatArray, where: npt.NDArray[np.bool_]) -> FloatArray | None:
            # A field is there if every finished episode has it, so also if there is none.
            return np.where(finished, values, 0.0) if np.all(where[finished]) else None

        per_step, per_value = np.maximum(steps, 1.0), np.maximum(valued, 1.0)
        return Rollouts(
            rewards,
            lengths=np.where(finished, numbers["lengths"], 0.0),
            successes=known(numbers["successes"], np.isfinite(numbers["successes"])),
            improvements=known(numbers["improvements"], steps > 0),
            absolute_advantages=known(numbers["advantages"] / per_step, steps > 0),
            value_losses=known(numbers["errors"] / per_value, valued > 0),
            kl=known(numbers["kl"] / per_step, steps > 0),
        )


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
        if not 1 <= batch_size <= len(curriculum.bank):
            raise ValueError(f"batch_size is {batch_size}; the bank has {len(curriculum.bank)} tasks, give 1 to that")
        if episodes < 1:
            raise ValueError(f"episodes is {episodes}; play at least 1 of each drawn task")
        self.curriculum, self.batch_size, self.episodes = curriculum, batch_size, episodes
        self._open: dict[int, _Open] = {}
        self._places: dict[int, tuple[int, int, int]] = {}  # of running and finished episodes: serial, row, column
        self._next_number = 0
        self._credits = False  # whether episodes are credited at all

    @property
    def bank(self) -> ProblemBank:
        """The tasks."""
        return self.curriculum.bank

    def begin(self) -> Episode:
        """The next task to play; a new draw is asked for when the last is handed out.

        Returns:
            A new episode of it.
        """
        serial = next((serial for serial, each in self._open.items() if np.any(each.status == _WAITING)), None)
        if serial is None:
            draw = self.curriculum.ask(self.batch_size)
            serial = draw.ticket.serial
            self._open[serial] = _Open(draw, self.episodes)
        opened = self._open[serial]
        row, column = divmod(int(np.argmax(opened.status == _WAITING)), self.episodes)
        opened.status[row, column] = _RUNNING
        number, item = self._next_number, int(opened.draw.items[row])
        self._next_number += 1
        self._places[number] = (serial, row, column)
        return Episode(number, item, self.bank.ids[item])

    def finish(self, number: int, *, reward: float, length: int, success: float | None = None) -> None:
        """An episode has ended.

        Args:
            number: Which.
            reward: Its return.
            length: Its steps.
            success: In [0, 1], or None where only the return is known.

        Raises:
            ValueError: If the episode is not running, or a number makes no sense; names the task.
        """
        opened, place = self._running(number)
        task = self.bank.ids[int(opened.draw.items[place[0]])]
        if not np.isfinite(reward):
            raise ValueError(
                f"the return of an episode of the task {task!r} is {reward}; mend the environment for this task, or "
                "abandon the episode, which makes it missing"
            )
        if length < 1:
            raise ValueError(f"the length of an episode of the task {task!r} is {length}; it must be at least 1")
        if success is not None and not 0.0 <= success <= 1.0:
            raise ValueError(f"the success of an episode of the task {task!r} is {success}; it must be in [0, 1]")
        opened.status[place] = _FINISHED
        opened.numbers["rewards"][place] = reward
        opened.numbers["lengths"][place] = length
        opened.numbers["successes"][place] = np.nan if success is None else success

    def abandon(self, number: int) -> None:
        """An episode that will never end: it is missing, which is no failure.

        Args:
            number: Which.

        Raises:
            ValueError: If the episode is not running.
        """
        opened, place = self._running(number)
        opened.status[place] = _MISSING

    def give_back(self, number: int) -> None:
        """An episode that was broken off: its task is handed out again.

        Args:
            number: Which.

        Raises:
            ValueError: If the episode is not running.
        """
        opened, place = self._running(number)
        opened.clear(place)
        opened.status[place] = _WAITING
        del self._places[number]

    def is_running(self, number: int) -> bool:
        """Whether the end of an episode is still awaited.

        Args:
            number: Which.

        Returns:
            False once it ended, was abandoned or given back, its draw closed, or another state of the stream loaded.
        """
        if number not in self._places:
            return False
        serial, row, column = self._places[number]
        return bool(self._open[serial].status[row, column] == _RUNNING)

    def credit(
        self,
        numbers: npt.ArrayLike,
        log_ratio: npt.ArrayLike,
        advantages: npt.ArrayLike,
        value_errors: npt.ArrayLike | None = None,
    ) -> None:
        r"""What the update just made did to the steps it was made from.

        Adds :math:`\sum_k \mathrm{expm1}(\Delta_k) A_k` to the improvement of each episode. An episode that lasts over
        several updates is credited by each with the steps that it saw.

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
        steps = {"log_ratio": log_ratio, "advantages": advantages, "value_errors": value_errors}
        flat = {name: np.asarray(v, dtype=np.float64).ravel() for name, v in steps.items() if v is not None}
        for name, values in flat.items():
            if values.shape != episodes.shape:
                raise ValueError(f"{name} has {values.size} steps for {episodes.size} numbers; give one per step")
        ours = episodes >= 0
        flat = {name: values[ours] for name, values in flat.items()}
        known, place_of = np.unique(episodes[ours], return_inverse=True)
        gone = [int(number) for number in known if int(number) not in self._places]
        if gone:
            raise ValueError(f"episode {gone[0]} is not open; credit an episode before its draw is answered")
        for name, values in flat.items():
            bad = ~np.isfinite(values)
            if np.any(bad):
                task = self._task_of(int(known[place_of[np.argmax(bad)]]))
                raise ValueError(
                    f"{name} of a step of the task {task!r} is {values[np.argmax(bad)]}; a policy that diverged cannot "
                    "be credited"
                )
        delta, advantage = flat["log_ratio"], flat["advantages"]
        sums: dict[str, FloatArray] = {}
        with np.errstate(over="ignore", invalid="ignore"):  # what is too large is refused below
            improvement = episode_improvements(delta[:, None], advantage[:, None], np.ones((len(delta), 1), dtype=bool))
            parts = {
                "improvements": improvement,
                "advantages": np.abs(advantage),
                "kl": np.expm1(delta) - delta,
                "credited": np.ones(len(delta)),
            }
            if "value_errors" in flat:
                parts |= {"errors": flat["value_errors"] ** 2, "valued": np.ones(len(delta))}
            for name, values in parts.items():
                before = np.array([self._number(name, int(number)) for number in known])
                sums[name] = before + np.bincount(place_of, weights=values, minlength=len(known))
        for name, totals in sums.items():
            bad = ~np.isfinite(totals)
            if np.any(bad):
                place = int(np.argmax(bad))
                raise ValueError(
                    f"{name} of an episode of the task {self._task_of(int(known[place]))!r} would be {totals[place]}, "
                    f"with a log_ratio of up to {np.max(delta[place_of == place])}; a policy that diverged cannot be "
                    "credited"
                )
        self._credits = True
        for name, totals in sums.items():
            for number, total in zip(known, totals, strict=True):
                serial, row, column = self._places[int(number)]
                self._open[serial].numbers[name][row, column] = total

    def answer(self) -> list[Answered]:
        """The policy has been updated: tell the curriculum of every draw whose episodes are all done.

        An episode that no update was credited to is missing, where others were.

        Returns:
            What was answered, oldest first.

        Raises:
            ValueError: If the curriculum's signal needs what the episodes do not say, or several of a task; the draw
                then stays open.
        """
        return [self._answer(serial) for serial in [s for s, each in self._open.items() if each.done]]

    def close(self) -> list[Answered]:
        """Training has ended: answer every open draw with what it has, and give up those that have nothing.

        Episodes without an end are missing, and so are those that no update was credited to, where others were. Before
        anything was credited, draws that the signal cannot judge are given up too.

        Returns:
            What was answered, oldest first.

        Raises:
            ValueError: If a draw could not be answered, though something was credited, or the curriculum refused its
                utilities; every draw is closed all the same.
        """
        answered: list[Answered] = []
        refusals: list[Exception] = []
        for serial, opened in list(self._open.items()):
            judged = False
            try:
                if np.any(opened.usable(self._credits)):
                    each = self._judged(opened)
                    judged = True
                    self.curriculum.tell(opened.draw, each.feedback)
                    answered.append(each)
                else:
                    self.curriculum.discard(opened.draw)
            except Exception as refused:
                if judged or self._credits:
                    refusals.append(refused)
                self.curriculum.discard(opened.draw)
            self._forget(serial)
        if refusals:
            raise ValueError(
                f"{len(refusals)} of the last draws could not be answered and were given up: {refusals[0]}"
            ) from refusals[0]
        return answered

    def state_dict(self) -> dict[str, Any]:
        """The curriculum and the draws still open.

        Running episodes are those of environments, which are not saved, and one that has ended but waits for its credit
        can get none after a resume: both are played again.
        """
        opened = []
        for serial, each in self._open.items():
            # Nobody can credit an episode after a resume: one that waits for it is played again, as a running one.
            again = (each.status == _RUNNING) | ((each.status == _FINISHED) & ~each.usable(self._credits))
            status = np.where(again, _WAITING, each.status)
            numbers = {name: np.where(status >= _FINISHED, v, 0.0) for name, v in each.numbers.items()}
            opened.append({"serial": serial, "status": status, "numbers": numbers})
        return {
            "curriculum": self.curriculum.state_dict(),
            "batch_size": self.batch_size,
            "episodes": self.episodes,
            "credits": self._credits,
            "open": opened,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state; tasks whose episodes were running are handed out again.

        Load before the environments are reset: episodes that are running in them belong to no draw afterwards, and are
        played to their end for nothing, or until the next reset.

        Args:
            state: What `state_dict` returned.

        Raises:
            ValueError: If it is of a stream with other settings, or of another curriculum. The stream is then as it
                was.
        """
        missing = sorted({"curriculum", "batch_size", "episodes", "credits", "open"} - set(state))
        if missing:
            raise ValueError(f"the state lacks {missing}; give what state_dict of a stream returned")
        for name in ("batch_size", "episodes"):
            if state[name] != getattr(self, name):
                raise ValueError(
                    f"the state was saved with {name} {state[name]}, this stream has {getattr(self, name)}"
                )
        draws = {int(d["serial"]): Draw.from_state_dict(d) for d in state["curriculum"]["outstanding"]}
        opened: dict[int, _Open] = {}
        for saved in state["open"]:
            serial = int(saved["serial"])
            if serial not in draws or set(saved["numbers"]) != set(_NUMBERS):
                raise ValueError(f"draw {serial} of the saved stream does not belong to the saved curriculum")
            each = _Open(draws[serial], self.episodes)
            for target, values in (
                (each.status, saved["status"]),
                *((each.numbers[name], saved["numbers"][name]) for name in _NUMBERS),
            ):
                if np.shape(values) != target.shape:
                    raise ValueError(f"draw {serial} was saved with shape {np.shape(values)}, not {target.shape}")
                target[...] = values
            opened[serial] = each
        self.curriculum.load_state_dict(state["curriculum"])
        self._open, self._places = opened, {}
        self._credits = bool(state["credits"])

    def _task_of(self, number: int) -> str:
        serial, row, _ = self._places[number]
        return self.bank.ids[int(self._open[serial].draw.items[row])]

    def _number(self, name: str, number: int) -> float:
        serial, row, column = self._places[number]
        return float(self._open[serial].numbers[name][row, column])

    def _running(self, number: int) -> tuple[_Open, tuple[int, int]]:
        if number not in self._places:
            raise ValueError(f"episode {number} is not open; begin one, and finish each once")
        serial, row, column = self._places[number]
        opened = self._open[serial]
        if opened.status[row, column] != _RUNNING:
            raise ValueError(f"episode {number} has already ended; begin another")
        return opened, (row, column)

    def _answer(self, serial: int) -> Answered:
        opened = self._open[serial]
        answered = self._judged(opened)
        self.curriculum.tell(opened.draw, answered.feedback)
        self._forget(serial)
        return answered

    def _judged(self, opened: _Open) -> Answered:
        rollouts = opened.rollouts(self._credits)
        feedback = self.curriculum.signal(rollouts)
        if self.episodes == 1 and rollouts.valid.any() and not feedback.answered.any():
            raise ValueError(
                f"the signal of {self.curriculum.name} compares the episodes of a task, and one episode of each is "
                "played; give TaskStream episodes=2 or more, or the method another signal, such as success_rate, or "
                "absolute_advantage where a critic judges"
            )
        return Answered(opened.draw, rollouts, feedback)

    def _forget(self, serial: int) -> None:
        del self._open[serial]
        self._places = {number: place for number, place in self._places.items() if place[0] != serial}
