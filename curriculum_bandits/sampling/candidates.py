"""Which problems are candidates: the cheap first stage of a two-stage choice.

A curator scores a few thousand problems, not ten million; a proposal says which. It costs what the candidates cost,
whatever the size of the bank, and states P(x is a candidate) where there is such a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import numpy as np

from curriculum_bandits._typing import FloatArray, IntArray, override
from curriculum_bandits.state import Array, Count, Field, Fixed, Stateful

__all__ = ["CandidateGenerator", "ShuffledCandidates", "UniformCandidates"]


class CandidateGenerator(Protocol):
    """Proposes candidates; its own state is saved with the curator's."""

    def propose(self, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray | None]:
        """The next candidates.

        Args:
            size: How many, at most the size of the bank.
            rng: Source of randomness.

        Returns:
            Distinct problems, shape (size,), and P(x is a candidate) of each, or None where it is not known.

        Raises:
            ValueError: If there are not so many problems. The state is then as it was.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """What continues it, as arrays and plain numbers."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned."""
        ...


class UniformCandidates(Stateful, CandidateGenerator):
    """A fresh uniform sample without replacement each time: P(x is a candidate) is M/N, whatever came before.

    Args:
        n_problems: Size of the bank N.

    >>> candidates, inclusion = UniformCandidates(10).propose(4, np.random.default_rng(0))
    >>> len(set(candidates.tolist())), inclusion.tolist()
    (4, [0.4, 0.4, 0.4, 0.4])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_n": Fixed("load the bank it was saved with")}

    def __init__(self, n_problems: int) -> None:
        self._n = _at_least_one(n_problems)

    @override
    def propose(self, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray | None]:
        _check(size, self._n)
        return rng.choice(self._n, size, replace=False), np.full(size, size / self._n)


class ShuffledCandidates(Stateful, CandidateGenerator):
    """Every problem once per epoch, in a fresh random order: epochs without replacement, as the paper has it.

    The order is shuffled as far as it is used (Fisher and Yates), so that no step pays for a whole epoch. Where a
    candidate set crosses the end of an epoch, what it already holds waits until later in the new one. Given the past,
    a problem is a candidate with probability 0 or M over what is left, so no inclusion is stated.

    Args:
        n_problems: Size of the bank N; 4 bytes are kept for each problem.

    >>> proposal, rng = ShuffledCandidates(4), np.random.default_rng(0)
    >>> sorted(proposal.propose(2, rng)[0].tolist() + proposal.propose(2, rng)[0].tolist())
    [0, 1, 2, 3]
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_order": Array(low=0), "_used": Count()}

    def __init__(self, n_problems: int) -> None:
        dtype = np.int32 if _at_least_one(n_problems) <= np.iinfo(np.int32).max else np.int64
        self._order = np.arange(n_problems, dtype=dtype)
        self._used = 0  # the first so many of the order were candidates in this epoch

    @override
    def propose(self, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray | None]:
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

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        n = len(self._order)
        seen = np.zeros(n, dtype=bool)
        seen[values["_order"][values["_order"] < n]] = True
        if not seen.all() or values["_used"] > n:
            raise ValueError(f"the saved order of {self.KIND} is no order of {n} problems, used in part")
        return values


def _at_least_one(n_problems: int) -> int:
    if n_problems < 1:
        raise ValueError(f"n_problems is {n_problems}; there must be at least one")
    return n_problems


def _check(size: int, n_problems: int) -> None:
    if not 1 <= size <= n_problems:
        raise ValueError(f"{size} candidates are asked for, the bank has {n_problems} problems; ask for 1 to that many")
