"""The record of a run, one JSON object per line: draws and their results, costs, evaluations, estimates of regret.

Every loop writes the same record, line by line, so that a running or killed run can be inspected; a resume cuts it back
to the step of the checkpoint. ``curriculum-bandits report`` makes a page of it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.grammar import written
from curriculum_bandits.observer import Observer
from curriculum_bandits.regret import GroupRegretEstimator
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.state import Count, Field, Part, Stateful

__all__ = ["RECORD_FILE", "RECORD_VERSION", "Record"]

#: Name of the record in the folder of a run.
RECORD_FILE = "curriculum.jsonl"
#: Version of the format, to be raised when a reader would misread it.
RECORD_VERSION = 1

_SECONDS = "seconds/"
_LONGEST_TEXT = 500
_MOST_EXAMPLES = 4  # of a draw
_ESTIMATES_A_STEP = 32  # with more groups they are written every few steps


class Record(Stateful, Observer):
    """The record of one run, in a file that only grows between checkpoints.

    The first line names the method and its settings. Each further line is a draw, a step, an evaluation or, where the
    bank has groups, an estimate of the regret against each of them (`GroupRegretEstimator`). An earlier run in the file
    is dropped; after loading the state of a checkpoint, only the lines of later steps are.

    Args:
        path: The file; its folder is made when the first line is written.
        curriculum: The curriculum that is recorded.
        n_rollouts: Rollouts per problem, where it is always the same.

    >>> import tempfile
    >>> from curriculum_bandits import ProblemBank, methods
    >>> curriculum = methods.uniform(ProblemBank(["1+1=", "2+2="]))
    >>> record = Record(tempfile.mkdtemp() + "/curriculum.jsonl", curriculum)
    >>> draw = curriculum.ask(1)
    >>> record.answered(draw, Rollouts([[1.0, 0.0]]), Feedback([0.25], [2]))
    >>> record.stepped(1, {"loss": 0.5, "tokens": 80.0})
    >>> record.rows()
    [{'step': 0.0, 'tokens': 0.0}, {'step': 1.0, 'tokens': 80.0, 'loss': 0.5}]
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_step": Count(low=-1), "regret": Part(optional=True)}

    def __init__(self, path: str | os.PathLike[str], curriculum: Curriculum, *, n_rollouts: int | None = None) -> None:
        self.path = Path(path)
        self.regret: GroupRegretEstimator | None = None
        self._curriculum, self._n_rollouts = curriculum, n_rollouts
        self._answers: list[dict[str, Any]] = []  # of the present step
        self._reset()

    def begin(self) -> None:
        """Start anew, dropping what an earlier run left in the file."""
        self._reset()
        self._ready()

    def rows(self) -> list[dict[str, float]]:
        """The numbers of every step and its evaluation, as `run` returns them; the first is before the first step."""
        if self._resumed:
            self._ready()
        rows: dict[int, dict[str, float]] = {0: {"step": 0.0, "tokens": 0.0}}
        for entry in self._entries():
            if entry["kind"] in ("step", "evaluation"):
                row = rows.setdefault(entry["step"], {"step": float(entry["step"])})
                row |= {"tokens": _float(entry["tokens"])}
                row |= {f"seconds/{part}": _float(spent) for part, spent in entry.get("seconds", {}).items()}
                row |= {name: _float(value) for name, value in entry["metrics"].items()}
        return list(rows.values())

    def answered(self, draw: Draw, rollouts: Rollouts, feedback: Feedback) -> None:
        """Keep a draw and its results until the step is known."""
        self._ready()
        bank, items, valid = self._curriculum.bank, draw.items, rollouts.valid
        if self.regret is not None:
            self.regret.answered(draw, rollouts, feedback)
        counts = valid.sum(axis=1)
        totals = np.where(valid, rollouts.rewards, 0.0).sum(axis=1)
        trained = np.ones(valid.shape, dtype=bool) if rollouts.trained is None else rollouts.trained
        utilities = np.where(feedback.answered, feedback.values, np.nan)
        self._answers.append(
            {
                "draw": draw.ticket.serial,
                "items": [bank.ids[int(item)] for item in items],
                "group": None if bank.groups is None else [bank.group_names[g] for g in bank.groups[items]],
                "difficulty": None if bank.difficulty is None else _numbers(bank.difficulty[items]),
                "probability": _numbers(draw.probability),
                "inclusion": None if draw.inclusion is None else _numbers(draw.inclusion),
                "reward": _numbers(np.where(counts > 0, totals / np.maximum(counts, 1), np.nan)),
                "spread": rollouts.informative.tolist(),
                "utility": _numbers(utilities),
                "trained": trained.any(axis=1).tolist(),
                "completion_tokens": None if rollouts.lengths is None else _numbers(rollouts.lengths.sum(axis=1)),
                "examples": self._examples(items, rollouts, utilities),
            }
        )

    def stepped(self, step: int, metrics: Mapping[str, float]) -> None:
        """Write the draws of a step, its metrics and the estimate of regret; without metrics its draws alone."""
        self._ready()
        self._step = step
        lines = [{"kind": "draw", "step": step, **answer} for answer in self._answers]
        self._answers = []
        if metrics:
            self._tokens = metrics.get("tokens", math.nan)
            seconds = {name: value for name, value in metrics.items() if name.startswith(_SECONDS)}
            own = {name: metrics[name] for name in metrics if name not in {"step", "tokens", *seconds}}
            parts = {name.removeprefix(_SECONDS): _number(round(value, 6)) for name, value in seconds.items()}
            lines.append(self._entry("step", step) | {"seconds": parts, "metrics": _mapping(own)})
        if self.regret is not None and lines and step % math.ceil(len(self.regret.sizes) / _ESTIMATES_A_STEP) == 0:
            estimate = self.regret.estimate()
            met = estimate.rounds_met > 0
            lines.append(
                {
                    "kind": "regret",
                    "step": step,
                    "plays": self.regret.plays,
                    "earned": self.regret.earned,
                    "regret": _numbers(np.where(met, estimate.regret, np.nan)),
                    "half_width": _numbers(np.where(met, estimate.half_width, np.nan)),
                    "unbiased": estimate.unbiased,
                }
            )
        self._append(lines)

    def evaluated(self, step: int, scores: Mapping[str, float]) -> None:
        """Write an evaluation."""
        self._ready()
        self._step = step
        self._append([self._entry("evaluation", step) | {"metrics": _mapping(scores)}])

    def _put(self, values: Mapping[str, Any]) -> None:
        super()._put(values)
        self._answers, self._begun, self._resumed = [], False, True

    def _reset(self) -> None:
        groups = self._curriculum.bank.groups
        self.regret = None if groups is None else GroupRegretEstimator(groups, strict=False)
        self._answers, self._tokens, self._step, self._begun, self._resumed = [], 0.0, -1, False, False

    def _header(self) -> str:
        bank = self._curriculum.bank
        return _line(
            {
                "kind": "run",
                "version": RECORD_VERSION,
                "method": self._curriculum.name,
                "settings": {name: _text(written(each, bare=True)) for name, each in self._curriculum.settings.items()},
                "problems": len(bank),
                "groups": bank.group_names or None,
                "n_rollouts": self._n_rollouts,
            }
        )

    def _examples(self, items: npt.NDArray[np.int64], rollouts: Rollouts, utilities: Any) -> list[dict[str, Any]]:
        """Completions worth reading: of the problems with the greatest and the least utility, the best of each."""
        if rollouts.completions is None:
            return []
        bank, texts = self._curriculum.bank, rollouts.completions
        has_text = np.array([text is not None for text in texts.flat], dtype=bool).reshape(texts.shape)
        rewards = np.where(has_text, np.nan_to_num(rollouts.rewards, nan=-1e300), -np.inf)
        known = np.flatnonzero(has_text.any(axis=1) & np.isfinite(utilities))
        known = known[np.argsort(utilities[known], kind="stable")]
        chosen = dict.fromkeys([*known[::-1][: (_MOST_EXAMPLES + 1) // 2], *known[: _MOST_EXAMPLES // 2]])
        return [
            {
                "id": bank.ids[int(items[j])],
                "prompt": _text(bank.prompts[int(items[j])]),
                "completion": _text(texts[j, k]),
                "reward": _number(rollouts.rewards[j, k]),
            }
            for j, k in ((j, int(np.argmax(rewards[j]))) for j in chosen)
        ]

    def _entry(self, kind: str, step: int) -> dict[str, Any]:
        return {"kind": kind, "step": step, "tokens": _number(self._tokens)}

    def _append(self, entries: Iterable[Mapping[str, Any]]) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.writelines(_line(entry) for entry in entries)

    def _ready(self) -> None:
        """Write the first line of a new run, or cut what came after the checkpoint of an old one."""
        if self._begun:
            return
        self._begun = True
        lines = self._until(self._step) if self._step >= 0 and self.path.exists() else [self._header()]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(self.path.name + ".partial")
        with open(partial, "w", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.path)

    def _until(self, step: int) -> Iterator[str]:
        self._tokens = 0.0
        for entry in self._entries():
            if entry.get("step", 0) <= step:
                self._tokens = _float(entry.get("tokens", self._tokens))
                yield _line(entry)

    def _entries(self) -> Iterator[dict[str, Any]]:
        with open(self.path, encoding="utf-8") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    continue
                if isinstance(entry, dict):
                    yield entry


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _float(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _numbers(values: npt.ArrayLike) -> list[float | None]:
    return [_number(value) for value in np.asarray(values, dtype=np.float64).tolist()]


def _mapping(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _number(value) for name, value in values.items()}


def _text(value: Any) -> str:
    """The text of a prompt or completion, of a conversation its last message, cut where it is long."""
    if isinstance(value, list | tuple) and value and isinstance(value[-1], Mapping):
        value = value[-1].get("content", "")
    text = str(value).encode("utf-8", "replace").decode("utf-8")  # half of a pair would make the line unwritable
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
