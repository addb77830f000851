"""One run: a learner, a entry, a budget, a seed; and what is kept of it.

The result depends on the run alone (but for the seconds), not on where it is played or beside what. It is small enough
to be stored as JSON: curves at the evaluations, and means over the steps between two of them.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits import Curriculum
from curriculum_bandits import run as train
from curriculum_bandits.draw import Draw
from curriculum_bandits.observer import Observer

from . import entries, learners
from .learners import BankLearner, Parts
from .setting import Setting

__all__ = ["SECONDS", "Result", "Run", "evaluations", "made", "plan", "play"]

FloatArray = npt.NDArray[np.float64]
Numbers = tuple[float, ...]

_METRICS_EVERY = 5  # at most: what is measured of a batch takes as long as a simulated student's step
_FORMAT = 3  # raise it when a result holds something else, or when it is measured in another way


@dataclass(frozen=True)
class Run:
    """The recipe of a run, which ends where the first of its limits is reached.

    Attributes:
        learner: Its name or import path.
        problems: Size of the bank N.
        method: Name or import path of the entry.
        seed: Of bank, learner and curriculum.
        steps: Updates of the learner; None for no limit.
        rollouts: The run ends after the first step at which so many were spent; None for no limit.
        batch: Problems per step.
        evaluate_every: Steps between evaluations.
    """

    learner: str
    problems: int
    method: str
    seed: int
    steps: int | None
    rollouts: int | None
    batch: int
    evaluate_every: int

    def digest(self) -> str:
        """A name made of all settings: equal runs have equal names, others other ones.

        It holds the revisions of method and learner; those given by an import path have digests of their files instead.
        """
        revisions = [entries.revision(self.method), learners.revision(self.learner)]
        return hashlib.sha256(json.dumps([_FORMAT, *revisions, *astuple(self)]).encode()).hexdigest()[:32]

    def complete(self, steps: Sequence[float], rollouts: Sequence[float]) -> bool:
        """Whether evaluations are those of this run, from its beginning to its end.

        Args:
            steps: Step of each evaluation.
            rollouts: Rollouts until then.

        Returns:
            True if they are.
        """
        last = int(steps[-1])
        ended = last == self.steps or (self.rollouts is not None and rollouts[-1] >= self.rollouts)
        return ended and list(steps) == evaluations(last, self.evaluate_every)


@dataclass(frozen=True)
class Result:
    """What a run brought. E evaluations have E - 1 windows of steps between them; what has no value is nan.

    Attributes:
        steps: Step of each evaluation, from 0, length E.
        rollouts: Rollouts until then, everything that was spent, length E.
        tokens: Tokens until then, or environment steps; nan where the learner gives no lengths, length E.
        accuracy: Mean success on the held-out problems, length E.
        informative: Share of the problems rolled out whose rewards differed, length E - 1.
        effective: Mean effective number of problems (exponential of the entropy), nan for a method without a
            distribution, length E - 1.
        drawn: Share of the draws on each part of the bank, E - 1 rows.
        parts: Names of the parts.
        parts_title: What a part is.
        distinct: Different problems drawn in all.
        ask: Seconds per step to choose a batch.
        learn: Seconds per step to roll it out and learn from it.
        tell: Seconds per step to judge and to tell.
        evaluate: Seconds per step to evaluate: those of all evaluations over the number of steps.
        overhead: Seconds per step that are none of these, but for making learner and method.
    """

    steps: Numbers
    rollouts: Numbers
    tokens: Numbers
    accuracy: Numbers
    informative: Numbers
    effective: Numbers
    drawn: tuple[Numbers, ...]
    parts: tuple[str, ...]
    parts_title: str
    distinct: int
    ask: float
    learn: float
    tell: float
    evaluate: float
    overhead: float

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
        values: dict[str, Any] = {name: _numbers(state[name]) for name in (*_AT_EVALUATIONS, *_BETWEEN)}
        values["drawn"] = tuple(_numbers(row) for row in state["drawn"])
        values["parts"] = tuple(str(name) for name in state["parts"])
        values.update({name: float(state[name]) for name in SECONDS})
        values["parts_title"] = str(state["parts_title"])
        made = cls(**values, distinct=int(state["distinct"]))
        evaluations = [len(getattr(made, name)) for name in _AT_EVALUATIONS]
        windows = [*(len(getattr(made, name)) for name in _BETWEEN), len(made.drawn)]
        if set(evaluations) != {evaluations[0]} or set(windows) != {evaluations[0] - 1}:
            raise ValueError(f"the curves have lengths {evaluations} and {windows}; they must fit to one another")
        if any(len(row) != len(made.parts) for row in made.drawn):
            raise ValueError(f"a row of drawn is not as long as the {len(made.parts)} parts")
        return made


#: Where the seconds of a step go, as fields of a result.
SECONDS = ("ask", "learn", "tell", "evaluate", "overhead")

_AT_EVALUATIONS = ("steps", "rollouts", "tokens", "accuracy")
_BETWEEN = ("informative", "effective")


def plan(
    names: Sequence[str],
    methods: Mapping[str, Sequence[str]],
    seeds: Sequence[int],
    *,
    problems: int,
    steps: int | None,
    rollouts: int | None,
    batch: int,
    evaluate_every: int,
) -> list[Run]:
    """Every run of a comparison.

    Args:
        names: Learners.
        methods: Contenders of each learner.
        seeds: Seeds.
        problems: Size of the bank.
        steps: Updates of the learner; None for no limit.
        rollouts: Rollouts of a run; None for no limit.
        batch: Problems per step.
        evaluate_every: Steps between evaluations.

    Returns:
        The runs, seed after seed: what is done when a comparison is interrupted is complete for some seeds.
    """
    return [
        Run(learner, problems, method, seed, steps, rollouts, batch, evaluate_every)
        for seed in seeds
        for learner in names
        for method in methods[learner]
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


def made(run: Run, learner: BankLearner) -> tuple[Curriculum, Any]:
    """The curriculum of a run, and its filter.

    Args:
        run: The recipe.
        learner: The learner of that recipe.

    Returns:
        Both; None for a run without a filter.

    Raises:
        TypeError: If a function of one's own returns something else.
        ValueError: If the method cannot be had with this learner; the message says what is missing.
    """
    setting = Setting(learner, run.steps, run.rollouts, run.batch, run.seed)
    what = entries.find_entry(run.method).make(setting)
    curriculum, filter = what if isinstance(what, tuple) and len(what) == 2 else (what, None)
    if not isinstance(curriculum, Curriculum):
        raise TypeError(
            f"{run.method} returned a {type(what).__name__}; return a Curriculum, or a Curriculum and a filter"
        )
    return curriculum, filter


def play(run: Run) -> Result:
    """Train a learner under a entry, and measure.

    Args:
        run: The recipe.

    Returns:
        What it brought.

    Raises:
        RuntimeError: If something fails; the message says in which run, the cause is what was raised.
    """
    try:
        learner = learners.find_learner(run.learner).make(run.problems, run.seed)
        return _played(run, learner, *made(run, learner))
    except Exception as error:
        raise RuntimeError(
            f"{run.method} on {run.learner} failed (seed {run.seed}, {run.problems} problems): "
            f"{type(error).__name__}: {error}"
        ) from error


def _played(run: Run, learner: BankLearner, curriculum: Curriculum, filter: Any) -> Result:
    begin = time.perf_counter()
    watch = _Watch(learners.parts(learner), len(curriculum.bank))
    limits: dict[str, Any] = {} if run.rollouts is None else {"rollout_budget": run.rollouts}
    if filter is not None:
        limits["filter"] = filter
    steps = run.rollouts if run.steps is None else run.steps  # a step spends one rollout at least
    assert steps is not None
    rows = train(
        curriculum,
        learner,
        steps,
        run.batch,
        evaluate_every=run.evaluate_every,
        metrics_every=math.gcd(_METRICS_EVERY, run.evaluate_every),  # so that every window has some
        observers=[watch],
        progress=False,
        **limits,
    )
    at = evaluations(len(rows) - 1, run.evaluate_every)

    def curve(name: str) -> Numbers:
        return tuple(rows[step].get(name, math.nan) for step in at)

    def windows(name: str, digits: int) -> Numbers:
        values = np.array([row.get(name, math.nan) for row in rows[1:]])
        return tuple(np.round([_mean(values[a:b]) for a, b in pairwise(at)], digits).tolist())

    seconds: dict[str, Any] = {name: sum(row.get(f"seconds/{name}", 0.0) for row in rows) for name in SECONDS[:-1]}
    curves: dict[str, Any] = {name: curve(name) for name in _AT_EVALUATIONS if name != "steps"}
    informative, effective = windows("informative_share", 6), windows("effective_problems", 3)
    drawn = watch.shares()
    seconds["overhead"] = time.perf_counter() - begin - sum(seconds.values())
    return Result(
        steps=tuple(float(step) for step in at),
        **curves,
        informative=informative,
        effective=effective,
        drawn=drawn,
        parts=watch.parts.names,
        parts_title=watch.parts.title,
        distinct=int(np.count_nonzero(watch.total)),
        **{name: each / (len(rows) - 1) for name, each in seconds.items()},
    )


class _Watch(Observer):
    """Notes which problems a curriculum hands out between two evaluations."""

    def __init__(self, parts: Parts, n_problems: int) -> None:
        self.parts, self.total = parts, np.zeros(n_problems, dtype=np.int64)
        self._windows: list[FloatArray] = []
        self._items: list[npt.NDArray[np.int64]] = []

    def drawn(self, draw: Draw) -> None:
        """Note the problems of a draw."""
        self._items.append(draw.items)

    def evaluated(self, step: int, scores: Mapping[str, float]) -> None:
        """Close the window, and refuse scores without accuracy."""
        if "accuracy" not in scores:
            raise ValueError(f"evaluate returned {sorted(scores)}; add accuracy, mean success on held-out problems")
        self._close()

    def _close(self) -> None:
        if not self._items:
            return
        counts = np.bincount(np.concatenate(self._items), minlength=len(self.total))
        self.total += counts
        self._windows.append(self.parts.shares(counts))
        self._items.clear()

    def shares(self) -> tuple[Numbers, ...]:
        """Share of the draws on each part, a row per window."""
        return tuple(tuple(row.round(6).tolist()) for row in self._windows)


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.mean(known)) if len(known) else math.nan


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _numbers(values: Any) -> Numbers:
    return tuple(math.nan if value is None else float(value) for value in values)
