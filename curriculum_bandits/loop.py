"""A loop for learners that do not own one: ask, learn, tell, evaluate, log, checkpoint.

Everything a long run needs is here once: a progress bar, a record, observers, checkpoints that are replaced in one
step, and a resume that continues as if nothing had happened.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeAlias, cast, runtime_checkable

from tqdm.auto import tqdm

from curriculum_bandits._typing import IntArray
from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.filters.contract import Filter, FilterStep, RolloutFirstLearner
from curriculum_bandits.observer import Observer, Observers
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.state import Count, Field, Fixed, Part, Stateful
from curriculum_bandits.tracking.metrics import BATCH_METRICS, TensorBoard, step_metrics
from curriculum_bandits.tracking.record import RECORD_FILE, Record

__all__ = ["Learner", "ResumableLearner", "run"]

_CHECKPOINT = "checkpoint.npz"

# What the loop logs itself; an evaluation must not use these names.
_OWN_NAMES = frozenset({"step", "rollouts", "tokens", "entropy", "effective_problems", *BATCH_METRICS})
_OWN_PREFIXES = ("drawn/", "curator/", "filter/", "seconds/")

# Metrics beside the progress bar, and what they are called there.
_SHOWN = {"reward": "reward", "informative_share": "informative"}

#: Measures a step as `step_metrics` does.
Measure: TypeAlias = Callable[[Curriculum, IntArray, Rollouts, Feedback], Mapping[str, float]]


class Learner(Protocol):
    """A learner has two methods."""

    def learn(self, items: IntArray) -> Rollouts:
        """Roll out the problems and update the policy once.

        Args:
            items: Indices into the bank, shape (m,).

        Returns:
            Rollouts whose row j belongs to ``items[j]``.
        """

    def evaluate(self) -> Mapping[str, float]:
        """Measure the policy; nothing here may train it.

        Returns:
            Numbers by name, such as a held-out accuracy.
        """


@runtime_checkable
class ResumableLearner(Protocol):
    """A learner whose state can be saved with the curriculum's."""

    def state_dict(self) -> dict[str, Any]:
        """The learner's state as nested dictionaries and lists of arrays and plain numbers."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a state that `state_dict` returned."""


