"""What was observed of each problem, kept for the problems that were observed.

A bank of ten million problems is mostly never drawn, so there is one small number per problem, and everything else
grows with the draws: the last utilities for the window mean, and when a problem was last seen, for coverage and
staleness by group.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.state import Array, Field, Stateful

__all__ = ["History"]


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
    >>> history.preview(np.array([3]), np.array([3.0]))
    array([2.])
    >>> history.record(np.array([3]), np.array([3.0]), time=2)
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

    def record(self, items: IntArray, utilities: FloatArray, time: int) -> None:
        """Take in utilities.

        Args:
            items: Problems, shape (m,), repeats allowed.
            utilities: One each, shape (m,).
            time: Number of this update, not below an earlier one.
        """
        self._make_slots(items)
        distinct, utility, count, _ = self._with(items, utilities)
        slots = self._slot_of[distinct].astype(np.int64) - 1
        self._utility[slots], self._count[slots] = utility, count
        np.add.at(self._seen_sum, self._group_of(distinct), time - self._seen[slots])
        self._seen[slots] = time

    def preview(self, items: IntArray, utilities: FloatArray) -> FloatArray:
        """The utilities to learn from, once `record` has taken these in; nothing is taken in.

        Args:
            items: Problems, shape (m,), repeats allowed.
            utilities: One each, shape (m,).

        Returns:
            The mean of the last H utilities of each problem, these included, shape (m,).
        """
        _, utility, count, place = self._with(items, utilities)
        return np.asarray((utility.sum(axis=1) / np.minimum(count, self._window))[place])  # unfilled places are zero

    def _with(self, items: IntArray, utilities: FloatArray) -> tuple[IntArray, FloatArray, IntArray, IntArray]:
        """The distinct problems, their utilities and counts with these in it, and where each item is among them."""
        distinct, place = np.unique(items, return_inverse=True)
        slots = self._slot_of[distinct].astype(np.int64) - 1
        known = slots >= 0
        utility, count = np.zeros((len(distinct), self._window)), np.zeros(len(distinct), dtype=np.int64)
        utility[known], count[known] = self._utility[slots[known]], self._count[slots[known]]
        if len(distinct) == len(place):
            utility[place, count[place] % self._window] = utilities
            count += 1
        else:  # one after the other, as they came
            for i, each in zip(place, utilities, strict=True):
                utility[i, count[i] % self._window] = each
                count[i] += 1
        return distinct, utility, count, place

    def coverage(self) -> FloatArray:
        """Share of each group's problems that were observed at least once, shape (G,)."""
        return np.asarray(self._covered / self.group_sizes)

    def staleness(self, time: int) -> FloatArray:
        """Updates since a problem was observed (since the start where never) at `time`, on average by group, (G,)."""
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
        self._make_slots(item)
        for name in ("utility", "count", "seen"):
            getattr(self, name)[:] = values[name]
        np.add.at(self._seen_sum, self._group_of(item), self.seen)

    def _group_of(self, items: IntArray) -> IntArray:
        return np.zeros(len(items), dtype=np.int64) if self._groups is None else self._groups[items]

    def _make_slots(self, items: IntArray) -> None:
        """Give problems without a place in the tables the next ones."""
        new = np.asarray(items)[self._slot_of[items] == 0]
        new = new[np.sort(np.unique(new, return_index=True)[1])]
        end = self._known + len(new)
        if end > len(self._item):
            room = max(end, 2 * len(self._item)) - len(self._item)
            for name in ("_item", "_utility", "_count", "_seen"):
                table = getattr(self, name)
                setattr(self, name, np.concatenate([table, np.zeros((room, *table.shape[1:]), dtype=table.dtype)]))
        self._item[self._known : end] = new
        self._slot_of[new] = np.arange(self._known, end) + 1
        self._known = end
        np.add.at(self._covered, self._group_of(new), 1)
