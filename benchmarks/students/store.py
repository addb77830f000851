"""Results on disk, a small JSON file a run, named by a digest of its settings.

A file appears whole or not at all, and one that cannot be read is as good as none; so a comparison that was killed goes
on where it was, and one that was widened does only what is new.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from .play import Result, Run

__all__ = ["Store"]


class Store:
    """Results of runs in a folder. One process writes; any may read.

    Args:
        folder: Where; it is made when the first result is stored.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, run: Run) -> Path:
        """The file of a run.

        Args:
            run: The run.

        Returns:
            Its path, whether the file is there or not.
        """
        return self.folder / f"{run.digest()}.json"

    def save(self, run: Run, result: Result) -> None:
        """Store a result in one step.

        Args:
            run: The run.
            result: What it brought.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.path(run)
        partial = path.with_name(path.name + ".partial")
        document = {"run": asdict(run), "result": result.state()}
        with open(partial, "w", encoding="utf-8") as file:
            file.write(json.dumps(document, allow_nan=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)

    def load(self, run: Run) -> Result | None:
        """The result of a run.

        Args:
            run: The run.

        Returns:
            The result; None where there is none, or none that is whole.
        """
        try:
            document = json.loads(self.path(run).read_text(encoding="utf-8"))
            result = Result.from_state(document["result"])
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError):  # whatever a broken file may look like
            return None
        return result if run.complete(result.steps, result.rollouts) else None
