"""The instances of the benchmark: published ones, random families, a user's own table of means or function.

An instance is kept as a recipe and made when it is needed, so a family of thousands takes no memory.
"""

from __future__ import annotations

import csv
import hashlib
import inspect
import itertools
import pickle
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from curriculum_bandits.environments import (
    BERNOULLI,
    INSTANCES,
    ClippedGaussian,
    Deterministic,
    Environment,
    Noise,
    flipping,
    random_abrupt,
    random_walk,
    sinusoid,
)
from curriculum_bandits.grammar import (
    Call,
    check_settings,
    check_words,
    find_name,
    import_function,
    is_import_path,
    parse_call,
)

__all__ = ["FAMILIES", "NOISES", "Instance", "InstanceKind", "expanded", "means_from_file", "parse_instances"]


@dataclass(frozen=True)
class InstanceKind:
    """A name on the command line and what it makes.

    Attributes:
        make: Constructor of an environment.
        defaults: Settings that the constructor needs and that the benchmark gives unless told otherwise.
        summary: What it is, in one line.
    """

    make: Callable[..., Environment]
    defaults: Mapping[str, Any]
    summary: str


@dataclass(frozen=True)
class Instance:
    """One environment of a benchmark, as a recipe.

    Attributes:
        label: Its name in tables and figures, without the horizon.
        family: The word that named it together with others, or None.
        horizon: Rounds.
        digest: Of its means and its noise: what its rewards depend on.
        recipe: Makes the environment, the same at every call.
    """

    label: str
    family: str | None
    horizon: int
    digest: str
    recipe: Callable[[], Environment] = field(compare=False, repr=False)

    def environment(self) -> Environment:
        """Make the environment."""
        return self.recipe()


def _kinds() -> dict[str, InstanceKind]:
    summaries = {
        "besson_1": "three arms, five segments, one arm changing at a time; Besson et al. 2022",
        "besson_2": "three arms, five segments, all arms changing at once; Besson et al. 2022",
        "garivier_moulines": "three arms, one of them the best for 2,000 rounds only; Garivier & Moulines 2011",
        "besbes_sinusoid": "two arms that take turns on a sine wave; Besbes et al. 2014",
        "liu_lee_shroff": "two arms, one falls below the other in the middle third; Liu et al. 2018",
    }
    names = {name.replace("-", "_"): make for name, make in INSTANCES.items()}
    published = {name: InstanceKind(make, {}, summaries.get(name, "")) for name, make in names.items()}
    return {
        **published,
        "flipping": InstanceKind(flipping, {}, "two arms, one falls below the other in the middle third"),
        "sinusoid": InstanceKind(sinusoid, {"horizon": 5000, "variation": 3.0}, "arms that take turns on a sine wave"),
        "random_abrupt": InstanceKind(
            random_abrupt,
            {"n_arms": 5, "horizon": 5000, "changes": 4, "seed": 0},
            "random segments; every change brings another best arm; a family with seed=range(200)",
        ),
        "random_walk": InstanceKind(
            random_walk,
            {"n_arms": 5, "horizon": 5000, "step": 0.005, "seed": 0},
            "arms on reflected random walks; a family with seed=range(200)",
        ),
    }


#: Every instance that has a name.
FAMILIES: Mapping[str, InstanceKind] = MappingProxyType(_kinds())

#: What the setting ``noise`` may say of any instance.
NOISES: Mapping[str, Noise] = MappingProxyType(
    {"bernoulli": BERNOULLI, "gaussian": ClippedGaussian(), "deterministic": Deterministic()}
)


def parse_instances(words: Sequence[str], horizons: Sequence[int] = ()) -> list[Instance]:
    """The instances that words name, each with every horizon that it can have.

    Args:
        words: Calls of names, files, or import paths of functions that return an environment.
        horizons: For instances that can have any horizon and whose word does not say one; empty leaves the defaults.

    Returns:
        The instances in order, none twice.

    Raises:
        ValueError: If a word cannot be understood or made, or two families overlap; the message says what there is.
    """
    found: dict[tuple[str, int], Instance] = {}
    for word in words:
        call = _named(parse_call(word))
        members = list(expanded(call))
        for member in members:
            for instance in _with_horizons(member, _label(call) if len(members) > 1 else None, horizons):
                key = (instance.label, instance.horizon)
                known = found.setdefault(key, instance)
                if known.digest != instance.digest:
                    raise ValueError(f"two different instances are called {instance.label!r}; rename one")
                if known.family and instance.family and known.family != instance.family:
                    raise ValueError(
                        f"{instance.label!r} belongs to {known.family!r} and to {instance.family!r}; give families "
                        "that have no member in common"
                    )
                if known.family is None:
                    found[key] = instance  # a family must not lack one of its members
    return list(found.values())


