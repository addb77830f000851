"""Features written chunk by chunk, so that a kill after hours loses one chunk and memory does not grow with the bank.

The rows go to a plain ``.npy`` file of float16 that anybody can map, called ``.partial`` until it is complete; a record
beside it says what they are of and how many are safe. The file is appended to rather than mapped: a full disk is then
an error to read, where a mapped page that cannot be written kills the process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from tqdm.auto import tqdm

from curriculum_bandits.neural.features.moments import matrix_moments
from curriculum_bandits.neural.features.record import Record, partial_path, record_path, remedy
from curriculum_bandits.neural.features.table import FeatureTable

if sys.platform != "win32":
    import fcntl

__all__ = ["Compute", "finished_features", "write_features"]

Compute = Callable[[int, int], npt.ArrayLike]
"""Features of the rows from the first index up to but not including the second, shape (stop - start, d)."""

_STORED = np.dtype("<f2")
_LARGEST = float(np.finfo(np.float16).max)


def write_features(
    path: str | os.PathLike[str] | None,
    n: int,
    columns: int,
    compute: Compute,
    *,
    identity: Mapping[str, Any],
    chunk: int = 8192,
    progress: bool = True,
) -> FeatureTable:
    """Compute features into a file, or go on where an earlier call with the same identity was stopped.

    A finished file is opened and nothing is computed.

    Args:
        path: The ``.npy`` file; None keeps the features in memory.
        n: Number of rows, N.
        columns: Number of columns, d.
        compute: Features of the rows start to stop, shape (stop - start, d); a row may not depend on the chunk.
        identity: Plain values that say what the features are of: the bank's fingerprint, the kind, the settings.
        chunk: Rows computed at once, and lost by a kill at most.
        progress: Whether to show a progress bar.

    Returns:
        The table, mapped where it has a path.

    Raises:
        ValueError: If the file holds features of another identity or shape, or is not one of ours; or if a value is
            not a finite number that float16 can hold, or compute returned another shape. What is in the file already
            stays.
        RuntimeError: If another process is writing the file.

    >>> table = write_features(None, 3, 1, lambda start, stop: np.arange(start, stop)[:, None], identity={},
    ...                        progress=False)
    >>> table.rows([0, 1, 2]).round(2).ravel().tolist()
    [-1.22..., 0.0, 1.22...]
    """
    for name, number in (("n", n), ("columns", columns), ("chunk", chunk)):
        if number < 1:
            raise ValueError(f"{name} is {number}; give at least 1")
    if path is None:
        raw = np.empty((n, columns), dtype=np.float16)
        for start, stop, values in _computed(compute, 0, n, columns, chunk, progress):
            raw[start:stop] = values
        moments = matrix_moments(raw)
        return FeatureTable(raw, moments.center, moments.scale)
    file = Path(path).absolute()
    if (table := finished_features(file, identity)) is not None:
        if table.raw.shape != (n, columns):
            raise ValueError(f"{file} has the shape {table.raw.shape}, not {(n, columns)}. {remedy(file)}")
        return table
    file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(partial_path(file), file) as stream:
        if file.exists():
            # Another process has finished it since we looked, and what is open here is a new and empty file.
            partial_path(file).unlink(missing_ok=True)
        else:
            _complete(stream, Record(identity, n, columns), file, compute, chunk, progress)
    if not file.exists():
        # After the record: a kill between the two leaves a file that lacks nothing but its name. And after closing:
        # some systems do not rename what is open.
        os.replace(partial_path(file), file)
    return FeatureTable.open(file)


def finished_features(path: str | os.PathLike[str], identity: Mapping[str, Any]) -> FeatureTable | None:
    """Open the file if it is finished, and refuse it if it is something else, before anything costly is done.

    Returns:
        The table; None if there is no file yet, or one of this identity (as `write_features` has it) unfinished.

    Raises:
        ValueError: If the file is not one of ours, or holds features of another identity.
    """
    file = Path(path).absolute()
    if not file.exists() and not _begun(file):
        return None  # a record alone is of a file that was deleted
    record = Record.read(file)
    if record is None:
        raise ValueError(f"{file} has no record {record_path(file).name} beside it, so it is not ours. {remedy(file)}")
    record.check_identity(identity, file)
    if not file.exists():
        return None
    if not record.finished:
        raise ValueError(f"{file} exists, but its record says {record.done} of {record.rows} rows. {remedy(file)}")
    return FeatureTable.open(file)


@contextmanager
def _alone(partial: Path, file: Path) -> Iterator[BinaryIO]:
    """The unfinished file, which no other process may write meanwhile (where the system can lock files)."""
    with open(os.open(partial, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666), "r+b") as stream:
        if sys.platform != "win32":
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a kill gives it back
            except BlockingIOError:
                raise RuntimeError(f"another process is writing {file}; call again when it has finished") from None
        yield stream


def _begun(file: Path) -> bool:
    # An empty one was made by a process that was killed before it recorded anything.
    partial = partial_path(file)
    return partial.exists() and partial.stat().st_size > 0


def _complete(stream: BinaryIO, wanted: Record, file: Path, compute: Compute, chunk: int, progress: bool) -> None:
    """Bring the unfinished file to its end, and record its scale."""
    partial = partial_path(file)
    record = Record.read(file) if _begun(file) else None
    shape = (wanted.rows, wanted.columns)
    if record is None:
        record = wanted
        record.write(file)
    elif (record.rows, record.columns) != shape:
        raise ValueError(f"{file} has the shape {(record.rows, record.columns)}, not {shape}. {remedy(file)}")
    if not record.finished:
        record = _append(stream, record, file, compute, chunk, progress)
        moments = matrix_moments(np.load(partial, mmap_mode="r", allow_pickle=False))
        center, scale = (each.astype(np.float32).tolist() for each in (moments.center, moments.scale))
        replace(record, center=center, scale=scale).write(file)


def _append(stream: BinaryIO, record: Record, file: Path, compute: Compute, chunk: int, progress: bool) -> Record:
    """Compute what is missing; every chunk is on the disk before the record counts it."""
    row_bytes = record.columns * _STORED.itemsize
    stream.seek(0)
    if record.done:
        np.lib.format.read_magic(stream)  # read, not computed: versions of numpy pad it differently
        np.lib.format.read_array_header_1_0(stream)
    else:
        shape = (record.rows, record.columns)
        header = {"descr": np.lib.format.dtype_to_descr(_STORED), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
    start_of_rows = stream.tell()
    done = min(record.done, (stream.seek(0, os.SEEK_END) - start_of_rows) // row_bytes)
    # What a kill left of an unrecorded chunk is written again.
    stream.truncate(start_of_rows + done * row_bytes)
    stream.seek(0, os.SEEK_END)
    for _, stop, values in _computed(compute, done, record.rows, record.columns, chunk, progress):
        stream.write(values.tobytes())
        stream.flush()
        os.fsync(stream.fileno())
        record = replace(record, done=stop)
        record.write(file)
    return record


def _computed(
    compute: Compute, done: int, n: int, columns: int, chunk: int, progress: bool
) -> Iterator[tuple[int, int, npt.NDArray[np.float16]]]:
    """Chunks of what is missing: the first row, the row after the last, and their features in half precision."""
    with tqdm(total=n, initial=done, desc="features", unit="row", disable=not progress) as bar:
        for start in range(done, n, chunk):
            stop = min(start + chunk, n)
            values = np.asarray(compute(start, stop))
            if values.shape != (stop - start, columns):
                raise ValueError(
                    f"the features of the rows {start} to {stop - 1} have the shape {values.shape}, "
                    f"not {(stop - start, columns)}; compute must return one row per problem and {columns} columns"
                )
            held = np.abs(values) <= _LARGEST
            if not held.all():
                row, column = np.argwhere(~held)[0].tolist()
                raise ValueError(
                    f"row {start + row}, column {column} is {values[row, column]}; features are stored as float16, so "
                    f"give finite numbers up to {_LARGEST:.0f} in size (matrix_features standardises columns first)"
                )
            yield start, stop, values.astype(_STORED)
            bar.update(stop - start)
