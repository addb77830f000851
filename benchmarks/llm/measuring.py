"""What is read off the runs of one bank: level, best, tokens and seconds to uniform's final accuracy, waste, cost.

Curves are measured when a part of the budget has been spent, a step late at most; they are read at those parts exactly,
linear between evaluations. The statistics are those of `curricula.measuring`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...curricula.measuring import (
    Estimate,
    Speed,
    finals,
    interquartile_mean,
    on_axis,
    probability_of_improvement,
    speedup,
)
from .entries import BASELINE
from .play import Result

__all__ = ["EARLY_STEPS", "Comparison", "Row"]

FloatArray = npt.NDArray[np.float64]

#: Steps within which the paper takes the best accuracy.
EARLY_STEPS = 100

# The paper's method in its forms, and what everything is measured against with and without the filter.
_NO_RIVALS = ("actor_curator", "osmd", BASELINE)

_POINTS = 49  # of the axis of seconds, on which no two runs were evaluated at the same place


@dataclass(frozen=True)
class Row:
    """One method on one bank.

    Attributes:
        method: Its name.
        level: Interquartile mean over seeds of the final accuracy.
        improvement: Chance to end above uniform on the same seed.
        best: Interquartile mean of the best accuracy of a run.
        early: That of the best accuracy within the first `EARLY_STEPS` steps, the paper's own metric.
        tokens: Speed in tokens.
        beside: The same against `Comparison.rival` in the place of uniform; None where there is no rival.
        seconds: Speed in seconds of training.
        wasted: Share of the tokens that went to problems whose rewards were all equal, mean over seeds.
        informative: Share of the problems drawn whose rewards differed, mean over seeds.
        steps: Steps of a run, mean over seeds.
        run_seconds: Seconds of training of a run, median over seeds.
        overhead: Share of the training that asking and telling took, median over seeds.
        rescoring: Share that scoring again took, median over seeds.
    """

    method: str
    level: Estimate
    improvement: Estimate
    best: Estimate
    early: Estimate
    tokens: Speed
    beside: Speed | None
    seconds: Speed
    wasted: float
    informative: float
    steps: float
    run_seconds: float
    overhead: float
    rescoring: float


@dataclass(frozen=True)
class Comparison:
    """All runs on one bank.

    Attributes:
        bank: Its name.
        budget: Tokens of a run.
        seeds: Seeds, the same for all methods.
        results: Results by method, in the order of the seeds; uniform among them.
    """

    bank: str
    budget: int
    seeds: tuple[int, ...]
    results: Mapping[str, Sequence[Result]]

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        if BASELINE not in self.results:
            raise ValueError(f"methods are {list(self.results)}; all is measured against {BASELINE}, add it")
        for method, results in self.results.items():
            if len(results) != len(self.seeds):
                raise ValueError(f"{method} has {len(results)} results for {len(self.seeds)} seeds; give one each")

    @property
    def axis(self) -> FloatArray:
        """Tokens at which curves are read: the parts of the budget, shape (evaluations,)."""
        return np.linspace(0.0, self.budget, len(self.results[BASELINE][0].tokens))

    def accuracy(self, method: str) -> FloatArray:
        """Accuracy of a method on the axis of tokens, shape (seeds, evaluations)."""
        return np.array([on_axis(self.axis, result.tokens, result.accuracy) for result in self.results[method]])

    def speed_in_tokens(self, method: str, rival: str | None = None) -> Speed:
        """Tokens to uniform's final accuracy, against uniform's own or those of a rival."""
        curves = None if rival is None else self.accuracy(rival)
        return speedup(self.axis, self.accuracy(BASELINE), self.accuracy(method), rival=curves)

    @property
    def rival(self) -> str | None:
        """Of the published methods other than ours, the one that gets to the target with the fewest tokens."""
        others = [method for method in self.results if not method.startswith(_NO_RIVALS)]
        if not others:
            return None
        return min(others, key=lambda method: self.speed_in_tokens(method).budget.value)

    def speed_in_seconds(self, method: str) -> Speed:
        """Seconds of training to uniform's final accuracy, against uniform's own."""
        base, other = self.results[BASELINE], self.results[method]
        axis = np.linspace(0.0, max(result.seconds[-1] for result in (*base, *other)), _POINTS)
        curves = [
            np.array([on_axis(axis, result.seconds, result.accuracy) for result in results])
            for results in (base, other)
        ]
        return speedup(axis, *curves)

    def rows(self) -> list[Row]:
        """A row per method, the highest final accuracy first."""
        rival = self.rival
        rows = [self._row(method, rival) for method in self.results]
        return sorted(rows, key=lambda row: -row.level.value)

    def _row(self, method: str, rival: str | None) -> Row:
        results = self.results[method]
        final, base = finals(self.accuracy(method)), finals(self.accuracy(BASELINE))
        return Row(
            method=method,
            level=interquartile_mean(final),
            improvement=probability_of_improvement(base, final),
            best=interquartile_mean([max(result.accuracy) for result in results]),
            early=interquartile_mean([_early(result) for result in results]),
            tokens=self.speed_in_tokens(method),
            beside=None if rival is None else self.speed_in_tokens(method, rival),
            seconds=self.speed_in_seconds(method),
            wasted=float(np.mean([_over_tokens(result, result.wasted) for result in results])),
            informative=float(np.mean([_over_steps(result, result.informative) for result in results])),
            steps=float(np.mean([result.step[-1] for result in results])),
            run_seconds=float(np.median([result.seconds[-1] for result in results])),
            overhead=float(np.median([_share(result, "ask", "tell") for result in results])),
            rescoring=float(np.median([_share(result, "rescore") for result in results])),
        )


def _early(result: Result) -> float:
    return max(accuracy for step, accuracy in zip(result.step, result.accuracy, strict=True) if step <= EARLY_STEPS)


def _over_tokens(result: Result, values: Sequence[float]) -> float:
    return float(np.average(values, weights=np.diff(result.tokens)))


def _over_steps(result: Result, values: Sequence[float]) -> float:
    return float(np.average(values, weights=np.diff(result.step)))


def _share(result: Result, *parts: str) -> float:
    return sum(result.parts[part] for part in parts) / result.parts["step"]
