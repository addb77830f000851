"""A loop for learners that do not own one: ask, learn, tell, evaluate, log, checkpoint.

Everything a long run needs is here once: a progress bar, metrics as JSON lines and for TensorBoard, checkpoints that
are replaced in one step, and a resume that continues as if nothing had happened.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO, TypeVar, cast, runtime_checkable

import numpy as np
from tqdm.auto import tqdm

from curriculum_bandits.bank import IntArray
from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.extras import require_extra
from curriculum_bandits.metrics import BATCH_METRICS, batch_metrics, drawn_by_group
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.stages.contract import RolloutFirstLearner, Stage, StageStep

__all__ = ["Learner", "ResumableLearner", "run"]

_CHECKPOINT = "checkpoint.npz"
_METRICS = "metrics.jsonl"

# What the loop logs itself; an evaluation must not use these names.
_OWN_NAMES = frozenset({"step", "rollouts", "tokens", "entropy", "effective_problems", *BATCH_METRICS})
_OWN_PREFIXES = ("drawn/", "curator/", "stage/", "seconds/")

Result = TypeVar("Result")


class Learner(Protocol):
    """Whatever learns: two methods."""

    def learn(self, items: IntArray) -> Rollouts:
        """Roll out the problems, update the policy once, and say what happened.

        Args:
            items: Indices into the bank, shape (m,).

        Returns:
            Rollouts whose row j belongs to ``items[j]``.
        """
        ...

    def evaluate(self) -> Mapping[str, float]:
        """Measure the policy; nothing here may train it.

        Returns:
            Numbers by name, such as a held-out accuracy.
        """
        ...


@runtime_checkable
class ResumableLearner(Protocol):
    """A learner whose state can be saved with the curriculum's."""

    def state_dict(self) -> dict[str, Any]:
        """The learner's state as nested dictionaries and lists of arrays and plain numbers."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state.

        Args:
            state: What `state_dict` returned.
        """
        ...


def run(
    curriculum: Curriculum,
    learner: Learner,
    steps: int,
    batch_size: int,
    *,
    stage: Stage | None = None,
    rollout_budget: int | None = None,
    evaluate_every: int = 10,
    metrics_every: int = 1,
    directory: str | os.PathLike[str] | None = None,
    checkpoint_every: int = 50,
    tensorboard: bool = False,
    progress: bool = True,
) -> list[dict[str, float]]:
    """Train a learner under a curriculum.

    Called again with the same directory it continues from the last checkpoint, bit for bit, and with more `steps` it
    goes on from where it ended.

    Args:
        curriculum: Chooses the batches.
        learner: Learns from them. To be resumed it must also be a `ResumableLearner`.
        steps: Total number of steps, those before a resume included.
        batch_size: Problems per step.
        stage: What comes between draw and update, such as a filter; the learner must then roll out and update apart
            (`stages.RolloutFirstLearner`).
        rollout_budget: End after the first step by which so many rollouts have been made, those of rejected groups
            included; None is no limit.
        evaluate_every: Evaluate before the first step, after every so many, and after the last; 0 never.
        metrics_every: Look at batch and curriculum in every so many steps only, for learners that are done in less time
            than that takes; the rows of the others have the step, rollouts, tokens and seconds.
        directory: Where metrics.jsonl and checkpoint.npz go; None keeps nothing.
        checkpoint_every: Save after every so many steps and after the last; 0 never.
        tensorboard: Also write TensorBoard events into the directory (extra ``tensorboard``).
        progress: Show a progress bar.

    Returns:
        One row of metrics per step, row 0 being the evaluation before the first: those of `metrics.batch_metrics`, the
        share of each group as ``drawn/<group>``, ``entropy`` and ``effective_problems`` of the distribution, what else
        the curriculum's `diagnostics` say as ``curator/<name>``, ``rollouts`` and ``tokens`` so far (what was rejected
        included; tokens are nan where lengths are not known), what the stage counts as ``stage/<name>``, seconds by
        part as ``seconds/ask``, ``/learn``, ``/tell``, ``/evaluate``, and what `evaluate` returned.

    Raises:
        ValueError: If a number makes no sense, or the directory holds a run with another batch size, method or bank.
        TypeError: If checkpoints are wanted and the learner cannot be saved, or a stage is given and it cannot roll out
            without an update.
    """
    _check(steps, batch_size, evaluate_every, checkpoint_every, directory, tensorboard, curriculum)
    if metrics_every < 1:
        raise ValueError(f"metrics_every is {metrics_every}; give 1 for every step, or more")
    if rollout_budget is not None and rollout_budget < 1:
        raise ValueError(f"rollout_budget is {rollout_budget}; allow at least 1, or None for no limit")
    if stage is not None and not isinstance(learner, RolloutFirstLearner):
        raise TypeError(
            f"{type(learner).__name__} has no roll_out and update, which a stage needs; add them, or pass no stage"
        )
    saves = directory is not None and checkpoint_every > 0
    if saves and not isinstance(learner, ResumableLearner):
        raise TypeError(
            f"{type(learner).__name__} has no state_dict and load_state_dict, so a checkpoint of it could not be "
            "resumed; add them, or pass checkpoint_every=0"
        )
    folder = None if directory is None else Path(directory)
    start, rows = (0, []) if folder is None else _resume(folder, curriculum, learner, batch_size, stage)
    log = _Log(folder, rows, tensorboard)
    try:
        with tqdm(total=steps, initial=start, disable=not progress, desc=curriculum.name, unit="step") as bar:
            if not rows:
                row = {"step": 0.0, "rollouts": 0.0, "tokens": 0.0}
                log.write(_evaluate(learner, row) if evaluate_every else row)
                if saves:  # so that an interrupted run can also be begun again with the same objects
                    _save(Path(str(directory)), 0, batch_size, curriculum, learner, stage)
            most = math.inf if rollout_budget is None else rollout_budget
            for step in range(start + 1, steps + 1):
                if log.rows[-1]["rollouts"] >= most:
                    break
                looks = step % metrics_every == 0
                row = {"step": float(step), **_one_step(curriculum, learner, batch_size, stage, looks)}
                for name in ("rollouts", "tokens"):
                    row[name] += log.rows[-1].get(name, math.nan)  # rows of earlier versions had no tokens
                last = step == steps or row["rollouts"] >= most
                if evaluate_every and (step % evaluate_every == 0 or last):
                    _evaluate(learner, row)
                log.write(row)
                if saves and (step % checkpoint_every == 0 or last):
                    _save(Path(str(directory)), step, batch_size, curriculum, learner, stage)
                bar.update()
                if progress and looks:
                    bar.set_postfix(reward=f"{row['reward']:.3f}", informative=f"{row['informative_share']:.2f}")
    finally:
        log.close()
    return log.rows


