"""When did each arm last change? A posterior over the round, kept as a few weighted hypotheses.

Most bandits that forget choose one pace and live with it, and those that test for changes decide once and for all. Here
every recent round is a possible beginning of an arm's present mean, weighed by how well it predicted since.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import positions
from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.bandits.stochastic.arm_statistics import Cumulative
from curriculum_bandits.state import Array, Field

__all__ = ["ChangePosterior"]


class ChangePosterior(Cumulative):
    r"""Beta posteriors since every possible last change, and how likely each of them is.

    The model: in every round each arm changes with chance h, and its mean is then drawn anew from the uniform
    distribution. A hypothesis i of an arm is a play at which its present mean began and a discount :math:`\gamma_i`; it
    counts successes :math:`a_i` and failures :math:`b_i` since then, both beginning at 1 and, beyond that 1, multiplied
    by :math:`\gamma_i` before each play of the arm. A play of gain g, in [0, 1], changes the weights of its arm to

    .. math:: w_i \propto (1 - f)\, w_i\, \frac{a_i^{\,g}\, b_i^{\,1 - g}}{a_i + b_i}, \qquad
              w_{new} \propto \frac f 2 \text{ shared among the discounts},

    which is Bayes' rule where gains are 0 or 1. Here f is the chance that the arm has changed since its last play n
    rounds ago, :math:`1 - (1 - h)^n`, and 1 before its first. A discount of 1 is the model above; one below 1 follows a
    mean that drifts between changes, and also loses the factor `idle` in every round without a play. Of each arm the
    likeliest hypotheses are kept.

    Changes may come together: where an arm has not been played since a change that is found (the median of
    hypotheses, by that arm's own gains, lies after), :math:`1 - f` is multiplied by :math:`1 - \rho`. Weights that
    know nothing of this are kept beside the others for that purpose, lest a suspicion confirm itself.

    Args:
        n_arms: Number of arms K.
        hazard: Chance h of a change, per arm and round, in (0, 1).
        contagion: :math:`\rho` in [0, 1): how likely one arm's change is to be another's too.
        discounts: The :math:`\gamma_i`, each in (0, 1], all different.
        idle: What hypotheses of a discount below 1 keep of their counts in a round without a play, in (0, 1].
        hypotheses: Number kept per arm; at least one more than there are discounts.
        runs: Number of independent runs; None for one run without a leading axis.

    Source: derived here. A Thompson sampler that knows its changes by their posterior, all arms at once, is in Mellor &
    Shapiro, "Thompson Sampling in Switching Environments with Bayesian Online Change Point Detection", AISTATS 2013.

    >>> statistics = ChangePosterior(2, hazard=0.01)
    >>> for t in range(60):
    ...     statistics.record(np.array([0]), np.array([float(t < 40)]))
    >>> float(statistics.last_change()[0])  # the 41st play was the first to fail
    41.0
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "_hypotheses": Array(low=0.0),
        "_found": Array(low=0.0),
        "_played": Array(low=0.0),
    }

    def __init__(
        self,
        n_arms: int,
        *,
        hazard: float,
        contagion: float = 0.5,
        discounts: Sequence[float] = (1.0, 0.97),
        idle: float = 0.999,
        hypotheses: int = 24,
        runs: int | None = None,
    ) -> None:
        require("(0, 1)", hazard=hazard)
        require("[0, 1)", contagion=contagion)
        if not discounts or not all(0.0 < discount <= 1.0 for discount in discounts):
            raise ValueError(f"discounts are {tuple(discounts)}; give at least one, each above 0 and at most 1")
        if len(set(discounts)) < len(discounts):
            raise ValueError(f"discounts are {tuple(discounts)}; give each once")
        require("(0, 1]", idle=idle)
        if operator.index(hypotheses) <= len(discounts):
            raise ValueError(f"hypotheses is {hypotheses}; {len(discounts)} discounts need at least one more")
        super().__init__(n_arms, runs=runs)
        self.hazard, self.contagion, self.discounts, self.idle = hazard, contagion, tuple(discounts), idle
        # Weight, weight by own gains, successes, failures, discount and start of each hypothesis; a row for each
        # run and arm. An empty place has no weight.
        shape = (self.counts.size, hypotheses)
        self._hypotheses: FloatArray = np.stack([np.full(shape, value) for value in (0.0, 0.0, 1.0, 1.0, 1.0, 0.0)])
        self._found: FloatArray = np.zeros(self.counts.size)  # round of each arm's last change, 0 before the first
        self._played: FloatArray = np.zeros(self.counts.size)  # round of each arm's last play, 0 before the first

    def last_change(self) -> FloatArray:
        """Median of each arm's hypotheses: the round, from 1, in which its present mean began, by its own gains.

        Of shape (..., K); 0 for an arm that has not changed since its first play.
        """
        return np.array(self._found.reshape(self.counts.shape))

    def unseen(self) -> FloatArray:
        """Chance f, shape (..., K), of a change since the last play, the coming round included; 1 if never played."""
        return self._unseen(np.arange(self.counts.size), self.rounds + 1).reshape(self.counts.shape)

    def hypothesis(self, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Successes and failures, shape (..., K) each and beginning at 1, of one hypothesis per arm.

        It is drawn from `rng` by its weight; a change that was not seen is a fresh start.
        """
        weight, _, successes, failures, discount, _ = self._hypotheses
        unseen = self._unseen(np.arange(len(weight)), self.rounds + 1)
        point = rng.random(len(weight))
        # What of the point is beyond the chance of a change falls among the hypotheses.
        seen = point >= unseen
        left = (point - unseen) / np.where(seen, 1.0 - unseen, 1.0)
        chosen = np.argmax(np.add.accumulate(weight, axis=-1) > left[:, None] * (1.0 - 1e-12), axis=-1)
        place = chosen + np.arange(0, weight.size, weight.shape[1])
        kept = self._kept(discount.ravel()[place], self.rounds - self._played)
        first, second = (
            np.where(seen, 1.0 + kept * (field.ravel()[place] - 1.0), 1.0).reshape(self.counts.shape)
            for field in (successes, failures)
        )
        return first, second

    @override
    def record(self, arms: IntArray, gains: FloatArray) -> None:
        super().record(arms, gains)
        plays = arms.shape[-1]
        rows = positions(arms.reshape(-1, plays), self.n_arms)
        for row, gain in zip(rows.T, gains.reshape(-1, plays).T, strict=True):
            self._learn(row, gain)

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        weight, own, successes, failures, discount, start = values["_hypotheses"]
        sums = np.stack([np.sum(weight, axis=-1), np.sum(own, axis=-1)])
        whole = np.all(np.abs(sums - (values["_played"] > 0.0)) < 1e-6)
        if not whole or np.min(successes) < 1.0 or np.min(failures) < 1.0 or np.max(discount) > 1.0:
            raise ValueError("the saved hypotheses have weights that do not sum to 1, or counts out of range")
        latest = max(np.max(each) for each in (start, values["_found"], values["_played"]))
        if latest > values["rounds"]:
            raise ValueError(f"the saved statistics know of round {latest:g}, after {values['rounds']} rounds in all")
        return values

    def _unseen(self, rows: IntArray, now: int) -> FloatArray:
        """Chance of an unseen change of these arms, each in a row of its own run and arm, by the round `now`."""
        return np.asarray(1.0 - (1.0 - self._by_hazard(rows, now)) * (1.0 - self._by_contagion(rows)))

    def _by_hazard(self, rows: IntArray, now: int) -> FloatArray:
        played = self._played[rows]
        return np.where(played > 0.0, -np.expm1((now - played) * math.log1p(-self.hazard)), 1.0)

    def _by_contagion(self, rows: IntArray) -> FloatArray:
        latest = np.max(self._found.reshape(-1, self.n_arms), axis=-1)[rows // self.n_arms]
        return np.where(self._played[rows] < latest, self.contagion, 0.0)

    def _kept(self, discount: FloatArray, pause: FloatArray) -> FloatArray:
        """What is left of counts after so many rounds without a play."""
        return np.where(discount < 1.0, self.idle**pause, 1.0)

    def _learn(self, rows: IntArray, gain: FloatArray) -> None:
        weight, own, successes, failures, discount, start = arm = self._hypotheses[:, rows]
        by_hazard = self._by_hazard(rows, self.rounds)
        unseen = 1.0 - (1.0 - by_hazard) * (1.0 - self._by_contagion(rows))
        kept = discount * self._kept(discount, (self.rounds - 1.0 - self._played[rows])[:, None])
        for field in (successes, failures):
            field -= 1.0
            field *= kept
            field += 1.0
        share = gain[:, None]
        likelihood = np.where(share == 1.0, successes, np.where(share == 0.0, failures, 0.0))
        between = (gain > 0.0) & (gain < 1.0)
        if np.any(between):
            part = share[between]
            likelihood[between] = successes[between] ** part * failures[between] ** (1.0 - part)
        likelihood /= successes + failures
        weight *= likelihood * (1.0 - unseen)[:, None]
        own *= likelihood * (1.0 - by_hazard)[:, None]
        each, ones = np.arange(len(rows)), np.ones(len(rows))
        start_now = np.where(self._played[rows] > 0.0, float(self.rounds), 0.0)  # a first play is no change
        fresh = 0.5 / len(self.discounts)  # a uniform mean predicts any play with 1/2
        least = np.argpartition(weight + own, len(self.discounts) - 1, axis=-1)
        for place, pace in zip(least.T, self.discounts, strict=False):
            arm[:, each, place] = [fresh * unseen, fresh * by_hazard, ones, ones, pace * ones, start_now]
        successes += share
        failures += 1.0 - share
        weight /= np.add.reduce(weight, axis=-1, keepdims=True)
        own /= np.add.reduce(own, axis=-1, keepdims=True)
        self._hypotheses[:, rows] = arm
        self._found[rows] = _median(start, own)
        self._played[rows] = float(self.rounds)


def _median(values: FloatArray, weights: FloatArray) -> FloatArray:
    """The weighted median of each row, the lower one of two."""
    order = np.argsort(values, axis=-1, kind="stable")
    half = np.add.accumulate(np.take_along_axis(weights, order, axis=-1), axis=-1) >= 0.5 - 1e-12
    middle = np.take_along_axis(order, np.argmax(half, axis=-1)[:, None], axis=-1)
    return np.asarray(np.take_along_axis(values, middle, axis=-1)[:, 0])
