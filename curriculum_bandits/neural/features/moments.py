"""Mean and spread of columns that are too many rows to hold, block by block.

Blocks are merged by the pairwise rule of Chan, Golub & LeVeque (1983), which loses no digits to a large mean as sums
of squares would. Whether a column is constant is decided exactly, not by a small variance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.contract import FloatArray

__all__ = ["Moments", "matrix_moments"]


_BLOCK_ELEMENTS = 2**18  # 2 MB in float64


class Moments:
    """Mean and standard deviation of each column of the blocks seen so far, in float64.

    Args:
        columns: Number of columns, d.

    >>> moments = Moments(2)
    >>> moments.add(np.array([[1.0, 5.0], [2.0, 5.0]]))
    >>> moments.add(np.array([[3.0, 5.0]]))
    >>> moments.center.tolist(), moments.scale.round(3).tolist()
    ([2.0, 5.0], [0.816, 1.0])
    """

    def __init__(self, columns: int) -> None:
        self.center: FloatArray = np.zeros(columns)
        self._count = 0
        self._squares: FloatArray = np.zeros(columns)
        self._lowest: FloatArray = np.full(columns, np.inf)
        self._highest: FloatArray = np.full(columns, -np.inf)

    def add(self, block: npt.NDArray[np.floating]) -> None:
        """Count further rows: finite values, shape (b, d)."""
        values = np.asarray(block, dtype=np.float64)
        mean = values.mean(axis=0)
        total = self._count + len(values)
        step = mean - self.center
        self._squares += np.square(values - mean).sum(axis=0) + step**2 * (self._count * len(values) / total)
        self.center = self.center + step * (len(values) / total)
        self._count = total
        np.minimum(self._lowest, values.min(axis=0), out=self._lowest)
        np.maximum(self._highest, values.max(axis=0), out=self._highest)

    @property
    def scale(self) -> FloatArray:
        """Standard deviation of each column (dividing by N), 1 where all its values are the same, shape (d,)."""
        return np.where(self._lowest < self._highest, np.sqrt(self._squares / max(self._count, 1)), 1.0)


def matrix_moments(matrix: npt.NDArray[np.floating]) -> Moments:
    """Moments of a matrix of finite values (N, d) that may be memory-mapped.

    The blocks depend on nothing but its shape, so that the result does not depend on how the matrix was written.
    """
    rows, columns = matrix.shape
    moments, block = Moments(columns), max(1, _BLOCK_ELEMENTS // columns)
    for start in range(0, rows, block):
        moments.add(matrix[start : start + block])
    return moments