def _one_step(
    curriculum: Curriculum, learner: Learner, batch_size: int, stage: Stage | None, looks: bool
) -> dict[str, float]:
    if stage is None:
        done = _plain_step(curriculum, learner, batch_size)
    else:
        # That it is one was checked when the run began; asking again costs more than a small step.
        done = stage.step(curriculum, cast(RolloutFirstLearner, learner), batch_size)
    return {
        **(_looked_at(curriculum, done) if looks else {}),
        **{f"stage/{name}": value for name, value in done.counts.items()},
        "rollouts": float(done.spent),
        "tokens": done.tokens,
        **{f"seconds/{part}": seconds for part, seconds in done.seconds.items()},
    }


def _looked_at(curriculum: Curriculum, done: StageStep) -> dict[str, float]:
    """What is measured of a batch, and of the curriculum after it."""
    metrics = batch_metrics(done.rollouts, done.feedback)
    # Groups of fewer rollouts than others are padded, which is not missing.
    metrics["missing_rollouts"] -= done.rollouts.rewards.size - done.spent
    entropy = curriculum.entropy()
    return {
        **metrics,
        **{f"drawn/{name}": share for name, share in drawn_by_group(curriculum.bank, done.items).items()},
        "entropy": entropy,
        "effective_problems": math.exp(entropy),
        **{f"curator/{name}": value for name, value in curriculum.diagnostics().items() if name != "entropy"},
    }


def _plain_step(curriculum: Curriculum, learner: Learner, batch_size: int) -> StageStep:
    """Draw, learn from all that was drawn, tell."""
    draw, ask = _timed(lambda: curriculum.ask(batch_size))
    try:
        rollouts, learn = _timed(lambda: learner.learn(draw.items))
        if len(rollouts) != len(draw):
            raise ValueError(
                f"the learner returned rollouts of {len(rollouts)} problems for {len(draw)}; return one row each"
            )
        feedback, judge = _timed(lambda: curriculum.signal(rollouts))
        _, tell = _timed(lambda: curriculum.tell(draw, feedback))
    except BaseException:
        curriculum.discard(draw)
        raise
    tokens = math.nan if rollouts.lengths is None else float(np.nansum(rollouts.lengths))
    seconds = {"ask": ask, "learn": learn, "tell": judge + tell}
    return StageStep(draw.items, rollouts, feedback, rollouts.rewards.size, tokens, {}, seconds)


