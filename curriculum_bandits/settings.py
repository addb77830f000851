"""The settings a curriculum was made with: shown, saved with its state, and compared when a state is loaded.

Settings are plain: numbers, texts, None, arrays, value objects with their fields, and functions of this package by
name. Anything else, such as a network or a user's own signal, is saved as a description: it can be told from another
one, but must be passed again where a curriculum is rebuilt. Reading imports nothing from outside this package.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.grammar import written
from curriculum_bandits.state import Field

__all__ = ["SavedSettings", "Settings", "restored"]

_PACKAGE = __name__.partition(".")[0]
_OBJECT, _FUNCTION, _PARTIAL, _DESCRIBED = "object", "function", "partial", "described"


class Settings(Mapping[str, Any]):
    """Arguments of a constructor by name, defaults included.

    Args:
        values: Every argument.
        changed: What was given and differs from the defaults.
        free: Names of arguments that say where and how the work is done; they are not saved, and may differ where a
            state is loaded.

    >>> settings = Settings({"rate": 0.5, "temperature": 0.2, "seed": 3}, {"temperature": 0.2, "seed": 3})
    >>> str(settings)
    'temperature=0.2, seed=3'
    >>> settings.continued({"rate": 0.5, "temperature": 1.0, "seed": 0})
    Traceback (most recent call last):
    ValueError: differ: temperature was 1.0 there and is 0.2 here; ...
    """

    def __init__(
        self, values: Mapping[str, Any] = {}, changed: Mapping[str, Any] = {}, free: Iterable[str] = ()
    ) -> None:
        self._values, self._changed, self._free = dict(values), dict(changed), frozenset(free)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __str__(self) -> str:
        """What differs from the defaults, as arguments."""
        return ", ".join(f"{name}={written(value)}" for name, value in self._changed.items())

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={written(value)}' for name, value in self.items())})"

    def state_dict(self) -> dict[str, Any]:
        """Every setting that is not free, as plain data."""
        return {name: _plain(value) for name, value in self.items() if name not in self._free}

    def continued(self, saved: Mapping[str, Any]) -> Settings:
        """The settings with which a state continues whose `state_dict` these were: the same, with the seed of there.

        Another seed is no other setting, since the random state is in the state.

        Raises:
            ValueError: If a setting differs; the message has each with both values.
        """
        here, seed = self.state_dict(), saved.get("seed")
        adopted = {"seed": seed} if "seed" in here and type(seed) is int else {}
        differing = "; ".join(_differences("", saved, {**here, **adopted}))
        if differing:
            raise ValueError(
                f"differ: {differing}; make the curriculum with those, or rebuild it from its file with load"
            )
        changed = {**self._changed, **adopted}
        if not adopted.get("seed"):
            changed.pop("seed", None)
        return Settings({**self._values, **adopted}, changed, self._free)


class SavedSettings(Field):
    """The settings of an object, which a saved state must agree with."""

    @override
    def save(self, value: Any) -> Any:
        return value.state_dict()

    @override
    def checked(self, saved: Any, present: Any, owner: Any) -> Any:
        if not isinstance(saved, Mapping):
            raise ValueError(f"are a {type(saved).__name__}; give what state_dict returned")
        return present.continued(saved)


def restored(saved: Mapping[str, Any], objects: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that a curriculum was made with.

    Args:
        saved: What `Settings.state_dict` returned.
        objects: Values that take the place of saved ones, such as those that could not be written down.

    Raises:
        ValueError: If a value could not be written down and is not among `objects`, or one names nothing in this
            package.
    """
    needed = {name: value for name, value in saved.items() if name not in objects}
    lacking = {name: words for name, value in needed.items() if (words := ", ".join(_descriptions(value)))}
    if lacking:
        what = ", ".join(f"{name} ({words})" for name, words in lacking.items())
        remedy = ", ".join(f"{name}=..." for name in lacking)
        raise ValueError(f"the file cannot hold these settings: {what}; pass them as well: load(path, bank, {remedy})")
    return {**{name: _restored(value) for name, value in needed.items()}, **objects}


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.generic():
            return value.item()
        case np.ndarray() if value.dtype != object:
            return value.copy()
        case list() | tuple() | range():
            return [_plain(part) for part in value]
        case os.PathLike():
            return os.fspath(value)
        case functools.partial() if not value.args:
            return {_PARTIAL: _plain(value.func), "fields": _plain_fields(value.keywords)}
    if inspect.isroutine(value) or isinstance(value, type):
        return {_FUNCTION if _ours(value) else _DESCRIBED: f"{value.__module__}:{value.__qualname__}"}
    if is_dataclass(value) and _ours(type(value)):
        parts = {f.name: getattr(value, f.name) for f in fields(value) if f.init}
        return {_OBJECT: f"{type(value).__module__}:{type(value).__qualname__}", "fields": _plain_fields(parts)}
    return {_DESCRIBED: type(value).__qualname__}


