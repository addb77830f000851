"""Results on disk, a file a task, named by what determines it (`Task.digest` says what that leaves out).

A file appears whole or not at all, and one that cannot be read is as good as none; so a benchmark that was killed goes
on where it was, and a benchmark that was changed does only what is new.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from curriculum_bandits.checkpoint import load_state, save_state

from .task import Result, Task, checkpoint_rounds

__all__ = ["Store"]


class Store:
    """Results of tasks below a folder. One process writes; any may read.

    Args:
        folder: Where; it is made when the first result is stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, task: Task) -> Path:
        """The file of a task.

        Args:
            task: The task.

        Returns:
            Its path, whether the file is there or not.
        """
        return self.folder / f"{task.digest()}.npz"

    def save(self, task: Task, result: Result) -> None:
        """Store a result in one step.

        Args:
            task: The task.
            result: What it brought.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        save_state(self.path(task), result.state())

    def load(self, task: Task) -> Result | None:
        """The result of a task.

        Args:
            task: The task.

        Returns:
            The result; None where there is none, or none that is whole.
        """
        try:
            result = Result(**load_state(self.path(task)))
            runs, rounds = task.last - task.first, checkpoint_rounds(task.instance.horizon, task.checkpoints)
            whole = (
                np.array_equal(result.rounds, rounds)
                and result.dynamic.shape == result.external.shape == (runs, len(rounds))
                and result.shares.ndim == 2
                and len(result.shares) == len(rounds)
                and isinstance(result.seconds, float)
            )
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError):  # whatever a broken file may look like
            return None
        return result if whole else None
