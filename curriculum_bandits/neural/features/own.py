"""Features a user already has: any matrix of numbers, one row per problem.

It is standardised before it is stored as float16, so that columns of any unit survive: a column of dollars would
overflow and one of probabilities of tokens vanish. The matrix is read three times, in chunks: range, spread, values.
"""

from __future__ import annotations

import hashlib
import os

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.neural.features.moments import Moments
from curriculum_bandits.neural.features.store import write_features
from curriculum_bandits.neural.features.table import FeatureTable

__all__ = ["matrix_features"]


def matrix_features(
    matrix: npt.ArrayLike,
    *,
    bank: ProblemBank | None = None,
    path: str | os.PathLike[str] | None = None,
    chunk: int = 8192,
    progress: bool = True,
) -> FeatureTable:
    """Features from a matrix of one's own, such as embeddings computed elsewhere.

    Each column is standardised in float64 over all rows, then rounded to float16 (three digits); a constant column
    becomes zeros. A column with a few enormous values has little room left for the others: take its logarithm first.

    Args:
        matrix: One row per problem, shape (N, d), any real type; a memory map is read in chunks.
        bank: The problems, to check that there is a row for each.
        path: The file to write, as in `write_features`; its identity is the matrix's content. None keeps the features
            in memory. An existing file is read with `FeatureTable.open` at no cost; here the matrix is read to see that
            the file is of it.
        chunk: Rows read at once.
        progress: Whether to show a progress bar.

    Raises:
        ValueError: If the matrix has another number of dimensions than two, no rows or columns, not a row per problem,
            or a value that is not finite; or as `write_features`.
        TypeError: If it does not hold real numbers.

    >>> table = matrix_features([[1e6, 3e-9], [3e6, 1e-9]], progress=False)
    >>> table.rows([0, 1]).tolist()
    [[-1.0, 1.0], [1.0, -1.0]]
    """
    values = np.asarray(matrix)
    if values.dtype.kind not in "fiub":
        raise TypeError(f"the matrix holds {values.dtype}; give real numbers")
    if values.ndim != 2 or 0 in values.shape:
        raise ValueError(f"the matrix has the shape {values.shape}; give one row of features per problem, (N, d)")
    if bank is not None and len(values) != len(bank):
        raise ValueError(f"the matrix has {len(values)} rows for {len(bank)} problems; give one row per problem")
    if chunk < 1:
        raise ValueError(f"chunk is {chunk}; give at least 1")
    middle, half_range, content = _range(values, chunk, with_content=path is not None)

    def unit(start: int, stop: int) -> FloatArray:
        # Between -1 and 1, so that squares can neither overflow nor vanish.
        return (values[start:stop].astype(np.float64) - middle) / half_range

    rows, columns = values.shape
    moments = Moments(columns)
    for start in range(0, rows, chunk):
        moments.add(unit(start, start + chunk))

    def standardised(start: int, stop: int) -> FloatArray:
        return (unit(start, stop) - moments.center) / moments.scale

    identity = {"kind": "matrix", "content": content}
    return write_features(path, rows, columns, standardised, identity=identity, chunk=chunk, progress=progress)


def _range(values: npt.NDArray[np.generic], chunk: int, *, with_content: bool) -> tuple[FloatArray, FloatArray, str]:
    """Middle and half the range of each column, 1 where it is constant, and a hash of everything."""
    lowest, highest = np.full(values.shape[1], np.inf), np.full(values.shape[1], -np.inf)
    digest = hashlib.sha256(f"{values.dtype.str} {values.shape}".encode())
    for start in range(0, len(values), chunk):
        stored = values[start : start + chunk]
        block = stored.astype(np.float64)
        if not np.isfinite(block).all():
            row, column = np.argwhere(~np.isfinite(block))[0].tolist()
            raise ValueError(
                f"row {start + row}, column {column} of the matrix is {stored[row, column]}; "
                "replace what is missing or infinite, such as by the mean of the column"
            )
        np.minimum(lowest, block.min(axis=0), out=lowest)
        np.maximum(highest, block.max(axis=0), out=highest)
        if with_content:
            digest.update(stored.tobytes())
    half_range = highest / 2 - lowest / 2  # halves first: the difference may overflow
    return highest / 2 + lowest / 2, np.where(half_range > 0, half_range, 1.0), digest.hexdigest()[:16]
