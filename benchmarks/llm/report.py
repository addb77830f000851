"""What is read off the runs of one bank: final and best accuracy, tokens and seconds to uniform's final, waste, cost.

Curves are measured when a part of the budget has been spent, a step late at most; they are read at those parts exactly,
linear between evaluations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..harness.comparison import Comparison, Standing
from ..harness.figures import Drawn, curves_figure, drawn_figure
from ..harness.statistics import Estimate, Speedup, interquartile_mean, on_axis, speedup
from ..harness.tables import csv_text, interval_text, named, ratio_text, spent_text, text_table
from .play import Result

__all__ = ["BASELINE", "EARLY_STEPS", "BankComparison", "Row", "csv_table", "drawn_shares", "figures", "text_tables"]

#: What every method is compared with; always played.
BASELINE = "uniform"

#: Steps within which the paper takes the best accuracy.
EARLY_STEPS = 100

# The paper's method in its forms, and what everything is measured against with and without the filter.
_NO_RIVALS = ("actor_curator", "osmd", BASELINE)

_POINTS = 49  # of the axis of seconds, on which no two runs were evaluated at the same place


@dataclass(frozen=True)
class Row:
    """One method on one bank.

    Attributes:
        standing: Final accuracy, probability of improvement, speedup in tokens.
        best: Interquartile mean of the best accuracy of a run.
        early: That of the best accuracy within the first `EARLY_STEPS` steps, the paper's own metric.
        beside: Speedup in tokens against `BankComparison.rival`; None where there is no rival.
        seconds: Speedup in seconds of training.
        wasted: Share of the tokens that went to problems whose rewards were all equal, mean over seeds.
        informative: Share of the problems drawn whose rewards differed, mean over seeds.
        steps: Steps of a run, mean over seeds.
        run_seconds: Seconds of training of a run, median over seeds.
        overhead: Share of the training that asking and telling took, median over seeds.
        rescoring: Share that scoring again took, median over seeds.
    """

    standing: Standing
    best: Estimate
    early: Estimate
    beside: Speedup | None
    seconds: Speedup
    wasted: float
    informative: float
    steps: float
    run_seconds: float
    overhead: float
    rescoring: float


class BankComparison(Comparison):
    """All runs on one bank.

    Args:
        bank: Its name.
        budget: Tokens of a run.
        seeds: Seeds, the same for all methods.
        results: Results by method, in the order of the seeds; uniform among them.

    Attributes:
        budget: As given.
        results: As given.
    """

    def __init__(self, bank: str, budget: int, seeds: Sequence[int], results: Mapping[str, Sequence[Result]]) -> None:
        axis = np.linspace(0.0, budget, len(results[BASELINE][0].tokens))
        curves = {
            method: [on_axis(axis, result.tokens, result.accuracy) for result in of_method]
            for method, of_method in results.items()
        }
        super().__init__(bank, seeds, axis, curves, baseline=BASELINE)
        self.budget, self.results = budget, results

    @property
    def rival(self) -> str | None:
        """Of the published methods other than ours, the one that gets to the target with the fewest tokens."""
        others = [method for method in self.results if not method.startswith(_NO_RIVALS)]
        return min(others, key=lambda method: self.speedup(method).budget.value, default=None)

    def speedup_in_seconds(self, method: str) -> Speedup:
        """Seconds of training to uniform's final accuracy, against uniform's own."""
        both = self.results[BASELINE], self.results[method]
        axis = np.linspace(0.0, max(result.seconds[-1] for results in both for result in results), _POINTS)
        base, curves = (
            np.array([on_axis(axis, result.seconds, result.accuracy) for result in results]) for results in both
        )
        return speedup(axis, base, curves)

    def rows(self) -> list[Row]:
        """A row per method, the highest final accuracy first."""
        rival = self.rival
        return [self._row(standing, rival) for standing in self.standings()]

    def _row(self, standing: Standing, rival: str | None) -> Row:
        method, results = standing.entry, self.results[standing.entry]
        early = [
            max(score for step, score in zip(each.step, each.accuracy, strict=True) if step <= EARLY_STEPS)
            for each in results
        ]

        def share(*parts: str) -> float:
            return float(np.median([sum(each.parts[part] for part in parts) / each.parts["step"] for each in results]))

        return Row(
            standing,
            best=interquartile_mean([max(each.accuracy) for each in results]),
            early=interquartile_mean(early),
            beside=None if rival is None else self.speedup(method, rival),
            seconds=self.speedup_in_seconds(method),
            wasted=float(np.mean([np.average(each.wasted, weights=np.diff(each.tokens)) for each in results])),
            informative=float(np.mean([np.average(each.informative, weights=np.diff(each.step)) for each in results])),
            steps=float(np.mean([each.step[-1] for each in results])),
            run_seconds=float(np.median([each.seconds[-1] for each in results])),
            overhead=share("ask", "tell"),
            rescoring=share("rescore"),
        )


_COLUMNS: dict[str, Callable[[Row], str]] = {
    "method": lambda row: row.standing.entry,
    "final accuracy": lambda row: interval_text(row.standing.interquartile_mean, 3),
    "P(above uniform)": lambda row: interval_text(row.standing.improvement, 2),
    "tokens to target": lambda row: spent_text(row.standing.speedup.budget.value),
    "speedup in tokens": lambda row: ratio_text(row.standing.speedup),
    "beside the rival": lambda row: "" if row.beside is None else ratio_text(row.beside),
    "speedup in seconds": lambda row: ratio_text(row.seconds),
    "best": lambda row: interval_text(row.best, 3),
    f"best in {EARLY_STEPS} steps": lambda row: interval_text(row.early, 3),
    "wasted": lambda row: f"{row.wasted:.2f}",
    "informative": lambda row: f"{row.informative:.2f}",
    "steps": lambda row: f"{row.steps:,.0f}",
    "seconds": lambda row: f"{row.run_seconds:,.1f}",
    "ask+tell": lambda row: f"{row.overhead:.1%}",
    "rescoring": lambda row: f"{row.rescoring:.1%}",
}


def text_tables(comparisons: Sequence[BankComparison], caption: str) -> str:
    """A table per bank for people, with a caption below."""
    parts = []
    for each in comparisons:
        rival = "" if each.rival is None else f"; strongest rival, {each.rival}"
        target = f"target, uniform's final accuracy, {each.standings()[0].speedup.target:.3f}"
        heading = f"{each.subject}: {each.budget:,} tokens a run; {target}{rival}"
        parts += [heading, text_table(_COLUMNS, each.rows()), ""]
    return "\n".join([*parts, caption, ""])


def csv_table(comparisons: Sequence[BankComparison]) -> str:
    """All rows of all banks as comma-separated values with a header."""
    return csv_text({"bank": each.subject, **_flat(row)} for each in comparisons for row in each.rows())


def drawn_shares(comparison: BankComparison) -> tuple[list[str], dict[str, Drawn]]:
    """Names of the groups, and by method what it drew of them, mean over seeds."""
    groups = list(comparison.results[BASELINE][0].drawn)
    middles = (comparison.axis[1:] + comparison.axis[:-1]) / 2.0
    shares = {
        method: np.mean([[result.drawn[group] for group in groups] for result in results], axis=0).T
        for method, results in comparison.results.items()
    }
    return groups, {method: Drawn(share, middles, comparison.axis[-1]) for method, share in shares.items()}


def figures(comparison: BankComparison, note: str) -> dict[str, Callable[[], Any]]:
    """Pictures of one bank: curves over tokens, and what each method drew, mean over seeds.

    Args:
        comparison: A bank and its methods.
        note: What it takes to read and to repeat them.

    Returns:
        What makes each matplotlib figure, by name of the file.
    """
    bank, (groups, maps) = comparison.subject, drawn_shares(comparison)
    return {
        f"curves-{bank}.png": lambda: curves_figure(comparison, note, score="held-out accuracy", budget="tokens"),
        f"drawn-{bank}.png": lambda: drawn_figure(maps, groups, note, title=f"Drawn by tokens: {bank}", part="group"),
    }


def _flat(row: Row) -> dict[str, Any]:
    standing = row.standing
    return {
        "method": standing.entry,
        **named("final_accuracy", standing.interquartile_mean),
        **named("improvement", standing.improvement),
        **named("best", row.best),
        "early_steps": EARLY_STEPS,
        **named("early_best", row.early),
        "target": standing.speedup.target,
        **_speedup("tokens", standing.speedup),
        **({} if row.beside is None else named("speedup_beside_rival", row.beside.ratio)),
        **_speedup("seconds", row.seconds),
        "wasted_share": row.wasted,
        "informative_share": row.informative,
        "steps": row.steps,
        "run_seconds": row.run_seconds,
        "overhead_share": row.overhead,
        "rescoring_share": row.rescoring,
    }


def _speedup(unit: str, speedup: Speedup) -> dict[str, float]:
    return {
        **named(f"{unit}_to_target", speedup.budget),
        f"uniform_{unit}_to_target": speedup.baseline_budget,
        **named(f"speedup_in_{unit}", speedup.ratio),
    }
