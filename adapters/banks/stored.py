"""Problems of reasoning-gym as JSON, and back: what a verifier is given after loading is what was generated.

Plain JSON would turn tuples into lists and whole numbers used as keys into texts, on which verifiers fail. Both are
marked. Nothing is pickled, so a cache that someone else wrote can be read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["from_line", "to_line", "write_whole"]

_MARK = "__kind__"


def to_line(entry: Any) -> str:
    """Write dictionaries, lists, tuples, sets, texts, numbers, booleans and None, nested at will, as one line of JSON.

    Raises:
        TypeError: If something else is in the entry.
    """
    return json.dumps(_marked(entry), ensure_ascii=False, separators=(",", ":"))


def from_line(line: str) -> Any:
    """Read a line of `to_line`; numpy's numbers and texts have become Python's.

    Raises:
        ValueError: If it is not such a line.
    """
    return _unmarked(json.loads(line))


def write_whole(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    waiting = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    waiting.write_text(text, encoding="utf-8")
    os.replace(waiting, path)


def _marked(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [_marked(part) for part in value]
    if isinstance(value, tuple | set | frozenset):
        kind = "tuple" if isinstance(value, tuple) else "set"
        parts = sorted(value, key=repr) if kind == "set" else value
        return {_MARK: kind, "values": [_marked(part) for part in parts]}
    if isinstance(value, dict):
        if all(type(key) is str for key in value) and _MARK not in value:
            return {key: _marked(part) for key, part in value.items()}
        return {_MARK: "dict", "values": [[_marked(key), _marked(part)] for key, part in value.items()]}
    raise TypeError(f"an entry holds a {type(value).__name__}, which cannot be stored")


def _unmarked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unmarked(part) for part in value]
    if not isinstance(value, dict):
        return value
    if _MARK not in value:
        return {key: _unmarked(part) for key, part in value.items()}
    kind, values = value[_MARK], value["values"]
    if kind == "dict":
        return {_unmarked(key): _unmarked(part) for key, part in values}
    parts = [_unmarked(part) for part in values]
    if kind == "tuple":
        return tuple(parts)
    if kind == "set":
        return set(parts)
    raise ValueError(f"a stored entry holds the kind {kind!r}, which this version does not know")