def run(
    curriculum: Curriculum,
    learner: Learner,
    steps: int,
    batch_size: int,
    *,
    filter: Filter | None = None,
    rollout_budget: int | None = None,
    evaluate_every: int = 10,
    metrics_every: int = 1,
    metrics: Measure = step_metrics,
    observers: Sequence[Observer] = (),
    directory: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 50,
    tensorboard: bool = False,
    progress: bool = True,
) -> list[dict[str, float]]:
    """Train a learner under a curriculum.

    Called again with the same directory it resumes from the last checkpoint, bit for bit, and trains on if `steps` is
    larger.

    Args:
        curriculum: Chooses the batches.
        learner: Learns from them. To be resumed it must also be a `ResumableLearner`.
        steps: Total number of steps, those before a resume included.
        batch_size: Problems per step.
        filter: Chooses between rollouts and update; the learner must then do the two apart
            (`filters.RolloutFirstLearner`).
        rollout_budget: End after the first step by which so many rollouts have been made, those of rejected groups
            included; None is no limit.
        evaluate_every: Evaluate before the first step, after every so many, and after the last; 0 never.
        metrics_every: Measure batch and curriculum in every so many steps only, for very fast learners; the other rows
            have the step, rollouts, tokens and seconds.
        metrics: What measures them, with the arguments of `tracking.step_metrics`; give a function of your own to
            measure less, or more.
        observers: Called at every draw, answer, step and evaluation; those with a state must be passed again to resume.
        directory: Where the record (`tracking.Record`) and checkpoint.npz go; None keeps nothing.
        checkpoint_every: Save after every so many steps and after the last; 0 never.
        tensorboard: Also write TensorBoard events into the directory (extra ``tensorboard``).
        progress: Show a progress bar.

    Returns:
        One row per step, row 0 being the evaluation before the first: what `metrics` measured, ``rollouts`` and
        ``tokens`` so far (what was rejected included; tokens are nan where lengths are not known), counts of the filter
        as ``filter/<name>``, seconds as ``seconds/ask``, ``/learn``, ``/tell``, ``/evaluate`` and ``/step`` (of all but
        the evaluation), what observers add, and what `evaluate` returned.

    Raises:
        ValueError: If a number makes no sense, or the directory holds a run with another batch size, method, bank or
            other observers.
        TypeError: If checkpoints are wanted and the learner cannot be saved, or a filter is given and it cannot roll
            out without an update.
    """
    problems, most = len(curriculum.bank), math.inf if rollout_budget is None else rollout_budget
    refusals = {
        f"steps is {steps}; train for at least 1": steps < 1,
        f"batch_size is {batch_size}, but the bank has {problems} problems; give 1 to that many": not (
            1 <= batch_size <= problems
        ),
        "evaluate_every and checkpoint_every are 0 (never) or more": evaluate_every < 0 or checkpoint_every < 0,
        f"metrics_every is {metrics_every}; give 1 for every step, or more": metrics_every < 1,
        f"rollout_budget is {rollout_budget}; allow at least 1, or None for no limit": most < 1,
        "tensorboard=True needs a directory to write to; pass directory=": tensorboard and directory is None,
    }
    for refusal, refused in refusals.items():
        if refused:
            raise ValueError(refusal)
    if filter is not None and not isinstance(learner, RolloutFirstLearner):
        raise TypeError(
            f"{type(learner).__name__} has no roll_out and update, which a filter needs; add them, or pass no filter"
        )
    folder = None if directory is None else Path(directory)
    saves = folder if checkpoint_every else None
    if saves is not None and not isinstance(learner, ResumableLearner):
        raise TypeError(
            f"{type(learner).__name__} has no state_dict and load_state_dict, so a checkpoint of it could not be "
            "resumed; add them, or pass checkpoint_every=0"
        )
    record = None if folder is None else Record(folder / RECORD_FILE, curriculum)
    tells: list[Observer] = [*observers, *([] if record is None else [record])]
    if folder is not None and tensorboard:
        tells.append(TensorBoard(folder / "tensorboard"))
    watching = Observers(tells)
    state = _Run(batch_size, curriculum, learner, filter, watching)
    rows = [] if folder is None or record is None else state.resume(folder, record)
    start = state.step
    try:
        with tqdm(total=steps, initial=start, disable=not progress, desc=curriculum.name, unit="step") as bar:
            if not rows:
                rows.append({"step": 0.0, "rollouts": 0.0, "tokens": 0.0})
                if evaluate_every:
                    scores = _evaluate(learner, rows[0])
                    watching.evaluated(0, scores)
                    rows[0] |= scores
                if saves is not None:  # so that an interrupted run can also be begun again with its objects
                    state.save(saves, 0)
            for step in range(start + 1, steps + 1):
                if rows[-1]["rollouts"] >= most:
                    break
                measure = metrics if step % metrics_every == 0 else None
                row = {"step": float(step), **_one_step(curriculum, learner, batch_size, filter, measure, watching)}
                for name in ("rollouts", "tokens"):
                    row[name] += rows[-1][name]
                last = step == steps or row["rollouts"] >= most
                scores = {}
                if evaluate_every and (step % evaluate_every == 0 or last):
                    scores = _evaluate(learner, row)
                watching.stepped(step, row)
                if scores:
                    watching.evaluated(step, scores)
                rows.append(row | scores)
                if saves is not None and (step % checkpoint_every == 0 or last):
                    state.save(saves, step)
                bar.update()
                if progress and not row.keys().isdisjoint(_SHOWN):
                    bar.set_postfix({short: f"{row[name]:.3f}" for name, short in _SHOWN.items() if name in row})
    finally:
        watching.close()
    return rows


