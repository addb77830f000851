"""One run: an entry on a learner with a budget and a seed; and what is kept of it.

The result depends on the trial alone (but for the seconds), not on where it is played or beside what. It is small:
curves at the evaluations, and means over the steps between two of them.
"""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from curriculum_bandits import Curriculum
from curriculum_bandits import run as train
from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.environments import Student
from curriculum_bandits.loop import ResumableLearner
from curriculum_bandits.observer import Observer
from curriculum_bandits.rollouts import Rollouts

from ..harness.play import play_trials
from ..harness.store import Store
from ..harness.trials import Trial, grid
from ..harness.workers import Workers
from .entries import find_entry
from .learners import BankLearner, Parts, find_learner, parts
from .setting import Setting

__all__ = ["SECONDS", "Result", "mean_of_known", "play", "played", "result_store", "trials_of"]

_METRICS_EVERY = 5  # at most: what is measured of a batch takes as long as a simulated student's step
_FORMAT = 4  # raise it when a result holds something else, or when it is measured in another way

#: Where the seconds of a step go: choosing a batch, rolling it out and learning from it, judging and telling,
#: evaluating (all evaluations over the number of steps), and the rest but for making learner and method.
SECONDS = ("ask", "learn", "tell", "evaluate", "overhead")

_AT_EVALUATIONS = ("steps", "rollouts", "tokens", "accuracy")
_BETWEEN = ("informative", "effective", "drawn")


@dataclass(frozen=True)
class Result:
    """What a run brought. E evaluations have E - 1 windows of steps between them; what has no value is nan.

    Attributes:
        steps: Step of each evaluation, from 0, shape (E,).
        rollouts: Rollouts until then, everything that was spent, shape (E,).
        tokens: Tokens until then, or environment steps; nan where the learner gives no lengths, shape (E,).
        accuracy: Mean success on the held-out problems, shape (E,).
        informative: Share of the problems rolled out whose rewards differed, shape (E - 1,).
        effective: Mean effective number of problems (exponential of the entropy), nan for a method without a
            distribution, shape (E - 1,).
        drawn: Share of the draws on each part of the bank, shape (E - 1, parts).
        parts: Names of the parts.
        parts_title: What a part is.
        distinct: Different problems drawn in all.
        seconds: Per step, by name as in `SECONDS`.
    """

    steps: FloatArray
    rollouts: FloatArray
    tokens: FloatArray
    accuracy: FloatArray
    informative: FloatArray
    effective: FloatArray
    drawn: FloatArray
    parts: Sequence[str]
    parts_title: str
    distinct: int
    seconds: Mapping[str, float]

    @property
    def wall_clock(self) -> float:
        """Seconds of the run."""
        return float(self.steps[-1] * sum(self.seconds[name] for name in SECONDS))


def trials_of(entries: Iterable[str], setting: Setting, seeds: Sequence[int]) -> list[Trial]:
    """The trials of one learner; revisions of entry and learner belong to their names.

    Args:
        entries: What is compared.
        setting: On what.
        seeds: Of each.

    Returns:
        The trials, seed after seed.
    """
    revisions = {entry: (_FORMAT, find_entry(entry).revision) for entry in entries}
    of_learner = find_learner(setting.learner).revision
    return grid(revisions, [setting], seeds, lambda entry, _: (*revisions[entry], of_learner))


def result_store(folder: Path) -> Store[Result]:
    """Results in a folder.

    Args:
        folder: Where.

    Returns:
        A store of whole results.
    """
    return Store(folder, _read)


def _read(trial: Trial, state: Mapping[str, Any]) -> Result:
    result = Result(**state)
    evaluations = {len(getattr(result, name)) for name in _AT_EVALUATIONS}
    windows = {len(getattr(result, name)) + 1 for name in _BETWEEN}
    if evaluations | windows != {len(result.steps)} or result.drawn.shape[1:] != (len(result.parts),):
        raise ValueError("the curves have lengths that do not fit")
    if set(result.seconds) != set(SECONDS) or not trial.setting.complete(result.steps, result.rollouts):
        raise ValueError("the run has not ended")
    return result


def played(
    trials: Sequence[Trial], store: Store[Result], workers: Workers, *, again: bool = False, progress: bool = True
) -> tuple[dict[Trial, Result], int]:
    """Play what is not stored yet, the longest runs first, so that no worker waits long for the last.

    Args:
        trials: All of them.
        store: Where results are.
        workers: Who plays.
        again: Play also what is stored.
        progress: Show a progress bar.

    Returns:
        The result of each trial, in their order, and how many were played now.

    Raises:
        RuntimeError: If a run fails; what is done is stored.
    """
    seconds = {setting: find_learner(setting.learner).seconds for setting in {trial.setting for trial in trials}}
    longest_first = sorted(trials, key=lambda trial: -seconds[trial.setting])
    count = play_trials(
        longest_first,
        play,
        store,
        workers,
        piece=lambda trial: (trial, store.workplace(trial)),
        again=again,
        progress=progress,
    )
    results = {}
    for trial in trials:
        result = store.load(trial)
        if result is None:
            raise RuntimeError(f"{store.path(trial)} was written and cannot be read; is another process at work there?")
        results[trial] = result
    return results, count


