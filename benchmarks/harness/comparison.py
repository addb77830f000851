"""All entries on one subject with the same seeds: the curves, and what is read off them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray

from .statistics import (
    Estimate,
    Speedup,
    finals,
    improvement_over_pairs,
    interquartile_mean,
    oracle_share,
    probability_of_improvement,
    speedup,
)
from .tables import interval_text, named, ratio_text, spent_text

__all__ = ["Comparison", "Overall", "Standing", "flat", "overall", "standing_columns"]


@dataclass(frozen=True)
class Standing:
    """One entry beside the baseline.

    Attributes:
        entry: Its name.
        interquartile_mean: Of the final scores.
        of_best: That over that of the best entry but the oracle.
        improvement: Probability of ending above the baseline on the same seed.
        over_pairs: The same over all pairs of seeds.
        speedup: How fast it reaches what the baseline ends at.
        oracle_share: Part of the oracle's gain over the baseline; None without an oracle.
    """

    entry: str
    interquartile_mean: Estimate
    of_best: float
    improvement: Estimate
    over_pairs: Estimate
    speedup: Speedup
    oracle_share: Estimate | None


class Comparison:
    """Learning curves of all entries on one subject, paired by seed.

    Args:
        subject: What they were played on.
        seeds: Seeds.
        axis: Budget at each evaluation, ascending, shape (evaluations,).
        curves: Scores of each entry on that axis, shape (seeds, evaluations); the baseline among them.
        baseline: Name of the entry that all is measured against.
        oracle: Name of the entry that is told more than any can know; None where there is none.

    Attributes:
        subject: As given.
        seeds: As given.
        axis: As an array.
        curves: As arrays.
        baseline: As given.
        oracle: As given; None where it is not among the entries.

    Raises:
        ValueError: If the baseline is missing, or an entry has other seeds or another axis.
    """

    def __init__(
        self,
        subject: str,
        seeds: Sequence[int],
        axis: npt.ArrayLike,
        curves: Mapping[str, npt.ArrayLike],
        *,
        baseline: str,
        oracle: str | None = None,
    ) -> None:
        self.subject, self.seeds, self.baseline = subject, tuple(seeds), baseline
        self.axis = np.asarray(axis, dtype=np.float64)
        self.curves = {entry: np.asarray(values, dtype=np.float64) for entry, values in curves.items()}
        self.oracle = oracle if oracle in self.curves else None
        if baseline not in self.curves:
            raise ValueError(f"entries are {list(self.curves)}; all is measured against {baseline}, add it")
        for entry, values in self.curves.items():
            if values.shape != (len(self.seeds), len(self.axis)):
                raise ValueError(
                    f"{entry} has curves of shape {values.shape}; give one per seed on the common axis, "
                    f"{(len(self.seeds), len(self.axis))}"
                )

    def final(self, entry: str) -> FloatArray:
        """Final scores of an entry, shape (seeds,)."""
        return finals(self.curves[entry])

    def speedup(self, entry: str, rival: str | None = None) -> Speedup:
        """Budget to the baseline's final score, against the baseline's own or that of a rival."""
        curves = None if rival is None else self.curves[rival]
        return speedup(self.axis, self.curves[self.baseline], self.curves[entry], rival=curves)

    def standings(self) -> list[Standing]:
        """A row per entry, the highest interquartile mean first."""
        return list(self._standings)

    @cached_property
    def _standings(self) -> list[Standing]:
        means = {entry: interquartile_mean(self.final(entry)) for entry in self.curves}
        best = max(mean.value for entry, mean in means.items() if entry != self.oracle)
        base = self.final(self.baseline)
        rows = [
            Standing(
                entry,
                mean,
                mean.value / best if best > 0.0 else math.nan,
                probability_of_improvement(base, self.final(entry)),
                improvement_over_pairs(base, self.final(entry)),
                self.speedup(entry),
                None if self.oracle is None else oracle_share(base, self.final(entry), self.final(self.oracle)),
            )
            for entry, mean in means.items()
        ]
        return sorted(rows, key=lambda row: -row.interquartile_mean.value)


@dataclass(frozen=True)
class Overall:
    """One entry on several subjects together.

    Attributes:
        entry: Its name.
        interquartile_mean: Of the final scores of all runs, seeds resampled within subjects.
        improvement: Probability of ending above the baseline on the same seed, mean over subjects.
        over_pairs: The same over all pairs of seeds.
        least_of_best: Least final score relative to the best entry but the oracle, over subjects.
    """

    entry: str
    interquartile_mean: Estimate
    improvement: Estimate
    over_pairs: Estimate
    least_of_best: float


def overall(comparisons: Sequence[Comparison]) -> list[Overall]:
    """What is said of several subjects together, for the entries that were played on all of them.

    Args:
        comparisons: One per subject, on the same seeds.

    Returns:
        A row per entry, the highest interquartile mean first.
    """
    rows = []
    base = np.array([comparison.final(comparison.baseline) for comparison in comparisons])
    for entry in comparisons[0].curves:
        if all(entry in comparison.curves for comparison in comparisons):
            final = np.array([comparison.final(entry) for comparison in comparisons])
            shares = [row.of_best for each in comparisons for row in each.standings() if row.entry == entry]
            both = probability_of_improvement(base, final), improvement_over_pairs(base, final)
            rows.append(Overall(entry, interquartile_mean(final), *both, min(shares)))
    return sorted(rows, key=lambda row: -row.interquartile_mean.value)


def standing_columns(score: str, budget: str, digits: int = 4) -> dict[str, Callable[[Standing], str]]:
    """Columns of the table for people.

    Args:
        score: What the score is.
        budget: What is spent.
        digits: Behind the point, of the score.

    Returns:
        Heading, and what stands in a row.
    """
    return {
        "method": lambda row: row.entry,
        f"final {score}": lambda row: interval_text(row.interquartile_mean, digits),
        "of best": lambda row: "-" if math.isnan(row.of_best) else f"{row.of_best:.3f}",
        "P(above uniform)": lambda row: interval_text(row.improvement, 2),
        f"speedup in {budget}": lambda row: ratio_text(row.speedup),
        f"{budget} to target": lambda row: spent_text(row.speedup.budget.value),
        "oracle's gain": lambda row: "-" if row.oracle_share is None else interval_text(row.oracle_share, 2),
    }


def flat(row: Standing, score: str, budget: str) -> dict[str, Any]:
    """A standing as columns of a spreadsheet.

    Args:
        row: The standing.
        score: What the score is.
        budget: What is spent.

    Returns:
        Numbers by name.
    """
    none = Estimate(math.nan, math.nan, math.nan)
    return {
        "method": row.entry,
        **named(f"final_{score}", row.interquartile_mean),
        "of_best": row.of_best,
        **named("improvement", row.improvement),
        **named("improvement_over_pairs", row.over_pairs),
        **named("speedup", row.speedup.ratio),
        **named("oracle_share", row.oracle_share or none),
        "target": row.speedup.target,
        **named(f"{budget}_to_target", row.speedup.budget),
        f"uniform_{budget}_to_target": row.speedup.baseline_budget,
        "reached_share_of_resamples": row.speedup.reached,
    }
