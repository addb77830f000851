"""Banks of any size whose problems weigh nothing, features of them on disk, and utilities that features can predict.

Only what the curator itself needs may grow with the bank, so prompts are made when they are asked for and features are
random numbers in a file that is mapped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import overload

import numpy as np
import numpy.typing as npt

from curriculum_bandits import Curriculum, ProblemBank, methods
from curriculum_bandits.neural import DEFAULT, FeatureRows, MlpScorer
from curriculum_bandits.neural.features import FeatureTable, write_features

__all__ = ["LazyPrompts", "ScaleSettings", "bank_curriculum", "feature_file", "make_features", "utilities_of"]

_ROWS_AT_ONCE = 1 << 17
_BLOCK = 4096  # rows with a random stream of their own, so that no row depends on how many are written at once
_NOISE = 0.01


@dataclass(frozen=True)
class ScaleSettings:
    """What is measured; two runs with equal settings do the same work.

    Attributes:
        problems: Sizes N of the banks, ascending.
        candidates: Candidates M per draw.
        batch: Problems per draw, m.
        columns: Features per problem, d.
        hidden: Width of each hidden layer of the scorer; the default is that of the default preset.
        rounds: Pairs of ask and tell that are measured for each bank.
        block: Rounds that a bank is played before the next one has its turn.
        threads: Threads of torch.
        seed: Of features, utilities and curricula.
    """

    problems: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    candidates: int = 2048
    batch: int = 256
    columns: int = 64
    hidden: tuple[int, ...] = (64, 64)
    rounds: int = 300
    block: int = 10
    threads: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        for name in ("candidates", "batch", "columns", "rounds", "block", "threads"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not self.problems or list(self.problems) != sorted(set(self.problems)):
            raise ValueError(f"problems is {self.problems}; give different sizes in ascending order")
        if min(self.problems) < self.candidates or self.batch > self.candidates:
            raise ValueError(
                f"a batch of {self.batch} is drawn from {self.candidates} candidates of a bank of "
                f"{min(self.problems)}; each must be at least as large as the one before"
            )


class LazyPrompts(Sequence[str]):
    """Prompts that are made when they are asked for; a bank of them holds none.

    Args:
        count: How many, N.

    >>> prompts = LazyPrompts(3)
    >>> len(prompts), prompts[2], prompts[1:]
    (3, 'problem 2', ['problem 1', 'problem 2'])
    """

    def __init__(self, count: int) -> None:
        self._range = range(count)

    def __len__(self) -> int:
        """Number of prompts, N."""
        return len(self._range)

    @overload
    def __getitem__(self, item: int) -> str: ...

    @overload
    def __getitem__(self, item: slice) -> list[str]: ...

    def __getitem__(self, item: int | slice) -> str | list[str]:
        """One prompt, or a list of some."""
        chosen = self._range[item]
        return [f"problem {i}" for i in chosen] if isinstance(chosen, range) else f"problem {chosen}"


def feature_file(folder: Path, n_problems: int) -> Path:
    """Where the features of a bank are.

    Args:
        folder: The folder of all of them.
        n_problems: Size of the bank, N.

    Returns:
        The path.
    """
    return folder / f"features-{n_problems}.npy"


def make_features(folder: Path, n_problems: int, settings: ScaleSettings, *, progress: bool = True) -> FeatureTable:
    """Write random features, or open them if they are there.

    Args:
        folder: Gets the file, of two bytes per number, and its record.
        n_problems: Size of the bank, N.
        settings: Columns and seed.
        progress: Show a progress bar.

    Returns:
        The table, memory-mapped.
    """
    columns = settings.columns

    def compute(start: int, stop: int) -> npt.NDArray[np.float32]:
        first = start // _BLOCK
        blocks = [
            np.random.default_rng([settings.seed, number]).standard_normal((_BLOCK, columns), dtype=np.float32)
            for number in range(first, -(-stop // _BLOCK))
        ]
        return np.concatenate(blocks)[start - first * _BLOCK : stop - first * _BLOCK]

    identity = {"kind": "scale benchmark", "seed": settings.seed}
    path = feature_file(folder, n_problems)
    return write_features(path, n_problems, columns, compute, identity=identity, chunk=_ROWS_AT_ONCE, progress=progress)


def bank_curriculum(table: FeatureTable, settings: ScaleSettings) -> Curriculum:
    """The neural curator with its default preset over a bank that holds nothing.

    Args:
        table: The features; as many rows as the bank has problems.
        settings: Candidates, scorer and seed.

    Returns:
        The curriculum.
    """
    inputs = FeatureRows(table)
    heads = 2 if DEFAULT.baseline == "predicted" else 1
    return methods.actor_curator(
        ProblemBank(LazyPrompts(len(inputs))),
        seed=settings.seed,
        inputs=inputs,
        scorer=MlpScorer(inputs.columns, hidden=settings.hidden, heads=heads, seed=settings.seed),
        settings=replace(DEFAULT, candidates=settings.candidates),
    )


def utilities_of(table: FeatureTable, seed: int) -> Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]]:
    """Utilities as policy improvements are: small, of both signs, partly a function of the features, mostly noise.

    Args:
        table: The features.
        seed: Of the function and of the noise.

    Returns:
        A function from items (m,) to utilities (m,).
    """
    rng = np.random.default_rng([seed, 1])
    direction = rng.normal(size=table.columns) / np.sqrt(table.columns)

    def utilities(items: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        return _NOISE * (np.tanh(table.rows(items) @ direction) + rng.normal(size=len(items)))

    return utilities
