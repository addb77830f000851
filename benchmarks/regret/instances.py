"""The instances of the benchmark: published ones, random families, a user's own table of means or function.

An instance is kept as a recipe and made when it is needed, so a family of thousands takes no memory.
"""

from __future__ import annotations

import csv
import hashlib
import inspect
import pickle
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
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

from .specs import Spec, check_numbers, check_settings, import_function, is_import_path, parse_spec, unknown

__all__ = ["FAMILIES", "NOISES", "Instance", "InstanceKind", "means_from_file", "parse_instances"]


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
        "besson-1": "three arms, five segments, one arm changing at a time; Besson et al. 2022",
        "besson-2": "three arms, five segments, all arms changing at once; Besson et al. 2022",
        "garivier-moulines": "three arms, one of them the best for 2,000 rounds only; Garivier & Moulines 2011",
        "besbes-sinusoid": "two arms that take turns on a sine wave; Besbes et al. 2014",
        "liu-lee-shroff": "two arms, one falls below the other in the middle third; Liu et al. 2018",
    }
    published = {name: InstanceKind(make, {}, summaries.get(name, "")) for name, make in INSTANCES.items()}
    return {
        **published,
        "flipping": InstanceKind(flipping, {}, "two arms, one falls below the other in the middle third"),
        "sinusoid": InstanceKind(sinusoid, {"horizon": 5000, "variation": 3.0}, "arms that take turns on a sine wave"),
        "random-abrupt": InstanceKind(
            random_abrupt,
            {"n_arms": 5, "horizon": 5000, "changes": 4, "seed": 0},
            "random segments; every change brings another best arm; a family with seed=0..199",
        ),
        "random-walk": InstanceKind(
            random_walk,
            {"n_arms": 5, "horizon": 5000, "step": 0.005, "seed": 0},
            "arms on reflected random walks; a family with seed=0..199",
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
        words: Names with settings, files, or import paths of functions that return an environment.
        horizons: For instances that can have any horizon and whose word does not say one; empty leaves the defaults.

    Returns:
        The instances in order, none twice.

    Raises:
        ValueError: If a word cannot be understood or made, or two families overlap; the message says what there is.
    """
    found: dict[tuple[str, int], Instance] = {}
    for word in words:
        spec = parse_spec(word)
        members = list(spec.expanded())
        for member in members:
            for instance in _with_horizons(member, spec.label if len(members) > 1 else None, horizons):
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


def _with_horizons(spec: Spec, family: str | None, horizons: Sequence[int]) -> Iterable[Instance]:
    settings = spec.values()
    settings.pop("noise", None)
    noise = spec.settings.get("noise")  # as it is written: none is a word here, and no noise that there is
    if noise is not None and noise not in NOISES:
        raise ValueError(f"{spec.label}: noise is {noise!r}; choose one of {', '.join(NOISES)}")
    make = _maker(spec, settings)
    defaults = FAMILIES[spec.head].defaults if spec.head in FAMILIES else {}
    has_horizon = "horizon" in inspect.signature(make).parameters
    own = "horizon" in settings or not has_horizon
    for extra in [{}] if own or not horizons else [{"horizon": horizon} for horizon in horizons]:
        recipe = partial(_made, make, {**defaults, **extra, **settings}, None if noise is None else NOISES[noise])
        try:
            environment = recipe()
        except (TypeError, ValueError) as error:
            raise ValueError(f"instance {spec.label!r}: {error}") from error
        yield Instance(_label(spec), family, environment.horizon, _digest(environment), recipe)


def _maker(spec: Spec, settings: Mapping[str, Any]) -> Callable[..., Environment]:
    """The constructor that a word names."""
    kind = FAMILIES.get(spec.head)
    if kind is not None:
        check_settings(f"instance {spec.head!r}", settings, kind.make, given=["noise"])
        check_numbers(f"instance {spec.label!r}", settings, kind.make)
        return kind.make
    if _is_file(spec.head):
        if settings:
            raise ValueError(f"{spec.label}: a file of means has no settings but noise; its horizon is its rows")
        return partial(_from_file, Path(spec.head))
    if is_import_path(spec.head) and spec.head.partition(":")[0] not in FAMILIES:
        make = import_function(spec.head)
        check_settings(f"instance {spec.head!r}", settings, make, given=["noise"])
        return make
    raise unknown("instance", spec.head, FAMILIES)


def _from_file(path: Path) -> Environment:
    return Environment(means_from_file(path), name=path.stem)


def _made(make: Callable[..., Environment], settings: Mapping[str, Any], noise: Noise | None) -> Environment:
    environment = make(**settings)
    if not isinstance(environment, Environment):
        raise ValueError(f"it made a {type(environment).__name__}; return an environments.Environment")
    return environment if noise is None else replace(environment, noise=noise)


def _is_file(head: str) -> bool:
    return re.search(r"\.(npy|csv)$", head, re.IGNORECASE) is not None


def _label(spec: Spec) -> str:
    return replace(spec, head=Path(spec.head).stem).label if _is_file(spec.head) else spec.label


def _digest(environment: Environment) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(environment.means, dtype="<f8").tobytes())
    digest.update(repr(environment.means.shape).encode())
    digest.update(pickle.dumps(environment.noise, protocol=4))  # it tells settings apart; a repr may hold an address
    return digest.hexdigest()
