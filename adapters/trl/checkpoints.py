"""The curriculum's part of a checkpoint, and which checkpoint to continue from.

A kill can come in the middle of a save, so a folder named like a checkpoint is one only when the trainer's own state,
written last, is in it. A save that fails, as on a full disk, leaves no folder behind that looks like one.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from curriculum_bandits.checkpoint import load_state, save_state

__all__ = [
    "DamagedCheckpointError",
    "checkpoint_folder",
    "checkpoint_step",
    "installed_versions",
    "last_complete_checkpoint",
    "load_curriculum",
    "refuse_half_saved",
    "save_curriculum",
]

logger = logging.getLogger(__name__)

_STATE_FILE = "curriculum.npz"
_PARTS = {"curriculum", "observers"}
_PACKAGES = ("curriculum-bandits", "trl", "transformers", "accelerate", "torch")


class DamagedCheckpointError(ValueError):
    """A checkpoint whose curriculum cannot be read; the message names the file and the remedy."""


def checkpoint_folder(run: str | os.PathLike[str], step: int) -> Path:
    """Where the trainer keeps the checkpoint of a step; the folder need not exist."""
    return Path(run) / f"{PREFIX_CHECKPOINT_DIR}-{step}"


def checkpoint_step(folder: str | os.PathLike[str]) -> int | None:
    """The number of updates after which a checkpoint was saved; None if the folder does not hold a complete one."""
    try:
        state = json.loads((Path(folder) / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
        return int(state["global_step"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def last_complete_checkpoint(run: str | os.PathLike[str]) -> str | None:
    """The folder of the newest checkpoint of a run that was saved whole, or None if there is none.

    Folders of saves that were cut short are passed over, with a warning.
    """
    start = f"{PREFIX_CHECKPOINT_DIR}-"
    numbers = {folder: folder.name.removeprefix(start) for folder in Path(run).glob(f"{start}*")}
    found = [folder for folder, number in numbers.items() if number.isdecimal()]
    for folder in sorted(found, key=lambda folder: int(numbers[folder]), reverse=True):
        if checkpoint_step(folder) is not None:
            return str(folder)
        logger.warning("%s was not saved to the end; it is passed over", folder)
    return None


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions of those of these distributions that are installed, by name."""
    found = {}
    for name in packages:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def save_curriculum(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the curriculum's part of a checkpoint, arrays and plain numbers, with the versions it was written by."""
    folder.mkdir(parents=True, exist_ok=True)
    save_state(folder / _STATE_FILE, {**state, "versions": installed_versions(_PACKAGES)})


def load_curriculum(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what `save_curriculum` was given.

    If it was written by other versions of the libraries, a warning says so: the run goes on, but not bit for bit.

    Raises:
        FileNotFoundError: If the checkpoint holds none.
        DamagedCheckpointError: If the file is damaged.
    """
    path = Path(folder) / _STATE_FILE
    if not path.exists():
        raise FileNotFoundError(
            f"{folder} holds no {_STATE_FILE}: it was saved without a curriculum. Resume from a checkpoint of "
            "this trainer, or start the curriculum anew by loading only the model from it"
        )
    try:
        state = load_state(path)
        if not state.keys() >= _PARTS:
            raise ValueError(f"it holds {', '.join(sorted(state)) or 'nothing'}")
    except ValueError as error:
        raise DamagedCheckpointError(
            f"{path} is damaged ({error.__cause__ or error}); remove {folder} to resume from the checkpoint before it, "
            "or start anew"
        ) from error
    now, then = installed_versions(_PACKAGES), state.get("versions", {})
    changed = [f"{name} {then[name]} (now {now.get(name)})" for name in then if then[name] != now.get(name)]
    if changed:
        logger.warning(
            "%s was saved with %s; the run goes on, but not bit for bit: for that install these versions",
            folder,
            ", ".join(changed),
        )
    return state


def refuse_half_saved(folder: Path, run: str | os.PathLike[str], error: Exception) -> OSError:
    """Clear away a checkpoint that could not be written; returns the error to raise, which says how to go on."""
    shutil.rmtree(folder, ignore_errors=True)
    last = last_complete_checkpoint(run)
    remedy = f"make room and resume from {last}" if last else "make room and start again; no checkpoint is there yet"
    return OSError(f"the checkpoint {folder} could not be saved ({type(error).__name__}: {error}); {remedy}")
