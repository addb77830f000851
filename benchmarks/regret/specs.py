"""The small language of the command line: ``name:setting=value,setting=value``, and import paths.

A value written ``0..199`` stands for the whole numbers from 0 to 199, so one word can name a family.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import importlib
import inspect
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

__all__ = [
    "Spec",
    "check_numbers",
    "check_settings",
    "import_function",
    "is_import_path",
    "parse_spec",
    "source_digest",
    "unknown",
]

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


@dataclass(frozen=True)
class Spec:
    """One word of the command line, taken apart.

    Attributes:
        head: What comes before the settings: a name, a file or an import path.
        settings: Values by setting, as written.
    """

    head: str
    settings: Mapping[str, str]

    @property
    def word(self) -> str:
        """The word again, in one spelling."""
        return _join(self.head, self.settings)

    @property
    def label(self) -> str:
        """As `word`, without a horizon, which has a column of its own."""
        return _join(self.head, {name: text for name, text in self.settings.items() if name != "horizon"})

    def values(self) -> dict[str, Any]:
        """The settings as numbers, booleans, None or, failing that, words."""
        return {name: _value(text) for name, text in self.settings.items()}

    def expanded(self) -> Iterator[Spec]:
        """One spec for each combination of the ranges in it; itself where there are none.

        Yields:
            Specs without ranges.

        Raises:
            ValueError: If a range is empty.
        """
        choices = [[(name, text) for text in _members(name, text)] for name, text in self.settings.items()]
        for combination in itertools.product(*choices):
            yield Spec(self.head, dict(combination))


def parse_spec(text: str) -> Spec:
    """Take a word apart.

    Args:
        text: Such as ``"besson-1:horizon=2000"``, ``"package.module:function"`` or
            ``"means.csv:noise=deterministic"``.

    Returns:
        Its parts.

    Raises:
        ValueError: If a setting has no value, or is given twice.

    >>> parse_spec("osmd:share=0.01,step=0.1").values()
    {'share': 0.01, 'step': 0.1}
    """
    head, _, rest = text.rpartition(":")
    if not (head and "=" in rest):
        head, rest = text.rstrip(":"), ""
    settings: dict[str, str] = {}
    for word in rest.split(",") if rest else ():
        name, sign, value = (part.strip() for part in word.partition("="))
        name = name.replace("-", "_")
        if not (name and sign and value):
            raise ValueError(f"{text!r}: {word!r} is no setting; write name:setting=value,setting=value")
        if name in settings:
            raise ValueError(f"{text!r} gives {name} twice; give it once")
        settings[name] = value
    return Spec(head, settings)


def is_import_path(head: str) -> bool:
    """Whether it has the form ``package.module:function``.

    Args:
        head: What comes before the settings.

    Returns:
        True if it has.
    """
    return _IMPORT_PATH.fullmatch(head) is not None


def import_function(path: str) -> Callable[..., Any]:
    """The function at an import path; modules in the current folder are found too.

    Args:
        path: ``package.module:function``.

    Returns:
        The function.

    Raises:
        ValueError: If there is no such module or function.
    """
    module_name, _, name = path.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # a console script does not look there, and one's own module mostly is there
    try:
        function = getattr(importlib.import_module(module_name), name)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{path!r}: {error}; give package.module:function, importable from here (and from every worker)"
        ) from None
    except AttributeError:
        raise ValueError(f"{path!r}: module {module_name} has no {name}; give the name of a function in it") from None
    except Exception as error:  # whatever a module of one's own may do while it is imported
        raise ValueError(
            f"{path!r}: module {module_name} cannot be imported: {type(error).__name__}: {error}; mend it"
        ) from error
    if not callable(function):
        raise ValueError(f"{path!r} is a {type(function).__name__}; give a function")
    return function  # type: ignore[no-any-return]


def source_digest(function: Callable[..., Any]) -> str:
    """A digest of the file that a function is written in, so that results of changed code are not taken for its own.

    Args:
        function: Any function.

    Returns:
        Hexadecimal digest; empty where there is no such file.
    """
    try:
        return hashlib.sha256(Path(inspect.getfile(function)).read_bytes()).hexdigest()
    except (TypeError, OSError):
        return ""


def check_settings(what: str, settings: Iterable[str], function: Callable[..., Any], given: Iterable[str]) -> None:
    """Refuse a setting that the function does not take.

    Args:
        what: Whose settings they are, for the message.
        settings: Names of the settings.
        function: What they are for.
        given: Parameters that are not the user's to set.

    Raises:
        ValueError: If there is no such parameter; the message lists those there are.
    """
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    there = [parameter.name for parameter in parameters if parameter.name not in set(given)]
    for name in settings:
        if name not in there:
            raise ValueError(f"{what} has no setting {name!r}; it has: {', '.join(there) or 'none'}")


def check_numbers(what: str, settings: Mapping[str, Any], function: Callable[..., Any]) -> None:
    """Refuse a word where only numbers, true, false and none make sense, or where only some words do.

    Args:
        what: Whose settings they are, for the message.
        settings: Values by setting.
        function: What they are for; a parameter annotated as a ``Literal`` takes the words that this names.

    Raises:
        ValueError: If a value is a word, or not one of those there are.
    """
    hints = get_type_hints(function)
    for name, value in settings.items():
        words = get_args(hints[name]) if get_origin(hints.get(name)) is Literal else ()
        if words and value not in words:
            raise ValueError(f"{what}: {name} is {value!r}; choose one of {', '.join(words)}")
        if isinstance(value, str) and not words:
            raise ValueError(f"{what}: {name} is {value!r}; give a number")


def unknown(kind: str, name: str, there: Iterable[str]) -> ValueError:
    """The error for a name that nobody knows.

    Args:
        kind: What it should be the name of.
        name: The name.
        there: Those there are.

    Returns:
        The error, to be raised.
    """
    names = list(there)
    first, _, second = name.partition(":")
    if first in names:
        return ValueError(f"{name!r}: {second!r} is no setting; write {first}:setting=value,setting=value")
    close = difflib.get_close_matches(name, names, n=1)
    guess = f" (did you mean {close[0]!r}?)" if close else ""
    return ValueError(
        f"there is no {kind} {name!r}{guess}; there are: {', '.join(names)}; or give an import path "
        "package.module:function"
    )


def _join(head: str, settings: Mapping[str, str]) -> str:
    words = ",".join(f"{name}={text}" for name, text in settings.items())
    return f"{head}:{words}" if words else head


def _value(text: str) -> Any:
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _members(name: str, text: str) -> list[str]:
    matched = _RANGE.fullmatch(text)
    if matched is None:
        return [text]
    first, last = int(matched[1]), int(matched[2])
    if last < first:
        raise ValueError(f"{name}={text} is empty; the second number must not be below the first")
    return [str(number) for number in range(first, last + 1)]
