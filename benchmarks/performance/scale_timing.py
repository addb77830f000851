"""Times of ask and of tell for banks of several sizes, played in turn in one process.

Sizes take turns of a few rounds, forwards and then backwards, so that whatever else the machine does disturbs all
alike; what is said about growth compares blocks that were played within a second of each other.
"""

from __future__ import annotations

import mmap
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm.auto import tqdm

from curriculum_bandits import Curriculum
from curriculum_bandits.neural.features import FeatureTable

from .problems import ScaleSettings, bank_curriculum, feature_file, utilities_of

__all__ = ["PARTS", "RESAMPLES", "growth", "measure_times", "summary"]

FloatArray = npt.NDArray[np.float64]

#: What is timed.
PARTS = ("ask", "tell", "both")
#: Of the bootstrap.
RESAMPLES = 2000


Utilities = Callable[[npt.NDArray[np.int64]], FloatArray]


@dataclass
class _Bank:
    curriculum: Curriculum
    utilities: Utilities

    def play(self, rounds: int, batch: int) -> FloatArray:
        """Seconds of ask and of tell in each round, shape (rounds, 2)."""
        seconds = np.empty((rounds, 2))
        for number in range(rounds):
            begin = time.perf_counter()
            draw = self.curriculum.ask(batch)
            seconds[number, 0] = time.perf_counter() - begin
            utilities = self.utilities(draw.items)
            begin = time.perf_counter()
            self.curriculum.tell(draw, utilities)
            seconds[number, 1] = time.perf_counter() - begin
        return seconds


def measure_times(folder: Path, settings: ScaleSettings, *, progress: bool = True) -> dict[str, Any]:
    """Play all banks in turn.

    Args:
        folder: Holds the features of each.
        settings: Sizes, rounds and all else.
        progress: Show a progress bar.

    Returns:
        ``seconds``: of each size N the times, shape (blocks, block, 2) for ask and tell; ``first``: the same of the
        first block after the file was opened, when its pages are in memory but not yet mapped.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        tables: dict[int, FeatureTable] = {}
        banks: dict[int, _Bank] = {}
        for n in settings.problems:
            path = feature_file(folder, n)
            _read_once(path)
            tables[n] = FeatureTable.open(path)
            banks[n] = _Bank(bank_curriculum(tables[n], settings), utilities_of(tables[n], settings.seed))
        # Torch is slow at first; that is played away on a copy, so that it does not count as anybody's first block.
        smallest = FeatureTable.open(feature_file(folder, settings.problems[0]))
        _Bank(bank_curriculum(smallest, settings), utilities_of(smallest, settings.seed)).play(
            settings.block, settings.batch
        )
        first = {n: bank.play(settings.block, settings.batch) for n, bank in banks.items()}
        for n, bank in banks.items():
            _map_all(tables[n])
            bank.play(settings.block, settings.batch)
        blocks = -(-settings.rounds // settings.block)
        seconds: dict[int, list[FloatArray]] = {n: [] for n in banks}
        for block in tqdm(range(blocks), desc="ask and tell", unit="block", disable=not progress):
            for n in list(banks)[:: 1 if block % 2 == 0 else -1]:
                seconds[n].append(banks[n].play(settings.block, settings.batch))
    finally:
        torch.set_num_threads(threads)
    return {"seconds": {n: np.stack(rows) for n, rows in seconds.items()}, "first": first}


def _read_once(path: Path) -> None:
    """Bring the file into the page cache."""
    with open(path, "rb", buffering=0) as stream:
        while stream.read(1 << 24):
            pass


def _map_all(table: FeatureTable) -> None:
    """Touch every page of the features, as an epoch of candidates would."""
    row_bytes = table.columns * table.raw.itemsize
    table.raw[:: max(1, mmap.PAGESIZE // row_bytes), 0].max()


def summary(seconds: FloatArray) -> dict[str, dict[str, float]]:
    """Median, 90th and 99th percentile of ask, tell and both.

    Args:
        seconds: Times of ask and tell, shape (..., 2).

    Returns:
        By part, then ``median``, ``p90``, ``p99``, in milliseconds.
    """
    levels = {"median": 0.5, "p90": 0.9, "p99": 0.99}
    return {
        part: {name: 1000.0 * float(np.quantile(values, level)) for name, level in levels.items()}
        for part, values in _by_part(seconds).items()
    }


def growth(seconds: Mapping[int, FloatArray], *, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, Any]:
    """How many times as long the largest bank takes as the smallest: ratio of medians, bootstrap over paired blocks.

    Args:
        seconds: Of each size N the times, shape (blocks, block, 2).
        seed: Of the resampling.
        resamples: Number of resamples.

    Returns:
        ``from`` and ``to``, and by part ``ratio``, ``low`` and ``high`` (95 %).
    """
    sizes: Sequence[int] = sorted(seconds)
    small, large = _by_part(seconds[sizes[0]]), _by_part(seconds[sizes[-1]])
    blocks = len(seconds[sizes[0]])
    chosen = np.random.default_rng(seed).integers(blocks, size=(resamples, blocks))
    result: dict[str, Any] = {"from": sizes[0], "to": sizes[-1]}
    for part in PARTS:
        ratios = [float(np.median(large[part][rows]) / np.median(small[part][rows])) for rows in chosen]
        low, high = np.quantile(ratios, [0.025, 0.975])
        whole = float(np.median(large[part]) / np.median(small[part]))
        result[part] = {"ratio": whole, "low": float(low), "high": float(high)}
    return result


def _by_part(seconds: FloatArray) -> dict[str, FloatArray]:
    return {"ask": seconds[..., 0], "tell": seconds[..., 1], "both": seconds.sum(axis=-1)}