def means_from_file(path: Path) -> np.ndarray:
    """A table of means, a row per round and a column per arm.

    Args:
        path: A ``.npy`` file, or a ``.csv`` file with commas and perhaps one line of headings, none of them a number.

    Returns:
        The table, shape (T, K), not yet checked to be within [0, 1].

    Raises:
        ValueError: If there is no such file or it holds no such table; the message names the line.
    """
    if not path.is_file():
        raise ValueError(f"there is no file {path}; give a .npy or .csv file of means, a row per round")
    if path.suffix.lower() == ".npy":
        try:
            return np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
        except (ValueError, EOFError, OSError) as error:
            raise ValueError(f"{path} is not a .npy file of numbers ({error}); write it with numpy.save") from None
    return _csv_table(path)


def _csv_table(path: Path) -> np.ndarray:
    rows: list[list[float]] = []
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader, may_be_headings = csv.reader(file), True
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            headings, may_be_headings = may_be_headings and not any(map(_is_number, cells)), False
            if headings:
                continue
            try:
                row = [float(cell) for cell in cells]
            except ValueError as error:
                raise ValueError(f"{path}, line {reader.line_num}: {error}; give numbers between commas") from None
            if rows and len(row) != len(rows[0]):
                raise ValueError(
                    f"{path}, line {reader.line_num} has {len(row)} numbers, the lines before {len(rows[0])}; "
                    "give one per arm in every line"
                )
            rows.append(row)
    if not rows:
        raise ValueError(f"{path} holds no numbers; give a row per round and a column per arm")
    return np.asarray(rows)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def expanded(call: Call) -> Iterator[Call]:
    """One call for each combination of the ranges in it; itself where there are none.

    Args:
        call: Such as ``random_walk(seed=range(50))``.

    Yields:
        Calls without ranges.

    Raises:
        ValueError: If a range is empty.
    """
    for name, value in call.settings.items():
        if isinstance(value, range) and not value:
            raise ValueError(f"{name}={value} is empty; a range ends before its second number")
    choices = [
        [(name, each) for each in (value if isinstance(value, range) else [value])]
        for name, value in call.settings.items()
    ]
    for combination in itertools.product(*choices):
        yield replace(call, settings=dict(combination))


def _named(call: Call) -> Call:
    """The call, refused if it names no instance."""
    if _is_file(call.name) or is_import_path(call.name):
        return call
    hint = "`curriculum-bandits regret --list` shows all, or give a file of means or package.module:function"
    return replace(call, name=find_name("instance", call.name, FAMILIES, hint))


def _with_horizons(call: Call, family: str | None, horizons: Sequence[int]) -> Iterable[Instance]:
    settings = dict(call.settings)
    noise = settings.pop("noise", None)
    label = _label(call)
    if noise is not None and noise not in NOISES:
        raise ValueError(f"{label}: noise is {noise!r}; choose one of {', '.join(NOISES)}")
    make = _maker(call, settings)
    defaults = FAMILIES[call.name].defaults if call.name in FAMILIES else {}
    has_horizon = "horizon" in inspect.signature(make).parameters
    own = "horizon" in settings or not has_horizon
    for extra in [{}] if own or not horizons else [{"horizon": horizon} for horizon in horizons]:
        recipe = partial(_made, make, {**defaults, **extra, **settings}, None if noise is None else NOISES[noise])
        try:
            environment = recipe()
        except (TypeError, ValueError) as error:
            raise ValueError(f"instance {label!r}: {error}") from error
        yield Instance(label, family, environment.horizon, _digest(environment), recipe)


def _maker(call: Call, settings: Mapping[str, Any]) -> Callable[..., Environment]:
    """The constructor that a word names."""
    if _is_file(call.name):
        if settings:
            raise ValueError(f"{_label(call)}: a file of means has no settings but noise; its horizon is its rows")
        return partial(_from_file, Path(call.name))
    make = FAMILIES[call.name].make if call.name in FAMILIES else import_function(call.name)
    check_settings(f"instance {call.name!r}", settings, make, given=["noise"])
    if call.name in FAMILIES:
        check_words(f"instance {_label(call)!r}", settings, make)
    return make


def _from_file(path: Path) -> Environment:
    return Environment(means_from_file(path), name=path.stem)


def _made(make: Callable[..., Environment], settings: Mapping[str, Any], noise: Noise | None) -> Environment:
    environment = make(**settings)
    if not isinstance(environment, Environment):
        raise ValueError(f"it made a {type(environment).__name__}; return an environments.Environment")
    return environment if noise is None else replace(environment, noise=noise)


def _is_file(head: str) -> bool:
    return re.search(r"\.(npy|csv)$", head, re.IGNORECASE) is not None


def _label(call: Call) -> str:
    """The spelling of a call without a horizon, which has a column of its own."""
    settings = {name: value for name, value in call.settings.items() if name != "horizon"}
    return str(Call(Path(call.name).stem if _is_file(call.name) else call.name, settings))


def _digest(environment: Environment) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(environment.means, dtype="<f8").tobytes())
    digest.update(repr(environment.means.shape).encode())
    digest.update(pickle.dumps(environment.noise, protocol=4))  # it tells settings apart; a repr may hold an address
    return digest.hexdigest()
