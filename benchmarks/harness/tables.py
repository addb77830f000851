"""Tables for people and for spreadsheets: numbers with their intervals, columns from functions of a row."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from curriculum_bandits.extras import require_extra

from .statistics import Estimate, Speedup

__all__ = [
    "csv_text",
    "finite",
    "interval_text",
    "markdown_table",
    "named",
    "ratio_text",
    "spent_text",
    "text_table",
]

Row = TypeVar("Row")


def text_table(columns: Mapping[str, Callable[[Row], str]], rows: Iterable[Row]) -> str:
    """A table for people; a column in which every row has a dash or nothing is left out.

    Args:
        columns: Heading, and what stands in a row.
        rows: Of the table.

    Returns:
        Lines without the last line's end.
    """
    return _tabulated(*_filled(columns, rows), "simple")


def markdown_table(columns: Mapping[str, Callable[[Row], str]], rows: Iterable[Row]) -> str:
    """The same in Markdown.

    Args:
        columns: Heading, and what stands in a row.
        rows: Of the table.

    Returns:
        Lines without the last line's end.
    """
    return _tabulated(*_filled(columns, rows), "pipe")


def _filled(columns: Mapping[str, Callable[[Row], str]], rows: Iterable[Row]) -> tuple[list[str], list[list[str]]]:
    rows = list(rows)
    cells = {name: [cell(row) for row in rows] for name, cell in columns.items()}
    shown = [name for name, column in cells.items() if any(cell not in ("", "-") for cell in column)]
    return shown, [[cells[name][place] for name in shown] for place in range(len(rows))]


def _tabulated(headings: Sequence[str], lines: Sequence[Sequence[str]], style: str) -> str:
    tabulate = require_extra("tabulate", "benchmarks")
    made = tabulate.tabulate(lines, headings, tablefmt=style, disable_numparse=True)
    return "\n".join(line.rstrip() for line in made.splitlines())


def csv_text(lines: Iterable[Mapping[str, Any]]) -> str:
    """Comma-separated values with a header.

    Args:
        lines: Each with the same names; nan is left empty.

    Returns:
        The text.
    """
    buffer = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for line in lines:
        if writer is None:
            writer = csv.DictWriter(buffer, list(line), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: "" if _is_nan(value) else value for name, value in line.items()})
    return buffer.getvalue()


def named(name: str, estimate: Estimate) -> dict[str, float]:
    """An estimate as three columns.

    Args:
        name: Of the first; those of the ends follow from it.
        estimate: The estimate.

    Returns:
        Value, lower and upper end.
    """
    return {name: estimate.value, f"{name}_lower": estimate.lower, f"{name}_upper": estimate.upper}


def interval_text(estimate: Estimate, digits: int) -> str:
    """An estimate with its interval.

    Args:
        estimate: The estimate.
        digits: Behind the point.

    Returns:
        Such as ``0.51 [0.40, 0.62]``; without the interval where there is none, a dash where there is no value.
    """
    if math.isnan(estimate.value):
        return "-"
    # Adding 0 after rounding turns -0.00 into 0.00.
    value, *ends = (
        f"{round(number, digits) + 0.0:.{digits}f}" for number in (estimate.value, estimate.lower, estimate.upper)
    )
    return value if math.isnan(estimate.lower) else f"{value} [{', '.join(ends)}]"


def ratio_text(speedup: Speedup) -> str:
    """How many times less than the baseline an entry needs.

    Args:
        speedup: Its speedup.

    Returns:
        The ratio with its interval, or that the target is not reached.
    """
    ratio = speedup.ratio
    if math.isinf(speedup.budget.value):
        return "not reached" if math.isnan(ratio.upper) else f"not reached (at most {ratio.upper:.2f})"
    if ratio.lower == 0.0:
        return f"{ratio.value:.2f} [not reached, {ratio.upper:.2f}]"
    return interval_text(ratio, 2)


def spent_text(number: float) -> str:
    """A budget.

    Args:
        number: Infinite where a target is not reached, nan where it is not known.

    Returns:
        The text.
    """
    if math.isnan(number):
        return "-"
    return "not reached" if math.isinf(number) else f"{number:,.0f}"


def finite(value: Any) -> Any:
    """Plain values with null for every number that is not finite.

    Args:
        value: Nested mappings, lists, numbers.

    Returns:
        The same as JSON can hold it.
    """
    if isinstance(value, Mapping):
        return {name: finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
