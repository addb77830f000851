"""The tables of a comparison: for people, for spreadsheets, and everything with all seeds as JSON.

Losing methods stay, and who never reaches the target is said not to reach it. Methods that spend different numbers of
rollouts in a step are compared on one axis of rollouts, uniform's. A caption holds what is needed to judge the numbers
and to make them again.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .entries import BASELINE, ORACLE, find_entry
from .learners import find_learner
from .measuring import (
    Estimate,
    Speed,
    finals,
    improvement_over_pairs,
    interquartile_mean,
    on_axis,
    oracle_share,
    probability_of_improvement,
    speedup,
)
from .play import SECONDS, Result

__all__ = [
    "Comparison",
    "Overall",
    "Row",
    "aligned",
    "csv_lines",
    "csv_table",
    "curves_table",
    "finite",
    "interval_text",
    "json_document",
    "named",
    "overall",
    "overall_table",
    "overhead_share",
    "ratio_text",
    "spent_text",
    "text_table",
]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One method on one learner.

    Attributes:
        method: Its name.
        level: Interquartile mean of final accuracy.
        of_best: That of the method over that of the best one but the oracle.
        improvement: Chance to end above uniform on the same seed.
        over_pairs: Chance to end above uniform over all pairs of seeds.
        speed: How fast it reaches what uniform ends at.
        tokens: Tokens of a run, mean over seeds; nan without lengths.
        tokens_to_target: Tokens that it has spent when it reaches the target; infinite where it does not.
        oracle_share: Part of the oracle's gain over uniform; None without the oracle.
        informative: Share of the problems rolled out whose rewards differed.
        effective: Effective number of problems, mean over the run; nan for a method without a distribution.
        distinct: Different problems drawn, mean over seeds.
        seconds: Wall-clock of a run, median over seeds.
        ask: Seconds per step to choose a batch, median over seeds.
        learn: Seconds per step of the learner, median over seeds.
        tell: Seconds per step to judge and to tell, median over seeds.
        evaluate: Seconds of evaluations over steps, median over seeds.
        overhead: Seconds per step of the comparison itself, median over seeds.
    """

    method: str
    level: Estimate
    of_best: float
    improvement: Estimate
    over_pairs: Estimate
    speed: Speed
    tokens: float
    tokens_to_target: float
    oracle_share: Estimate | None
    informative: float
    effective: float
    distinct: float
    seconds: float
    ask: float
    learn: float
    tell: float
    evaluate: float
    overhead: float

    @property
    def cost(self) -> float:
        """Seconds per step that the curriculum takes: ask and tell."""
        return self.ask + self.tell


