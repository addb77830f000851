"""The one grammar that names methods, filters, policies and instances: Python's own calls, joined by plus signs.

``sec(temperature=0.2)+dapo+delayed(steps=2)`` is read, never evaluated: values are literals, bare words, ``range(...)``
and calls of value objects such as ``ScaleFree(memory=5)``. Dashes and underscores are the same. A name that does not
exist is refused with the nearest ones.
"""

from __future__ import annotations

import ast
import difflib
import functools
import importlib
import inspect
import json
import keyword
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np

__all__ = [
    "Call",
    "check_names",
    "check_settings",
    "check_words",
    "find_name",
    "import_function",
    "is_import_path",
    "parse_call",
    "parse_calls",
    "unknown_name",
    "written",
]

_IMPORT_PATH = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_QUOTED = r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
_QUOTED_OR_NAME = re.compile(rf"{_QUOTED}|(?<![\w.])[A-Za-z_][\w-]*")
_QUOTED_OR_SIGN = re.compile(rf"({_QUOTED}|[()\[\]{{}}+])")
_FEW = 12  # a list this short may stand in a message


@dataclass(frozen=True)
class Call:
    """A name with settings, as it was written.

    Attributes:
        name: A name in underscores; an import path or a file as it was written.
        settings: Values by setting.
        positional: Values without a name; only value objects have such.
    """

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    positional: tuple[Any, ...] = ()

    def __str__(self) -> str:
        """The call in its one spelling, which `parse_call` reads."""
        words = [written(value, bare=True) for value in self.positional]
        words += [f"{name}={written(value, bare=True)}" for name, value in self.settings.items()]
        return f"{self.name}({', '.join(words)})" if words else self.name

    def __hash__(self) -> int:
        return hash(str(self))


def parse_calls(text: str) -> tuple[Call, ...]:
    """Read one call or several that are joined by plus signs, each as `parse_call` does.

    >>> [str(call) for call in parse_calls("actor-curator(clip=.4) + delayed(steps=2)")]
    ['actor_curator(clip=0.4)', 'delayed(steps=2)']
    """
    parts, depth = [""], 0
    for piece in _QUOTED_OR_SIGN.split(text):
        if piece == "+" and depth == 0:
            parts.append("")
            continue
        depth += (piece in ("(", "[", "{")) - (piece in (")", "]", "}"))
        parts[-1] += piece
    return tuple(map(parse_call, parts))


def parse_call(text: str) -> Call:
    """Read one call.

    Args:
        text: Such as ``"random_abrupt(n_arms=3, seed=range(1000, 1050))"``, ``"my_module:my_function(x=1)"`` or
            ``"means.csv(noise=deterministic)"``.

    Raises:
        ValueError: If it is no call, or gives a setting twice.

    >>> parse_call("osmd(step=ScaleFree(memory=7), signal=tent)").settings["signal"]
    'tent'
    """
    head, bracket, rest = text.strip().partition("(")
    head = head.rstrip()
    refusal = ValueError(f"{text.strip()!r} cannot be read; write name or name(setting=value, setting=value)")
    is_name = re.fullmatch(r"[A-Za-z_][\w-]*", head) is not None
    is_file = re.fullmatch(r"[^()\[\]\"']*\.\w+", head) is not None
    if not (is_name or is_file or is_import_path(head)) or bool(bracket) != rest.endswith(")"):
        raise refusal
    name = head.replace("-", "_") if is_name else head
    if not bracket:
        return Call(name)
    inside = _QUOTED_OR_NAME.sub(
        lambda found: found[0] if found[0][0] in "\"'" else found[0].replace("-", "_"), rest[:-1]
    )
    try:
        tree = ast.parse(f"f({inside})", mode="eval").body
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name) or tree.func.id != "f":
            raise refusal
        call = _call(name, tree)
    except (SyntaxError, TypeError, RecursionError, MemoryError):
        raise refusal from None
    if call.positional:
        raise ValueError(f"{text.strip()!r} gives {written(call.positional[0])} without a name; write setting=value")
    return call


