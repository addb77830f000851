"""The ticket that travels with a batch.

The probability a batch was drawn with must be the one at the moment of the draw, however late the answer comes. So
it is written on the ticket when the batch is drawn, and nobody computes it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import BoolArray, FloatArray, IntArray

__all__ = ["Draw", "Feedback", "Ticket"]


@dataclass(frozen=True)
class Ticket:
    """Unique, permanent id of a draw: run id and serial number.

    Attributes:
        run: Identity of the curriculum that issued it.
        serial: 0 for its first draw, then 1, 2, ...
    """

    run: str
    serial: int


def _frozen(values: npt.ArrayLike | None, dtype: type, name: str, length: int | None = None) -> Any:
    if values is None:
        return None
    array: npt.NDArray[Any] = np.array(values, dtype=dtype)  # a copy, so that nobody holds a writable view
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}; it must be one-dimensional")
    if length is not None and len(array) != length:
        raise ValueError(f"{name} has {len(array)} entries where {length} are needed, one per entry of its partner")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Draw:
    """A batch and the numbers it was drawn with. Read-only; its arrays refuse assignment.

    Attributes:
        items: Indices into the bank, shape (m,).
        probability: The bandit's own p_t of each item at the time of the draw, shape (m,).
        inclusion: The number to divide by, shape (m,): ``E sum_{j: x_j = x} 1 / inclusion_j = 1``. None where no such
            number is known; importance-weighted consumers then refuse the draw.
        ticket: Which draw this is.
        candidates: The candidate set it was drawn from, shape (M,), or None for the whole bank.
        candidate_probability: p_t of every candidate, shape (M,), or None.
        candidate_inclusion: P(x is a candidate) of every candidate, shape (M,), or None.

    >>> draw = Draw(items=[3, 1], probability=[0.1, 0.4], inclusion=[0.2, 0.8], ticket=Ticket("run", 0))
    >>> len(draw), draw.items.tolist()
    (2, [3, 1])
    """

    items: IntArray
    probability: FloatArray
    inclusion: FloatArray | None
    ticket: Ticket
    candidates: IntArray | None = None
    candidate_probability: FloatArray | None = None
    candidate_inclusion: FloatArray | None = None

    def __post_init__(self) -> None:
        """Copy the arrays, check their lengths and lock them."""
        freeze = object.__setattr__
        freeze(self, "items", _frozen(self.items, np.int64, "items"))
        freeze(self, "probability", _frozen(self.probability, np.float64, "probability", len(self.items)))
        freeze(self, "inclusion", _frozen(self.inclusion, np.float64, "inclusion", len(self.items)))
        freeze(self, "candidates", _frozen(self.candidates, np.int64, "candidates"))
        for name in ("candidate_probability", "candidate_inclusion"):
            if getattr(self, name) is not None and self.candidates is None:
                raise ValueError(f"{name} is given without candidates; pass the candidate set too")
            length = None if self.candidates is None else len(self.candidates)
            freeze(self, name, _frozen(getattr(self, name), np.float64, name, length))

    def __len__(self) -> int:
        """Number of items, m."""
        return len(self.items)

    def state_dict(self) -> dict[str, Any]:
        """The draw as arrays and plain numbers; `from_state_dict` is the way back."""
        state = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "ticket"}
        return {**state, "run": self.ticket.run, "serial": self.ticket.serial}

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Any]) -> Draw:
        """An equal draw, with the same ticket, from what `state_dict` returned."""
        arrays = {field.name: state[field.name] for field in fields(cls) if field.name != "ticket"}
        return cls(**arrays, ticket=Ticket(str(state["run"]), int(state["serial"])))


@dataclass(frozen=True, eq=False)
class Feedback:
    """The utility of each drawn item, and what it rests on.

    Attributes:
        values: Utility per item, shape (m,); ignored where `counts` is 0.
        counts: Valid rollouts behind each value, shape (m,); 0 = missing, which is not a utility of zero.
        kl: How far the policy moved on each item in this update, a KL divergence per token in nats, shape (m,), for
            methods that forget as fast as the policy moves; nan where it is not known, None where it is not measured.
        cost: Tokens (or seconds) that each item took, over all its rollouts, shape (m,); nan where it is not known,
            None where it is not measured.

    >>> Feedback(values=[0.5, float("nan")], counts=[8, 0]).answered.tolist()
    [True, False]
    """

    values: FloatArray
    counts: IntArray
    kl: FloatArray | None = None
    cost: FloatArray | None = None

    def __post_init__(self) -> None:
        """Copy the arrays, check their lengths and lock them."""
        object.__setattr__(self, "values", _frozen(self.values, np.float64, "values"))
        object.__setattr__(self, "counts", _frozen(self.counts, np.int64, "counts", len(self.values)))
        for name in ("kl", "cost"):
            object.__setattr__(self, name, _frozen(getattr(self, name), np.float64, name, len(self.values)))
        if np.any(self.counts < 0):
            raise ValueError(f"counts holds {int(np.min(self.counts))}; a number of rollouts is 0 (missing) or more")

    def __len__(self) -> int:
        """Number of items, m."""
        return len(self.values)

    def __getitem__(self, chosen: npt.NDArray[Any] | slice) -> Feedback:
        """The feedback on some of the items: a mask, positions or a slice."""
        kl, cost = (None if column is None else column[chosen] for column in (self.kl, self.cost))
        return Feedback(self.values[chosen], self.counts[chosen], kl, cost)

    @property
    def answered(self) -> BoolArray:
        """True for each item that has a value, shape (m,)."""
        return self.counts > 0
