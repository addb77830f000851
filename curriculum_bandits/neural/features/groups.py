"""The group of a problem as features: a column per group, made when rows are asked for.

A bank's groups say what no text says as plainly. Beside other features they let a network move one group without its
neighbours, and the rest still carries over from group to group.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.neural.inputs import RowTable

__all__ = ["GroupColumns"]


class GroupColumns(RowTable):
    """A column per group, which is zero but for the problems of that group.

    There it is the root of the number of groups, so that the mean square of a row is 1, as it is of standardised
    features. A group counts the same however small it is.

    Args:
        groups: Group of each problem, shape (N,), integers from 0.
        count: Number of groups, G; None is one more than the largest that occurs.

    Raises:
        ValueError: If there are no problems, or a group is not one of 0..G-1.

    >>> GroupColumns([0, 1, 2, 1], count=4).rows([1, 2]).tolist()
    [[0.0, 2.0, 0.0, 0.0], [0.0, 0.0, 2.0, 0.0]]
    """

    def __init__(self, groups: npt.ArrayLike, count: int | None = None) -> None:
        self._groups = np.asarray(groups)
        if self._groups.ndim != 1 or not self._groups.size or self._groups.dtype.kind not in "iu":
            raise ValueError(
                f"groups is {self._groups.dtype} of shape {self._groups.shape}; give an integer for each problem, (N,)"
            )
        self._count = int(self._groups.max()) + 1 if count is None else count
        outside = self._groups[(self._groups < 0) | (self._groups >= self._count)]
        if outside.size:
            raise ValueError(f"a problem has the group {outside[0]}; with {self._count} groups give 0 to G - 1")

    @override
    def __len__(self) -> int:
        return len(self._groups)

    @property
    def columns(self) -> int:
        """Number of groups, G."""
        return self._count

    @override
    def rows(self, items: npt.ArrayLike) -> npt.NDArray[np.float32]:
        own = self._groups[np.asarray(items, dtype=np.int64)]
        rows = np.zeros((len(own), self._count), dtype=np.float32)
        rows[np.arange(len(own)), own] = math.sqrt(self._count)
        return rows
