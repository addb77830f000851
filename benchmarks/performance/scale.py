"""Time and memory of one ask and tell of the neural curator, for banks of ten thousand to ten million problems.

Only what the curator itself needs may grow with the bank, so prompts are made when they are asked for and features are
random numbers in a mapped file: 1.3 GB on disk for ten million problems with 64 columns. Run as
``python -m curriculum_bandits.benchmarks.performance.scale``.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits import Curriculum, ProblemBank, methods
from curriculum_bandits._typing import FloatArray
from curriculum_bandits.plotting import new_figure

from ..harness.command import check_least
from .timing import (
    PARTS,
    Place,
    Report,
    ask_and_tell,
    by_part,
    draw_growth,
    interleaved,
    quantiles,
    run,
    table,
    verdict,
)

__all__ = ["LazyPrompts", "ScalePlace", "ScaleSettings", "main"]

#: Milliseconds of an ask and a tell together, median at the largest bank.
AIM_MILLISECONDS = 10.0
#: That of the largest bank over that of the smallest.
AIM_GROWTH = 1.3
#: Bytes of memory per problem, mapped features apart; below this.
AIM_BYTES = 20.0

_RESAMPLES = 2000
_ROWS_AT_ONCE = 1 << 17
_BLOCK = 4096  # rows with a random stream of their own, so that no row depends on how many are written at once
_NOISE = 0.01


@dataclass(frozen=True)
class ScaleSettings:
    """Milliseconds and bytes of the neural curator against the size of the bank.

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
        check_least(self, dict.fromkeys(("candidates", "batch", "columns", "rounds", "block", "threads"), 1))
        if not self.problems or list(self.problems) != sorted(set(self.problems)):
            raise ValueError(f"problems is {self.problems}; give different sizes in ascending order")
        if min(self.problems) < self.candidates or self.batch > self.candidates:
            raise ValueError(
                f"a batch of {self.batch} is drawn from {self.candidates} candidates of a bank of "
                f"{min(self.problems)}; each must be at least as large as the one before"
            )


@dataclass(frozen=True)
class ScalePlace(Place):
    """Where the features and the results go.

    Attributes:
        output: Folder of results, table and figure; results of other settings there are moved aside.
        features: Folder that keeps the files of features for another command; by default a temporary one.
    """

    output: Path = Path("runs/performance/scale")
    features: Path | None = None


def main(words: Sequence[str] | None = None) -> int:
    """Measure as the options ask, those of the process by default; returns the exit status."""
    return run("scale", words, ScaleSettings(), ScalePlace(), _measure, torch="neural", sklearn="neural")


def _measure(settings: ScaleSettings, place: ScalePlace) -> None:
    """Measure everything, write the files, print the table."""
    report = Report("scale", settings, place.output, ["torch"])
    with tempfile.TemporaryDirectory(prefix="scale-") as made:
        folder = place.features or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        files = {n: folder / f"features-{n}.npy" for n in settings.problems}
        for n, path in files.items():
            write_random_features(path, n, settings)
        first, seconds = _times(files, settings)
        memory = [{"problems": n, **_memory(path, settings)} for n, path in files.items()]
    times = [
        {"problems": n, **quantiles(seconds[n]), "first": quantiles(first[n]), "seconds": seconds[n].round(7).tolist()}
        for n in files
    ]
    growth, per_problem = _growth(seconds, settings.seed), _bytes_per_problem(memory)
    results = {"times": times, "growth": growth, "memory": memory, "bytes_per_problem": per_problem}
    hidden = " and ".join(map(str, settings.hidden)) or "no"
    note = (
        f"{settings.candidates:,} candidates, {settings.batch} problems a draw; a network with {hidden} hidden units "
        f"over {settings.columns} float16 features, memory-mapped, in the page cache; {settings.threads} threads. "
        f"{settings.rounds} rounds of each bank, in turn in blocks of {settings.block}; intervals: 95 % bootstrap over "
        "paired blocks. First: both together before the pages of the file were mapped. Memory: not backed by files, "
        f"above that before the curriculum was built; {settings.rounds} rounds of each bank in a process of its own."
    )
    report.write(results, _text(results), note, _figure(settings, times))


