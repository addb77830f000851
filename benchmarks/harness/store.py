"""Results on disk, a file a trial, named by what determines it.

A file appears whole or not at all, and one that cannot be read is as good as none; so an experiment that was killed
goes on where it was, and one that was widened does only what is new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Generic, TypeVar

from curriculum_bandits.checkpoint import load_state, save_state

from .trials import Trial

__all__ = ["Store"]

Result = TypeVar("Result")


class Store(Generic[Result]):
    """Results of trials in a folder. One process writes; any may read.

    Args:
        folder: Where; it is made when the first result is stored.
        read: ``read(trial, state)`` makes the result of what was stored, and raises ValueError, TypeError, KeyError or
            AttributeError where that is not a whole result of the trial. A result is a dataclass of arrays, numbers,
            texts, and lists, tuples and dictionaries of them; tuples come back as lists.
    """

    def __init__(self, folder: Path, read: Callable[[Trial, Mapping[str, Any]], Result]) -> None:
        self.folder, self._read = folder, read

    def path(self, trial: Trial) -> Path:
        """The file of a trial, whether it is there or not."""
        return self.folder / f"{trial.file_name}.npz"

    def workplace(self, trial: Trial) -> Path:
        """A folder for what a trial keeps while it is played, such as checkpoints; not made here."""
        return self.folder / trial.file_name

    def save(self, trial: Trial, result: Result) -> None:
        """Store a result in one step.

        Args:
            trial: The trial.
            result: What it brought.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        stored: Any = result
        save_state(self.path(trial), {field.name: getattr(stored, field.name) for field in fields(stored)})

    def load(self, trial: Trial) -> Result | None:
        """The result of a trial.

        Args:
            trial: The trial.

        Returns:
            The result; None where there is none, or none that is whole.
        """
        try:
            return self._read(trial, load_state(self.path(trial)))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError):  # whatever a broken file may look like
            return None
