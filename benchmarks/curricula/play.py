"""One run: a student, a contender, a seed; and what is kept of it.

The result depends on the run alone (but for the seconds), not on where it is played or beside what. It is small enough
to be stored as JSON: curves at the evaluations, and means over the steps between two of them.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import curriculum_bandits
from curriculum_bandits import run as train
from curriculum_bandits.environments import Student
from curriculum_bandits.rollouts import Rollouts

from . import contenders, students

__all__ = ["Result", "Run", "code_digest", "evaluations", "plan", "play"]

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Numbers = tuple[float, ...]

_FORMAT = 1  # to be raised when what a result holds, or how it is made, changes


@dataclass(frozen=True)
class Run:
    """The recipe of a run.

    Attributes:
        student: Its name in `students.STUDENTS`.
        problems: Size of the bank N.
        method: Name in `contenders.CONTENDERS`.
        seed: Of bank, student and curriculum.
        steps: Updates of the student.
        batch: Problems per step.
        evaluate_every: Steps between evaluations.
    """

    student: str
    problems: int
    method: str
    seed: int
    steps: int
    batch: int
    evaluate_every: int

    def digest(self) -> str:
        """A name made of all settings: equal runs have equal names, others other ones.

        It watches the contender's revision but not the code: `Result.code` tells which code made a result.
        """
        identity = [_FORMAT, contenders.CONTENDERS[self.method].revision, *astuple(self)]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Result:
    """What a run brought. E evaluations have E - 1 windows of steps between them; what has no value is nan.

    Attributes:
        steps: Step of each evaluation, from 0, length E.
        rollouts: Rollouts until then, length E.
        accuracy: Mean success on the held-out problems, length E.
        bank_success: Mean success on the bank, length E.
        informative: Share of the drawn problems whose rewards differed, length E - 1.
        effective: Mean effective number of problems (exponential of the entropy), nan for a method without a
            distribution, length E - 1.
        drawn: Share of the draws on each level, easiest first, E - 1 rows.
        distinct: Different problems drawn in all.
        ask: Seconds per step to choose a batch.
        learn: Seconds per step to roll it out and learn from it.
        tell: Seconds per step to judge and to tell.
        code: `code_digest` of the code that made it.
    """

    steps: Numbers
    rollouts: Numbers
    accuracy: Numbers
    bank_success: Numbers
    informative: Numbers
    effective: Numbers
    drawn: tuple[Numbers, ...]
    distinct: int
    ask: float
    learn: float
    tell: float
    code: str

    def state(self) -> dict[str, Any]:
        """For JSON: plain lists and numbers, None for nan."""
        return {name: _plain(value) for name, value in asdict(self).items()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Result:
        """The result that `state` was made of.

        Args:
            state: As `state` returned it, or as JSON made it.

        Returns:
            The result.

        Raises:
            KeyError: If something is missing.
            TypeError: If something is not what it should be.
            ValueError: If lengths do not fit.
        """
        curves = ("steps", "rollouts", "accuracy", "bank_success", "informative", "effective")
        values: dict[str, Any] = {name: _numbers(state[name]) for name in curves}
        values["drawn"] = tuple(_numbers(row) for row in state["drawn"])
        values.update({name: float(state[name]) for name in ("ask", "learn", "tell")})
        made = cls(**values, distinct=int(state["distinct"]), code=str(state["code"]))
        lengths = [len(getattr(made, name)) for name in curves]
        windows = lengths[0] - 1
        if lengths != [lengths[0]] * 4 + [windows] * 2 or len(made.drawn) != windows:
            raise ValueError(f"the curves have lengths {lengths}; they must fit to one another")
        return made


def plan(
    names: Sequence[str],
    methods: Sequence[str],
    seeds: Sequence[int],
    *,
    problems: int,
    steps: int,
    batch: int,
    evaluate_every: int,
) -> list[Run]:
    """Every run of a comparison.

    Args:
        names: Students.
        methods: Contenders.
        seeds: Seeds.
        problems: Size of the bank.
        steps: Updates of the student.
        batch: Problems per step.
        evaluate_every: Steps between evaluations.

    Returns:
        The runs, seed after seed: what is done when a comparison is interrupted is complete for some seeds.
    """
    return [
        Run(student, problems, method, seed, steps, batch, evaluate_every)
        for seed in seeds
        for student in names
        for method in methods
    ]


def evaluations(steps: int, every: int) -> list[int]:
    """Steps at which a run evaluates: before the first, after every so many, and after the last.

    Args:
        steps: Steps of the run.
        every: Steps between evaluations.

    Returns:
        Ascending.

    >>> evaluations(25, 10)
    [0, 10, 20, 25]
    """
    return sorted({*range(0, steps + 1, every), steps})


def play(run: Run) -> Result:
    """Train a student under a contender, and measure.

    Args:
        run: The recipe.

    Returns:
        What it brought.

    Raises:
        RuntimeError: If something fails; the message says in which run, the cause is what was raised.
    """
    try:
        student = students.STUDENTS[run.student].make(run.problems, run.seed)
        curriculum = contenders.CONTENDERS[run.method].make(student, run.seed)
        learner = _Watched(student)
        rows = train(curriculum, learner, run.steps, run.batch, evaluate_every=run.evaluate_every, progress=False)
    except Exception as error:
        raise RuntimeError(
            f"{run.method} on {run.student} failed (seed {run.seed}, {run.problems} problems): "
            f"{type(error).__name__}: {error}"
        ) from error
    at = evaluations(run.steps, run.evaluate_every)
    names = [f"drawn/{name}" for name in student.bank.group_names]
    by_cell = np.array([[row[name] for name in names] for row in rows[1:]])
    by_level = np.sum(by_cell.reshape(len(by_cell), *student.problems.difficulty.shape), axis=1)

    def curve(name: str) -> Numbers:
        return tuple(rows[step][name] for step in at)

    def windows(values: FloatArray) -> FloatArray:
        return np.array([np.mean(values[a:b], axis=0) for a, b in pairwise(at)])

    def column(name: str) -> FloatArray:
        return np.array([row[name] for row in rows[1:]])

    return Result(
        steps=tuple(float(step) for step in at),
        rollouts=curve("rollouts"),
        accuracy=curve("accuracy"),
        bank_success=curve("bank_success"),
        informative=tuple(windows(column("informative_share")).round(6).tolist()),
        effective=tuple(windows(column("effective_problems")).round(3).tolist()),
        drawn=tuple(tuple(row) for row in windows(by_level).round(6).tolist()),
        distinct=int(np.sum(learner.drawn)),
        ask=float(np.mean(column("seconds/ask"))),
        learn=float(np.mean(column("seconds/learn"))),
        tell=float(np.mean(column("seconds/tell"))),
        code=code_digest(),
    )


@cache
def code_digest() -> str:
    """A short digest of the package's source and of this benchmark's; once a process, which has it loaded."""
    digest = hashlib.sha256()
    roots = [Path(curriculum_bandits.__file__).parent, Path(__file__).parent]
    for root in roots:
        for file in sorted(root.rglob("*.py")):
            if root == roots[0] and file.relative_to(root).parts[0] in ("adapters", "benchmarks"):
                continue  # there in a wheel, but not in a checkout
            digest.update(hashlib.sha256(file.relative_to(root).as_posix().encode()).digest())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:8]


class _Watched:
    """A student whose draws are remembered."""

    def __init__(self, student: Student) -> None:
        self._student = student
        self.drawn = np.zeros(len(student.bank), dtype=bool)

    def learn(self, items: IntArray) -> Rollouts:
        self.drawn[items] = True
        return self._student.learn(items)

    def evaluate(self) -> dict[str, float]:
        return self._student.evaluate()


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _numbers(values: Any) -> Numbers:
    return tuple(math.nan if value is None else float(value) for value in values)