class LazyPrompts(Sequence[str]):
    """So many prompts, made when they are asked for; a bank of them holds none."""

    def __init__(self, count: int) -> None:
        self._range = range(count)

    def __len__(self) -> int:
        return len(self._range)

    def __getitem__(self, item: Any) -> Any:
        chosen = self._range[item]
        return [f"problem {i}" for i in chosen] if isinstance(chosen, range) else f"problem {chosen}"


def write_random_features(path: Path, n_problems: int, settings: ScaleSettings) -> Any:
    """Random features in a file, or those that are there; returns the mapped table."""
    from curriculum_bandits.neural.features import write_features

    columns = settings.columns

    def compute(start: int, stop: int) -> npt.NDArray[np.float32]:
        first = start // _BLOCK
        blocks = [
            np.random.default_rng([settings.seed, number]).standard_normal((_BLOCK, columns), dtype=np.float32)
            for number in range(first, -(-stop // _BLOCK))
        ]
        return np.concatenate(blocks)[start - first * _BLOCK : stop - first * _BLOCK]

    identity = {"kind": "scale benchmark", "seed": settings.seed}
    return write_features(path, n_problems, columns, compute, identity=identity, chunk=_ROWS_AT_ONCE)


class _Bank:
    """The neural curator with its default preset, over a bank that holds nothing but features on disk."""

    def __init__(self, path: Path, settings: ScaleSettings) -> None:
        from curriculum_bandits.neural import DEFAULT, FeatureRows, MlpScorer
        from curriculum_bandits.neural.features import FeatureTable

        self.table, self.batch = FeatureTable.open(path), settings.batch
        inputs, seed = FeatureRows(self.table), settings.seed
        heads = 2 if DEFAULT.baseline == "predicted" else 1
        self.curriculum: Curriculum = methods.actor_curator(
            ProblemBank(LazyPrompts(len(inputs))),
            seed=seed,
            inputs=inputs,
            scorer=MlpScorer(inputs.columns, hidden=settings.hidden, heads=heads, seed=seed),
            settings=replace(DEFAULT, candidates=settings.candidates),
        )
        self._rng = np.random.default_rng([seed, 1])
        self._direction = self._rng.normal(size=self.table.columns) / np.sqrt(self.table.columns)

    def utilities(self, items: npt.NDArray[np.int64]) -> FloatArray:
        """As policy improvements are: small, of both signs, partly a function of the features, mostly noise."""
        predictable = np.tanh(self.table.rows(items) @ self._direction)
        return np.asarray(_NOISE * (predictable + self._rng.normal(size=len(items))))

    def play(self, rounds: int) -> FloatArray:
        """Seconds of ask and of tell in each round, shape (rounds, 2)."""
        return np.array([ask_and_tell(self.curriculum, self.batch, self.utilities) for _ in range(rounds)])


def _times(files: Mapping[int, Path], settings: ScaleSettings) -> tuple[dict[int, FloatArray], dict[int, FloatArray]]:
    """Times of ask and tell by size: of the first block, shape (block, 2), and of later ones, shape (blocks, block, 2).

    In the first block after the file was opened its pages are in memory but not yet mapped.
    """
    import torch

    threads, block = torch.get_num_threads(), settings.block
    torch.set_num_threads(settings.threads)
    try:
        for path in files.values():
            with open(path, "rb", buffering=0) as stream:  # brings the file into the page cache
                while stream.read(1 << 24):
                    pass
        banks = {n: _Bank(path, settings) for n, path in files.items()}
        # Torch is slow at first; that is played away on a copy, so that it does not count as anybody's first block.
        _Bank(files[settings.problems[0]], settings).play(block)
        first = {n: bank.play(block) for n, bank in banks.items()}
        for bank in banks.values():
            bank.table.raw[:, 0].max()  # touches every page, as an epoch of candidates would
            bank.play(block)
        seconds: dict[int, list[FloatArray]] = {n: [] for n in banks}
        for _, n in interleaved(list(banks), -(-settings.rounds // block)):
            seconds[n].append(banks[n].play(block))
    finally:
        torch.set_num_threads(threads)
    return first, {n: np.stack(blocks) for n, blocks in seconds.items()}


def _growth(seconds: Mapping[int, FloatArray], seed: int = 0) -> dict[str, tuple[float, ...]]:
    """Medians of the largest bank over those of the smallest, by part, with 95 % bootstrap over paired blocks."""
    small, large = by_part(seconds[min(seconds)]), by_part(seconds[max(seconds)])
    blocks = len(small["ask"])
    chosen = np.random.default_rng(seed).integers(blocks, size=(_RESAMPLES, blocks))
    growth = {}
    for part in PARTS:
        ratios = [np.median(large[part][rows]) / np.median(small[part][rows]) for rows in (np.arange(blocks), *chosen)]
        growth[part] = (float(ratios[0]), *map(float, np.quantile(ratios[1:], [0.025, 0.975])))
    return growth


def _memory(path: Path, settings: ScaleSettings) -> dict[str, Any]:
    """Memory of a fresh process before the curriculum was built, when it was built, and when it was played."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_play_alone, path, settings).result()


def _play_alone(path: Path, settings: ScaleSettings) -> dict[str, int | None]:
    import torch

    from curriculum_bandits.neural.features import FeatureTable

    torch.set_num_threads(settings.threads)
    FeatureTable.open(path)
    before = resident_bytes()
    bank = _Bank(path, settings)
    built = resident_bytes()
    bank.play(settings.rounds)
    return {"before": before, "built": built, "played": resident_bytes()}


def resident_bytes() -> int | None:
    """Memory of this process that no file backs, so mapped features do not count; None where the system cannot tell."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("RssAnon:"):
                return 1024 * int(line.split()[1])  # "kB", which are KiB
    return None


def _bytes_per_problem(memory: Sequence[Mapping[str, Any]]) -> float | None:
    """Cost of another problem: growth of the memory from the smallest to the largest bank, over that of N."""
    small, large = memory[0], memory[-1]
    if len(memory) < 2 or small["played"] is None or large["played"] is None:
        return None
    more = (large["played"] - large["before"]) - (small["played"] - small["before"])
    return float(more / (large["problems"] - small["problems"]))


def _text(results: Mapping[str, Any]) -> str:
    rows = []
    for times, memory in zip(results["times"], results["memory"], strict=True):
        levels = {part: " ".join(f"{ms:6.2f}" for ms in times[part].values()) for part in PARTS}
        row = {"problems": f"{times['problems']:,}", **levels, "first": f"{times['first']['both']['median']:.2f}"}
        for when in ("built", "played"):
            known = memory["before"] is not None
            row[f"{when}, MiB"] = f"{(memory[when] - memory['before']) / 2**20:.1f}" if known else "-"
        rows.append(row)
    growth, largest = results["growth"], f"{results['times'][-1]['problems']:,}"
    ratios = [f"{part} {ratio:.2f} ({low:.2f} to {high:.2f})" for part, (ratio, low, high) in growth.items()]
    both = results["times"][-1]["both"]["median"]
    aims = [
        verdict(f"ask and tell together at {largest} problems, ms", both, AIM_MILLISECONDS),
        verdict("their growth", growth["both"][0], AIM_GROWTH),
        verdict("bytes per problem beyond the mapped features", results["bytes_per_problem"], AIM_BYTES),
    ]
    title = "Milliseconds of one ask and tell of the neural curator (median, p90, p99), and its memory"
    grown = f"{largest} problems over {results['times'][0]['problems']:,}, ratio of medians: {', '.join(ratios)}"
    return "\n\n".join([title, table(rows), grown, "\n".join(aims)])


def _figure(settings: ScaleSettings, times: Sequence[Mapping[str, Any]]) -> Any:
    """Time against the size of the bank, ask and tell apart."""
    figure = new_figure(7.5, 5.2)
    axes = figure.subplots()
    series = {
        part: [(row["problems"], row[part]["median"], row[part]["median"], row[part]["p99"]) for row in times]
        for part in PARTS
    }
    draw_growth(axes, series, AIM_MILLISECONDS, "for both")
    drawn = f"{settings.batch} drawn of {settings.candidates:,} candidates, {settings.columns} features"
    axes.set(xlabel="problems in the bank; median, shaded to p99", title=f"Neural curator: {drawn}")
    return figure


if __name__ == "__main__":
    sys.exit(main())
