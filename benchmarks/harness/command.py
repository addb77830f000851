"""A command line made of documented dataclasses, by tyro.

An experiment has two: its settings, which make the numbers, and where it runs, which does not. The names of their
fields are the options, the lines of their docstrings the help. ``--settings FILE`` takes the settings of an earlier
command, or any YAML or JSON file of fields, in the place of the defaults.
"""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from curriculum_bandits.exit_status import ended
from curriculum_bandits.extras import require_extra, require_extras

from .trials import parse_seeds, seed_words
from .workers import Workers

__all__ = ["Where", "check_least", "command_words", "parsed", "run_command"]

Settings = TypeVar("Settings")
Place = TypeVar("Place")


@dataclass(frozen=True)
class Where(Workers):
    """Who works, and what is written.

    Attributes:
        output: Folder of tables and figures; what another command left there is moved aside.
        store: Folder of the results of single runs, which several outputs may share; by default within the output.
        again: Play also what is stored.
    """

    output: Path = Path("runs")
    store: Path | None = None
    again: bool = False

    @property
    def results(self) -> Path:
        """Folder of the results of single runs."""
        return self.output / "runs" if self.store is None else self.store


def check_least(settings: Any, least: Mapping[str, int]) -> None:
    """Refuse numbers that are too small.

    Args:
        settings: A dataclass.
        least: The smallest value that each field may have, by name; a field that is None is not asked.

    Raises:
        ValueError: If one is smaller; the message names the first.
    """
    for name, bound in least.items():
        value = getattr(settings, name)
        if value is not None and value < bound:
            raise ValueError(f"{name} is {value}; it must be at least {bound}")


def run_command(
    name: str,
    words: Sequence[str] | None,
    settings: Settings,
    place: Place,
    action: Callable[[Settings, Place], int | None],
    *,
    needs: Mapping[str, str] | None = None,
    listing: Callable[[], str] | None = None,
    examples: str = "",
) -> int:
    """Do what a command line asks.

    Args:
        name: What is typed before the options.
        words: The options; None takes those of the process.
        settings: What makes the numbers, with the defaults: a dataclass.
        place: Where it runs, with the defaults: a dataclass.
        action: Given both; returns the exit status, None for 0.
        needs: Optional modules and the extra that brings each, asked for in one message before anything is written.
        listing: What ``--list`` shows.
        examples: What stands below the help.

    Returns:
        Exit status: 0; 1 where something fails or is missing; 2 for wrong use; 130 after an interrupt.
    """
    given = sys.argv[1:] if words is None else list(words)

    def act() -> int | None:
        if listing is not None and "--list" in given:
            print(listing())
            return 0
        helps = {"-h", "--help"} & set(given)  # which can be had without what the command needs
        require_extras({"tyro": "benchmarks", **({} if helps else needs or {})})
        chosen, where = parsed(name, given, settings, place, examples=examples, lists=listing is not None)
        return action(chosen, where)

    return ended(name, act)


def parsed(
    name: str, words: Sequence[str], settings: Settings, place: Place, *, examples: str = "", lists: bool = False
) -> tuple[Settings, Place]:
    """Read a command line.

    Args:
        name: What is typed before the options.
        words: The options.
        settings: What makes the numbers, with the defaults.
        place: Where it runs, with the defaults.
        examples: What stands below the help.
        lists: Whether the command has ``--list``.

    Returns:
        Both, with what the words say.

    Raises:
        ValueError: If a file of settings cannot be read.
        SystemExit: With 2 for wrong use, with 0 after the help.
    """
    import tyro

    words, chosen = _from_file(name, list(words), settings, place)
    fields = [
        (part, tyro.conf.OmitArgPrefixes[type(value)], dataclasses.field(default=value))
        for part, value in (("what", chosen), ("where", place))
    ]
    both = dataclasses.make_dataclass("Command", fields)
    both.__doc__ = (type(settings).__doc__ or "").partition("\n")[0]
    try:
        made: Any = tyro.cli(both, prog=name, args=words, config=(tyro.conf.FlagCreatePairsOff,))
    except SystemExit as exit:
        if exit.code in (0, None):
            print("also: --settings FILE, defaults from an earlier settings.json or from YAML" + "; --list" * lists)
            print(f"\n{examples}" if examples else "")
        raise
    return made.what, made.where


def _from_file(name: str, words: list[str], settings: Settings, where: Any) -> tuple[list[str], Settings]:
    """Take ``--settings FILE`` out of the words; what the file says is checked as options are."""
    if "--settings" not in words:
        return words, settings
    place = words.index("--settings")
    if place + 1 == len(words):
        raise ValueError("--settings is given without a file; name one")
    path, rest = Path(words[place + 1]), words[:place] + words[place + 2 :]
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix == ".json" else _yaml(text)
        if isinstance(values, dict) and "command" not in values:
            values = values.get("settings", values)
        if not isinstance(values, dict):
            raise ValueError(f"it holds a {type(values).__name__}")
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as settings ({error}); give a JSON or YAML file of options") from None
    if "command" in values:  # a settings.json: its command says all that differs from the defaults
        earlier = str(values["command"])
        if not earlier.startswith(name):
            raise ValueError(f"{path} is of another command, {earlier}; give one of {name}")
        options = shlex.split(earlier.removeprefix(name))
    else:
        fields = [field.name for field in dataclasses.fields(settings)]  # type: ignore[arg-type]
        unknown = [str(field) for field in values if field not in fields]
        if unknown:
            raise ValueError(
                f"{path} has {', '.join(unknown)}, which is no option here; there are {', '.join(sorted(fields))}"
            )
        options = [
            word
            for field, value in values.items()
            if (tuple(value) if isinstance(value, list) else value) != getattr(settings, field)
            for word in _option(field, value)
        ]
    try:
        return rest, parsed(str(path), options, settings, where)[0]
    except SystemExit:
        raise ValueError(f"{path} has a value that no option takes; it is named above") from None


def _yaml(text: str) -> Any:
    yaml = require_extra("yaml", "benchmarks")
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def command_words(name: str, settings: Any) -> str:
    """The command that makes these numbers, but for where it is done.

    Args:
        name: What is typed before the options.
        settings: A dataclass of plain values; what has its default is left out.

    Returns:
        A command line.
    """
    words = name.split()
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if value != field.default and value is not None:
            words += _option(field.name, value)
    return shlex.join(words)


def _option(name: str, value: Any) -> list[str]:
    """A field as words of a command line; of a truth value, those that change its default."""
    option = name.replace("_", "-")
    if isinstance(value, bool):
        return [f"--{option}" if value else f"--no-{option}"]
    if isinstance(value, (tuple, list)):
        return [f"--{option}", *(seed_words(parse_seeds(value)) if name == "seeds" else map(str, value))]
    return [f"--{option}", str(value)]