def _evaluate(learner: Learner, row: dict[str, float]) -> dict[str, float]:
    scores, seconds = _timed(learner.evaluate)
    clash = sorted(name for name in scores if name in _OWN_NAMES or name.startswith(_OWN_PREFIXES))
    if clash:
        raise ValueError(f"evaluate returned {clash}, names that the loop itself logs; rename them")
    row.update({name: float(score) for name, score in scores.items()}, **{"seconds/evaluate": seconds})
    return row


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    begin = time.perf_counter()
    result = work()
    return result, time.perf_counter() - begin


def _save(
    folder: Path, step: int, batch_size: int, curriculum: Curriculum, learner: Learner, stage: Stage | None
) -> None:
    assert isinstance(learner, ResumableLearner)
    state: dict[str, Any] = {"step": step, "batch_size": batch_size, "curriculum": curriculum.state_dict()}
    if stage is not None:
        state["stage"] = stage.state_dict()
    save_state(folder / _CHECKPOINT, {**state, "learner": learner.state_dict()})


def _resume(
    folder: Path, curriculum: Curriculum, learner: Learner, batch_size: int, stage: Stage | None
) -> tuple[int, list[dict[str, float]]]:
    """Load the last checkpoint, if any, and the rows of metrics up to it."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / _CHECKPOINT).exists():
        return 0, []
    state = load_state(folder / _CHECKPOINT)
    if state["batch_size"] != batch_size:
        raise ValueError(
            f"{folder} holds a run with batch_size {state['batch_size']}, not {batch_size}; "
            "use that, or another directory"
        )
    if not isinstance(learner, ResumableLearner):
        raise TypeError(
            f"{folder} holds a checkpoint, but {type(learner).__name__} has no load_state_dict to continue it"
        )
    if (stage is None) != ("stage" not in state):
        raise ValueError(
            f"{folder} holds a run {'with' if stage is None else 'without'} a stage; pass the same or another directory"
        )
    before = curriculum.state_dict(), None if stage is None else stage.state_dict()
    try:
        curriculum.load_state_dict(state["curriculum"])
        if stage is not None:
            stage.load_state_dict(state["stage"])
        learner.load_state_dict(state["learner"])
    except BaseException:  # all three or none
        curriculum.load_state_dict(before[0])
        if stage is not None and before[1] is not None:
            stage.load_state_dict(before[1])
        raise
    step = int(state["step"])
    rows = []
    with open(folder / _METRICS, encoding="utf-8") as file:
        for line in file:
            row = _from_json(line)
            rows.append(row)
            if row["step"] == step:  # what follows was written after the checkpoint, its last line perhaps torn
                break
    return step, rows


class _Log:
    """Rows of metrics in memory, as JSON lines, and for TensorBoard."""

    def __init__(self, folder: Path | None, rows: list[dict[str, float]], tensorboard: bool) -> None:
        self.rows = rows
        self._file = None if folder is None else _reopened(folder / _METRICS, rows)
        self._events = None
        if folder is not None and tensorboard:
            self._events = require_extra("tensorboard.summary", "tensorboard").Writer(str(folder / "tensorboard"))

    def write(self, row: dict[str, float]) -> None:
        self.rows.append(row)
        if self._file is not None:
            print(_to_json(row), file=self._file, flush=True)
        if self._events is not None:
            for name, value in row.items():
                if name != "step" and math.isfinite(value):
                    self._events.add_scalar(name, value, int(row["step"]))

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        if self._events is not None:
            self._events.close()


def _reopened(path: Path, rows: list[dict[str, float]]) -> TextIO:
    """A file that holds exactly these rows, open for more; the old one is replaced in one step."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text("".join(_to_json(row) + "\n" for row in rows), encoding="utf-8")
    os.replace(partial, path)
    return open(path, "a", encoding="utf-8")


def _to_json(row: dict[str, float]) -> str:
    return json.dumps({name: value if math.isfinite(value) else None for name, value in row.items()})


def _from_json(line: str) -> dict[str, float]:
    return {name: math.nan if value is None else float(value) for name, value in json.loads(line).items()}


def _check(
    steps: int,
    batch_size: int,
    evaluate_every: int,
    checkpoint_every: int,
    directory: object,
    tensorboard: bool,
    curriculum: Curriculum,
) -> None:
    if steps < 1:
        raise ValueError(f"steps is {steps}; train for at least 1")
    if not 1 <= batch_size <= len(curriculum.bank):
        raise ValueError(
            f"batch_size is {batch_size}, but the bank has {len(curriculum.bank)} problems; give 1 to that many"
        )
    if evaluate_every < 0 or checkpoint_every < 0:
        raise ValueError("evaluate_every and checkpoint_every are 0 (never) or more")
    if tensorboard and directory is None:
        raise ValueError("tensorboard=True needs a directory to write to; pass directory=")
