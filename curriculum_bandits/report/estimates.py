"""What the sums say about utility: means by group with intervals, and what the best group would have been worth.

A curriculum does not draw at random, so a plain mean of what it drew says little about a group. Where the record has
inclusion probabilities, dividing by them gives every problem of a group its due weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from curriculum_bandits.report.totals import Totals

__all__ = [
    "MOST_WINDOWS",
    "GroupUtility",
    "Regret",
    "group_utility",
    "most_and_least",
    "ratio_interval",
    "regret",
    "regret_gaps",
]

#: Most windows of steps in which a best group is looked for.
MOST_WINDOWS = 20

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_PRIOR_DRAWS = 4.0
_LEAST_STEPS = 4  # with draws, in a window: two in either half


@dataclass(frozen=True)
class GroupUtility:
    """Mean utility of each group over the run.

    Attributes:
        mean: Shape (G,), nan for a group without utilities.
        half_width: Of the 95 % interval around it, nan where a group was in fewer than two draws.
        weighted: Whether each utility is divided by its inclusion probability.
    """

    mean: FloatArray
    half_width: FloatArray
    weighted: bool


@dataclass(frozen=True)
class Regret:
    """What the best group seems to have been worth more than what was drawn, by window.

    Attributes:
        edges: Steps at which the windows begin, and at which the last ends, shape (W + 1,).
        chosen_and_judged_apart: Gap in mean utility per problem, the best group chosen by half of the draws and judged
            by the others; nan where no group is in both halves. Shape (W,).
        chosen_and_judged_together: The same with all draws for both, shape (W,).
        weighted: Whether each utility is divided by its inclusion probability.
    """

    edges: FloatArray
    chosen_and_judged_apart: FloatArray
    chosen_and_judged_together: FloatArray
    weighted: bool

    def cumulated(self, gaps: FloatArray) -> FloatArray:
        """Gaps times the steps of their windows, added up.

        Args:
            gaps: By window, shape (W,); one that is nan adds nothing.

        Returns:
            Up to each edge, shape (W + 1,); the first is 0.
        """
        return np.concatenate([[0.0], np.cumsum(np.where(np.isnan(gaps), 0.0, gaps) * np.diff(self.edges))])


def ratio_interval(
    a: FloatArray, b: FloatArray, aa: FloatArray, ab: FloatArray, bb: FloatArray, draws: FloatArray
) -> tuple[FloatArray, FloatArray]:
    r"""A ratio of sums over draws, and its 95 % interval.

    With :math:`r = \sum a_t / \sum b_t` over T draws, the variance is taken as
    :math:`\frac{T}{T-1} \sum_t (a_t - r b_t)^2 / (\sum b_t)^2` (the linearised ratio; a draw is one observation,
    however many problems it has), and Student's t with T - 1 degrees of freedom.

    Args:
        a: Sum of :math:`a_t`, shape (G,).
        b: Sum of :math:`b_t`.
        aa: Sum of :math:`a_t^2`.
        ab: Sum of :math:`a_t b_t`.
        bb: Sum of :math:`b_t^2`.
        draws: T.

    Returns:
        Ratio, nan where b is 0, and half the width of the interval, nan where T < 2; shape (G,) each.
    """
    ratio = np.divide(a, b, out=np.full(len(a), np.nan), where=b > 0)
    squares = np.maximum(aa - 2 * ratio * ab + ratio**2 * bb, 0.0)
    several = (draws >= 2) & (b > 0)
    degrees = np.where(several, draws - 1, 1.0)
    deviation = np.sqrt(squares * np.maximum(draws, 1.0) / degrees) / np.where(several, b, 1.0)
    return ratio, np.where(several, deviation * stdtrit(degrees, 0.975), np.nan)


def group_utility(totals: Totals) -> GroupUtility:
    """Mean utility of each group over the run, with intervals.

    Args:
        totals: What a record adds up to.

    Returns:
        The means, weighted by 1/inclusion where every draw has it.
    """
    value, weight, prefix = ("weighted", "weight", "weighted_") if totals.weighted else ("value", "count", "")
    a, b = (sum(half[name].sum(axis=0) for half in totals.utility) for name in (value, weight))
    aa, ab, bb = (totals.clusters[prefix + name] for name in ("aa", "ab", "bb"))
    mean, half_width = ratio_interval(np.asarray(a), np.asarray(b), aa, ab, bb, totals.clusters["draws"])
    return GroupUtility(mean, half_width, totals.weighted)


def regret_gaps(
    value: tuple[FloatArray, FloatArray], weight: tuple[FloatArray, FloatArray], drawn: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """How much better than what was drawn the best group seems, by window.

    Args:
        value: Of either half of the draws, the (weighted) sum of utilities, shape (W, G) each.
        weight: Of either half, the sum of weights, shape (W, G) each; 0 where a group was not drawn.
        drawn: Mean utility of what was drawn, shape (W,).

    Returns:
        The gap with the best group chosen in one half and judged in the other, the mean of both ways, and the gap with
        all draws for both; shape (W,) each, nan where it cannot be told. The first is at most the truth, the second at
        least, both on average: a group that was chosen by chance is worth less than the best, and a maximum of noisy
        means is more.
    """
    both = (weight[0] > 0) & (weight[1] > 0)
    means = [np.divide(v, w, out=np.full(v.shape, -np.inf), where=both) for v, w in zip(value, weight, strict=True)]
    rows = np.arange(len(drawn))
    judged = [means[1 - half][rows, np.argmax(means[half], axis=1)] for half in (0, 1)]
    possible = both.any(axis=1)
    apart = np.where(possible, (judged[0] + judged[1]) / 2, np.nan) - drawn
    total = weight[0] + weight[1]
    best = np.divide(value[0] + value[1], total, out=np.full(total.shape, -np.inf), where=total > 0).max(axis=1)
    together = np.where(np.isfinite(best), best, np.nan) - drawn
    return apart, together


def regret(totals: Totals) -> Regret | None:
    """Estimate the regret against the best group of each window of steps.

    Args:
        totals: What a record adds up to.

    Returns:
        The estimate, None where fewer than two groups have utilities.
    """
    counts = totals.utility[0]["count"] + totals.utility[1]["count"]
    if not totals.has_groups or np.count_nonzero(counts.sum(axis=0)) < 2:
        return None
    steps = max(int(np.count_nonzero(totals.by_bin["draws"])), 1) * totals.axis.width
    starts, edges = totals.windows(max(1, min(MOST_WINDOWS, int(steps // _LEAST_STEPS))))
    value, weight = ("weighted", "weight") if totals.weighted else ("value", "count")
    values, weights = (
        (totals.joined(totals.utility[0][name], starts), totals.joined(totals.utility[1][name], starts))
        for name in (value, weight)
    )
    total, count = (
        totals.joined(totals.utility[0][name] + totals.utility[1][name], starts).sum(axis=1)
        for name in ("value", "count")
    )
    drawn = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return Regret(edges, *regret_gaps(values, weights, drawn), totals.weighted)


def most_and_least(totals: Totals, count: int) -> tuple[IntArray, IntArray]:
    """The problems that taught most and least, by mean utility.

    A mean of few draws is mostly luck, so each is pulled towards the mean of all draws, as if the problem had been
    drawn four more times with that utility.

    Args:
        totals: What a record adds up to.
        count: Of either list at most; no problem is in both.

    Returns:
        Rows of ``totals.problems``, the one that taught most first; and the one that taught least first.
    """
    problems = totals.problems
    known = np.flatnonzero(problems.utilities)
    if not len(known):
        return known, known
    mean = problems.utility[known].sum() / problems.utilities[known].sum()
    pulled = (problems.utility[known] + _PRIOR_DRAWS * mean) / (problems.utilities[known] + _PRIOR_DRAWS)
    order = known[np.argsort(-pulled, kind="stable")]
    most = order[: min(count, (len(order) + 1) // 2)]
    least = order[::-1][: min(count, len(order) - len(most))]
    return most, least