class Comparison:
    """All methods on one learner, with the same seeds.

    Args:
        learner: Name of the learner.
        problems: Size of its bank.
        seeds: Seeds.
        results: Results of each method, one per seed in the order of `seeds`; uniform among them.
        budget: Rollouts at which every run ends; None where they end at a step.

    Attributes:
        learner: As given.
        problems: As given.
        seeds: As given.
        results: As given.
        budget: As given.
    """

    def __init__(
        self,
        learner: str,
        problems: int,
        seeds: Sequence[int],
        results: Mapping[str, Sequence[Result]],
        *,
        budget: int | None = None,
    ) -> None:
        self.learner, self.problems, self.budget = learner, problems, budget
        self.seeds, self.results = tuple(seeds), dict(results)

    @cached_property
    def rollouts(self) -> FloatArray:
        """The axis: rollouts at which uniform is evaluated, the last no later than the budget, (evaluations,)."""
        axis = np.array(self.results[BASELINE][0].rollouts)
        return axis if self.budget is None else np.minimum(axis, self.budget)

    def accuracy(self, method: str) -> FloatArray:
        """Learning curves of a method.

        Args:
            method: Its name.

        Returns:
            Accuracy at the rollouts of the axis, shape (seeds, evaluations).
        """
        return self._read(method, "accuracy")

    def tokens(self, method: str) -> FloatArray:
        """Tokens that a method has spent.

        Args:
            method: Its name.

        Returns:
            Tokens at the rollouts of the axis, shape (seeds, evaluations); nan where no lengths are known.
        """
        return self._read(method, "tokens")

    def rows(self) -> list[Row]:
        """A row per method, the highest level first."""
        return list(self._rows)

    @cached_property
    def _rows(self) -> list[Row]:
        levels = {method: interquartile_mean(finals(self.accuracy(method))) for method in self.results}
        best = max(each.value for method, each in levels.items() if method != ORACLE)
        rows = [self._row(method, each, best) for method, each in levels.items()]
        return sorted(rows, key=lambda row: -row.level.value)

    def _read(self, method: str, name: str) -> FloatArray:
        return np.array([self._on_axis(result, name) for result in self.results[method]])

    def _on_axis(self, result: Result, name: str) -> FloatArray:
        curve = np.array(getattr(result, name))
        if np.array_equal(result.rollouts, self.rollouts):
            return curve
        return on_axis(self.rollouts, result.rollouts, curve)

    def _row(self, method: str, own: Estimate, best: float) -> Row:
        results = self.results[method]
        uniform, curves, tokens = self.accuracy(BASELINE), self.accuracy(method), self.tokens(method)
        share = None
        if ORACLE in self.results:
            share = oracle_share(finals(uniform), finals(curves), finals(self.accuracy(ORACLE)))
        fast = speedup(self.rollouts, uniform, curves)
        spent = np.mean(tokens, axis=0)
        reached = math.isfinite(fast.budget.value)
        return Row(
            method=method,
            level=own,
            of_best=own.value / best if best > 0.0 else math.nan,
            improvement=probability_of_improvement(finals(uniform), finals(curves)),
            over_pairs=improvement_over_pairs(finals(uniform), finals(curves)),
            speed=fast,
            tokens=float(spent[-1]),
            tokens_to_target=float(on_axis([fast.budget.value], self.rollouts, spent)[0]) if reached else math.inf,
            oracle_share=share,
            informative=_mean_of_known(np.concatenate([result.informative for result in results])),
            effective=float(np.mean(np.concatenate([result.effective for result in results]))),
            distinct=float(np.mean([result.distinct for result in results])),
            seconds=float(np.median([result.steps[-1] * _seconds(result) for result in results])),
            **{name: float(np.median([getattr(each, name) for each in results])) for name in SECONDS},
        )


@dataclass(frozen=True)
class Overall:
    """One method on several learners together.

    Attributes:
        method: Its name.
        level: Interquartile mean of final accuracy over all runs on all learners, seeds resampled within learners.
        improvement: Chance to end above uniform on the same seed, mean over learners.
        over_pairs: The same over all pairs of seeds.
        least_of_best: Least final accuracy relative to the best method but the oracle, over learners.
    """

    method: str
    level: Estimate
    improvement: Estimate
    over_pairs: Estimate
    least_of_best: float


def overall(comparisons: Sequence[Comparison]) -> list[Overall]:
    """What is said of several learners together, for the methods that were played on all of them.

    Args:
        comparisons: One per learner, on the same seeds.

    Returns:
        A row per method, the highest level first.
    """
    rows = []
    base = np.array([finals(comparison.accuracy(BASELINE)) for comparison in comparisons])
    for method in comparisons[0].results:
        if not all(method in comparison.results for comparison in comparisons):
            continue
        final = np.array([finals(comparison.accuracy(method)) for comparison in comparisons])
        shares = [row.of_best for each in comparisons for row in each.rows() if row.method == method]
        both = probability_of_improvement(base, final), improvement_over_pairs(base, final)
        rows.append(Overall(method, interquartile_mean(final), *both, min(shares)))
    return sorted(rows, key=lambda row: -row.level.value)


def overhead_share(comparisons: Sequence[Comparison]) -> float:
    """What the runs spent on neither learner nor ask and tell, over what the learners took.

    Args:
        comparisons: One per learner.

    Returns:
        The share; 0.1 is ten per cent.
    """
    runs = [result for comparison in comparisons for results in comparison.results.values() for result in results]
    learners = sum(result.steps[-1] * (result.learn + result.evaluate) for result in runs)
    return sum(result.steps[-1] * result.overhead for result in runs) / learners


