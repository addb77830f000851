"""What is recorded beside a file of features: what they are of, how many rows are done, and at the end the scale.

It is JSON, so that anybody can read it, and replaced in one step, so that a kill leaves the previous one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["Record", "partial_path", "record_path", "remedy"]

_FORMAT = 1


def record_path(path: Path) -> Path:
    """Where the record of a file of features is: ``.json`` is appended."""
    return path.with_name(path.name + ".json")


def partial_path(path: Path) -> Path:
    """Where the features are until they are all there: ``.partial`` is appended."""
    return path.with_name(path.name + ".partial")


@dataclass(frozen=True)
class Record:
    """The record of a file of features.

    Attributes:
        identity: Plain values that say what the features are of and how they are computed.
        rows: Number of rows, N.
        columns: Number of columns, d.
        done: Rows that are safely in the file.
        center: Mean of each column; None until all rows are done.
        scale: Standard deviation of each column, 1 where it is constant; None until all rows are done.
    """

    identity: Mapping[str, Any]
    rows: int
    columns: int
    done: int = 0
    center: list[float] | None = None
    scale: list[float] | None = None

    def __post_init__(self) -> None:
        # As it will be read back: tuples are lists there.
        object.__setattr__(self, "identity", json.loads(json.dumps(dict(self.identity))))

    @property
    def finished(self) -> bool:
        """Whether all rows are done and their scale is known."""
        return self.scale is not None

    @classmethod
    def read(cls, path: Path) -> Record | None:
        """The record of the file of features at a path; None if there is none.

        Raises:
            ValueError: If what is there is not a record of this version.
        """
        file = record_path(path)
        try:
            text = file.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        try:
            fields = json.loads(text)
            if fields.pop("format") != _FORMAT:
                raise ValueError("another version wrote it")
            return cls(**fields)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{file} is not a record of features ({error}); delete it and {path.name}, or choose another path"
            ) from None

    def write(self, path: Path) -> None:
        """Replace the record of the file of features at a path in one step."""
        file = record_path(path)
        partial = partial_path(file)
        with open(partial, "w", encoding="utf-8") as stream:
            json.dump({"format": _FORMAT, **asdict(self)}, stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, file)

    def check_identity(self, identity: Mapping[str, Any], path: Path) -> None:
        """Refuse features of a file that are not of the identity asked for.

        Raises:
            ValueError: If the identities differ; the message says in what, and what to do.
        """
        wanted = Record(identity, self.rows, self.columns).identity
        differences = [
            f"{name} is {there} there, {here} here"
            for name in dict.fromkeys([*self.identity, *wanted])
            if (there := _shown(self.identity, name)) != (here := _shown(wanted, name))
        ]
        if differences:
            raise ValueError(f"{path} holds other features: {'; '.join(differences)}. {remedy(path)}")


def remedy(path: Path) -> str:
    """What to do about a file of features that is in the way, with every file of the set that exists."""
    there = [str(file) for file in (path, partial_path(path), record_path(path)) if file.exists()]
    return f"Delete {' and '.join(there)}, or choose another path"


def _shown(identity: Mapping[str, Any], name: str) -> str:
    return repr(identity[name]) if name in identity else "not set"
