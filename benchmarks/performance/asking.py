"""How long each method takes to ask and to tell: N = 100,000 problems, batches of 256, all methods in one run.

Each is told what a student's rollouts give, so that it does its ordinary work. Run as
``python -m curriculum_bandits.benchmarks.performance.asking``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit

from curriculum_bandits import Curriculum
from curriculum_bandits.environments import SkillStudent
from curriculum_bandits.methods.registry import declared, parse_curriculum

from ..harness.command import check_least
from .timing import PARTS, Place, Report, ask_and_tell, interleaved, quantiles, run, table

__all__ = ["METHODS", "AskingSettings", "main"]

_FIRST = ("uniform", "osmd", "osmd(arms=problems)", "actor_curator")

#: Every declared method, and OSMD over single problems too.
METHODS = (*_FIRST, *(name for name in declared() if name not in _FIRST))

#: Skill, in logits, of the students that solve the pass rates of earlier evaluations, for methods that begin from such.
_REFERENCES = {"weak_pass_rate": 0.0, "strong_pass_rate": 6.0}


@dataclass(frozen=True)
class AskingSettings:
    """Milliseconds that each method takes to ask and to tell.

    Attributes:
        methods: Names with settings, such as 'sec(temperature=0.2)'; by default every one.
        problems: Size of the bank N.
        batch: Problems per step m.
        rounds: Timed steps of each method.
        skipped: Steps of each before them.
        seed: Of the student and of the methods.
    """

    methods: tuple[str, ...] = METHODS
    problems: int = 100_000
    batch: int = 256
    rounds: int = 200
    skipped: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot work, and bring names to one spelling."""
        check_least(self, {"problems": 1, "batch": 1, "rounds": 1, "skipped": 0})
        named = [parse_curriculum(name, given=["steps"]) for name in self.methods]
        labels = tuple(each.label for each in named)
        if not labels or len(set(labels)) < len(labels):
            raise ValueError(f"methods are {list(labels)}; give at least one, and each once")
        if any(each.filters for each in named):
            raise ValueError(f"methods are {list(labels)}; leave out filters, which are neither asked nor told")
        object.__setattr__(self, "methods", labels)


def main(words: Sequence[str] | None = None) -> int:
    """Measure as the options ask, those of the process by default; returns the exit status."""
    place = Place(Path("runs/performance/asking"))
    return run("asking", words, AskingSettings(), place, _measure, torch="neural", sklearn="neural")


def _measure(settings: AskingSettings, place: Place) -> None:
    """Time all methods, write the files, print the table."""
    report = Report("asking", settings, place.output, ["torch"])
    student = SkillStudent.half_hopeless(settings.problems, settings.seed)
    curricula = _curricula(settings, student)
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in curricula}
    for _, name in interleaved(list(curricula), settings.skipped + settings.rounds):
        seconds[name].append(ask_and_tell(curricula[name], settings.batch, partial(_answer, curricula[name], student)))
    results = {name: quantiles(np.array(values[settings.skipped :])) for name, values in seconds.items()}
    rows = [
        {
            "method": name,
            **{f"{part}, ms": f"{parts[part]['median']:.2f}" for part in PARTS},
            "p90 of both": f"{parts['both']['p90']:.2f}",
        }
        for name, parts in results.items()
    ]
    report.write(
        {"milliseconds": results},
        table(rows),
        f"N = {settings.problems:,}, m = {settings.batch}, {settings.rounds} rounds after {settings.skipped}, methods "
        "interleaved; medians, and the 90th percentile of asking and telling together.",
    )


def _answer(curriculum: Curriculum, student: SkillStudent, items: Any) -> Any:
    return curriculum.signal(student.learn(items))


def _curricula(settings: AskingSettings, student: SkillStudent) -> dict[str, Curriculum]:
    bank = student.bank[:]
    assert bank.difficulty is not None
    bank.columns |= {name: expit(skill - bank.difficulty).tolist() for name, skill in _REFERENCES.items()}
    steps = settings.skipped + settings.rounds
    named = [parse_curriculum(name, given=["steps"]) for name in settings.methods]
    return {each.label: each.make(bank, settings.seed, steps=steps) for each in named}


if __name__ == "__main__":
    raise SystemExit(main())
