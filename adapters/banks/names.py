"""Names that a user may have mistyped, refused with the nearest one there is; and functions by import path."""

from __future__ import annotations

import difflib
import importlib
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any

__all__ = ["check_names", "import_function", "unknown_name"]

_IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def unknown_name(kind: str, name: str, there: Iterable[str], *, most: int = 30) -> ValueError:
    """The error for a name that does not exist.

    Args:
        kind: What it should be the name of.
        name: The name.
        there: Those there are.
        most: How many names are listed at most.

    Returns:
        The error, to be raised.

    >>> unknown_name("bank", "cuontdown", ["countdown", "zebra"])
    ValueError("there is no bank 'cuontdown' (did you mean 'countdown'?); there are: countdown, zebra")
    """
    names = list(there)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    guess = f" (did you mean {close[0]!r}?)" if close else ""
    listed = f"; there are: {', '.join(names) or 'none'}" if len(names) <= most else ""
    return ValueError(f"there is no {kind} {name!r}{guess}{listed}")


def check_names(kind: str, given: Iterable[Any], there: Iterable[str]) -> None:
    """Refuse names that do not exist.

    Args:
        kind: What they should be names of.
        given: The names.
        there: Those there are.

    Raises:
        ValueError: For the first that is not there; names the nearest.
    """
    names = list(there)
    for name in given:
        if name not in names:
            raise unknown_name(kind, str(name), names)


def import_function(path: str) -> Callable[..., Any]:
    """The function at an import path; modules in the current folder are found too.

    Args:
        path: ``package.module:function``.

    Returns:
        The function.

    Raises:
        ValueError: If the path has another form, or there is no such module or function.
    """
    if _IMPORT_PATH.fullmatch(path) is None:
        raise ValueError(f"{path!r} is no import path; give package.module:function")
    module_name, _, name = path.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # a console script does not look there, and one's own module mostly is there
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ValueError(f"{path!r}: {error}; give package.module:function, importable from here") from None
    function = getattr(module, name, None)
    if function is None:
        there = [word for word in vars(module) if callable(getattr(module, word)) and not word.startswith("_")]
        raise unknown_name(f"function in {module_name}", name, there)
    if not callable(function):
        raise ValueError(f"{path!r} is a {type(function).__name__}; give a function")
    return function  # type: ignore[no-any-return]
