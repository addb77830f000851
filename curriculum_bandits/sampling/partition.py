"""Partition of the problems into arms: an arm is one problem, or a group of problems drawn without replacement.

A bandit counts plays of arms; a batch is made of problems. This map goes one way when a batch is drawn and the other
way when its utilities come back.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray, override
from curriculum_bandits.state import Array, Field, Fixed, Stateful

__all__ = ["Partition", "Within"]

Within = Literal["iid", "epochs"]
"""How problems of an arm are chosen: a uniform draw each time, or one after the other from a shuffled list."""


class Partition(Stateful):
    """A partition of N problems into K arms.

    Args:
        arm_of: Arm of each problem, shape (N,), every arm 0..K-1 used at least once.
        within: ``"iid"`` draws the problems of an arm uniformly each time; ``"epochs"`` walks through a shuffled
            list of them and shuffles again at its end, so that none waits longer than two rounds of its arm. The chance
            of a problem over all shuffles is the same; given the past it is not.

    Raises:
        ValueError: If an arm has no problem, or `within` is neither of the two.

    Attributes:
        sizes: Problems in each arm, shape (K,).

    >>> arms = Partition([0, 0, 1])
    >>> arms.sizes.tolist(), sorted(arms.problems([0, 0], np.random.default_rng(0)).tolist())
    ([2, 1], [0, 1])
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "within": Fixed("make the arms as they were saved"),
        "_order": Array(low=0),
        "_used": Array(low=0),
    }

    def __init__(self, arm_of: npt.ArrayLike, within: Within = "iid") -> None:
        if within not in get_args(Within):
            raise ValueError(f"within={within!r} is unknown; choose 'iid' or 'epochs'")
        self.within: Within = within
        self.arm_of: IntArray = np.array(arm_of, dtype=np.int64)
        self.sizes: IntArray = np.bincount(self.arm_of)
        if np.any(self.sizes == 0):
            raise ValueError(f"arm {int(np.argmin(self.sizes))} has no problem; number the arms 0..K-1 without gaps")
        self._single = len(self.sizes) == len(self.arm_of)
        # Problems sorted by arm, so that those of arm g are members[start[g]:start[g+1]].
        self._members = np.argsort(self.arm_of, kind="stable")
        self._start = np.concatenate([[0], np.cumsum(self.sizes)])
        # Of shuffled lists: how many of each are used. All are at first, so each is shuffled when it is first needed.
        self._used: IntArray = self.sizes.copy()

    def __len__(self) -> int:
        """Number of arms, K."""
        return len(self.sizes)

    def problems(self, arms: npt.ArrayLike, rng: np.random.Generator) -> IntArray:
        """Turn plays of arms into distinct problems.

        Args:
            arms: Played arms, shape (m,); an arm played c times yields c distinct problems of its own. Where every arm
                is a single problem, an arm played twice (draws with replacement) is that problem twice.
            rng: Source of randomness.

        Returns:
            Problems, shape (m,), in the order of the plays.

        Raises:
            ValueError: If a group is played more often than it has problems.
        """
        played = np.asarray(arms, dtype=np.int64)
        if self._single:
            return self._members[played]
        items = np.empty_like(played)
        distinct, counts = np.unique(played, return_counts=True)
        above = counts > self.sizes[distinct]
        if np.any(above):
            arm, count = int(distinct[above][0]), int(counts[above][0])
            raise ValueError(
                f"arm {arm} is played {count} times but holds {self.sizes[arm]} problems; cap the bandit's plays "
                "with capacity=arms.sizes, or ask for a smaller batch"
            )
        for arm, count in zip(distinct, counts, strict=True):
            members = self._members[self._start[arm] : self._start[arm + 1]]
            if self.within == "epochs":
                items[played == arm] = self._next(int(arm), members, int(count), rng)
            else:
                items[played == arm] = rng.choice(members, size=count, replace=False)
        return items

    def _next(self, arm: int, members: IntArray, count: int, rng: np.random.Generator) -> IntArray:
        """The next so many of an arm's list, which is a view and is shuffled where it ends."""
        used = int(self._used[arm])
        taken: IntArray = members[used : used + count].copy()
        if len(taken) == count:
            self._used[arm] = used + count
            return taken
        # The list ends within this batch: what the batch already holds waits until later in the new round.
        fresh = rng.permutation(members)
        repeated = np.isin(fresh, taken)
        needed = count - len(taken)
        others = fresh[~repeated]
        first, later = others[:needed], np.concatenate([others[needed:], fresh[repeated]])
        members[:needed], members[needed:] = first, rng.permutation(later)
        self._used[arm] = needed
        return np.concatenate([taken, first])

    @property
    def _order(self) -> IntArray:
        """The shuffled lists, one after the other; of iid draws nothing is remembered."""
        return self._members if self.within == "epochs" else self._members[:0]

    @_order.setter
    def _order(self, order: IntArray) -> None:
        if self.within == "epochs":
            self._members = order

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        order, used = values["_order"], values["_used"]
        whole = np.array_equal(np.sort(order), np.arange(len(order)))
        if not (whole and np.array_equal(self.arm_of[order], self.arm_of[self._order])):
            raise ValueError("the saved lists hold the problems in other arms; use the bank of the state")
        if np.any(used > self.sizes):
            raise ValueError(f"the saved lists are used {used.tolist()} far but hold {self.sizes.tolist()} problems")
        return values

    def entropy(self, probability: FloatArray) -> float:
        """Entropy over problems, ``-sum_x p(x) ln p(x)`` in nats, of a distribution over arms of shape (K,).

        Inside an arm problems are equally likely. Its exponential is the effective number of problems.
        """
        positive = probability > 0.0
        p = probability[positive]
        return float(-np.sum(p * np.log(p / self.sizes[positive])))