def play(piece: tuple[Trial, Path | None]) -> Result:
    """Train a learner under an entry, and measure.

    Args:
        piece: The trial, and a folder for checkpoints, which is removed in the end; only learners that take long and
            have a state use it. None keeps none.

    Returns:
        What it brought.

    Raises:
        RuntimeError: If something fails; the message says in which run, the cause is what was raised.
    """
    trial, folder = piece
    setting: Setting = trial.setting
    try:
        learner = find_learner(setting.learner).make(setting.problems, trial.seed)
        resumes = isinstance(learner, ResumableLearner) and not isinstance(learner, Student)
        result = _played(trial, learner, folder if resumes else None)
    except Exception as error:
        raise RuntimeError(
            f"{trial.entry} on {setting.learner} failed (seed {trial.seed}, {setting.problems} problems): "
            f"{type(error).__name__}: {error}"
        ) from error
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def _played(trial: Trial, learner: BankLearner, folder: Path | None) -> Result:
    setting: Setting = trial.setting
    curriculum, filter = find_entry(trial.entry).make(learner, setting, trial.seed)
    begin = time.perf_counter()
    watch = _Watch(parts(learner), len(curriculum.bank))
    steps = setting.rollouts if setting.steps is None else setting.steps  # a step spends one rollout at least
    assert steps is not None
    rows = train(
        curriculum,
        learner,
        steps,
        setting.batch,
        filter=filter,
        rollout_budget=setting.rollouts,
        evaluate_every=setting.evaluate_every,
        metrics_every=math.gcd(_METRICS_EVERY, setting.evaluate_every),  # so that every window has some
        metrics=_measured,
        observers=[watch],
        directory=folder,
        checkpoint_every=setting.evaluate_every,  # where a window is closed
        progress=False,
    )
    at = setting.evaluations(len(rows) - 1)

    def curve(name: str) -> FloatArray:
        return np.array([rows[step].get(name, math.nan) for step in at])

    def windows(name: str, digits: int) -> FloatArray:
        values = np.array([row.get(name, math.nan) for row in rows[1:]])
        return np.round([mean_of_known(values[a:b]) for a, b in pairwise(at)], digits)

    seconds = {name: sum(row.get(f"seconds/{name}", 0.0) for row in rows) for name in SECONDS[:-1]}
    if filter is not None:  # what it does between rollouts and update is the method's own work
        known = sum(seconds[name] for name in ("ask", "learn", "tell"))
        seconds["tell"] += max(0.0, sum(row.get("seconds/step", 0.0) for row in rows) - known)
    seconds["overhead"] = max(0.0, time.perf_counter() - begin - sum(seconds.values()))  # a resumed run began earlier
    return Result(
        steps=np.array(at, dtype=np.float64),
        rollouts=curve("rollouts"),
        tokens=curve("tokens"),
        accuracy=curve("accuracy"),
        informative=windows("informative_share", 6),
        effective=windows("effective_problems", 3),
        drawn=np.round(watch.shares(), 6),
        parts=list(watch.parts.names),
        parts_title=watch.parts.title,
        distinct=int(np.count_nonzero(watch.seen)),
        seconds={name: each / (len(rows) - 1) for name, each in seconds.items()},
    )


def _measured(curriculum: Curriculum, items: IntArray, rollouts: Rollouts, feedback: Feedback) -> dict[str, float]:
    """What a result holds of `tracking.step_metrics`, all of which takes half as long as a simulated student's step."""
    judged = np.count_nonzero(rollouts.valid.sum(axis=1) >= 2)
    return {
        "informative_share": np.count_nonzero(rollouts.informative) / judged if judged else math.nan,
        "effective_problems": math.exp(curriculum.entropy()),
    }


class _Watch(Observer):
    """Notes which problems a curriculum hands out between two evaluations."""

    def __init__(self, parts: Parts, n_problems: int) -> None:
        self.parts, self.seen = parts, np.zeros(n_problems, dtype=bool)
        self._windows: list[FloatArray] = []
        self._items: list[IntArray] = []

    def drawn(self, draw: Draw) -> None:
        """Note the problems of a draw."""
        self._items.append(draw.items)

    def evaluated(self, step: int, scores: Mapping[str, float]) -> None:
        """Close the window, and refuse scores without accuracy."""
        if "accuracy" not in scores:
            raise ValueError(f"evaluate returned {sorted(scores)}; add accuracy, mean success on held-out problems")
        if self._items:
            items = np.concatenate(self._items)
            self.seen[items] = True
            self._windows.append(self.parts.shares(items))
            self._items.clear()

    def shares(self) -> FloatArray:
        """Share of the draws on each part, shape (windows, parts)."""
        return np.array(self._windows).reshape(-1, len(self.parts.names))

    def state_dict(self) -> dict[str, Any]:
        """What was noted until the last evaluation, which is where checkpoints are."""
        return {"seen": self.seen.copy(), "windows": self.shares()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from there."""
        self.seen, self._windows = np.array(state["seen"]), list(state["windows"])


def mean_of_known(values: FloatArray) -> float:
    """The mean of what is finite.

    Args:
        values: Any.

    Returns:
        The mean; nan where nothing is.
    """
    known = values[np.isfinite(values)]
    return float(np.mean(known)) if len(known) else math.nan
