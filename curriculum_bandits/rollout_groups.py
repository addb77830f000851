"""Groups of rollouts that no update has used yet: what lies between rolling out and training.

A learner puts into them whatever it needs to train on the rollouts later; a stage only picks, stacks and extends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.rollouts import Rollouts

__all__ = ["RolloutGroups"]

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RolloutGroups:
    """n rollouts for each of k problems.

    Attributes:
        items: Problems, shape (k,); a problem that was drawn twice stands there twice.
        rollouts: Their rollouts, shape (k, n), without log-ratios: there was no update yet.
        answers: The learner's own, arrays of shape (k, n, ...).

    Raises:
        ValueError: If an array does not begin with these axes.

    >>> groups = RolloutGroups(np.array([4, 7]), Rollouts([[1, 0], [0, 0]]), {"tokens": np.zeros((2, 2, 5))})
    >>> groups[[1]].items.tolist(), RolloutGroups.stacked([groups, groups[[0]]]).items.tolist()
    ([7], [4, 7, 4])
    """

    items: IntArray
    rollouts: Rollouts
    answers: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that everything speaks of the same rollouts."""
        object.__setattr__(self, "items", np.asarray(self.items, dtype=np.int64))
        shape = self.rollouts.rewards.shape
        if self.items.shape != shape[:1]:
            raise ValueError(f"items have shape {self.items.shape} where the rewards have {shape}; give one per row")
        for name, array in self.answers.items():
            if np.shape(array)[:2] != shape:
                raise ValueError(f"answers[{name!r}] has shape {np.shape(array)}; it must begin with {shape}")

    def __len__(self) -> int:
        """Number of groups, k."""
        return len(self.items)

    def __getitem__(self, chosen: npt.ArrayLike | slice) -> RolloutGroups:
        """Some of the groups: a mask, positions or a slice."""
        here = chosen if isinstance(chosen, slice) else np.asarray(chosen)
        answers = {name: array[here] for name, array in self.answers.items()}
        return RolloutGroups(self.items[here], self.rollouts[here], answers)

    def beside(self, further: RolloutGroups) -> RolloutGroups:
        """More rollouts of the same problems, put beside those that are there.

        Args:
            further: Of the same problems in the same order.

        Returns:
            As many groups, with the rollouts of both.

        Raises:
            ValueError: If they are of other problems or hold other fields.
        """
        if not np.array_equal(self.items, further.items):
            raise ValueError("further rollouts are of other problems, or in another order; give the same")
        if set(self.answers) != set(further.answers):
            raise ValueError(
                f"further answers are {sorted(further.answers)}, the first {sorted(self.answers)}; give the same"
            )
        parts = (self, further)
        answers = {name: np.concatenate([part.answers[name] for part in parts], axis=1) for name in self.answers}
        return RolloutGroups(self.items, Rollouts.concatenate([part.rollouts for part in parts], axis=1), answers)

    def padded(self, n: int) -> RolloutGroups:
        """The same with missing rollouts up to a number.

        Args:
            n: Rollouts per problem, no fewer than there are.

        Returns:
            Groups in which the added rollouts have no reward, a length of 0 and answers of zeros.
        """
        missing = n - self.rollouts.rewards.shape[1]
        if missing == 0:
            return self
        columns: dict[str, Any] = {}
        for each in fields(Rollouts):
            values = getattr(self.rollouts, each.name)
            filler = False if each.name == "trained" else 0.0 if each.name == "lengths" else np.nan
            columns[each.name] = None if values is None else _widened(values, missing, filler)
        answers = {name: _widened(array, missing, 0) for name, array in self.answers.items()}
        return RolloutGroups(self.items, Rollouts(**columns), answers)

    @staticmethod
    def stacked(parts: Sequence[RolloutGroups]) -> RolloutGroups:
        """Several lots of groups as one, those with fewer rollouts padded.

        Args:
            parts: At least one, with the same fields.

        Returns:
            All groups in the order given.
        """
        most = max(part.rollouts.rewards.shape[1] for part in parts)
        wide = [part.padded(most) for part in parts]
        answers = {name: np.concatenate([part.answers[name] for part in wide]) for name in wide[0].answers}
        items = np.concatenate([part.items for part in wide])
        return RolloutGroups(items, Rollouts.concatenate([part.rollouts for part in wide]), answers)


def _widened(values: npt.NDArray[Any], count: int, filler: Any) -> npt.NDArray[Any]:
    added = np.full((len(values), count, *values.shape[2:]), filler, dtype=values.dtype)
    return np.concatenate([values, added], axis=1)
