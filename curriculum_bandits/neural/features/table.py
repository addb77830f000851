"""The features of a bank as the curator reads them: a few thousand random rows of millions, standardised, each step.

They are stored as float16, half the memory of the smallest type one computes in, and standardised when read, so a file
keeps what was measured and its columns need no particular unit. A mapped file is pickled as its path.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from curriculum_bandits._typing import override
from curriculum_bandits.neural.features.record import Record, record_path
from curriculum_bandits.neural.inputs import RowTable

__all__ = ["FeatureTable"]

Float32Array = npt.NDArray[np.float32]


class FeatureTable(RowTable):
    """N rows of d features, read standardised: row x, column c is (raw[x, c] - center[c]) / scale[c].

    Args:
        raw: The features as they are stored, shape (N, d), in memory or memory-mapped.
        center: What is subtracted from each column, shape (d,).
        scale: What each column is then divided by, positive, shape (d,).

    Raises:
        ValueError: If the shapes do not fit, the table is empty, or a scale is not a positive number.
        TypeError: If raw is not float16.

    >>> table = FeatureTable(np.array([[1, 0], [3, 0]], dtype=np.float16), center=[2.0, 0.0], scale=[0.5, 1.0])
    >>> table.rows([1, 0, 1]).tolist()
    [[2.0, 0.0], [-2.0, 0.0], [2.0, 0.0]]
    """

    def __init__(self, raw: npt.NDArray[np.float16], center: npt.ArrayLike, scale: npt.ArrayLike) -> None:
        if raw.dtype != np.float16:
            raise TypeError(f"the features are {raw.dtype}; a table holds float16: make one with matrix_features")
        if raw.ndim != 2 or 0 in raw.shape:
            raise ValueError(f"the features have the shape {raw.shape}; give at least one row and one column, (N, d)")
        # The plain view of a memory map: indexing the subclass costs as much again as the gather itself.
        self.raw = np.asarray(raw)
        self.center = _per_column("center", center, raw.shape[1])
        self.scale = _per_column("scale", scale, raw.shape[1])
        if not (self.scale > 0).all():
            raise ValueError(f"a scale is {self.scale.min()}; give positive numbers, 1 for a constant column")
        self._center = torch.from_numpy(self.center)
        self._inverse_scale = 1 / torch.from_numpy(self.scale)
        self._path: Path | None = None

    @override
    def __len__(self) -> int:
        return len(self.raw)

    def __repr__(self) -> str:
        place = "in memory" if self._path is None else f"in {self._path}"
        return f"FeatureTable({len(self)} rows, {self.columns} columns, {place})"

    def __reduce__(self) -> tuple[Any, ...]:
        if self._path is None:
            return FeatureTable, (self.raw, self.center, self.scale)
        return FeatureTable.open, (self._path,)

    @property
    @override
    def columns(self) -> int:
        return int(self.raw.shape[1])

    def rows(self, items: npt.ArrayLike) -> Float32Array:
        """Standardised features, shape (m, d), of the rows ``items`` (m,), in any order, repeated or not.

        Raises:
            IndexError: If an item is not one of 0..N-1; negative ones do not count from the end.
            ValueError: If the items are not a list of integers.
        """
        wanted = np.asarray(items)
        if wanted.ndim != 1 or (wanted.dtype.kind not in "iu" and wanted.size):
            raise ValueError(f"items is {wanted.dtype} of shape {wanted.shape}; give integers of shape (m,)")
        if not wanted.size:
            return np.empty((0, self.columns), dtype=np.float32)
        if wanted.min() < 0 or wanted.max() >= len(self):
            outside = wanted[(wanted < 0) | (wanted >= len(self))][0]
            raise IndexError(f"there is no item {outside}; the table has the items 0 to {len(self) - 1}")
        # Items are checked, so clipping changes nothing; it is numpy's fastest gather. Torch converts float16 with the
        # processor's own instruction, ten times faster than numpy.
        gathered = torch.from_numpy(self.raw.take(wanted, axis=0, mode="clip")).float()
        standardised: Float32Array = gathered.sub_(self._center).mul_(self._inverse_scale).numpy()
        return standardised

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> FeatureTable:
        """Map a finished file, which `write_features` or one of its callers wrote; nothing is read until rows are.

        Raises:
            FileNotFoundError: If there is no such file, or it is not finished.
            ValueError: If it is not a file of features, or does not fit what is recorded beside it.
        """
        file = Path(path).absolute()
        record = Record.read(file)
        if not file.exists():
            if record is None:
                raise FileNotFoundError(f"there is no file {file}; write it first, such as with text_features")
            progress = f"{record.done} of {record.rows} rows"
            raise FileNotFoundError(f"{file} is not finished ({progress}); call the function that was writing it again")
        if record is None or record.center is None or record.scale is None:
            raise ValueError(
                f"{file} has no finished record {record_path(file).name} beside it; bring the record along, or read "
                "the array with matrix_features(np.load(path, mmap_mode='r'))"
            )
        raw = np.load(file, mmap_mode="r", allow_pickle=False)
        if raw.shape != (record.rows, record.columns):
            raise ValueError(
                f"{file} has the shape {raw.shape}, its record says {(record.rows, record.columns)}; "
                "delete both and write them again"
            )
        table = cls(raw, record.center, record.scale)
        table._path = file
        return table


def _per_column(name: str, values: npt.ArrayLike, columns: int) -> Float32Array:
    array = np.array(values, dtype=np.float32)
    if array.shape != (columns,):
        raise ValueError(f"{name} has the shape {array.shape} for {columns} columns; give one number per column")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is {array[~np.isfinite(array)][0]} in a column; give finite numbers")
    return array