def _call(name: str, tree: ast.Call) -> Call:
    settings: dict[str, Any] = {}
    for each in tree.keywords:
        if each.arg is None:
            raise TypeError("no unpacking here")
        if each.arg in settings:
            raise ValueError(f"{name} gives {each.arg} twice; give it once")
        settings[each.arg] = _value(each.value)
    return Call(name, settings, tuple(map(_value, tree.args)))


def _value(tree: ast.expr) -> Any:
    match tree:
        case ast.Name(id="inf"):
            return math.inf
        case ast.UnaryOp(op=ast.USub(), operand=ast.Name(id="inf")):
            return -math.inf
        case ast.Name(id="true" | "false" as word):
            raise ValueError(f"{word} is no value; write {word.title()}")
        case ast.Name(id=word):
            return word
        case ast.Call(func=ast.Name(id="range"), keywords=[]):
            return range(*(_value(each) for each in tree.args))
        case ast.Call(func=ast.Name(id=name)):
            return _call(name, tree)
        case ast.Tuple(elts=elements):
            return tuple(map(_value, elements))
        case ast.List(elts=elements):
            return list(map(_value, elements))
    try:
        return ast.literal_eval(tree)
    except ValueError:
        raise TypeError("neither a literal nor a word nor a call") from None


def written(value: Any, *, bare: bool = False) -> str:
    """A value in the grammar's spelling, with what differs from an object's defaults.

    Args:
        value: A literal, an array, a dataclass, a function, a partial of one, or any other object.
        bare: Leave out the quotes of texts that can be read without.

    Returns:
        Text that `parse_call` reads as a value, but for arrays and other objects, which are described.

    >>> from curriculum_bandits.bandits import ScaleFree
    >>> written(ScaleFree(memory=5)), written("groups"), written("groups", bare=True), written(0.20)
    ('ScaleFree(memory=5)', '"groups"', 'groups', '0.2')
    """
    match value:
        case str():
            word = value.isascii() and value.isidentifier() and not keyword.iskeyword(value)
            return (
                value
                if bare and word and value not in ("inf", "true", "false")
                else json.dumps(value, ensure_ascii=False)
            )
        case Call():
            return str(value) if value.settings or value.positional else f"{value.name}()"
        case range() if value.start == 0 and value.step == 1:
            return f"range({value.stop})"
        case tuple() | list():
            left, right = "()" if isinstance(value, tuple) else "[]"
            comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
            return f"{left}{', '.join(written(part, bare=bare) for part in value)}{comma}{right}"
        case np.generic():
            return repr(value.item())
        case np.ndarray():
            return f"<array of shape {value.shape}>"
        case functools.partial():
            return str(Call(written(value.func), value.keywords, value.args))
    if is_dataclass(value) and not isinstance(value, type):
        parts = {
            f.name: getattr(value, f.name) for f in fields(value) if f.init and getattr(value, f.name) != _default(f)
        }
        return f"{type(value).__name__}({', '.join(f'{name}={written(parts[name], bare=bare)}' for name in parts)})"
    if inspect.isroutine(value) or isinstance(value, type):
        return str(value.__name__)
    plain = value is None or isinstance(value, bool | int | float | range | dict)
    return repr(value) if plain else f"<{type(value).__name__}>"


def _default(field: Any) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def unknown_name(kind: str, name: str, there: Iterable[str], hint: str = "") -> ValueError:
    """The error, to be raised, for a name of some kind that is not among those there are.

    It has the nearest names; or all where they are few, else the hint where to look.

    >>> unknown_name("bank", "cuontdown", ["countdown", "zebra"])
    ValueError("there is no bank 'cuontdown'; did you mean 'countdown'?")
    """
    return ValueError(f"there is no {kind} {name!r}; {_advice(name, list(there), hint)}")


def _advice(name: str, there: list[str], hint: str = "") -> str:
    near = difflib.get_close_matches(name.replace("-", "_"), there, n=3, cutoff=0.5)
    if near:
        *others, last = map(repr, near)
        return f"did you mean {', '.join(others)} or {last}?" if others else f"did you mean {last}?"
    return f"there are: {', '.join(there) or 'none'}" if len(there) <= _FEW else hint or "ask for a list"


