"""What is read off the runs of one learner: standings, costs, curves and maps.

Methods that spend different numbers of rollouts in a step are compared on one axis of rollouts, uniform's: each curve
is read there, linear between evaluations; who ends before keeps its last value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from curriculum_bandits._typing import FloatArray

from ..harness.comparison import Comparison, Overall, Standing, flat, overall, standing_columns
from ..harness.figures import Drawn
from ..harness.statistics import on_axis
from ..harness.tables import csv_text, interval_text, named, spent_text, text_table
from .entries import BASELINE, ORACLE, find_entry
from .learners import find_learner
from .play import SECONDS, Result, mean_of_known
from .setting import Setting

__all__ = ["LearnerRuns", "Row", "overhead_share", "texts"]


@dataclass(frozen=True)
class Row:
    """One method on one learner.

    Attributes:
        standing: Beside uniform.
        tokens: Tokens of a run, mean over seeds; nan without lengths.
        tokens_to_target: Tokens that it has spent when it reaches the target; infinite where it does not.
        informative: Share of the problems rolled out whose rewards differed.
        effective: Effective number of problems, mean over the run; nan for a method without a distribution.
        distinct: Different problems drawn, mean over seeds.
        seconds: Wall-clock of a run, median over seeds.
        parts: Seconds per step by name as in `SECONDS`, medians over seeds.
    """

    standing: Standing
    tokens: float
    tokens_to_target: float
    informative: float
    effective: float
    distinct: float
    seconds: float
    parts: Mapping[str, float]


@dataclass(frozen=True)
class LearnerRuns:
    """All runs on one learner, with the same seeds.

    Attributes:
        setting: The learner and its budget.
        seeds: Seeds.
        results: Of each method, one per seed in the order of `seeds`; uniform among them.
    """

    setting: Setting
    seeds: Sequence[int]
    results: Mapping[str, Sequence[Result]]

    @property
    def title(self) -> str:
        """The learner and the size of its bank."""
        return f"{self.setting.learner}, {self.setting.problems:,} problems"

    @cached_property
    def comparison(self) -> Comparison:
        """Accuracy over the rollouts at which uniform is evaluated, the last no later than the budget."""
        axis = self.results[BASELINE][0].rollouts
        return self._compared(axis if self.setting.rollouts is None else np.minimum(axis, self.setting.rollouts))

    @cached_property
    def over_tokens(self) -> Comparison | None:
        """The same over the tokens that uniform has spent at those, mean over seeds; None without lengths."""
        spent = np.array([on_axis(self.comparison.axis, each.rollouts, each.tokens) for each in self.results[BASELINE]])
        if not np.all(np.isfinite(spent)):
            return None
        return self._compared(np.mean(spent, axis=0), "tokens")

    def _compared(self, axis: FloatArray, budget: str = "rollouts") -> Comparison:
        curves = {
            method: np.array([_read(axis, getattr(each, budget), each.accuracy) for each in results])
            for method, results in self.results.items()
        }
        return Comparison(self.title, self.seeds, axis, curves, baseline=BASELINE, oracle=ORACLE)

    @cached_property
    def rows(self) -> list[Row]:
        """A row per method, the highest final accuracy first."""
        return [self._row(standing) for standing in self.comparison.standings()]

    def _row(self, standing: Standing) -> Row:
        results, axis = self.results[standing.entry], self.comparison.axis
        spent = np.mean([_read(axis, each.rollouts, each.tokens) for each in results], axis=0)
        budget = standing.speedup.budget.value
        return Row(
            standing,
            tokens=float(spent[-1]),
            tokens_to_target=float(on_axis([budget], axis, spent)[0]) if math.isfinite(budget) else math.inf,
            informative=mean_of_known(np.concatenate([each.informative for each in results])),
            effective=float(np.mean(np.concatenate([each.effective for each in results]))),
            distinct=float(np.mean([each.distinct for each in results])),
            seconds=float(np.median([each.wall_clock for each in results])),
            parts={name: float(np.median([each.seconds[name] for each in results])) for name in SECONDS},
        )

    def drawn(self) -> dict[str, Drawn]:
        """What each method drew, mean over seeds, the highest final accuracy first."""
        return {row.standing.entry: _drawn(self.results[row.standing.entry]) for row in self.rows}


def _read(axis: FloatArray, budgets: FloatArray, curve: FloatArray) -> FloatArray:
    return curve if np.array_equal(budgets, axis) else on_axis(axis, budgets, curve)


def _drawn(results: Sequence[Result]) -> Drawn:
    # Seeds may end after different numbers of steps where steps cost differently: what all have is shown.
    windows = min(len(each.drawn) for each in results)
    edges = np.mean([each.rollouts[: windows + 1] for each in results], axis=0)
    shares = np.mean([each.drawn[:windows] for each in results], axis=0)
    return Drawn(shares, (edges[1:] + edges[:-1]) / 2, float(edges[-1]))


def overhead_share(runs: Sequence[LearnerRuns]) -> float:
    """What the runs spent on neither learner nor ask and tell, over what the learners took.

    Args:
        runs: Of each learner.

    Returns:
        The share; 0.1 is ten per cent.
    """
    every = [each for of_learner in runs for results in of_learner.results.values() for each in results]
    learners = sum(each.steps[-1] * (each.seconds["learn"] + each.seconds["evaluate"]) for each in every)
    return float(sum(each.steps[-1] * each.seconds["overhead"] for each in every) / learners)


def texts(runs: Sequence[LearnerRuns], caption: str) -> dict[str, str]:
    """All tables of a comparison.

    Args:
        runs: Of each learner.
        caption: How the numbers came about.

    Returns:
        By name of the file: ``summary.txt`` for people; the same numbers in full as ``summary.csv``, a line per learner
        and method, where ``rollouts_to_target`` is ``inf`` if it is not reached; every evaluation of every run as it
        was measured, on no common axis, as ``curves.csv``, where ``informative_share`` and ``effective_problems`` are
        means over the steps since the evaluation before; and of several learners together ``overall.csv``.
    """
    made = {"summary.txt": _summary_text(runs, caption), "summary.csv": _summary(runs), "curves.csv": _curves(runs)}
    return {**made, "overall.csv": _overall(runs)} if len(runs) > 1 else made


def _summary_text(runs: Sequence[LearnerRuns], caption: str) -> str:
    parts = []
    for each in runs:
        speedup = each.rows[0].standing.speedup
        parts += [
            f"{each.title}: {find_learner(each.setting.learner).summary}",
            f"target: accuracy {speedup.target:.4f}, uniform's own; it gets there after "
            f"{speedup.baseline_budget:,.0f} rollouts",
            text_table(_COLUMNS, each.rows),
            "",
        ]
    if len(runs) > 1:
        together = overall([each.comparison for each in runs])
        parts += [f"all {len(runs)} learners together", text_table(_OVERALL_COLUMNS, together), ""]
    methods = dict.fromkeys(method for each in runs for method in each.results)
    return "\n".join([*parts, *(f"{method}: {find_entry(method).summary}" for method in methods), "", caption, ""])


def _summary(runs: Sequence[LearnerRuns]) -> str:
    return csv_text(
        {
            "learner": each.setting.learner,
            "problems": each.setting.problems,
            "seeds": len(each.seeds),
            **flat(row.standing, "accuracy", "rollouts"),
            "tokens": row.tokens,
            "tokens_to_target": row.tokens_to_target,
            "informative_share": row.informative,
            "effective_problems": row.effective,
            "distinct_problems": row.distinct,
            "seconds": row.seconds,
            **{f"seconds_{name}": seconds for name, seconds in row.parts.items()},
        }
        for each in runs
        for row in each.rows
    )


def _overall(runs: Sequence[LearnerRuns]) -> str:
    return csv_text(
        {
            "method": row.entry,
            **named("final_accuracy", row.interquartile_mean),
            **named("improvement", row.improvement),
            **named("improvement_over_pairs", row.over_pairs),
            "least_of_best": row.least_of_best,
        }
        for row in overall([each.comparison for each in runs])
    )


def _curves(runs: Sequence[LearnerRuns]) -> str:
    return csv_text(
        {
            "learner": each.setting.learner,
            "method": method,
            "seed": seed,
            "step": int(step),
            "rollouts": int(result.rollouts[i]),
            "tokens": float(result.tokens[i]),
            "accuracy": float(result.accuracy[i]),
            "informative_share": float(result.informative[i - 1]) if i else math.nan,
            "effective_problems": float(result.effective[i - 1]) if i else math.nan,
        }
        for each in runs
        for method, results in each.results.items()
        for seed, result in zip(each.seeds, results, strict=True)
        for i, step in enumerate(result.steps)
    )


def _of_standing(cell: Callable[[Standing], str]) -> Callable[[Row], str]:
    return lambda row: cell(row.standing)


_COLUMNS: dict[str, Callable[[Row], str]] = {
    **{heading: _of_standing(cell) for heading, cell in standing_columns("accuracy", "rollouts").items()},
    "tokens to target": lambda row: "-" if math.isnan(row.tokens) else spent_text(row.tokens_to_target),
    "informative": lambda row: f"{row.informative:.2f}",
    "effective problems": lambda row: spent_text(row.effective),
    "drawn": lambda row: f"{row.distinct:,.0f}",
    "seconds": lambda row: f"{row.seconds:,.1f}",
    "learn, ms": lambda row: f"{1e3 * row.parts['learn']:.2f}",
    "ask+tell, ms": lambda row: f"{1e3 * (row.parts['ask'] + row.parts['tell']):.2f}",
}

_OVERALL_COLUMNS: dict[str, Callable[[Overall], str]] = {
    "method": lambda row: row.entry,
    "final accuracy": lambda row: interval_text(row.interquartile_mean, 4),
    "least of best": lambda row: f"{row.least_of_best:.3f}",
    "P(above uniform)": lambda row: interval_text(row.improvement, 2),
    "over all pairs": lambda row: interval_text(row.over_pairs, 2),
}
