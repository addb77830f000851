"""Tuning of every method with the same effort: plays what `tuned` lists, and says which settings are best.

    python -m curriculum_bandits.benchmarks.students.tuning --output benchmarks/students/results/tuning

Seeds 100 and 101 and the three banks of simulated students; no other comparison uses these seeds.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..harness.command import Where, run_command
from ..harness.outputs import Outputs
from ..harness.provenance import machine
from ..harness.statistics import finals
from ..harness.tables import csv_text
from ..harness.trials import Trial, parse_seeds
from .entries import BASELINE, ORACLE
from .play import Result, played, result_store, trials_of
from .setting import Setting
from .tuned import TRIED, named

__all__ = ["LEARNERS", "TuningSettings", "best", "main", "shares", "tune"]

#: The banks that settings are chosen on, all of them together.
LEARNERS = ("half-hopeless-skill", "mostly-solved-skill", "drifting-skill")


@dataclass(frozen=True)
class TuningSettings:
    """Try equally many settings of every method, and choose one of each.

    Attributes:
        seeds: That settings are chosen on: numbers, or ranges such as 100..101.
        problems: Size of every bank.
        steps: Updates of a student.
        batch: Problems per step.
        evaluate_every: Steps between evaluations.
    """

    seeds: tuple[int | str, ...] = ("100..101",)
    problems: int = 10_000
    steps: int = 300
    batch: int = 256
    evaluate_every: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        parse_seeds(self.seeds)
        self.of(LEARNERS[0])

    def of(self, learner: str) -> Setting:
        """What a learner is given."""
        return Setting(learner, self.problems, self.steps, None, self.batch, self.evaluate_every)


def shares(results: Mapping[Trial, Result], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Share of the oracle's gain over uniform, by method and bank.

    Args:
        results: Every run of the named methods, of uniform and of the oracle.
        names: Methods with their settings.

    Returns:
        For each method the share on each bank, of mean final accuracies over the seeds.
    """
    ends: dict[tuple[str, str], list[float]] = {}
    for trial, result in results.items():
        ends.setdefault((trial.setting.learner, trial.entry), []).append(float(finals(result.accuracy)))
    final = {cell: float(np.mean(values)) for cell, values in ends.items()}

    def share(learner: str, name: str) -> float:
        uniform, oracle = final[learner, BASELINE], final[learner, ORACLE]
        return (final[learner, name] - uniform) / (oracle - uniform)

    return {name: {learner: share(learner, name) for learner in LEARNERS} for name in names}


def best(table: Mapping[str, Mapping[str, float]], method: str) -> str:
    """The settings of a method with the largest mean share over the banks; the published ones if no other has more.

    Args:
        table: What `shares` returned.
        method: Its name in `tuned.TRIED`.

    Returns:
        The settings, empty for the published ones.
    """
    tried = ("", *TRIED[method])
    return tried[int(np.argmax([np.mean(list(table[named(method, settings)].values())) for settings in tried]))]


def tune(settings: TuningSettings, place: Where) -> None:
    """Play what is not stored yet, write the table, and say what is best.

    Args:
        settings: How much.
        place: Who works, and what is written.
    """
    outputs = Outputs(place.output, asdict(settings))
    names = [named(method, each) for method, tried in TRIED.items() for each in ("", *tried)]
    trials = [
        trial
        for learner in LEARNERS
        for trial in trials_of((BASELINE, ORACLE, *names), settings.of(learner), parse_seeds(settings.seeds))
    ]
    results, _ = played(trials, result_store(place.results), place, again=place.again)
    table, lines = shares(results, names), []
    for method, tried in TRIED.items():
        chosen = best(table, method)
        print(f"{method}: {chosen or 'published'}")
        for each in ("", *tried):
            numbers = table[named(method, each)]
            lines.append(
                {
                    "method": method,
                    "settings": each or "published",
                    **{learner: f"{number:.4f}" for learner, number in numbers.items()},
                    "mean": f"{np.mean(list(numbers.values())):.4f}",
                    "chosen": "yes" if each == chosen else "",
                }
            )
    outputs.write({"tuning.csv": csv_text(lines)}, about=machine())


def main(words: Sequence[str] | None = None) -> int:
    """Tune as the command line asks.

    Args:
        words: Options; None takes those of the process.

    Returns:
        Exit status.
    """
    name = "python -m curriculum_bandits.benchmarks.students.tuning"
    needs = dict.fromkeys(("joblib", "tyro"), "benchmarks")
    return run_command(name, words, TuningSettings(), Where(output=Path("runs/tuning")), tune, needs=needs)


if __name__ == "__main__":
    sys.exit(main())
