"""The tables of a comparison: for people, for spreadsheets, and everything with all seeds as JSON.

Losing methods stay, and who never reaches the target is said not to reach it. A caption holds what is needed to judge
the numbers and to make them again.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .contenders import BASELINE, CONTENDERS, ORACLE
from .measuring import Estimate, Speed, finals, improvement, level, oracle_share, speed
from .play import Result
from .students import STUDENTS

__all__ = ["Comparison", "Row", "csv_table", "json_document", "text_table"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One method on one student.

    Attributes:
        method: Its name.
        level: Interquartile mean of final accuracy.
        improvement: Chance to end above uniform on the same seed.
        speed: How fast it reaches what uniform ends at.
        oracle_share: Part of the oracle's gain over uniform; None without the oracle.
        informative: Share of the drawn problems whose rewards differed.
        effective: Effective number of problems, mean over the run; nan for a method without a distribution.
        distinct: Different problems drawn, mean over seeds.
        ask: Seconds per step to choose a batch, median over seeds.
        learn: Seconds per step of the student, median over seeds.
        tell: Seconds per step to judge and to tell, median over seeds.
    """

    method: str
    level: Estimate
    improvement: Estimate
    speed: Speed
    oracle_share: Estimate | None
    informative: float
    effective: float
    distinct: float
    ask: float
    learn: float
    tell: float

    @property
    def cost(self) -> float:
        """Seconds per step that the curriculum takes: ask and tell."""
        return self.ask + self.tell


class Comparison:
    """All methods on one student, with the same seeds.

    Args:
        student: Name of the student.
        problems: Size of its bank.
        seeds: Seeds.
        results: Results of each method, one per seed in the order of `seeds`; uniform among them.

    Attributes:
        student: As given.
        problems: As given.
        seeds: As given.
        results: As given.
    """

    def __init__(
        self, student: str, problems: int, seeds: Sequence[int], results: Mapping[str, Sequence[Result]]
    ) -> None:
        self.student, self.problems = student, problems
        self.seeds, self.results = tuple(seeds), dict(results)

    @property
    def rollouts(self) -> FloatArray:
        """Rollouts until each evaluation, the same for all runs, shape (evaluations,)."""
        return np.array(self.results[BASELINE][0].rollouts)

    def accuracy(self, method: str) -> FloatArray:
        """Learning curves of a method.

        Args:
            method: Its name.

        Returns:
            Accuracy, shape (seeds, evaluations).
        """
        return np.array([result.accuracy for result in self.results[method]])

    def rows(self) -> list[Row]:
        """A row per method, the highest level first."""
        rows = [self._row(method) for method in self.results]
        return sorted(rows, key=lambda row: -row.level.value)

    def _row(self, method: str) -> Row:
        results = self.results[method]
        uniform, curves = self.accuracy(BASELINE), self.accuracy(method)
        share = None
        if ORACLE in self.results:
            share = oracle_share(finals(uniform), finals(curves), finals(self.accuracy(ORACLE)))
        return Row(
            method=method,
            level=level(finals(curves)),
            improvement=improvement(finals(uniform), finals(curves)),
            speed=speed(self.rollouts, uniform, curves),
            oracle_share=share,
            informative=float(np.mean([result.informative for result in results])),
            effective=float(np.mean([result.effective for result in results])),
            distinct=float(np.mean([result.distinct for result in results])),
            **{name: float(np.median([getattr(each, name) for each in results])) for name in ("ask", "learn", "tell")},
        )


