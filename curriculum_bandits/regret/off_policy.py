"""Regret of real training, where nobody knows the means: estimates with confidence intervals, per group of problems.

The earnings of a group are estimated from its problems that were drawn, each divided by its chance of being drawn.
That needs a known chance of every problem of the bank: a draw from the whole bank, or from candidates of the uniform
proposal. Draws without one are refused or marked, for an estimate without it looks no different.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from curriculum_bandits._typing import FloatArray, IntArray, override
from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.observer import Observer
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.state import Array, Count, Field, Real, Stateful

__all__ = ["GroupRegret", "GroupRegretEstimator", "group_earnings"]


class _UnknownChance(ValueError):
    """The draw does not say what chance every problem of the bank had."""


@dataclass(frozen=True, eq=False)
class GroupRegret:
    """Estimated regret against each group of problems.

    Attributes:
        regret: Earnings of the group minus what was earned, shape (G,); negative where the group was beaten.
        half_width: Half the width of the interval around it, shape (G,); inf while the group was met in too few rounds.
        utility: Mean utility of the group per play, ``(regret + earned) / plays``, shape (G,). Half the width of its
            interval is ``half_width / plays``.
        rounds_met: Rounds in which a problem of the group was drawn and answered, shape (G,).
        coverage: Mean over rounds of the estimated share of the group that the draws stand for, shape (G,). Its
            expectation is 1; a value far off warns that the inclusion is wrong, that some problems have no chance of
            being drawn, or that too few rounds were seen. Only of rounds with known chances.
        unbiased: False if the chance of being drawn was not known in every round.
    """

    regret: FloatArray
    half_width: FloatArray
    utility: FloatArray
    rounds_met: IntArray
    coverage: FloatArray
    unbiased: bool

    @property
    def lower(self) -> FloatArray:
        """Lower end of the interval of the regret, shape (G,)."""
        return self.regret - self.half_width

    @property
    def upper(self) -> FloatArray:
        """Upper end of the interval of the regret, shape (G,)."""
        return self.regret + self.half_width


def group_earnings(draw: Draw, feedback: Feedback, group_of: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    r"""Unbiased estimate of the round's earnings if all plays had gone to one group.

    .. math:: \hat X_g = \frac{m}{|g|} \sum_{j : x_j \in g} \frac{\hat u_j}{q_j c_j}

    with :math:`q_j` the inclusion given the candidates and :math:`c_j` the chance of being a candidate (1 for draws
    from the whole bank). Its expectation is m times the group's mean utility. Unanswered items count for neither side:
    if a of m answered, at random, the sum over them estimates a plays (a in place of m, and every inclusion scaled by
    a/m: the two cancel).

    Args:
        draw: With `inclusion`, and either without candidates or with the candidate inclusion of the uniform proposal.
        feedback: Utilities of its items, shape (m,).
        group_of: Group of every problem of the bank, shape (N,), numbered 0..G-1 without gaps.

    Returns:
        The estimates, shape (G,), and the estimated shares of each group that the draw stands for, shape (G,), with
        expectation 1 (when all items answer).

    Raises:
        ValueError: If inclusion is None, candidates come without their inclusion or with another than M/N, lengths do
            not fit, or a utility is not finite.

    Source: Horvitz & Thompson 1952; two phases after Särndal, Swensson & Wretman 1992, chapter 9.

    >>> from curriculum_bandits.draw import Ticket
    >>> draw = Draw(items=[0, 2], probability=[0.25, 0.25], inclusion=[0.5, 0.5], ticket=Ticket("run", 0))
    >>> earnings, _ = group_earnings(draw, Feedback([1.0, 3.0], [1, 1]), group_of=[0, 0, 1, 1])
    >>> earnings
    array([2., 6.])
    """
    return _group_earnings(draw, feedback, *_groups(group_of))


class GroupRegretEstimator(Stateful, Observer, kind="group_regret"):
    r"""Regret of a training run against playing one group of problems all along; an observer of any loop.

    After T rounds the estimate for group g is :math:`\sum_t \hat X_{t,g} - \sum_t \sum_j \hat u_{t,j}`: the first sum
    is estimated (`group_earnings`), the second is what was really earned. The interval is asymptotically normal,

    .. math:: \pm z \sqrt{\tfrac{T}{T-1} \textstyle\sum_t (\hat X_{t,g} - \bar X_g)^2},

    from the spread between rounds. Utilities that drift add to that spread, so with drift the interval is rather too
    wide than too narrow. It is one interval per group and moment: for all G groups at once ask for the confidence
    ``1 - (1 - confidence) / G``, and do not stop a run when one of them pleases.

    The utilities are those of *this* run: the estimate is of the earnings of a group round by round with the learner as
    it was, not of a run on that group alone.

    Unbiased only where every problem has a known chance of being drawn: draws from the whole bank in which no problem
    has probability 0, or candidates under the uniform proposal. Shuffled epochs of candidates are no such proposal.
    Elsewhere, if `strict` is False, a round estimates the groups that it met alone, by the mean of what was drawn of
    them, weighted by 1/inclusion within the candidates where that is known; it favours the problems of a group that the
    curriculum prefers.

    Args:
        group_of: Group of every problem of the bank, shape (N,), numbered 0..G-1 without gaps (`ProblemBank.groups`).
        minimum_rounds: Rounds in which a group must have been met before it gets a finite interval; a normal
            approximation from fewer says too much.
        strict: Refuse draws without known chances.

    Attributes:
        sizes: Problems of each group, shape (G,).
        rounds: Rounds counted so far, T.
        rounds_unknown: Those of them without known chances.
        plays: Utilities that came back.
        earned: Their sum.

    Raises:
        ValueError: If a group has no problem or `minimum_rounds` is below 2.

    >>> import numpy as np
    >>> from curriculum_bandits.draw import Ticket
    >>> estimator = GroupRegretEstimator([0, 1], minimum_rounds=2)
    >>> for t, item in enumerate([0, 1, 1, 0]):
    ...     draw = Draw(items=[item], probability=[0.5], inclusion=[0.5], ticket=Ticket("run", t))
    ...     estimator.update(draw, Feedback([float(item)], [1]))
    >>> estimator.estimate().regret
    array([-2.,  2.])
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        **dict.fromkeys(("rounds", "rounds_unknown", "plays"), Count()),
        "earned": Real(),
        **dict.fromkeys(("_count", "_squares", "_met"), Array(low=0.0)),
        **dict.fromkeys(("_mean", "_coverage"), Array()),
    }

    def __init__(self, group_of: npt.ArrayLike, *, minimum_rounds: int = 30, strict: bool = True) -> None:
        if minimum_rounds < 2:
            raise ValueError(f"minimum_rounds is {minimum_rounds}; a spread needs at least 2")
        self._group_of, self.sizes = _groups(group_of)
        self.minimum_rounds, self.strict = minimum_rounds, strict
        self.rounds = self.rounds_unknown = self.plays = 0
        self.earned = 0.0
        sums = np.zeros((5, len(self.sizes)))
        # Rounds that estimate the group, the mean of their estimates, and the squared distances from it.
        self._count, self._mean, self._squares, self._coverage, self._met = sums

    @override
    def answered(self, draw: Draw, rollouts: Rollouts, feedback: Feedback) -> None:
        self.update(draw, feedback)

    def update(self, draw: Draw, feedback: Feedback) -> None:
        """Count one answered draw; give each draw once. A draw without any answer is passed over.

        Draw and feedback are those of `group_earnings`; if not `strict`, any draw will do.

        Raises:
            ValueError: As `group_earnings`. The state is then as it was.
        """
        sizes, answered, known = self.sizes, feedback.answered, True
        try:
            earnings, coverage = _group_earnings(draw, feedback, self._group_of, sizes)
        except _UnknownChance:
            if self.strict:
                raise
            known, coverage = False, np.zeros(len(sizes))
            weights = np.ones(len(draw)) if draw.inclusion is None else 1.0 / draw.inclusion
            total, weight = _group_sums(draw, feedback, self._group_of, len(sizes), weights)
            earnings = np.count_nonzero(answered) * total / np.where(weight > 0, weight, 1.0)
        if not np.any(answered):
            return
        met = np.bincount(self._group_of[draw.items[answered]], minlength=len(sizes)) > 0
        here = met | known
        self.rounds += 1
        self.plays += int(np.count_nonzero(answered))
        self.earned += float(np.sum(feedback.values[answered]))
        self._count = self._count + here
        step = np.where(here, earnings - self._mean, 0.0)
        self._mean = self._mean + step / np.maximum(self._count, 1)
        self._squares = self._squares + step * (earnings - self._mean)
        self._met = self._met + met
        if known:
            self._coverage = self._coverage + (coverage - self._coverage) / (self.rounds - self.rounds_unknown)
        else:
            self.rounds_unknown += 1

    def estimate(self, confidence: float = 0.95) -> GroupRegret:
        """Regret against every group, with intervals that cover with this confidence each.

        Raises:
            ValueError: If `confidence` is outside (0, 1).
        """
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence is {confidence}; give a number strictly between 0 and 1")
        gained = self.rounds * self._mean
        variance = self.rounds**2 / np.maximum(self._count * (self._count - 1), 1) * self._squares
        known = self._met >= self.minimum_rounds
        half = np.where(known, float(ndtri(0.5 + 0.5 * confidence)) * np.sqrt(variance), np.inf)
        utility, met = gained / max(self.plays, 1), self._met.astype(np.int64)
        return GroupRegret(
            gained - self.earned, half, utility, met, self._coverage.copy(), unbiased=self.rounds_unknown == 0
        )


