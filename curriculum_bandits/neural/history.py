"""What was observed of each problem, kept for the problems that were observed.

A bank of ten million problems is mostly never drawn, so there is one small number per problem, and everything else
grows with the draws: the last utilities for the window mean, and when a problem was last seen, for coverage and
staleness by group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.state import Array, Field, Stateful

__all__ = ["History"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_ROOM = 1024


def _known(table: str) -> Any:
    """The rows of a table that hold an observed problem, as an attribute."""
    rows = "of each observed problem, in the order in which they were first observed"
    return property(lambda history: getattr(history, table)[: history._known], doc=f"``{table[1:]}`` {rows}.")


class History(Stateful):
    """The last utilities of each problem, and when it was last drawn.

    Args:
        n_problems: Size of the bank N; 4 bytes are kept for each problem, the rest for those observed.
        window: H, utilities kept per problem.
        groups: Group of each problem, shape (N,), for coverage and staleness; None puts all into one.

    Attributes:
        group_sizes: Problems in each group, shape (G,).

    >>> history = History(5, window=2)
    >>> history.record(np.array([3]), np.array([1.0]), time=1)
    array([1.])
    >>> history.record(np.array([3]), np.array([3.0]), time=2)
    array([2.])
    >>> history.coverage(), history.staleness(2)
    (array([0.2]), array([1.6]))
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "item": Array(low=0, shape=lambda history: (None,)),
        "utility": Array(shape=lambda history: (None, history._window)),
        "count": Array(low=1, shape=lambda history: (None,)),
        "seen": Array(low=0, shape=lambda history: (None,)),
    }

    item, utility, count, seen = map(_known, ("_item", "_utility", "_count", "_seen"))

    def __init__(self, n_problems: int, window: int = 1, groups: IntArray | None = None) -> None:
        self._window = window
        self._groups = groups
        self.group_sizes = np.array([n_problems]) if groups is None else np.bincount(groups)
        self._slot_of = np.zeros(n_problems, dtype=np.int32)  # 1 + the place in the tables below, 0 for none
        self._clear()

    def _clear(self) -> None:
        self._known = 0
        self._item = np.zeros(_ROOM, dtype=np.int64)
        self._utility = np.zeros((_ROOM, self._window))
        self._count = np.zeros(_ROOM, dtype=np.int64)
        self._seen = np.zeros(_ROOM, dtype=np.int64)
        self._covered = np.zeros(len(self.group_sizes), dtype=np.int64)
        self._seen_sum = np.zeros(len(self.group_sizes), dtype=np.int64)

    def record(self, items: IntArray, utilities: FloatArray, time: int) -> FloatArray:
        """Take in utilities, and return what to learn from.

        Args:
            items: Problems, shape (m,), repeats allowed.
            utilities: One each, shape (m,).
            time: Number of this update, not below an earlier one.

        Returns:
            The mean of the last H utilities of each problem, these included, shape (m,).
        """
        slots = self._slots(items)
        distinct, first = np.unique(slots, return_index=True)
        if len(distinct) == len(slots):
            self._keep(slots, utilities)
        else:  # one after the other, as they came
            for slot, utility in zip(slots, utilities, strict=True):
                self._keep(slot, utility)
        group = self._group_of(items[first])
        np.add.at(self._seen_sum, group, time - self._seen[distinct])
        self._seen[distinct] = time
        # Places not filled yet are zero.
        return np.asarray(self._utility[slots].sum(axis=1) / np.minimum(self._count[slots], self._window))

    def preview(self, items: IntArray, utilities: FloatArray) -> FloatArray:
        """What `record` would return; nothing is taken in.

        Args:
            items: Problems, shape (m,), repeats allowed.
            utilities: One each, shape (m,).

        Returns:
            The mean of the last H utilities of each problem, these included, shape (m,).
        """
        distinct, place = np.unique(items, return_inverse=True)
        slots = self._slot_of[distinct].astype(np.int64) - 1
        kept, count = np.zeros((len(distinct), self._window)), np.zeros(len(distinct), dtype=np.int64)
        known = slots >= 0
        kept[known], count[known] = self._utility[slots[known]], self._count[slots[known]]
        if len(distinct) == len(place):
            kept[place, count[place] % self._window] = utilities
            count += 1
        else:
            for i, utility in zip(place, utilities, strict=True):
                kept[i, count[i] % self._window] = utility
                count[i] += 1
        return np.asarray((kept.sum(axis=1) / np.minimum(count, self._window))[place])

    def coverage(self) -> FloatArray:
        """Share of each group's problems that were observed at least once, shape (G,)."""
        return np.asarray(self._covered / self.group_sizes)

    def staleness(self, time: int) -> FloatArray:
        """How many updates ago a problem was observed, on average over each group; since the start where never.

        Args:
            time: Number of the present update.

        Returns:
            Shape (G,).
        """
        return np.asarray(time - self._seen_sum / self.group_sizes)

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        item, rows, n = values["item"], [len(table) for table in values.values()], len(self._slot_of)
        if len(set(rows)) > 1:
            raise ValueError(f"the saved tables of history have {rows} rows; they must have one per observed problem")
        if np.any(item >= n) or len(np.unique(item)) < len(item):
            raise ValueError(f"the saved item of history holds a problem twice, or one that is not in the bank of {n}")
        return values

    @override
    def _put(self, values: Mapping[str, Any]) -> None:
        self._slot_of[self.item] = 0
        self._clear()
        item = values["item"]
        self._slots(item)
        for name in ("utility", "count", "seen"):
            getattr(self, name)[:] = values[name]
        np.add.at(self._seen_sum, self._group_of(item), self.seen)

    def _group_of(self, items: IntArray) -> IntArray:
        return np.zeros(len(items), dtype=np.int64) if self._groups is None else self._groups[items]

    def _slots(self, items: IntArray) -> IntArray:
        """Places of problems in the tables; those without one get the next."""
        new = np.asarray(items)[self._slot_of[items] == 0]
        new = new[np.sort(np.unique(new, return_index=True)[1])]
        if len(new):
            end = self._known + len(new)
            if end > len(self._item):
                self._grow(max(end, 2 * len(self._item)))
            self._item[self._known : end] = new
            self._slot_of[new] = np.arange(self._known, end) + 1
            self._known = end
            np.add.at(self._covered, self._group_of(new), 1)
        return self._slot_of[items].astype(np.int64) - 1

    def _grow(self, room: int) -> None:
        for name in ("_item", "_utility", "_count", "_seen"):
            old = getattr(self, name)
            table = np.zeros((room, *old.shape[1:]), dtype=old.dtype)
            table[: len(old)] = old
            setattr(self, name, table)

    def _keep(self, slots: Any, utilities: Any) -> None:
        self._utility[slots, self._count[slots] % self._window] = utilities
        self._count[slots] += 1
