"""Equal cells along a line whose length nobody knows in advance.

A record is read once, so neither its last step nor its hardest problem is known when adding up begins. When a value
falls outside, neighbouring cells are joined two by two: sums stay exact, and memory stays what it was.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

__all__ = ["Axis"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Axis:
    """At most so many cells of equal width, which doubles when they no longer cover all values.

    Args:
        limit: Most cells, at least two.
        width: Of a cell at first.

    Attributes:
        limit: Most cells.
        width: Of a cell now.
        low: Number of the first cell; cell k reaches from ``k * width`` to ``(k + 1) * width``.
        used: Cells from the first to the last that hold a value.

    >>> axis = Axis(4)
    >>> axis.cover(0, 3), axis.cover(2, 5).tolist(), axis.width
    (None, [0, 0, 1, 1], 2.0)
    >>> axis.index(np.array([0.0, 3.0, 5.0])).tolist(), axis.edges().tolist()
    ([0, 1, 2], [0.0, 2.0, 4.0, 6.0])
    """

    def __init__(self, limit: int, width: float = 1.0) -> None:
        self.limit, self.width = limit, float(width)
        self.low = self.used = 0

    def cover(self, least: float, most: float) -> IntArray | None:
        """Make room for values.

        Args:
            least: The smallest, finite.
            most: The largest, finite.

        Returns:
            Where sums by cell move, the new index of each old one, shape (limit,); None where they stay.
        """
        first, last = math.floor(least / self.width), math.floor(most / self.width)
        before = (self.low, self.used)
        if self.used:
            first, last = min(first, self.low), max(last, self.low + self.used - 1)
        factor = 1
        while last - first + 1 > self.limit:
            first, last, factor = first // 2, last // 2, factor * 2
        self.width *= factor
        self.low, self.used = first, last - first + 1
        if not before[1] or (factor == 1 and before[0] == first):
            return None
        # What lies beyond the cells in use holds zeros, so it may end up anywhere.
        moved = (np.arange(self.limit, dtype=np.int64) + before[0]) // factor - first
        return np.clip(moved, 0, self.limit - 1)

    def index(self, values: FloatArray) -> IntArray:
        """The cell of each value that is covered.

        Args:
            values: Any shape.

        Returns:
            Indices from 0, of that shape.
        """
        return np.floor(np.asarray(values, dtype=np.float64) / self.width).astype(np.int64) - self.low

    def edges(self) -> FloatArray:
        """Limits of the cells in use, shape (used + 1,)."""
        return (np.arange(self.used + 1, dtype=np.float64) + self.low) * self.width