def _groups(group_of: npt.ArrayLike) -> tuple[IntArray, IntArray]:
    groups = np.asarray(group_of)
    if groups.ndim != 1 or not np.issubdtype(groups.dtype, np.integer) or len(groups) == 0 or np.any(groups < 0):
        raise ValueError("group_of must hold one whole number, 0 or more, for every problem of the bank")
    sizes = np.bincount(groups)
    if np.any(sizes == 0):
        raise ValueError(f"group {int(np.argmin(sizes))} has no problem; number the groups 0..G-1 without gaps")
    return groups.astype(np.int64), sizes


def _group_earnings(draw: Draw, feedback: Feedback, groups: IntArray, sizes: IntArray) -> tuple[FloatArray, FloatArray]:
    chance = _chance(draw, len(groups))
    total, standing = _group_sums(draw, feedback, groups, len(sizes), 1.0 / chance)
    return len(draw) * total / sizes, standing / sizes


def _group_sums(
    draw: Draw, feedback: Feedback, groups: IntArray, n_groups: int, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Sums of weighted utilities and of weights by group, shape (G,) each."""
    if len(feedback) != len(draw):
        raise ValueError(f"{len(feedback)} utilities answer a draw of {len(draw)} problems; give one per problem")
    answered = feedback.answered
    bad = answered & ~np.isfinite(feedback.values)
    if np.any(bad):
        position = int(np.argmax(bad))
        raise ValueError(
            f"the utility of item {int(draw.items[position])} is {feedback.values[position]}; report a finite number, "
            "or a count of 0 if it is missing"
        )
    drawn, weights = groups[draw.items[answered]], weights[answered]
    values = weights * feedback.values[answered]
    total, weight = (np.bincount(drawn, weights=each, minlength=n_groups) for each in (values, weights))
    return np.asarray(total, dtype=np.float64), np.asarray(weight, dtype=np.float64)


def _chance(draw: Draw, n_items: int) -> FloatArray:
    """The number to divide each item by over the whole bank, shape (m,)."""
    if draw.inclusion is None:
        raise _UnknownChance(
            "this draw has no inclusion, so what was not drawn cannot be estimated; use a sampler that states one"
        )
    if not np.all(draw.inclusion > 0.0):
        raise ValueError("an inclusion of the draw is zero, negative or nan; pass the numbers that the draw recorded")
    if np.any((draw.items < 0) | (draw.items >= n_items)):
        raise ValueError(
            f"an item of the draw is outside 0..{n_items - 1}; give the groups of the bank it was drawn from"
        )
    if draw.candidates is None:
        return draw.inclusion
    if draw.candidate_inclusion is None:
        raise _UnknownChance(
            "this draw has candidates but no candidate_inclusion; estimates for the whole bank need the uniform "
            "proposal"
        )
    share = len(draw.candidates) / n_items
    if not np.allclose(draw.candidate_inclusion, share, rtol=1e-6, atol=0.0):
        raise _UnknownChance(
            f"candidate_inclusion is not {share:.6g} = M/N for every candidate, so the proposal was not uniform; "
            "estimates for the whole bank need the uniform proposal"
        )
    if not np.all(np.isin(draw.items, draw.candidates)):
        raise ValueError("an item of the draw is not among its candidates; pass the draw as it was issued")
    return draw.inclusion * share
