"""Exponential weights on gains, mixed with uniform exploration after the fact: the Exp3 family as first published.

`Osmd` keeps its exploration inside the feasible set and works on losses; these rules mix it in afterwards and work on
gains, which is what the theorems of Exp3.S, Exp3.P and Rexp3 assume, so they are here in their own form.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.adversarial.importance_weighted import ImportanceWeighted
from curriculum_bandits.bandits.arrays import play_distinct, play_independent, refuse_candidates, sum_by_arm
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.sampling.simplex import Capacity
from curriculum_bandits.state import Array, Count, Field

__all__ = ["ExponentialWeights"]

_TINIEST = 1e-300


class ExponentialWeights(ImportanceWeighted):
    r""":math:`p_t = (1 - \gamma)\, w_t / \sum w_t + \gamma / K`, weights multiplied by :math:`e^{\eta \tilde g_t}`.

    Gains are estimated as :math:`\tilde g_t(x) = (g\, 1[x\ played] + \beta) / p_t(x)`. One play a round, as published;
    with a `capacity` m plays a round (ours): p_t is projected on :math:`p(x) \le capacity_x / m`, and the estimate
    divides by the expected number of plays, :math:`m\, p_t(x)`, so that a round moves the weights as far as one play
    does, on average. Sharing keeps every weight alive:

    - ``"auer"``: :math:`w_{t+1}(x) = w_t(x) e^{\eta \tilde g_t(x)} + \frac{e \alpha}{K} \sum_y w_t(y)`
    - ``"others"``: :math:`w_{t+1}(x) = (1 - \alpha) w'(x) + \frac{\alpha}{K - 1} \sum_{y \ne x} w'(y)` with
      :math:`w' = w_t e^{\eta \tilde g_t}`

    Args:
        n_arms: Number of arms K, at least 2.
        step: :math:`\eta`.
        mixing: :math:`\gamma` in [0, 1].
        runs: Number of independent runs; None for one run without a leading axis.
        bonus: :math:`\beta`, added to every arm's gain before it is divided. It reaches arms that were not drawn, whose
            probability no draw records, so it is divided by the present one; answer each draw before the next.
        sharing: :math:`\alpha` in [0, 1].
        sharing_form: Which of the two forms above.
        utility_range: (lo, hi) of the utilities; gains are ``(utility - lo) / (hi - lo)``.
        gain_range: What the utilities are scaled to, (0, 1) by default.
        restart_every: Forget everything after so many updates; None never.
        capacity: How often an arm can be played in one round, a number or shape (K,), for batches of any size; None
            plays one arm a round.

    Source: Auer, Cesa-Bianchi, Freund & Schapire, "The Nonstochastic Multiarmed Bandit Problem", 2002 (Exp3, Exp3.S);
    Bubeck & Cesa-Bianchi 2012, section 3.2 (Exp3.P); Graves et al. 2017 (sharing among the others).

    >>> bandit = ExponentialWeights(2, step=0.1, mixing=0.2)
    >>> bandit.update(Selection(arms=[0], probability=[0.5], inclusion=[0.5]), [1.0])
    >>> bandit.probabilities().round(4)
    array([0.5399, 0.4601])
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "_log_weights": Array(high=0.0),
        "_updates": Count(),
        "_plays": Count(low=1),
    }
    utility_range: tuple[float, float]

    def __init__(
        self,
        n_arms: int,
        *,
        step: float,
        mixing: float,
        runs: int | None = None,
        bonus: float = 0.0,
        sharing: float = 0.0,
        sharing_form: Literal["auer", "others"] = "auer",
        utility_range: tuple[float, float] = (0.0, 1.0),
        gain_range: tuple[float, float] = (0.0, 1.0),
        restart_every: int | None = None,
        capacity: npt.ArrayLike | None = None,
    ) -> None:
        require("[2, inf)", n_arms=n_arms)
        require("[0, 1]", mixing=mixing, sharing=sharing)
        require("[0, inf)", bonus=bonus, step=step)
        if sharing_form not in ("auer", "others"):
            raise ValueError(f"sharing_form={sharing_form!r} is unknown; choose 'auer' or 'others'")
        if sharing_form == "others" and sharing > 1.0 - 1.0 / n_arms:
            raise ValueError(
                f"sharing is {sharing}; among {n_arms} arms more than {1 - 1 / n_arms:.3g} turns them round"
            )
        if restart_every is not None:
            require("[1, inf)", restart_every=restart_every)
        super().__init__(n_arms, runs, utility_range)
        self.step, self.mixing, self.bonus = step, mixing, bonus
        self.sharing, self.sharing_form = sharing, sharing_form
        self.gain_range, self.restart_every = gain_range, restart_every
        self._log_weights = np.zeros((*self._leading, n_arms))
        self._updates = 0
        self._capacity = None if capacity is None else Capacity(n_arms, capacity)
        self._plays = 1

    def probabilities(self) -> FloatArray:
        """The distribution p_t over arms, shape (..., K), for as many plays as were last asked for."""
        weights = np.exp(self._log_weights)  # the largest is always 1
        weights *= (1.0 - self.mixing) / np.add.reduce(weights, axis=-1, keepdims=True)
        weights += self.mixing / self.n_arms
        if self._capacity is None or self._plays == 1:
            return weights
        return self._capacity.projected(np.log(np.maximum(weights, _TINIEST)), self._plays)

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        refuse_candidates(self, candidates)
        if self._capacity is None:
            if size != 1:
                raise ValueError(
                    f"{size} plays are asked for; this rule plays 1 a round, give it a capacity or take Osmd for more"
                )
            return play_independent(self.probabilities(), 1, rng)
        self._capacity.check(size)
        self._plays = size
        return play_distinct(self.probabilities(), size, rng, self._capacity.each)

    @override
    def _learn(self, arms: IntArray, inclusion: FloatArray, utilities: FloatArray) -> None:
        (lo, hi), (least, most) = self.utility_range, self.gain_range
        gains = least + (most - least) * (utilities - lo) / (hi - lo)
        grown = self.step * sum_by_arm(arms, gains / inclusion, self.n_arms)
        if self.bonus:
            grown += self.step * self.bonus / (self._plays * self.probabilities())
        grown += self._log_weights
        shared = self._shared(grown)
        self._log_weights = shared - np.maximum.reduce(shared, axis=-1, keepdims=True)
        self._updates += 1
        if self._updates == self.restart_every:
            self._log_weights, self._updates = np.zeros_like(self._log_weights), 0

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        if np.any(np.max(values["_log_weights"], axis=-1) != 0.0):
            raise ValueError("the saved log weights have a largest that is not 0")
        if self._capacity is not None:
            self._capacity.check(values["_plays"])
        elif values["_plays"] != 1:
            raise ValueError(
                f"the saved weights played {values['_plays']} arms a round, these play 1; give the same capacity"
            )
        return values

    def _shared(self, grown: FloatArray) -> FloatArray:
        if self.sharing == 0.0:
            return grown
        if self.sharing_form == "auer":
            # A weight that has fallen behind by any factor still gets its share, so every logarithm stays finite.
            before = np.log(np.add.reduce(np.exp(self._log_weights), axis=-1, keepdims=True))
            share = before + (1.0 + math.log(self.sharing / self.n_arms))
            top = np.maximum(np.maximum.reduce(grown, axis=-1, keepdims=True), share)
            weights = np.exp(grown - top)
            weights += np.maximum(np.exp(share - top), _TINIEST)
            return np.asarray(np.log(weights, out=weights) + top)
        each = self.sharing / (self.n_arms - 1)
        everything = math.log(each) + logsumexp(grown, axis=-1, keepdims=True)
        kept = 1.0 - self.sharing - each  # the sum over the others is the sum over all less one's own
        return np.asarray(np.logaddexp(math.log(kept) + grown, everything) if kept > 0.0 else everything + 0.0 * grown)