def _plain_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(value) for name, value in values.items()}


def _ours(value: Any) -> bool:
    """Whether a class or a function can be found again in this package."""
    inside = value.__module__ == _PACKAGE or value.__module__.startswith(f"{_PACKAGE}.")
    return inside and "<" not in value.__qualname__ and "." not in value.__qualname__


def _descriptions(saved: Any) -> list[str]:
    """Of what could not be written down, anywhere in a saved value."""
    if isinstance(saved, Mapping):
        if _DESCRIBED in saved:
            return [str(saved[_DESCRIBED])]
        return [words for part in saved.values() for words in _descriptions(part)]
    return [words for part in saved for words in _descriptions(part)] if isinstance(saved, list) else []


def _restored(saved: Any) -> Any:
    if isinstance(saved, list):
        return tuple(map(_restored, saved))
    if not isinstance(saved, Mapping):
        return saved
    parts = {name: _restored(part) for name, part in saved.get("fields", {}).items()}
    if _PARTIAL in saved:
        return functools.partial(_restored(saved[_PARTIAL]), **parts)
    found = _found(str(saved.get(_OBJECT, saved.get(_FUNCTION))))
    if _FUNCTION in saved:
        return found
    if not (isinstance(found, type) and is_dataclass(found)):
        raise ValueError(f"{saved[_OBJECT]} is no value object; the file was not written by this version")
    return found(**parts)


def _found(path: str) -> Any:
    module, _, name = path.partition(":")
    try:
        if not f"{module}.".startswith(f"{_PACKAGE}.") or "." in name:
            raise ImportError("not of this package")
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"the file names {path!r}, which cannot be had: {error}") from None


def _differences(name: str, saved: Any, here: Any) -> Iterator[str]:
    """A sentence on every differing leaf."""
    if isinstance(saved, Mapping) and isinstance(here, Mapping):
        kinds = [{key: each[key] for key in (_OBJECT, _FUNCTION, _DESCRIBED) if key in each} for each in (saved, here)]
        if kinds[0] == kinds[1]:
            for part in dict.fromkeys((*saved, *here)):
                inner = name if part in ("fields", _PARTIAL) else f"{name}.{part}".lstrip(".")
                yield from _differences(inner, saved.get(part, _MISSING), here.get(part, _MISSING))
            return
    if not _same(saved, here):
        yield f"{name} was {_shown(saved)} there and is {_shown(here)} here"


def _same(saved: Any, here: Any) -> bool:
    """Whether two saved values are equal, where nan is nan."""
    if isinstance(saved, list) and isinstance(here, list):
        return len(saved) == len(here) and all(map(_same, saved, here))
    if isinstance(saved, Mapping) and isinstance(here, Mapping):
        return saved.keys() == here.keys() and all(_same(part, here[name]) for name, part in saved.items())
    if isinstance(saved, np.ndarray) or isinstance(here, np.ndarray):
        numbers = all(np.issubdtype(each.dtype, np.number) for each in (saved, here) if isinstance(each, np.ndarray))
        return np.array_equal(saved, here) or (numbers and _equal_but_for_nan(saved, here))
    return bool(saved == here or (saved != saved and here != here))


def _equal_but_for_nan(saved: Any, here: Any) -> bool:
    try:
        return np.array_equal(np.asarray(saved, dtype=np.float64), np.asarray(here, dtype=np.float64), equal_nan=True)
    except (TypeError, ValueError):  # no numbers
        return False


_MISSING = {_DESCRIBED: "no setting"}


def _shown(saved: Any) -> str:
    if isinstance(saved, Mapping):
        kind = saved.get(_OBJECT) or saved.get(_FUNCTION) or saved.get(_DESCRIBED)
        if kind is None and not (_PARTIAL in saved and isinstance(saved.get("fields"), Mapping)):
            return "a dict"
        if kind is None:
            return f"{_shown(saved[_PARTIAL])} with {', '.join(saved['fields'])}"
        return str(kind).rpartition(":")[2]
    return f"an array of shape {saved.shape}" if isinstance(saved, np.ndarray) else repr(saved)