def find_name(kind: str, name: str, there: Iterable[str], hint: str = "") -> str:
    """A name, given with dashes or underscores, in the spelling it exists in.

    Raises:
        ValueError: If there is none; see `unknown_name`.

    >>> find_name("learner", "frozen_lake", ["frozen-lake", "acrobot"])
    'frozen-lake'
    """
    names = {each.replace("-", "_"): each for each in there}
    found = names.get(name.replace("-", "_"))
    if found is None:
        raise unknown_name(kind, name, names.values(), hint)
    return found


def check_names(kind: str, given: Iterable[Any], there: Iterable[str]) -> None:
    """Refuse names that do not exist.

    Raises:
        ValueError: For the first that is not there; see `unknown_name`.
    """
    names = list(there)
    for name in given:
        if name not in names:
            raise unknown_name(kind, str(name), names)


def check_settings(
    what: str, settings: Iterable[str], there: Callable[..., Any] | Iterable[str], given: Iterable[str] = ()
) -> None:
    """Refuse a setting that does not exist.

    Args:
        what: Whose settings they are, for the message.
        settings: Names of the settings.
        there: Those there are, or the function they are for; one that takes any keyword is not checked.
        given: Parameters of that function that are not the user's to set.

    Raises:
        ValueError: If there is no such setting; the message has the nearest.

    >>> check_settings("sec", ["temprature"], ["rate", "temperature"])
    Traceback (most recent call last):
    ValueError: sec has no setting 'temprature'; did you mean 'temperature' or 'rate'?
    """
    if callable(there):
        parameters = inspect.signature(there).parameters.values()
        if any(each.kind is each.VAR_KEYWORD for each in parameters):
            return
        there = [each.name for each in parameters if each.name not in given]
    names = list(there)
    for name in settings:
        if name not in names:
            raise ValueError(f"{what} has no setting {name!r}; {_advice(name, names)}")


def check_words(what: str, settings: Mapping[str, Any], function: Callable[..., Any]) -> None:
    """Refuse a word where only numbers, True, False and None make sense, or where only some words do.

    Args:
        what: Whose settings they are, for the message.
        settings: Values by setting.
        function: What they are for; a parameter annotated as a ``Literal`` takes the words that this names.

    Raises:
        ValueError: For the first such value.
    """
    hints = get_type_hints(function)
    for name, value in settings.items():
        words = get_args(hints[name]) if get_origin(hints.get(name)) is Literal else ()
        if words and value not in words:
            raise ValueError(f"{what}: {name} is {value!r}; choose one of {', '.join(words)}")
        if isinstance(value, str) and not words:
            raise ValueError(f"{what}: {name} is {value!r}; give a number")


def is_import_path(name: str) -> bool:
    """Whether a name has the form ``package.module:function``."""
    return _IMPORT_PATH.fullmatch(name) is not None


def import_function(path: str) -> Callable[..., Any]:
    """The function at an import path; modules in the current folder are found too.

    Raises:
        ValueError: If the path has another form, or there is no such module or function.
    """
    if not is_import_path(path):
        raise ValueError(f"{path!r} is no import path; give package.module:function")
    module_name, _, name = path.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # a console script does not look there, and a user's module mostly is there
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ValueError(f"{path!r}: {error}; give package.module:function, importable in every worker") from None
    except Exception as error:  # whatever a user's module may do while it is imported
        raise ValueError(
            f"{path!r}: module {module_name} cannot be imported: {type(error).__name__}: {error}; mend it"
        ) from error
    function = getattr(module, name, None)
    if function is None:
        there = [word for word in vars(module) if callable(getattr(module, word)) and not word.startswith("_")]
        raise unknown_name(f"function in {module_name}", name, there)
    if not callable(function):
        raise ValueError(f"{path!r} is a {type(function).__name__}; give a function")
    return function  # type: ignore[no-any-return]
