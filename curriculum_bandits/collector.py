"""The ledger of open rollouts, for trainers whose rollouts arrive one by one, late, out of order or never.

A curriculum draws and learns in batches. A `Collector` hands a draw out rollout by rollout and takes each back under
its ticket and place, so that nothing has to be remembered anywhere else. The draw is answered when its last rollout is
in, or with what is there once it is too old.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.open_draw import OpenDraw
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.state import Count, Field, Fixed, Part, Stateful, Text

__all__ = ["COUNTS", "Answered", "Collector", "Task"]

#: Names in `Collector.counts`. Draws: ``answered``, of those ``incomplete`` (a rollout was lost or cancelled), and
#: ``given_up`` (discarded, or closed with nothing). Rollouts, or groups where `n_rollouts` is None: ``told``, of those
#: ``cancelled``, ``reissued`` (handed out again), ``repeated`` (told before), ``late`` (told after the draw was closed
#: or the rollout cancelled) and ``lost`` (not there when the draw was closed).
COUNTS = ("answered", "incomplete", "given_up", "told", "cancelled", "reissued", "repeated", "late", "lost")


@dataclass(frozen=True)
class Task:
    """One rollout to make, or a group of them where `Collector.n_rollouts` is None.

    Attributes:
        id: Id of the problem.
        item: Index of the problem in the bank.
        row: Its row of the bank.
        ticket: The draw it belongs to, ``run:serial``.
        place: Its place in that draw; ticket and place together name the rollout.
    """

    id: str
    item: int
    row: Mapping[str, Any]
    ticket: str
    place: int


@dataclass(frozen=True, eq=False)
class Answered:
    """A draw that was just answered.

    Attributes:
        draw: The draw.
        rollouts: Its rollouts, a row per problem; what never arrived is missing.
        feedback: The answer that the curriculum was given.
    """

    draw: Draw
    rollouts: Rollouts
    feedback: Feedback


class _OpenDraws(Field):
    """Open draws by ticket."""

    @override
    def save(self, value: dict[str, OpenDraw]) -> Any:
        return [each.state_dict() for each in value.values()]

    @override
    def checked(self, saved: Any, present: Any, owner: Collector) -> dict[str, OpenDraw]:
        try:
            opened = [OpenDraw.from_state_dict(each, owner.n_rollouts) for each in saved]
        except (TypeError, KeyError) as error:
            raise ValueError(f"holds no open draws ({error!r})") from None
        return {each.ticket: each for each in opened}


class _Counts(Field):
    @override
    def save(self, value: dict[str, int]) -> Any:
        return dict(value)

    @override
    def checked(self, saved: Any, present: dict[str, int], owner: Collector) -> dict[str, int]:
        if not isinstance(saved, Mapping) or set(saved) != set(present):
            raise ValueError(f"does not count {', '.join(present)}")
        return {name: int(saved[name]) for name in present}


class _Names(Field):
    @override
    def save(self, value: frozenset[str]) -> Any:
        return sorted(value)

    @override
    def checked(self, saved: Any, present: frozenset[str], owner: Collector) -> frozenset[str]:
        return present | frozenset(map(str, saved))  # what this one was made with is needed all the same


class Collector(Stateful):
    """Hands out the rollouts of a curriculum's draws one by one, and answers each draw once.

    Every call names a rollout by ticket and place of its `Task`, and repeating a call changes nothing, so rollouts may
    arrive in any order, twice, or after the draw was closed. It is not thread-safe: give it one owner.

    Args:
        curriculum: Draws the problems and is told.
        batch_size: Problems per draw.
        n_rollouts: Rollouts of each drawn problem, handed out and told one by one. None where the trainer repeats
            problems itself: a task is then a whole group, told once with as many rewards as it has.
        max_age: An incomplete draw is closed when so many later ones have begun, that is answered with what it has, or
            given up if it has nothing; so at most this many draws are open. None waits for ever.
        needs: Fields of `Rollouts` without which a rollout counts as missing.
        at_once: Answer a draw as soon as it is complete. False waits for `answer`, for loops that update the policy
            between the last rollout and the answer.
        on_answer: Called after each answer.

    Attributes:
        counts: Number of events by the names of `COUNTS`, for metrics.

    Raises:
        ValueError: If a number makes no sense.

    >>> from curriculum_bandits import ProblemBank, methods
    >>> curriculum = methods.learnability(ProblemBank(["easy", "right", "hard"]), seed=0)
    >>> collector = Collector(curriculum, batch_size=2, n_rollouts=2)
    >>> for task in reversed(collector.ask(4)):
    ...     taken = collector.tell(task.ticket, task.place, reward=float(task.id == "right"))
    >>> collector.counts["answered"], collector.counts["told"]
    (1, 4)
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "batch_size": Fixed(),
        "n_rollouts": Fixed(),
        "needs": _Names(),
        "counts": _Counts(),
        "_drawn": Count(),
        "_run": Text(),
        "_serial": Count(low=-1),
        "_open": _OpenDraws(),
        "curriculum": Part(),
    }

    def __init__(
        self,
        curriculum: Curriculum,
        batch_size: int,
        *,
        n_rollouts: int | None,
        max_age: int | None = None,
        needs: Iterable[str] = (),
        at_once: bool = True,
        on_answer: Callable[[Answered], object] | None = None,
    ) -> None:
        n = len(curriculum.bank)
        if not 1 <= batch_size <= n:
            raise ValueError(f"batch_size is {batch_size}; the bank has {n} problems, give 1 to that")
        for name, value in (("n_rollouts", n_rollouts), ("max_age", max_age)):
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1, or None")
        self.curriculum, self.batch_size, self.n_rollouts = curriculum, batch_size, n_rollouts
        self.max_age, self.needs, self.at_once, self.on_answer = max_age, frozenset(needs), at_once, on_answer
        self.counts = dict.fromkeys(COUNTS, 0)
        self._open: dict[str, OpenDraw] = {}
        self._drawn, self._run, self._serial = 0, "", -1  # number of draws, and the ticket of the last

    @property
    def bank(self) -> ProblemBank:
        """The problems."""
        return self.curriculum.bank

    @property
    def outstanding(self) -> tuple[Draw, ...]:
        """Draws of this collector that are not answered yet, oldest first."""
        return tuple(each.draw for each in self._open.values())

    def ask(self, n: int = 1) -> list[Task]:
        """The next n tasks, of open draws first, then of new ones; those of one problem follow each other.

        Raises:
            ValueError: If n is below 1, or a draw that is too old cannot be answered. No task is handed out then.
        """
        if n < 1:
            raise ValueError(f"{n} tasks are asked for; ask for 1 or more")
        tasks: list[Task] = []
        try:
            while len(tasks) < n:
                opened = next((each for each in self._open.values() if each.waits), None) or self._issue()
                tasks.append(self._task(opened, opened.hand_out()))
        except BaseException:
            for task in tasks:
                if task.ticket in self._open:
                    self._open[task.ticket].recall(task.place)
            raise
        return tasks

    def tell(
        self,
        ticket: str,
        place: int,
        reward: npt.ArrayLike | None,
        logp_before: npt.ArrayLike | None = None,
        logp_after: npt.ArrayLike | None = None,
        length: npt.ArrayLike | None = None,
        **further: npt.ArrayLike | None,
    ) -> bool:
        """Take in one rollout, or one group where `n_rollouts` is None; the last one of a draw answers it.

        Args:
            ticket: Of the task.
            place: Of the task.
            reward: Its reward, of a group those of its rollouts; None or NaN is missing.
            logp_before: Log-probability of the completion under the policy that produced it.
            logp_after: The same after the update.
            length: Completion tokens; 0 marks it as missing.
            **further: Other fields of `Rollouts`, by their names there.

        Returns:
            True if it was taken; False if it was told before, cancelled, or came after its draw was closed.

        Raises:
            ValueError: If no such task was handed out, a number is impossible (the message names the problem), or the
                curriculum refuses the answer. The ledger is then as it was.
        """
        opened = self._find(ticket, place)
        if opened is None or place in opened.cancelled or place in opened.told:
            self.counts["repeated" if opened and place in opened.told else "late"] += 1
            return False
        named = {"logprobs_before": logp_before, "logprobs_after": logp_after, "lengths": length, **further}
        given = {name: values for name, values in named.items() if values is not None}
        given = {"rewards": float("nan") if reward is None else reward, **given}
        with self._changed(opened, "told"):
            opened.take(place, given, self.bank.ids[opened.item(place)])
        return True

    def amend(self, ticket: str, place: int, **further: npt.ArrayLike) -> bool:
        """Add to a rollout that was told the fields of `Rollouts` that are known only later, or replace them.

        Returns:
            False if its draw is closed, or it was cancelled or not told yet.

        Raises:
            ValueError: As `tell`.
        """
        opened = self._find(ticket, place)
        if opened is None or place not in opened.told:
            return False
        opened.take(place, {**opened.told[place], **further}, self.bank.ids[opened.item(place)])
        return True

    def cancel(self, ticket: str, place: int) -> bool:
        """Count a rollout as missing, because it will never arrive or must not count although it did.

        Returns:
            False if its draw is closed or it was cancelled before.

        Raises:
            ValueError: As `tell`.
        """
        opened = self._find(ticket, place)
        if opened is None or place in opened.cancelled:
            return False
        with self._changed(opened, "cancelled"):
            opened.cancel(place)
        return True

    def give_back(self, ticket: str, place: int) -> bool:
        """Hand out a rollout that was broken off again, before all others.

        Returns:
            False if it is not out.

        Raises:
            ValueError: If no such task was handed out.
        """
        opened = self._find(ticket, place)
        if opened is None or not opened.is_out(place):
            return False
        opened.recall(place)
        self.counts["reissued"] += 1
        return True

    def give_back_all(self) -> None:
        """Hand out again every rollout that is out, and every one that was told without a field that it `needs`.

        For a restart that lost the rollouts on their way; call it after `load_state_dict`.
        """
        for opened in self._open.values():
            lacking = [place for place, numbers in opened.told.items() if not self.needs <= set(numbers)]
            for place in [*lacking, *filter(opened.is_out, range(opened.handed))]:
                opened.recall(place)
                self.counts["reissued"] += 1

    def is_out(self, ticket: str, place: int) -> bool:
        """True from when a rollout is handed out until it is told, cancelled or given back, or its draw closed."""
        opened = self._open.get(ticket)
        return opened is not None and opened.is_out(place)

    def out(self, id: str) -> list[Task]:
        """Tasks of the problem of an id that are out, oldest first; for trainers whose rollouts bring no ticket along.

        Raises:
            KeyError: If the bank has no such problem.
        """
        item = self.bank.index(id)
        return [
            self._task(opened, place)
            for opened in self._open.values()
            for place in filter(opened.is_out, opened.places_of(item))
        ]

    def answer(self) -> list[Answered]:
        """Answer every draw that is complete, oldest first, and return them; for loops with ``at_once=False``.

        Raises:
            ValueError: If the signal or the curriculum refuses a draw; it stays open.
        """
        settled = [self._settle(opened) for opened in list(self._open.values()) if opened.done]
        return [each for each in settled if each is not None]

    def close(self, *, lenient: bool = False) -> list[Answered]:
        """Answer every open draw with what it has, oldest first, and return them; give up those that have nothing.

        Args:
            lenient: Also give up, without an error, draws that the signal cannot judge.

        Raises:
            ValueError: If a draw could not be answered; every draw is closed all the same.
        """
        answered: list[Answered | None] = []
        refusals: list[Exception] = []
        for ticket, opened in list(self._open.items()):
            try:
                answered.append(self._settle(opened))
            except Exception as refused:
                if not (lenient and isinstance(refused, _Unjudged)):
                    refusals.append(refused)
                self.discard(ticket)
        if refusals:
            raise ValueError(
                f"{len(refusals)} of the open draws could not be answered and were given up: {refusals[0]}"
            ) from refusals[0]
        return [each for each in answered if each is not None]

    def discard(self, ticket: str) -> bool:
        """Give up a draw, with all that was told of it; False if it is closed already."""
        opened = self._open.get(ticket)
        if opened is None:
            return False
        self.curriculum.discard(opened.draw)
        self._close(opened, "given_up")
        return True

    def _issue(self) -> OpenDraw:
        """Ask for a new draw, once those that are too old are closed."""
        for each in list(self._open.values()):
            if self.max_age is not None and self._drawn - each.number >= self.max_age:
                self._settle(each)
        draw = self.curriculum.ask(self.batch_size)
        opened = OpenDraw(draw, self.n_rollouts, self._drawn)
        self._open[opened.ticket] = opened
        self._drawn, self._run, self._serial = self._drawn + 1, draw.ticket.run, draw.ticket.serial
        return opened

    def _task(self, opened: OpenDraw, place: int) -> Task:
        item = opened.item(place)
        return Task(self.bank.ids[item], item, self.bank.row(item), opened.ticket, place)

    def _find(self, ticket: str, place: int) -> OpenDraw | None:
        """The open draw of a task that was handed out; None where it is closed."""
        opened = self._open.get(ticket)
        if opened is None:
            run, _, serial = ticket.rpartition(":")
            if run != self._run or not serial.isdecimal() or int(serial) > self._serial:
                raise ValueError(f"draw {ticket!r} was never issued here; use the ticket of a task as ask returned it")
        elif not 0 <= place < opened.handed:
            raise ValueError(f"place {place} of draw {ticket} was not handed out; {opened.handed} of its tasks were")
        return opened

    @contextmanager
    def _changed(self, opened: OpenDraw, event: str) -> Iterator[None]:
        """Change a draw and answer it if that completes it; undo the change if the answer is refused."""
        before = list(opened.again), set(opened.cancelled), dict(opened.told)
        try:
            yield
            answered = self._settled(opened) if self.at_once and opened.done else None
        except BaseException:
            opened.again, opened.cancelled, opened.told = before
            raise
        self.counts[event] += 1
        self._notify(answered)  # last: what it raises is no refusal

    def _settle(self, opened: OpenDraw) -> Answered | None:
        """Answer a draw with what it has, or give it up where that is nothing, and pass the answer on."""
        return self._notify(self._settled(opened))

    def _notify(self, answered: Answered | None) -> Answered | None:
        if answered is not None and self.on_answer is not None:
            self.on_answer(answered)
        return answered

    def _settled(self, opened: OpenDraw) -> Answered | None:
        rollouts = opened.rollouts(self.needs, log_ratio=self.curriculum.needs_log_ratio)
        if not rollouts.valid.any():
            self.discard(opened.ticket)
            return None
        try:
            feedback = self.curriculum.signal(rollouts)
        except ValueError as error:
            raise _Unjudged(str(error)) from error
        if self.n_rollouts == 1 and not feedback.answered.any():
            raise _Unjudged(
                f"the signal of {self.curriculum.name} compares the rollouts of a problem, and one of each is made; "
                "make 2 or more, or give the method another signal, such as success_rate"
            )
        self.curriculum.tell(opened.draw, feedback)
        self._close(opened, "answered")
        return Answered(opened.draw, rollouts, feedback)

    def _close(self, opened: OpenDraw, end: str) -> None:
        del self._open[opened.ticket]
        self.counts[end] += 1
        self.counts["incomplete"] += end == "answered" and len(opened.told) < opened.size
        self.counts["lost"] += opened.size - len(opened.told) - len(opened.cancelled)


class _Unjudged(ValueError):
    """The signal cannot judge what a draw has."""