def text_table(comparisons: Sequence[Comparison], caption: str) -> str:
    """A table for people.

    Args:
        comparisons: One per learner.
        caption: How the numbers came about.

    Returns:
        Plain text.
    """
    parts = []
    for comparison in comparisons:
        rows = comparison.rows()
        summary = find_learner(comparison.learner).summary
        parts.append(f"{comparison.learner}, {comparison.problems:,} problems: {summary}")
        aim = rows[0].speed
        parts.append(
            f"target: accuracy {aim.target:.4f}, uniform's own; it gets there after {aim.uniform_budget:,.0f} rollouts"
        )
        columns = {name: cell for name, cell in _COLUMNS.items() if any(cell(row) != "-" for row in rows)}
        parts += [*aligned([list(columns), *([cell(row) for cell in columns.values()] for row in rows)]), ""]
    if len(comparisons) > 1:
        parts.append(f"all {len(comparisons)} learners together")
        lines = [[cell(row) for cell in _OVERALL_COLUMNS.values()] for row in overall(comparisons)]
        parts += [*aligned([list(_OVERALL_COLUMNS), *lines]), ""]
    methods = dict.fromkeys(method for comparison in comparisons for method in comparison.results)
    parts += [f"{method}: {find_entry(method).summary}" for method in methods]
    return "\n".join([*parts, "", caption, ""])


def csv_table(comparisons: Sequence[Comparison]) -> str:
    """The same numbers in full, a line per learner and method; a cell is empty where there is no number.

    Args:
        comparisons: One per learner.

    Returns:
        Comma-separated values with a header. ``rollouts_to_target`` is ``inf`` where it is not reached.
    """
    return csv_lines(
        {"learner": comparison.learner, "problems": comparison.problems, "seeds": len(comparison.seeds), **_flat(row)}
        for comparison in comparisons
        for row in comparison.rows()
    )


def overall_table(comparisons: Sequence[Comparison]) -> str:
    """What is said of all learners together, a line per method.

    Args:
        comparisons: One per learner.

    Returns:
        Comma-separated values with a header.
    """
    return csv_lines(
        {
            "method": row.method,
            **named("final_accuracy", row.level),
            **named("improvement", row.improvement),
            **named("improvement_over_pairs", row.over_pairs),
            "least_of_best": row.least_of_best,
        }
        for row in overall(comparisons)
    )


def curves_table(comparisons: Sequence[Comparison]) -> str:
    """Every evaluation of every run, a line each, as it was measured: on no common axis.

    Args:
        comparisons: One per learner.

    Returns:
        Comma-separated values with a header; ``informative_share`` and ``effective_problems`` are means over the steps
        since the evaluation before.
    """
    return csv_lines(
        {
            "learner": comparison.learner,
            "method": method,
            "seed": seed,
            "step": int(result.steps[place]),
            "rollouts": int(result.rollouts[place]),
            "tokens": result.tokens[place],
            "accuracy": result.accuracy[place],
            "informative_share": result.informative[place - 1] if place else math.nan,
            "effective_problems": result.effective[place - 1] if place else math.nan,
        }
        for comparison in comparisons
        for method, results in comparison.results.items()
        for seed, result in zip(comparison.seeds, results, strict=True)
        for place in range(len(result.steps))
    )