def _one_step(
    curriculum: Curriculum,
    learner: Learner,
    batch_size: int,
    filter: Filter | None,
    measure: Measure | None,
    watching: Observers,
) -> dict[str, float]:
    begin = time.perf_counter()
    if filter is None:
        done = _plain_step(curriculum, learner, batch_size, watching.drawn)
    else:
        # That it is one was checked when the run began; asking again costs more than a small step.
        done = filter.step(curriculum, cast(RolloutFirstLearner, learner), batch_size)
        for draw in done.draws:
            watching.drawn(draw)
    whole = time.perf_counter() - begin
    if watching.hears_answers:  # a filter's answers take long to put together
        for draw, rollouts, feedback in done.answers():
            watching.answered(draw, rollouts, feedback)
    measured = {} if measure is None else dict(measure(curriculum, done.items, done.rollouts, done.feedback))
    if "missing_rollouts" in measured:  # groups of fewer rollouts than others are padded, which is not missing
        measured["missing_rollouts"] -= done.rollouts.rewards.size - done.spent
    return {
        **measured,
        **{f"filter/{name}": value for name, value in done.counts.items()},
        "rollouts": float(done.spent),
        "tokens": done.tokens,
        **{f"seconds/{part}": seconds for part, seconds in done.seconds.items()},
        "seconds/step": whole,
    }


def _plain_step(curriculum: Curriculum, learner: Learner, batch_size: int, drawn: Callable[[Draw], None]) -> FilterStep:
    """Draw, learn from all that was drawn, tell."""
    begin = time.perf_counter()
    draw = curriculum.ask(batch_size)
    asked = time.perf_counter()
    try:
        drawn(draw)
        start = time.perf_counter()
        rollouts = learner.learn(draw.items)
        learned = time.perf_counter()
        if len(rollouts) != len(draw):
            raise ValueError(
                f"the learner returned rollouts of {len(rollouts)} problems for {len(draw)}; return one row each"
            )
        feedback = curriculum.signal(rollouts)
        curriculum.tell(draw, feedback)
    except BaseException:
        curriculum.discard(draw)
        raise
    told = time.perf_counter()
    tokens = math.nan if rollouts.lengths is None else float(rollouts.lengths.sum())
    seconds = {"ask": asked - begin, "learn": learned - start, "tell": told - learned}
    return FilterStep(draw.items, rollouts, feedback, rollouts.rewards.size, tokens, {}, seconds, (draw,))


def _evaluate(learner: Learner, row: dict[str, float]) -> dict[str, float]:
    """The learner's scores; their seconds go into the row."""
    begin = time.perf_counter()
    scores = learner.evaluate()
    row["seconds/evaluate"] = time.perf_counter() - begin
    clash = sorted(name for name in scores if name in _OWN_NAMES or name.startswith(_OWN_PREFIXES))
    if clash:
        raise ValueError(f"evaluate returned {clash}, names that the loop itself logs; rename them")
    return {name: float(score) for name, score in scores.items()}


class _Run(Stateful, kind="run"):
    """All that a checkpoint holds."""

    STATE: ClassVar[Mapping[str, Field]] = {
        "step": Count(),
        "batch_size": Fixed("use that, or another directory"),
        "curriculum": Part(),
        "filter": Part(optional=True),
        "observers": Part(),
        "learner": Part(),
    }

    def __init__(
        self, batch_size: int, curriculum: Curriculum, learner: Learner, filter: Filter | None, observers: Observers
    ) -> None:
        self.step, self.batch_size, self.curriculum, self.learner = 0, batch_size, curriculum, learner
        self.filter, self.observers = filter, observers

    def save(self, folder: Path, step: int) -> None:
        self.step = step
        save_state(folder / _CHECKPOINT, self.state_dict())

    def resume(self, folder: Path, record: Record) -> list[dict[str, float]]:
        """Load the last checkpoint, if any, and return the rows of metrics up to it."""
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / _CHECKPOINT).exists():
            record.begin()
            return []
        if not isinstance(self.learner, ResumableLearner):
            raise TypeError(
                f"{folder} holds a checkpoint, but {type(self.learner).__name__} has no load_state_dict to continue it"
            )
        try:
            self.load_state_dict(load_state(folder / _CHECKPOINT))
        except ValueError as error:
            raise ValueError(f"{folder} holds another run: {error}") from error
        rows = record.rows()
        rows[0]["rollouts"] = 0.0
        return rows
