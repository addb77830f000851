"""Common ground of the measurements: turns, spreads, one core, and the files of a finished experiment.

A machine is never quiet. Candidates take turns within every repetition, in alternating order, so that a disturbance
falls on all of them; ratios are taken within a repetition and summarised afterwards.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import starmap
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from curriculum_bandits import Curriculum
from curriculum_bandits._typing import FloatArray
from curriculum_bandits.extras import require_extra
from curriculum_bandits.plotting import COLORS

from ..harness.command import command_words, run_command
from ..harness.outputs import Outputs
from ..harness.provenance import machine, made_on
from ..harness.tables import finite, markdown_table, text_table

__all__ = [
    "PARTS",
    "Place",
    "Report",
    "Spread",
    "ask_and_tell",
    "by_part",
    "combined",
    "draw_growth",
    "interleaved",
    "one_core",
    "quantiles",
    "run",
    "significant",
    "table",
    "verdict",
]

#: Parts of a step of a curriculum.
PARTS = ("ask", "tell", "both")

_COMMAND = "python -m curriculum_bandits.benchmarks.performance"


@dataclass(frozen=True)
class Place:
    """Where the results go.

    Attributes:
        output: Folder of results, table and figure; results of other settings there are moved aside.
    """

    output: Path


@dataclass(frozen=True)
class Spread:
    """A quantity measured once per repetition.

    Attributes:
        repetitions: The measurements, in order.

    >>> print(Spread((3.0, 1.0, 2.0)))
    2.00 (1.00 to 3.00)
    """

    repetitions: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median of the measurements."""
        return float(np.median(self.repetitions))

    @property
    def ends(self) -> tuple[float, float]:
        """Smallest and largest measurement."""
        return min(self.repetitions), max(self.repetitions)

    def text(self, shown: Callable[[float], str]) -> str:
        """The median, with least and most in brackets where there are several measurements; `shown` formats each."""
        least, most = map(shown, self.ends)
        return shown(self.median) + (f" ({least} to {most})" if len(self.repetitions) > 1 else "")

    def __str__(self) -> str:
        return self.text(significant)


def combined(function: Callable[..., float], *spreads: Spread) -> Spread:
    """A function of quantities with equally many measurements, taken within each repetition.

    >>> combined(lambda ours, theirs: ours / theirs, Spread((2.0, 9.0)), Spread((1.0, 3.0))).repetitions
    (2.0, 3.0)
    """
    return Spread(tuple(starmap(function, zip(*(spread.repetitions for spread in spreads), strict=True))))


def significant(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, never in powers of ten.

    >>> significant(3764.2), significant(0.0601, 2), significant(0.0)
    ('3,760', '0.060', '0')
    """
    rounded = float(f"{value:.{digits}g}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded)))) if rounded else 0
    return f"{rounded:,.{decimals}f}"


def interleaved(candidates: Sequence[Any], repetitions: int, *, progress: bool = True) -> Iterator[tuple[int, Any]]:
    """Turns: the number of a repetition and a candidate, every second repetition in reverse order.

    >>> [candidate for _, candidate in interleaved("abc", 2, progress=False)]
    ['a', 'b', 'c', 'c', 'b', 'a']
    """
    turns = [(n, each) for n in range(repetitions) for each in (candidates if n % 2 == 0 else candidates[::-1])]
    yield from tqdm(turns, disable=not progress, unit="turn", leave=False)


@contextlib.contextmanager
def one_core() -> Iterator[bool]:
    """Keep this process, and those that it starts, on one core; gives False where the system cannot do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield False
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, allowed)


def ask_and_tell(curriculum: Curriculum, batch: int, answer: Callable[[Any], Any]) -> tuple[float, float]:
    """Seconds of one ask and of one tell; `answer` turns drawn items into what is told, and its time does not count."""
    begin = time.perf_counter()
    draw = curriculum.ask(batch)
    asked = time.perf_counter() - begin
    feedback = answer(draw.items)
    begin = time.perf_counter()
    curriculum.tell(draw, feedback)
    return asked, time.perf_counter() - begin


