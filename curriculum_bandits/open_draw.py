"""One draw whose rollouts are coming in: which places are out, what was told, and the `Rollouts` they make together."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping, Set
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray
from curriculum_bandits.draw import Draw
from curriculum_bandits.rollouts import Rollouts

__all__ = ["OpenDraw"]


_FIELDS = frozenset(each.name for each in fields(Rollouts)) - {"completions"}  # numbers alone
_LOGPROBS = frozenset({"logprobs_before", "logprobs_after"})
_RANGES = {"lengths": (0.0, np.inf), "successes": (0.0, 1.0), "trained": (0.0, 1.0)}


class OpenDraw:
    """The places of a draw: one for each rollout, or for each problem where these are told group by group.

    Args:
        draw: The draw.
        n_rollouts: Rollouts of each problem; None where a place is a whole group of any number.
        number: How many draws were opened before it.

    Attributes:
        handed: Places below this one were handed out.
        again: Those of them that wait to be handed out again, ascending.
        cancelled: Those that will never be told.
        told: Numbers of those that were told, by name of a field of `Rollouts`.
    """

    def __init__(self, draw: Draw, n_rollouts: int | None, number: int) -> None:
        self.draw, self.n_rollouts, self.number = draw, n_rollouts, number
        self.ticket = f"{draw.ticket.run}:{draw.ticket.serial}"
        self.size = len(draw) * (n_rollouts or 1)
        self.handed = 0
        self.again: list[int] = []
        self.cancelled: set[int] = set()
        self.told: dict[int, dict[str, FloatArray]] = {}

    @property
    def waits(self) -> bool:
        """True if places are still to be handed out."""
        return bool(self.again) or self.handed < self.size

    @property
    def done(self) -> bool:
        """True if nothing more is to come."""
        return not self.waits and len(self.told) + len(self.cancelled) == self.size

    def is_out(self, place: int) -> bool:
        """Tell whether a place was handed out and is still awaited."""
        return place < self.handed and not (place in self.told or place in self.cancelled or place in self.again)

    def item(self, place: int) -> int:
        """Index in the bank of the problem of a place."""
        return int(self.draw.items[place // (self.n_rollouts or 1)])

    def places_of(self, item: int) -> Iterator[int]:
        """Places of a problem."""
        n = self.n_rollouts or 1
        for row in np.flatnonzero(self.draw.items == item).tolist():
            yield from range(row * n, row * n + n)

    def hand_out(self) -> int:
        """Hand out the next place, first those that came back."""
        if self.again:
            return self.again.pop(0)
        self.handed += 1
        return self.handed - 1

    def recall(self, place: int) -> None:
        """Let a place be handed out again, without what was told of it."""
        self.told.pop(place, None)
        bisect.insort(self.again, place)

    def take(self, place: int, numbers: Mapping[str, npt.ArrayLike], problem: str) -> None:
        """Keep the numbers of a place that was handed out.

        Args:
            place: The place.
            numbers: By name of a field of `Rollouts`; ``rewards`` must be there.
            problem: Id of the problem, for errors.

        Raises:
            ValueError: If a name, a shape or a value is impossible. Nothing is kept then.
        """
        unknown = sorted(set(numbers) - _FIELDS)
        if unknown:
            raise ValueError(f"a rollout has no {unknown}; it may have {sorted(_FIELDS)}")
        arrays = {name: np.array(values, dtype=np.float64, ndmin=1) for name, values in numbers.items()}
        rewards = arrays["rewards"]
        shape = rewards.shape[:1] if self.n_rollouts is None else (1,)
        for name, values in arrays.items():
            if values.shape != shape:
                raise ValueError(f"{name} of problem {problem!r} has shape {values.shape}, not {shape}")
            low, high = _RANGES.get(name, (-np.inf, np.inf))
            bad = np.isinf(values) | (values < low) | (values > high)
            if name != "rewards":
                bad |= np.isnan(values) & ~np.isnan(rewards)
            if np.any(bad):
                remedy = f"in [{low:g}, {high:g}]" if name in _RANGES else "a finite number"
                remedy = "report None if there is no reward" if name == "rewards" else f"it must be {remedy}"
                raise ValueError(f"{name} of a rollout of problem {problem!r} is {values[np.argmax(bad)]}; {remedy}")
        self.told[place] = arrays
        if place in self.again:
            self.again.remove(place)

    def cancel(self, place: int) -> None:
        """Mark a place as missing for ever, whatever was told of it."""
        self.told.pop(place, None)
        if place in self.again:
            self.again.remove(place)
        self.cancelled.add(place)

    def rollouts(self, needs: Set[str], *, log_ratio: bool) -> Rollouts:
        """Rollouts of what was told so far, a row per problem; a field is there if every rollout that counts has it.

        Args:
            needs: Fields without which a rollout counts as missing.
            log_ratio: Where some rollouts have log-probabilities, those without count as missing.
        """
        n = self.n_rollouts or max([1, *(len(numbers["rewards"]) for numbers in self.told.values())])
        names = {"rewards", *(name for numbers in self.told.values() for name in numbers)}
        columns = {name: np.full((len(self.draw), n), np.nan) for name in names}
        for place, numbers in self.told.items():
            row, first = divmod(place, self.n_rollouts or 1)
            for name, values in numbers.items():
                columns[name][row, first : first + len(values)] = values
        rewards = columns.pop("rewards")
        if "lengths" in columns:
            rewards[columns["lengths"] == 0.0] = np.nan  # missing, although some may have no length and none be kept
        for name in {*needs, *(_LOGPROBS if log_ratio and names >= _LOGPROBS else ())}:
            rewards[np.isnan(columns[name]) if name in columns else ...] = np.nan
        valid = ~np.isnan(rewards)
        known: dict[str, Any] = {name: values for name, values in columns.items() if not np.isnan(values[valid]).any()}
        for name in ("lengths", "trained"):
            if name in known:
                known[name] = np.nan_to_num(known[name])
        if not known.keys() >= _LOGPROBS:
            known = {name: values for name, values in known.items() if name not in _LOGPROBS}
        return Rollouts(rewards, **known)

    def state_dict(self) -> dict[str, Any]:
        """The draw and its places, as arrays and plain numbers; `from_state_dict` is the way back."""
        return {
            "draw": self.draw.state_dict(),
            "number": self.number,
            "handed": self.handed,
            "again": list(self.again),
            "cancelled": sorted(self.cancelled),
            "told": [[place, {name: v.copy() for name, v in each.items()}] for place, each in self.told.items()],
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any], n_rollouts: int | None) -> OpenDraw:
        """An equal object from what `state_dict` returned, with the same number of rollouts.

        Raises:
            ValueError: If a place is listed twice or was never handed out, or a number is impossible.
        """
        opened = cls(Draw.from_state_dict(state["draw"]), n_rollouts, int(state["number"]))
        opened.handed, opened.again = int(state["handed"]), sorted(map(int, state["again"]))
        opened.cancelled = set(map(int, state["cancelled"]))
        told = {int(place): numbers for place, numbers in state["told"]}
        places = sorted([*opened.again, *opened.cancelled, *told])
        if len(set(places)) < len(places) or not set(places) <= set(range(min(opened.handed, opened.size))):
            raise ValueError(f"lists the places {places} of {opened.handed} handed out and {opened.size} in all")
        for place, numbers in told.items():
            opened.take(place, numbers, f"item {opened.item(place)}")
        return opened
