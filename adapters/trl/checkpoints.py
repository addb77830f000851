"""The curriculum's part of a checkpoint, and which checkpoint to continue from.

A kill can come in the middle of a save, so a folder named like a checkpoint is one only when the trainer's own state,
written last, is in it. A save that fails, as on a full disk, leaves no folder behind that looks like one.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transformers.trainer import TRAINER_STATE_NAME
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from curriculum_bandits.checkpoint import load_state, save_state

from .versions import installed_versions

__all__ = [
    "checkpoint_folder",
    "checkpoint_step",
    "last_complete_checkpoint",
    "load_curriculum",
    "refuse_half_saved",
    "save_curriculum",
]

logger = logging.getLogger(__name__)

_STATE_FILE = "curriculum.npz"
_PACKAGES = ("curriculum-bandits", "trl", "transformers", "accelerate", "torch")


def checkpoint_folder(run: str | os.PathLike[str], step: int) -> Path:
    """Where the trainer keeps the checkpoint of a step.

    Args:
        run: Folder of the run.
        step: Updates done.

    Returns:
        The folder, which need not exist.
    """
    return Path(run) / f"{PREFIX_CHECKPOINT_DIR}-{step}"


def checkpoint_step(folder: str | os.PathLike[str]) -> int | None:
    """The step a checkpoint was saved at.

    Args:
        folder: A folder of a checkpoint.

    Returns:
        Updates done; None if the folder does not hold a complete checkpoint.
    """
    try:
        state = json.loads((Path(folder) / TRAINER_STATE_NAME).read_text(encoding="utf-8"))
        return int(state["global_step"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def last_complete_checkpoint(run: str | os.PathLike[str]) -> str | None:
    """The newest checkpoint of a run that was saved whole.

    Args:
        run: Folder of the run.

    Returns:
        Its folder, or None if there is none. Folders of saves that were cut short are passed over, with a warning.
    """
    found = {}
    for folder in Path(run).glob(f"{PREFIX_CHECKPOINT_DIR}-*"):
        number = folder.name.removeprefix(f"{PREFIX_CHECKPOINT_DIR}-")
        if number.isdecimal():
            found[int(number)] = folder
    for _, folder in sorted(found.items(), reverse=True):
        if checkpoint_step(folder) is not None:
            return str(folder)
        logger.warning("%s was not saved to the end; it is passed over", folder)
    return None


def save_curriculum(folder: Path, state: Mapping[str, Any]) -> None:
    """Write the curriculum's part of a checkpoint, with the versions it was written by.

    Args:
        folder: Of the checkpoint; made if need be.
        state: Arrays and plain numbers.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_state(folder / _STATE_FILE, {**state, "versions": installed_versions(_PACKAGES)})


def load_curriculum(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Read the curriculum's part of a checkpoint.

    Args:
        folder: Of the checkpoint.

    Returns:
        What `save_curriculum` was given. If it was written by other versions of the libraries, a warning says so: the
        run goes on, but not bit for bit.

    Raises:
        FileNotFoundError: If the checkpoint holds none.
        ValueError: If the file is damaged.
    """
    path = Path(folder) / _STATE_FILE
    if not path.exists():
        raise FileNotFoundError(
            f"{folder} holds no {_STATE_FILE}: it was saved without a curriculum. Resume from a checkpoint of "
            "this trainer, or start the curriculum anew by loading only the model from it"
        )
    state = load_state(path)
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
    """Clear away a checkpoint that could not be written, and say what is left.

    Args:
        folder: Of the checkpoint.
        run: Folder of the run.
        error: What went wrong.

    Returns:
        An error to raise, which names what happened and how to go on.
    """
    shutil.rmtree(folder, ignore_errors=True)
    last = last_complete_checkpoint(run)
    remedy = f"make room and resume from {last}" if last else "make room and start again; no checkpoint is there yet"
    return OSError(f"the checkpoint {folder} could not be saved ({type(error).__name__}: {error}); {remedy}")
