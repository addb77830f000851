"""Tuning of every method with the same effort: plays what `tuned` lists, and says which settings are best.

    python -m curriculum_bandits.benchmarks.curricula.tuning --output benchmarks/curricula/results/tuning

Seeds 100 and 101 and the three banks of simulated students; no other comparison uses these seeds.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from .entries import BASELINE, ORACLE
from .measuring import finals
from .play import Result, Run
from .store import Store
from .tuned import TRIED, named
from .workers import finished

__all__ = ["LEARNERS", "SEEDS", "best", "main", "shares", "tune"]

#: The banks that settings are chosen on, all of them together.
LEARNERS = ("half-hopeless-skill", "mostly-solved-skill", "drifting-skill")

#: The seeds that settings are chosen on.
SEEDS = (100, 101)

_PROBLEMS, _STEPS, _BATCH, _EVERY = 10_000, 300, 256, 10


def _run(learner: str, method: str, seed: int) -> Run:
    return Run(learner, _PROBLEMS, method, seed, _STEPS, None, _BATCH, _EVERY)


def shares(results: dict[Run, Result], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Share of the oracle's gain over uniform, by method and bank.

    Args:
        results: Every run of the named methods, of uniform and of the oracle.
        names: Methods with their settings.

    Returns:
        For each method the share on each bank, of mean final accuracies over the seeds.
    """

    def final(learner: str, method: str) -> float:
        return float(np.mean([finals(results[_run(learner, method, seed)].accuracy) for seed in SEEDS]))

    scale = {learner: (final(learner, BASELINE), final(learner, ORACLE)) for learner in LEARNERS}
    return {
        name: {
            learner: (final(learner, name) - uniform) / (oracle - uniform)
            for learner, (uniform, oracle) in scale.items()
        }
        for name in names
    }


def best(table: dict[str, dict[str, float]], method: str) -> str:
    """The settings of a method with the largest mean share over the banks; the published ones if no other has more.

    Args:
        table: What `shares` returned.
        method: Its name in `tuned.TRIED`.

    Returns:
        The settings, empty for the published ones.
    """
    tried = ("", *TRIED[method])
    mean = [float(np.mean(list(table[named(method, settings)].values()))) for settings in tried]
    return tried[int(np.argmax(mean))]


def tune(output: Path, *, jobs: int = -1) -> None:
    """Play what is not stored yet, and write the table.

    Args:
        output: Folder of the runs and of the table.
        jobs: Worker processes; -1 for all cores.
    """
    names = [named(method, settings) for method, tried in TRIED.items() for settings in ("", *tried)]
    runs = [_run(learner, name, seed) for seed in SEEDS for learner in LEARNERS for name in (BASELINE, ORACLE, *names)]
    store = Store(output / "runs")
    missing = [run for run in runs if store.load(run) is None]
    with tqdm(total=len(runs), initial=len(runs) - len(missing), unit="run") as bar:
        for run, result in finished(missing, jobs=jobs):
            store.save(run, result)
            bar.update()
    stored = {run: store.load(run) for run in runs}
    results = {run: result for run, result in stored.items() if result is not None}
    table = shares(results, names)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["method", "settings", *LEARNERS, "mean", "chosen"])
    for method, tried in TRIED.items():
        chosen = best(table, method)
        for settings in ("", *tried):
            numbers = list(table[named(method, settings)].values())
            row = [f"{number:.4f}" for number in (*numbers, float(np.mean(numbers)))]
            writer.writerow([method, settings or "published", *row, "yes" if settings == chosen else ""])
        print(f"{method}: {chosen or 'published'}")
    (output / "tuning.csv").write_text(buffer.getvalue(), encoding="utf-8")


def main(argv: Sequence[str] | None = None) -> None:
    """Tune as the command line asks.

    Args:
        argv: Arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("runs/tuning"), help="folder (default: runs/tuning)")
    parser.add_argument("--jobs", type=int, default=-1, metavar="N", help="worker processes (default: all cores)")
    arguments = parser.parse_args(argv)
    tune(arguments.output, jobs=arguments.jobs)


if __name__ == "__main__":
    main()