def text_table(comparisons: Sequence[Comparison], caption: str) -> str:
    """A table for people.

    Args:
        comparisons: One per student.
        caption: How the numbers came about.

    Returns:
        Plain text.
    """
    parts = []
    for comparison in comparisons:
        rows = comparison.rows()
        lines = [list(_COLUMNS), *([cell(row) for cell in _COLUMNS.values()] for row in rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
        parts.append(f"{comparison.student}, {comparison.problems:,} problems: {STUDENTS[comparison.student].summary}")
        aim = rows[0].speed
        parts.append(
            f"target: accuracy {aim.target:.4f}, uniform's own; it gets there after {aim.uniform_budget:,.0f} rollouts"
        )
        for number, line in enumerate(lines):
            parts.append("  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip())
            if number == 0:
                parts.append("  ".join("-" * width for width in widths))
        parts.append("")
    methods = dict.fromkeys(method for comparison in comparisons for method in comparison.results)
    parts += [f"{method}: {CONTENDERS[method].summary}" for method in methods]
    return "\n".join([*parts, "", caption, ""])


def csv_table(comparisons: Sequence[Comparison]) -> str:
    """The same numbers in full, a line per student and method; a cell is empty where there is no number.

    Args:
        comparisons: One per student.

    Returns:
        Comma-separated values with a header. ``rollouts_to_target`` is ``inf`` where it is not reached.
    """
    buffer = io.StringIO()
    lines = [
        {"student": comparison.student, "problems": comparison.problems, "seeds": len(comparison.seeds), **_flat(row)}
        for comparison in comparisons
        for row in comparison.rows()
    ]
    writer = csv.DictWriter(buffer, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if _is_nan(value) else value for name, value in line.items()} for line in lines)
    return buffer.getvalue()


def json_document(comparisons: Sequence[Comparison], about: Mapping[str, Any]) -> str:
    """Everything: the caption's facts, the rows, and every run with its curves.

    Args:
        comparisons: One per student.
        about: Settings, machine, date, command; plain JSON.

    Returns:
        JSON; a number that is not finite is null.
    """
    document = {
        **about,
        "students": [
            {
                "student": comparison.student,
                "problems": comparison.problems,
                "rows": [_flat(row) for row in comparison.rows()],
                "runs": [
                    {"method": method, "seed": seed, **result.state()}
                    for method, results in comparison.results.items()
                    for seed, result in zip(comparison.seeds, results, strict=True)
                ],
            }
            for comparison in comparisons
        ],
    }
    return json.dumps(_finite(document), indent=1, allow_nan=False) + "\n"


def _flat(row: Row) -> dict[str, Any]:
    flat: dict[str, Any] = {"method": row.method}
    estimates = {
        "final_accuracy": row.level,
        "improvement": row.improvement,
        "speed_ratio": row.speed.ratio,
        "oracle_share": row.oracle_share or Estimate(math.nan, math.nan, math.nan),
    }
    for name, estimate in estimates.items():
        flat.update({name: estimate.value, f"{name}_lower": estimate.lower, f"{name}_upper": estimate.upper})
    flat.update(
        target=row.speed.target,
        rollouts_to_target=row.speed.budget,
        uniform_rollouts_to_target=row.speed.uniform_budget,
        reached_share_of_resamples=row.speed.reached,
        informative_share=row.informative,
        effective_problems=row.effective,
        distinct_problems=row.distinct,
        seconds_ask=row.ask,
        seconds_learn=row.learn,
        seconds_tell=row.tell,
    )
    return flat


def _interval(estimate: Estimate, digits: int) -> str:
    if math.isnan(estimate.value):
        return "-"
    # Adding 0 after rounding turns -0.00 into 0.00.
    value, *ends = (
        f"{round(number, digits) + 0.0:.{digits}f}" for number in (estimate.value, estimate.lower, estimate.upper)
    )
    return value if math.isnan(estimate.lower) else f"{value} [{', '.join(ends)}]"


def _ratio(row: Row) -> str:
    ratio = row.speed.ratio
    if math.isinf(row.speed.budget):
        return "not reached" if math.isnan(ratio.upper) else f"not reached (at most {ratio.upper:.2f})"
    if ratio.lower == 0.0:
        return f"{ratio.value:.2f} [not reached, {ratio.upper:.2f}]"
    return _interval(ratio, 2)


def _budget(row: Row) -> str:
    return "not reached" if math.isinf(row.speed.budget) else f"{row.speed.budget:,.0f}"


#: Columns of the text table: heading, and what stands in a row.
_COLUMNS: dict[str, Callable[[Row], str]] = {
    "method": lambda row: row.method,
    "final accuracy": lambda row: _interval(row.level, 4),
    "P(above uniform)": lambda row: _interval(row.improvement, 2),
    "speed, x uniform": _ratio,
    "rollouts to target": _budget,
    "oracle's gain": lambda row: "-" if row.oracle_share is None else _interval(row.oracle_share, 2),
    "informative": lambda row: f"{row.informative:.2f}",
    "effective problems": lambda row: "-" if math.isnan(row.effective) else f"{row.effective:,.0f}",
    "drawn": lambda row: f"{row.distinct:,.0f}",
    "ask+tell, ms": lambda row: f"{1e3 * row.cost:.2f}",
}


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
