"""From the lines of a record to sums: read once, one line at a time, so that a run of any length fits into memory.

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
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.report.totals import DrawLine, Totals

__all__ = ["MOST_BYTES", "find_record", "read_example", "read_record"]

#: Of a record larger than this, in bytes, only a random part of the draws is read, about as much as this.
MOST_BYTES = 256 * 2**20

FloatArray = npt.NDArray[np.float64]

_FILE = "curriculum.jsonl"
_VERSION = 1
_DRAW = re.compile(rb'\s*\{\s*"kind"\s*:\s*"draw"')
_LARGEST = 1e15  # beyond, a number counts as missing: no step, reward or difficulty is there


def find_record(run: str | os.PathLike[str]) -> Path:
    """The record of a run.

    Args:
        run: Folder of the run, or the record itself.

    Returns:
        Path of the record.

    Raises:
        ValueError: If there is none.
    """
    path = Path(run)
    if path.is_dir():
        record = path / _FILE
        if not record.is_file():
            raise ValueError(f"{path} holds no {_FILE}; give the output folder of a run, or the record itself")
        return record
    if not path.is_file():
        raise ValueError(f"{path} does not exist; give the output folder of a run, or its {_FILE}")
    return path


def read_record(run: str | os.PathLike[str], *, most_bytes: int = MOST_BYTES) -> Totals:
    """Add up a record.

    Args:
        run: Folder of the run, or the record itself.
        most_bytes: Of a larger record every draw is left out with the same probability, so that about as much is read.

    Returns:
        What it adds up to.

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
    totals: Totals | None = None
    offset = 0
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            start, offset = offset, offset + len(line)
            if not line.strip():
                continue
            if totals is not None and keep < 1.0 and _DRAW.match(line) and chance.random() >= keep:
                totals.draw_lines += 1
                continue
            entry = _parsed(line)
            if totals is None:
                totals = _begun(path, number, entry)
                continue
            if entry is None:
                totals.broken_lines += 1
                continue
            try:
                _add(totals, entry, start)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
                raise ValueError(f"line {number} of {path} makes no sense: {what}") from error
    if totals is None:
        raise ValueError(f"{path} holds nothing but blank lines; the run has not begun, or this is another file")
    totals.finish()
    return totals


def read_example(run: str | os.PathLike[str], offset: int, slot: int) -> dict[str, Any]:
    """One example of a draw, read again from the record.

    Args:
        run: Folder of the run, or the record itself.
        offset: Where the draw's line begins, in bytes.
        slot: Which of its examples.

    Returns:
        ``prompt`` and ``completion`` as text, ``reward`` as a number, nan where it is missing.
    """
    with open(find_record(run), "rb") as file:
        file.seek(offset)
        entry = _parsed(file.readline())
    example = entry["examples"][slot] if entry is not None else {}
    return {
        "prompt": str(example.get("prompt", "")),
        "completion": str(example.get("completion", "")),
        "reward": _number(example.get("reward")),
    }


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def _begun(path: Path, number: int, entry: dict[str, Any] | None) -> Totals:
    if entry is None or entry.get("kind") != "run" or "version" not in entry:
        raise ValueError(
            f"{path} is no record of a run: its line {number} does not begin one; give the {_FILE} a trainer wrote"
        )
    version = entry["version"]
    if version != _VERSION or isinstance(version, bool):
        raise ValueError(
            f"{path} is a record of version {version!r}, and this reads version {_VERSION}; update curriculum-bandits"
        )
    groups = entry.get("groups") or []
    return Totals(
        method=str(entry.get("method") or "unknown"),
        problems=_count(entry.get("problems")),
        groups=[str(name) for name in groups] if isinstance(groups, list) else [],
        generations=_count(entry.get("generations")),
    )


def _add(totals: Totals, entry: dict[str, Any], offset: int) -> None:
    kind = entry.get("kind")
    if kind == "draw":
        totals.add_draw(_draw(entry, offset))
    elif kind == "step":
        totals.add_step(
            _step(entry),
            _number(entry.get("tokens")),
            _numbers_by_name(entry.get("seconds")),
        )
    elif kind == "evaluation":
        totals.add_evaluation(_step(entry), _number(entry.get("tokens")), _numbers_by_name(entry.get("metrics")))
    # Other kinds may join the format later; this page has no place for them.


def _draw(entry: dict[str, Any], offset: int) -> DrawLine:
    items = entry["items"]
    if not isinstance(items, list):
        raise ValueError(f"items is {items!r}, not a list")
    m = len(items)
    groups = _listed(entry, "group", m)
    inclusion = _floats(entry, "inclusion", m)
    if inclusion is not None and not np.all(inclusion > 0.0):
        raise ValueError(f"an inclusion is {inclusion[~(inclusion > 0.0)][0]}; it must be above 0")
    missing = np.full(m, np.nan)
    rewards, utilities = _floats(entry, "reward", m), _floats(entry, "utility", m)
    examples = entry.get("examples")
    return DrawLine(
        step=_step(entry),
        items=[str(item) for item in items],
        groups=None if groups is None else [str(group) for group in groups],
        difficulty=_floats(entry, "difficulty", m),
        inclusion=inclusion,
        reward=missing if rewards is None else rewards,
        spread=_flags(entry, "spread", m, default=False),
        utility=missing if utilities is None else utilities,
        trained=_flags(entry, "trained", m, default=True),
        entropy=_number(entry.get("entropy")),
        tokens=_floats(entry, "completion_tokens", m),
        examples=[str(e.get("id")) if isinstance(e, dict) else "" for e in examples]
        if isinstance(examples, list)
        else [],
        offset=offset,
    )


def _listed(entry: Mapping[str, Any], name: str, m: int) -> list[Any] | None:
    values = entry.get(name)
    if values is None:
        return None
    if not isinstance(values, list) or len(values) != m:
        length = len(values) if isinstance(values, list) else "no list"
        raise ValueError(f"the draw has {m} items, but its {name} has {length}")
    return values


def _floats(entry: Mapping[str, Any], name: str, m: int) -> FloatArray | None:
    values = _listed(entry, name, m)
    if values is None:
        return None
    try:
        array = np.array(values, dtype=np.float64)  # null becomes nan
    except (TypeError, ValueError):
        raise ValueError(f"{name} holds something that is no number") from None
    if array.shape != (m,):
        raise ValueError(f"{name} holds lists")
    array[~(np.abs(array) < _LARGEST)] = np.nan
    return array


def _flags(entry: Mapping[str, Any], name: str, m: int, *, default: bool) -> npt.NDArray[np.bool_]:
    values = _listed(entry, name, m)
    return np.full(m, default) if values is None else np.array([value is True for value in values], dtype=np.bool_)


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


def _count(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number > 0 else None
