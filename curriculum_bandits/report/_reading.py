"""Read the record of a run, line by line, into columns: a row per problem drawn, per step, per evaluation.

A record belongs to a run that may still be going or that was killed, so a last line cut short is nothing special. What
is not a record at all is refused with the line that shows it. Of a very large one, a random part of the draws is read.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.tracking import RECORD_FILE, RECORD_VERSION

__all__ = ["Estimate", "Evaluation", "RecordedRun", "find_record", "read_example", "read_record", "sums_at"]

# Of a record larger than this, in bytes, only a random part of the draws is read, about as much as this.
_MOST_BYTES = 256 * 2**20


_DRAW = re.compile(rb'\s*\{\s*"kind"\s*:\s*"draw"')
_LARGEST = 1e15  # beyond, a number counts as missing: no step, reward or difficulty is there


@dataclass(frozen=True)
class Evaluation:
    """An evaluation on held-out problems: its finite numbers by name; tokens are nan where missing."""

    step: int
    tokens: float
    metrics: dict[str, float]


@dataclass(frozen=True)
class Estimate:
    """An estimate of the regret against each group, as `regret.GroupRegretEstimator` made it; nan where unknown."""

    step: int
    regret: FloatArray
    half_width: FloatArray
    earned: float
    plays: float
    unbiased: bool


@dataclass
class RecordedRun:
    """A run as its record has it.

    Attributes:
        method: Name of the curriculum.
        settings: Its settings by name, as text; empty where unknown.
        bank_size: Problems of the bank, None where unknown.
        n_rollouts: Rollouts per problem, None where unknown.
        groups: Names of the groups.
        problems: Ids of the problems drawn, in the order in which they first appear.
        drawn: Columns with a row per problem drawn: ``step``, ``problem``, ``group`` (-1 where there is none),
            ``difficulty``, ``reward``, ``utility`` and ``tokens`` (nan where missing), ``informative`` and ``trained``.
        steps: Columns with a row per step: ``step``, ``tokens`` so far and ``effective`` number of problems.
        seconds: Seconds of each part of a step, rows as in `steps`; ``step`` is the whole.
        evaluations: In order.
        estimates: Of the regret, in order.
        examples: Of a problem, by its number: where the line with its latest example begins, and which of them it is.
        draw_lines: Draws in the record, whether read or not.
        draws: Draws read.
        broken_lines: Lines that could not be read.
        first_step: Of the record, -1 for none.
        last_step: Of the record, -1 for none.
    """

    method: str
    settings: dict[str, str] = field(default_factory=dict)
    bank_size: int | None = None
    n_rollouts: int | None = None
    groups: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    drawn: dict[str, npt.NDArray[Any]] = field(default_factory=dict)
    steps: dict[str, FloatArray] = field(default_factory=dict)
    seconds: dict[str, FloatArray] = field(default_factory=dict)
    evaluations: list[Evaluation] = field(default_factory=list)
    estimates: list[Estimate] = field(default_factory=list)
    examples: dict[int, tuple[int, int]] = field(default_factory=dict)
    draw_lines: int = 0
    draws: int = 0
    broken_lines: int = 0
    first_step: int = -1
    last_step: int = -1

    @property
    def has_groups(self) -> bool:
        """True if any problem drawn has a group."""
        return bool(np.any(self.drawn["group"] >= 0))

    @property
    def tokens(self) -> float:
        """Last number of tokens so far, nan where unknown."""
        known = self.steps["tokens"][np.isfinite(self.steps["tokens"])]
        return float(known[-1]) if len(known) else math.nan

    def by_group(self, values: npt.ArrayLike) -> FloatArray:
        """Sums of a value per problem drawn, by group, shape (G,)."""
        return sums_at(self.drawn["group"], values, len(self.groups))

    def by_problem(self, values: npt.ArrayLike) -> FloatArray:
        """Sums of a value per problem drawn, by problem, shape (problems,)."""
        return sums_at(self.drawn["problem"], values, len(self.problems))


def find_record(run: str | os.PathLike[str]) -> Path:
    """Path of the record of a run, given by its folder or by the record itself; an error where there is none."""
    path = Path(run)
    record = path / RECORD_FILE if path.is_dir() else path
    if not record.is_file():
        fault = f"holds no {RECORD_FILE}" if path.is_dir() else "does not exist"
        raise ValueError(f"{path} {fault}; give the output folder of a run, or its {RECORD_FILE}")
    return record


def read_record(run: str | os.PathLike[str], *, most_bytes: int = _MOST_BYTES) -> RecordedRun:
    """Read a record.

    Args:
        run: Folder of the run, or the record itself.
        most_bytes: Of a larger record every draw is left out with the same probability, so that about as much is read.

    Returns:
        The run.

    Raises:
        ValueError: If there is no record, if it is empty, of a newer version or no record at all; or if a line of it
            makes no sense.
    """
    path = find_record(run)
    size = path.stat().st_size
    if size == 0:
        raise ValueError(f"{path} is empty; the run has not begun, or this is another file")
    keep = min(1.0, most_bytes / size)
    # At random rather than every k-th, which could meet the refills of a filter and nothing else.
    chance = random.Random(0)
    reader: _Reader | None = None
    offset = 0
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            start, offset = offset, offset + len(line)
            if not line.strip():
                continue
            if reader is not None and keep < 1.0 and _DRAW.match(line) and chance.random() >= keep:
                reader.run.draw_lines += 1
                continue
            entry = _parsed(line)
            if reader is None:
                reader = _Reader(_begun(path, number, entry))
                continue
            if entry is None:
                reader.run.broken_lines += 1
                continue
            try:
                reader.add(entry, start)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
                raise ValueError(f"line {number} of {path} makes no sense: {what}") from error
    if reader is None:
        raise ValueError(f"{path} holds nothing but blank lines; the run has not begun, or this is another file")
    return reader.finished()


def read_example(run: str | os.PathLike[str], offset: int, slot: int) -> dict[str, Any]:
    """An example of the draw whose line begins at `offset`, by its number `slot`: prompt, completion and reward."""
    with open(find_record(run), "rb") as file:
        file.seek(offset)
        entry = _parsed(file.readline())
    example = entry["examples"][slot] if entry is not None else {}
    texts = {name: str(example.get(name, "")) for name in ("prompt", "completion")}
    return {**texts, "reward": _number(example.get("reward"))}


class _Reader:
    """A run in the making, each column in pieces."""

    def __init__(self, run: RecordedRun) -> None:
        self.run = run
        self._problems: dict[str, int] = {}
        self._groups = {name: number for number, name in enumerate(run.groups)}
        self._drawn: dict[str, list[npt.NDArray[Any]]] = {
            name: [np.zeros(0, dtype)] for name, dtype in _COLUMNS.items()
        }
        self._steps: dict[str, list[float]] = {"step": [], "tokens": [], "effective": []}
        self._seconds: list[dict[str, float]] = []

    def add(self, entry: dict[str, Any], offset: int) -> None:
        kinds = {"draw": self._draw, "step": self._step, "evaluation": self._evaluation, "regret": self._regret}
        add = kinds.get(entry.get("kind", ""))
        if add is None:  # other kinds may join the format later; this page has no place for them
            return
        step = _step(entry)
        add(step, entry, offset)
        self.run.first_step = step if self.run.first_step < 0 else min(step, self.run.first_step)
        self.run.last_step = max(step, self.run.last_step)

    def finished(self) -> RecordedRun:
        run = self.run
        run.problems, run.groups = list(self._problems), list(self._groups)
        run.drawn = {name: np.concatenate(parts) for name, parts in self._drawn.items()}
        run.steps = {name: np.array(values, dtype=np.float64) for name, values in self._steps.items()}
        parts = dict.fromkeys(["step", *(part for seconds in self._seconds for part in seconds)])
        run.seconds = {part: np.array([seconds.get(part, 0.0) for seconds in self._seconds]) for part in parts}
        return run

    def _draw(self, step: int, entry: dict[str, Any], offset: int) -> None:
        items = entry["items"]
        if not isinstance(items, list):
            raise ValueError(f"items is {items!r}, not a list")
        m = len(items)
        groups, informative, trained = (_listed(entry, name, m) for name in ("group", "spread", "trained"))
        seen, names = self._problems, self._groups
        columns = {
            "step": [step] * m,
            "problem": [seen.setdefault(str(item), len(seen)) for item in items],
            "group": [-1] * m if groups is None else [names.setdefault(str(name), len(names)) for name in groups],
            "informative": [False] * m if informative is None else [value is True for value in informative],
            "trained": [True] * m if trained is None else [value is True for value in trained],
            "tokens": _floats(entry, "completion_tokens", m),
            **{name: _floats(entry, name, m) for name in ("difficulty", "reward", "utility")},
        }
        for name, dtype in _COLUMNS.items():
            self._drawn[name].append(np.array(columns[name], dtype=dtype))
        examples = entry.get("examples")
        for slot, example in enumerate(examples if isinstance(examples, list) else []):
            # Only of what was drawn: an example of anything else would be no example of it.
            if isinstance(example, dict) and str(example.get("id")) in map(str, items):
                self.run.examples[seen[str(example["id"])]] = offset, slot
        self.run.draw_lines += 1
        self.run.draws += 1

    def _step(self, step: int, entry: dict[str, Any], offset: int) -> None:
        effective = _numbers_by_name(entry.get("metrics")).get("effective_problems", math.nan)
        for name, value in (("step", step), ("tokens", _number(entry.get("tokens"))), ("effective", effective)):
            self._steps[name].append(value)
        seconds = _numbers_by_name(entry.get("seconds"))
        self._seconds.append({part: spent for part, spent in seconds.items() if math.isfinite(spent)})

    def _evaluation(self, step: int, entry: dict[str, Any], offset: int) -> None:
        metrics = _numbers_by_name(entry.get("metrics"))
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        if finite:
            self.run.evaluations.append(Evaluation(step, _number(entry.get("tokens")), finite))

    def _regret(self, step: int, entry: dict[str, Any], offset: int) -> None:
        n_groups = len(self.run.groups)  # of the first line, which names all
        regret, half_width = (_floats(entry, name, n_groups) for name in ("regret", "half_width"))
        earned, plays = _number(entry.get("earned")), _number(entry.get("plays"))
        unbiased = entry.get("unbiased") is True
        self.run.estimates.append(Estimate(step, regret, half_width, earned, plays, unbiased))


# Columns with a row per problem drawn, and their types.
_COLUMNS: dict[str, Any] = {
    **dict.fromkeys(("step", "problem", "group"), np.int64),
    **dict.fromkeys(("difficulty", "reward", "utility", "tokens"), np.float64),
    **dict.fromkeys(("informative", "trained"), np.bool_),
}


def sums_at(where: IntArray, values: npt.ArrayLike, size: int) -> FloatArray:
    """Sums of values by their place, shape (size,); what has the place -1, or is nan, counts for nothing."""
    here = where >= 0
    weights = np.broadcast_to(np.asarray(values, dtype=np.float64), where.shape)[here]
    return np.asarray(np.bincount(where[here], weights=np.nan_to_num(weights), minlength=size), dtype=np.float64)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _begun(path: Path, number: int, entry: dict[str, Any] | None) -> RecordedRun:
    if entry is None or entry.get("kind") != "run" or "version" not in entry:
        raise ValueError(
            f"{path} is no record of a run: its line {number} does not begin one; give the {RECORD_FILE} of a run"
        )
    version = entry["version"]
    if version != RECORD_VERSION or isinstance(version, bool):
        needed = f"this reads version {RECORD_VERSION}; update curriculum-bandits"
        raise ValueError(f"{path} is a record of version {version!r}, and {needed}")
    groups = entry.get("groups") or []
    names = [str(name) for name in groups] if isinstance(groups, list) else []
    size, n_rollouts = (int(max(np.nan_to_num(_number(entry.get(name))), 0)) for name in ("problems", "n_rollouts"))
    settings = entry.get("settings")
    shown = {str(name): str(value) for name, value in settings.items()} if isinstance(settings, dict) else {}
    return RecordedRun(str(entry.get("method") or "unknown"), shown, size or None, n_rollouts or None, names)


def _listed(entry: Mapping[str, Any], name: str, m: int) -> list[Any] | None:
    values = entry.get(name)
    if values is not None and not (isinstance(values, list) and len(values) == m):
        length = len(values) if isinstance(values, list) else "no list"
        raise ValueError(f"{name} has {length} entries where {m} are needed")
    return values


def _floats(entry: Mapping[str, Any], name: str, m: int) -> FloatArray:
    values = _listed(entry, name, m)
    if values is None:
        return np.full(m, np.nan)
    try:
        array = np.array(values, dtype=np.float64)  # null becomes nan
    except (TypeError, ValueError):
        raise ValueError(f"{name} holds something that is no number") from None
    if array.shape != (m,):
        raise ValueError(f"{name} holds lists")
    array[~(np.abs(array) < _LARGEST)] = np.nan
    return array


def _step(entry: Mapping[str, Any]) -> int:
    step = entry["step"]
    if isinstance(step, bool) or not isinstance(step, int | float) or not 0 <= step < _LARGEST:
        raise ValueError(f"step is {step!r}, not a number from 0 on")
    return int(step)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
        return math.nan
    return float(value)


def _numbers_by_name(values: Any) -> dict[str, float]:
    return {str(name): _number(value) for name, value in values.items()} if isinstance(values, dict) else {}