def json_document(comparisons: Sequence[Comparison], about: Mapping[str, Any]) -> str:
    """Everything: the caption's facts, the rows, and every run with its curves.

    Args:
        comparisons: One per learner.
        about: Settings, machine, date, command; plain JSON.

    Returns:
        JSON; a number that is not finite is null.
    """
    document = {
        **about,
        "learners": [
            {
                "learner": comparison.learner,
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
    return json.dumps(finite(document), allow_nan=False) + "\n"


def _flat(row: Row) -> dict[str, Any]:
    return {
        "method": row.method,
        **named("final_accuracy", row.level),
        "of_best": row.of_best,
        **named("improvement", row.improvement),
        **named("improvement_over_pairs", row.over_pairs),
        **named("speed_ratio", row.speed.ratio),
        **named("oracle_share", row.oracle_share or Estimate(math.nan, math.nan, math.nan)),
        "target": row.speed.target,
        **named("rollouts_to_target", row.speed.budget),
        "uniform_rollouts_to_target": row.speed.uniform_budget,
        "reached_share_of_resamples": row.speed.reached,
        "tokens": row.tokens,
        "tokens_to_target": row.tokens_to_target,
        "informative_share": row.informative,
        "effective_problems": row.effective,
        "distinct_problems": row.distinct,
        "seconds": row.seconds,
        **{f"seconds_{name}": getattr(row, name) for name in SECONDS},
    }


def named(name: str, estimate: Estimate) -> dict[str, float]:
    """An estimate as three columns.

    Args:
        name: Of the first; those of the ends follow from it.
        estimate: The estimate.

    Returns:
        Value, lower and upper end.
    """
    return {name: estimate.value, f"{name}_lower": estimate.lower, f"{name}_upper": estimate.upper}


def csv_lines(lines: Iterable[Mapping[str, Any]]) -> str:
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


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table in columns, with a rule below the first.

    Args:
        lines: Words of each line, as many in all.

    Returns:
        The lines.
    """
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    words = ["  ".join(word.ljust(width) for word, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return [words[0], "  ".join("-" * width for width in widths), *words[1:]]


def interval_text(estimate: Estimate, digits: int) -> str:
    """An estimate with its interval.

    Args:
        estimate: The estimate.
        digits: Behind the point.

    Returns:
        Such as ``0.51 [0.40, 0.62]``; without the interval where there is none.
    """
    if math.isnan(estimate.value):
        return "-"
    # Adding 0 after rounding turns -0.00 into 0.00.
    value, *ends = (
        f"{round(number, digits) + 0.0:.{digits}f}" for number in (estimate.value, estimate.lower, estimate.upper)
    )
    return value if math.isnan(estimate.lower) else f"{value} [{', '.join(ends)}]"


def ratio_text(speed: Speed) -> str:
    """How many times less than uniform a method needs.

    Args:
        speed: Its speed.

    Returns:
        The ratio with its interval, or that the target is not reached.
    """
    ratio = speed.ratio
    if math.isinf(speed.budget.value):
        return "not reached" if math.isnan(ratio.upper) else f"not reached (at most {ratio.upper:.2f})"
    if ratio.lower == 0.0:
        return f"{ratio.value:.2f} [not reached, {ratio.upper:.2f}]"
    return interval_text(ratio, 2)


def spent_text(number: float) -> str:
    """A budget.

    Args:
        number: Of rollouts or tokens; infinite where a target is not reached, nan where it is not known.

    Returns:
        The text.
    """
    if math.isnan(number):
        return "-"
    return "not reached" if math.isinf(number) else f"{number:,.0f}"


#: Columns of the text table: heading, and what stands in a row; a column of dashes is left out.
_COLUMNS: dict[str, Callable[[Row], str]] = {
    "method": lambda row: row.method,
    "final accuracy": lambda row: interval_text(row.level, 4),
    "of best": lambda row: "-" if math.isnan(row.of_best) else f"{row.of_best:.3f}",
    "P(above uniform)": lambda row: interval_text(row.improvement, 2),
    "speed, x uniform": lambda row: ratio_text(row.speed),
    "rollouts to target": lambda row: spent_text(row.speed.budget.value),
    "tokens to target": lambda row: "-" if math.isnan(row.tokens) else spent_text(row.tokens_to_target),
    "oracle's gain": lambda row: "-" if row.oracle_share is None else interval_text(row.oracle_share, 2),
    "informative": lambda row: f"{row.informative:.2f}",
    "effective problems": lambda row: "-" if math.isnan(row.effective) else f"{row.effective:,.0f}",
    "drawn": lambda row: f"{row.distinct:,.0f}",
    "seconds": lambda row: f"{row.seconds:,.1f}",
    "learn, ms": lambda row: f"{1e3 * row.learn:.2f}",
    "ask+tell, ms": lambda row: f"{1e3 * row.cost:.2f}",
}

_OVERALL_COLUMNS: dict[str, Callable[[Overall], str]] = {
    "method": lambda row: row.method,
    "final accuracy": lambda row: interval_text(row.level, 4),
    "least of best": lambda row: f"{row.least_of_best:.3f}",
    "P(above uniform)": lambda row: interval_text(row.improvement, 2),
    "over all pairs": lambda row: interval_text(row.over_pairs, 2),
}


def _seconds(result: Result) -> float:
    return float(sum(getattr(result, name) for name in SECONDS))


def _mean_of_known(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(np.mean(known)) if len(known) else math.nan


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


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
