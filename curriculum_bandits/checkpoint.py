"""State on disk: arrays in an npz file, everything else as JSON inside it, never pickle.

A checkpoint is opened by people who did not write it, so it must not be able to run code. It is replaced in one
step, so a kill in the middle of a save leaves the previous one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["load_state", "save_state"]

_STRUCTURE = "structure.json"
_ARRAY = "__array__"


def save_state(path: str | os.PathLike[str], state: Mapping[str, Any]) -> None:
    """Write a state dictionary, replacing the file in one step.

    Args:
        path: File to write.
        state: Nested dictionaries and lists of arrays, numbers, strings, booleans and None.

    Raises:
        TypeError: If something in it is neither; the message names its place. The file is then as it was.
    """
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    structure = _take_arrays(state, arrays, "state")
    target = Path(path)
    partial = target.with_name(target.name + ".partial")
    with open(partial, "wb") as file:
        text = np.frombuffer(json.dumps(structure).encode(), dtype=np.uint8)
        np.savez(file, allow_pickle=False, **{_STRUCTURE: text, **arrays})
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, target)


def load_state(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a state dictionary that `save_state` wrote.

    It is equal to what was saved, but for tuples, which come back as lists.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is not a state dictionary.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        structure = json.loads(arrays.pop(_STRUCTURE).tobytes().decode())
        state = _put_arrays(structure, arrays)
        if not isinstance(state, dict):
            raise TypeError(f"it holds a {type(state).__name__}")
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(
            f"{path} is not a curriculum_bandits state file ({error}); give the file that was saved"
        ) from error
    return state


def _take_arrays(value: Any, arrays: dict[str, Any], place: str) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            raise TypeError(f"{place} is an array of Python objects, which cannot be saved without pickle")
        name = f"a{len(arrays)}"
        arrays[name] = value
        return {_ARRAY: name}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"{place} has the key {key!r}; keys must be strings")
        return {key: _take_arrays(entry, arrays, f"{place}.{key}") for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_take_arrays(entry, arrays, f"{place}[{i}]") for i, entry in enumerate(value)]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{place} is a {type(value).__name__}; state is made of arrays, numbers, strings, lists and dicts")


def _put_arrays(value: Any, arrays: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return arrays[value[_ARRAY]]
        return {key: _put_arrays(entry, arrays) for key, entry in value.items()}
    if isinstance(value, list):
        return [_put_arrays(entry, arrays) for entry in value]
    return value
