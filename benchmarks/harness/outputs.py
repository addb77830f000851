"""What an experiment writes: tables, figures, and the settings that made them.

A folder holds the tables of one command. Where another command writes into it, the older ones are moved aside and that
is said; nothing is replaced in silence, and results of single trials serve both.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from .tables import finite

__all__ = ["Outputs", "save_picture", "write_text"]

_SETTINGS = "settings.json"


class Outputs:
    """The tables and figures of one command in a folder.

    Args:
        folder: Where.
        settings: What makes the numbers, plain JSON: another command with equal settings writes the same tables.

    Raises:
        ValueError: If the folder is a file.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"output is {str(folder)!r}, which is a file; give a folder")
        self.folder, self.settings = folder, json.loads(json.dumps(settings))

    def write(
        self,
        texts: Mapping[str, str],
        figures: Mapping[str, Callable[[], Any]] | None = None,
        *,
        about: Mapping[str, Any],
        tables: Mapping[str, Any] | None = None,
    ) -> None:
        """Write everything, each file in one step; what an earlier command with equal settings left beside it goes.

        Args:
            texts: By name of the file.
            figures: What makes each matplotlib figure, by name of the file; nothing is written where that is None.
            about: Machine, seconds and what else belongs beside the settings; plain JSON.
            tables: pandas tables by name of the file, which ends in ``.csv`` or ``.parquet``.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        planned = [*(tables or {}), *texts, *(figures or {})]
        before = self._set_aside(planned)
        self._record({*before, *planned}, about)  # first: a command that is cut short owns what it wrote
        for name, table in (tables or {}).items():
            _write_table(table, self.folder / name)
        for name, text in texts.items():
            write_text(self.folder / name, text)
        written = [*(tables or {}), *texts]
        for name, draw in (figures or {}).items():
            figure = draw()
            if figure is not None:
                save_picture(figure, self.folder / name)
                written.append(name)
        for name in before - set(written):
            (self.folder / name).unlink(missing_ok=True)
        self._record(written, about)

    def _record(self, files: Collection[str], about: Mapping[str, Any]) -> None:
        document = {"settings": self.settings, **about, "files": sorted(files)}
        write_text(self.folder / _SETTINGS, json.dumps(finite(document), indent=1, allow_nan=False) + "\n")

    def _set_aside(self, planned: Iterable[str]) -> set[str]:
        """Files of an earlier command with equal settings; all others in the way move to a folder of their own."""
        in_the_way = {name for name in (*planned, _SETTINGS) if (self.folder / name).is_file()}
        try:
            earlier = json.loads((self.folder / _SETTINGS).read_text(encoding="utf-8"))
            files = {str(name) for name in earlier["files"] if (self.folder / str(name)).is_file()}
            ours = earlier["settings"] == self.settings
        except (OSError, ValueError, KeyError, TypeError):
            files, ours = set(), False
        others = in_the_way - files - {_SETTINGS} if ours else in_the_way | files
        if not others:
            return files
        places = (self.folder / f"earlier-{n}" for n in itertools.count(1))
        place = next(place for place in places if not place.exists())
        place.mkdir()
        for name in others:
            os.replace(self.folder / name, place / name)
        print(f"{self.folder} held tables of other settings; they are in {place} now", file=sys.stderr)
        return files if ours else set()


def write_text(path: Path, text: str) -> None:
    """Write a file in one step.

    Args:
        path: The file.
        text: What it holds then.
    """
    with _replaced(path) as partial:
        partial.write_text(text, encoding="utf-8")


def save_picture(figure: Any, path: Path) -> None:
    """Write a figure as PNG with a palette of 256 colours: a third of the size, with no visible difference.

    Args:
        figure: A matplotlib figure.
        path: The file.
    """
    from PIL import Image  # matplotlib depends on it

    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=130)
    with Image.open(drawn) as image, _replaced(path) as partial:
        small = image.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        small.save(partial, format="PNG", optimize=True)


def _write_table(table: Any, path: Path) -> None:
    with _replaced(path) as partial:
        (table.to_parquet if path.suffix == ".parquet" else table.to_csv)(partial, index=False)


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A file beside the one to write, which takes its place when it is whole."""
    partial = path.with_name(path.name + ".partial")
    yield partial
    os.replace(partial, path)
