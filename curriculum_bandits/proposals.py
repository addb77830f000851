"""Which problems are candidates: the cheap first stage of a two-stage choice.

A curator scores a few thousand problems, not ten million; a proposal says which. It costs what the candidates cost,
whatever the size of the bank, and states P(x is a candidate) where there is such a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Proposal", "ShuffledProposal", "UniformProposal"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Proposal(Protocol):
    """Proposes candidates; its own state is saved with the curator's."""

    def propose(self, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray | None]:
        """The next candidates.

        Args:
            size: How many, at most the size of the bank.
            rng: Source of randomness.

        Returns:
            Distinct problems, shape (size,), and P(x is a candidate) of each, or None where it is not known.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """What continues it, as arrays and plain numbers."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state.

        Args:
            state: What `state_dict` returned.
        """
        ...


class UniformProposal:
    """A fresh uniform sample without replacement each time: P(x is a candidate) is M/N, whatever came before.

    Args:
        n_problems: Size of the bank N.

    >>> candidates, inclusion = UniformProposal(10).propose(4, np.random.default_rng(0))
    >>> len(set(candidates.tolist())), inclusion.tolist()
    (4, [0.4, 0.4, 0.4, 0.4])
    """

    def __init__(self, n_problems: int) -> None:
        self._n = _at_least_one(n_problems)

    def propose(self, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray | None]:
        """The next candidates.

        Args:
            size: How many, 1 to N.
            rng: Source of randomness.

        Returns:
            Distinct problems, shape (size,), and ``size / N`` for each.

        Raises:
            ValueError: If `size` is not in 1..N.
        """
        _check(size, self._n)
        return rng.choice(self._n, size, replace=False), np.full(size, size / self._n)

    def state_dict(self) -> dict[str, Any]:
        """Its size alone: nothing is remembered."""
        return {"kind": "uniform", "n_problems": self._n}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Check that the state is of such a proposal.

        Args:
            state: What `state_dict` returned, for a bank of the same size.

        Raises:
            ValueError: If it is of another kind or size.
        """
        _check_state(state, self.state_dict())


class ShuffledProposal:
    """Every problem once per epoch, in a fresh random order: epochs without replacement, as the paper has it.

    The order is shuffled as far as it is used (Fisher and Yates), so that no step pays for a whole epoch. Where a
    candidate set crosses the end of an epoch, what it already holds waits until later in the new one. Given the past,
    a problem is a candidate with probability 0 or M over what is left, so no inclusion is stated.

    Args:
        n_problems: Size of the bank N; 4 bytes are kept for each problem.

    >>> proposal, rng = ShuffledProposal(4), np.random.default_rng(0)
    >>> sorted(proposal.propose(2, rng)[0].tolist() + proposal.propose(2, rng)[0].tolist())
    [0, 1, 2, 3]
    """

    def __init__(self, n_problems: int) -> None:
        dtype = np.int32 if _at_least_one(n_problems) <= np.iinfo(np.int32).max else np.int64
        self._order = np.arange(n_problems, dtype=dtype)
        self._used = 0  # the first so many of the order were candidates in this epoch

    def propose(self, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray | None]:
        """The next candidates of the epoch.

        Args:
            size: How many, 1 to N.
            rng: Source of randomness.

        Returns:
            Distinct problems, shape (size,), and None.

        Raises:
            ValueError: If `size` is not in 1..N.
        """
        n = len(self._order)
        _check(size, n)
        left = n - self._used
        if size <= left:
            chosen = self._next(size, n, rng)
        else:
            # What is left stands at the end of the order, out of reach of the first draws of the new epoch.
            last = self._order[self._used :].astype(np.int64)
            self._used = 0
            chosen = np.concatenate([last, self._next(size - left, n - left, rng)])
        return chosen, None

    def _next(self, size: int, end: int, rng: np.random.Generator) -> IntArray:
        """Bring `size` of what stands between the used part and `end` to the front, each set equally likely."""
        order, first = self._order, self._used
        drawn = first + rng.choice(end - first, size, replace=False)
        chosen = order[drawn]
        in_front = drawn < first + size
        displaced = np.ones(size, dtype=bool)
        displaced[drawn[in_front] - first] = False
        order[drawn[~in_front]] = order[first : first + size][displaced]
        order[first : first + size] = chosen
        self._used += size
        return chosen.astype(np.int64)

    def state_dict(self) -> dict[str, Any]:
        """The order, and how much of it is used."""
        return {
            "kind": "shuffled",
            "n_problems": len(self._order),
            "order": self._order.copy(),
            "used": self._used,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state.

        Args:
            state: What `state_dict` returned, for a bank of the same size.

        Raises:
            ValueError: If it is of another kind or size, or not an order. The proposal is then as it was.
        """
        _check_state(state, self.state_dict())
        order, used = np.array(state["order"], dtype=self._order.dtype), int(state["used"])
        n = len(self._order)
        seen = np.zeros(n, dtype=bool)
        if order.shape == (n,) and order.min() >= 0 and order.max() < n:
            seen[order] = True
        if not seen.all() or not 0 <= used <= n:
            raise ValueError(f"the saved order of shape {order.shape} is no order of {n} problems; use the same bank")
        self._order, self._used = order, used


def _at_least_one(n_problems: int) -> int:
    if n_problems < 1:
        raise ValueError(f"n_problems is {n_problems}; there must be at least one")
    return n_problems


def _check(size: int, n_problems: int) -> None:
    if not 1 <= size <= n_problems:
        raise ValueError(f"{size} candidates are asked for, the bank has {n_problems} problems; ask for 1 to that many")


def _check_state(state: Mapping[str, Any], own: Mapping[str, Any]) -> None:
    for name in ("kind", "n_problems"):
        if state[name] != own[name]:
            raise ValueError(f"the saved proposal has {name} {state[name]!r}, this one {own[name]!r}; use the same one")