def by_part(seconds: FloatArray) -> dict[str, FloatArray]:
    """Times of ask and tell, shape (..., 2), as arrays by name: of `PARTS`, both together step by step."""
    return dict(zip(PARTS, (seconds[..., 0], seconds[..., 1], seconds.sum(axis=-1)), strict=True))


def quantiles(seconds: FloatArray) -> dict[str, dict[str, float]]:
    """Median, 90th and 99th percentile in milliseconds of each part of times of ask and tell, shape (..., 2)."""
    levels = {"median": 0.5, "p90": 0.9, "p99": 0.99}
    return {
        part: {name: 1000.0 * float(np.quantile(values, level)) for name, level in levels.items()}
        for part, values in by_part(seconds).items()
    }


def table(rows: Iterable[Mapping[str, Any]], *, markdown: bool = False) -> str:
    """A table of rows that have the same names; what they hold is shown as text."""
    rows = [{name: str(value) for name, value in row.items()} for row in rows]
    return (markdown_table if markdown else text_table)({name: itemgetter(name) for name in rows[0]}, rows)


def verdict(what: str, value: float | None, aim: float) -> str:
    """A line that says whether something is at most what it should be; None is not measured."""
    if value is None:
        return f"NOT MEASURED: {what}, aim {aim:g}"
    return f"{'met' if value <= aim else 'NOT MET'}: {what} {significant(value)}, aim {aim:g}"


def draw_growth(axes: Any, series: Mapping[str, Sequence[tuple[float, ...]]], aim: float, where: str) -> None:
    """Milliseconds against a size, log scales, with a dotted aim; a series has rows of size, value, ends of a band."""
    for color, (label, rows) in zip(COLORS, series.items(), strict=False):
        sizes, values, least, most = zip(*rows, strict=True)
        axes.plot(sizes, values, color=color, marker="o", linewidth=2, label=label)
        axes.fill_between(sizes, least, most, color=color, alpha=0.15, linewidth=0)
    axes.axhline(aim, color="#888888", linewidth=1, linestyle=":", label=f"aim {where}: {aim:g} ms")
    axes.set(xscale="log", yscale="log", ylabel="milliseconds")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(require_extra("matplotlib.ticker", "benchmarks").LogFormatter())
    axes.legend(edgecolor="none")
    axes.spines[["top", "right"]].set_visible(False)


def run(
    name: str, words: Sequence[str] | None, settings: Any, place: Any, action: Callable[..., None], **extras: str
) -> int:
    """The command of an experiment: asks for optional modules, those in `extras` too, and returns the exit status."""
    needs = {**dict.fromkeys(("matplotlib", "tabulate", "tyro"), "benchmarks"), **extras}
    return run_command(f"{_COMMAND}.{name}", words, settings, place, action, needs=needs)


class Report:
    """The files of an experiment: ``results.json``, a table, and ``figure.png`` where there is a figure.

    Made at the start, for it refuses a folder that cannot be used.

    Args:
        name: Of the experiment's module.
        settings: Its settings.
        folder: Where.
        packages: Distributions whose versions matter beside numpy and scipy.
    """

    def __init__(self, name: str, settings: Any, folder: Path, packages: Iterable[str] = ()) -> None:
        self.about = {"command": command_words(f"{_COMMAND}.{name}", settings), **machine(packages)}
        self._outputs = Outputs(folder, asdict(settings))

    def write(
        self, results: Mapping[str, Any], text: str, note: str, figure: Any = None, *, to: str = "table.txt"
    ) -> None:
        """Write numbers, table and figure, and print the table, with a wrapped note, machine and command below it."""
        below = textwrap.fill(f"{note} {made_on(self.about)}.", 110, break_on_hyphens=False)
        text = f"{text}\n\n{below}\n\nCommand: {self.about['command']}\n"
        numbers = json.dumps(finite(results), default=_plain) + "\n"
        figures = {} if figure is None else {"figure.png": lambda: figure}
        self._outputs.write({"results.json": numbers, to: text}, figures, about=self.about)
        print(text, end="")


def _plain(spread: Spread) -> dict[str, Any]:
    least, most = spread.ends
    return {"repetitions": spread.repetitions, "median": spread.median, "least": least, "most": most}
