"""Online stochastic mirror descent, for one play or many per round.

With m plays a round the distribution lives where the sampler can play it: between a floor (exploration) and a cap
(an arm cannot be played more often than it has copies). The projection is part of the update, so the p that is
reported, the p that is played and the p that is updated are one and the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.adversarial.bregman import bregman_projection
from curriculum_bandits.bandits.adversarial.importance_weighted import ImportanceWeighted
from curriculum_bandits.bandits.adversarial.regularizers import NegativeEntropy, Regularizer
from curriculum_bandits.bandits.adversarial.step_size import ScaleFree
from curriculum_bandits.bandits.arrays import (
    play_distinct,
    play_independent,
    positions,
    refuse_candidates,
    sum_by_arm,
)
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.sampling.simplex import kl_projection, rescaled_into
from curriculum_bandits.state import Array, Count, Field

__all__ = ["Osmd"]

_TINIEST = 1e-300  # keeps the log of a probability finite, so that an arm can always come back
_SAFE_EXPONENT = 100.0


class Osmd(ImportanceWeighted):
    r"""OSMD: :math:`p_{t+1} = \arg\max_p \eta \langle \tilde u_t, p \rangle - D_F(p, p_t)`.

    With negative entropy, the default F, that is :math:`\Pi\big(p_t \exp(\eta \tilde u_t)\big)`. Here
    :math:`\tilde u_t(x) = \sum_{j : x_j = x} \hat u_j / q_j` estimates every arm's utility from the played ones, and
    the set is :math:`\{floor_x \le p(x) \le cap_x, \sum p = 1\}` with
    :math:`floor_x = floor \cdot prior_x` and :math:`cap_x = \min(1, capacity_x / m)`.

    With `utility_range` the update uses losses, :math:`p_t \exp(-\eta \tilde\ell_t)` with
    :math:`\tilde\ell_t(x) = \sum_j (hi - \hat u_j)/q_j`: the form the regret bounds are proved for. Without it,
    utilities are centred by their running mean (the first batch by its own), and the default step size adapts to what
    is observed, so that utilities of 1e-4 and of 1e4 give the same distributions.

    Args:
        n_arms: Number of arms K.
        runs: Number of independent runs; None for one run without a leading axis.
        plays: Plays per round m, until `select` is asked for another number.
        capacity: How often an arm can be played in one round: a number or shape (K,). 1 is sampling without
            replacement; the number of its problems for an arm that is a group.
        replacement: Play independent draws instead, with cap 1 (capacity is then not used).
        prior: First distribution and direction of floor and share, shape (K,); None is uniform. Where it exceeds the
            cap its projection is used.
        floor: Exploration alpha in [0, 1): every arm keeps at least ``floor * prior``.
        share: Fixed share in [0, 1): after each update this much of the distribution returns to the prior.
        step: Constant step size, or a `ScaleFree` rule.
        regularizer: F: negative entropy, `Tsallis` of any power in (0, 1), or `LogBarrier`.
        implicit_exploration: Added to every inclusion that is divided by, which biases the estimates toward 0 (toward
            `hi` in the loss form) and bounds them.
        restart_every: Forget everything after so many updates; None never.
        utility_range: (lo, hi) for bounded utilities, or None.
        center: Subtract the running mean of utilities (only without `utility_range`; it changes no expectation
            beyond a constant common to all arms).

    Source: Bubeck & Cesa-Bianchi, "Regret Analysis of Stochastic and Nonstochastic Multi-armed Bandit Problems", 2012,
    chapter 5; fixed share after Herbster & Warmuth 1998. Scale-free form and floor-and-cap set: derived here.

    >>> bandit = Osmd(3, floor=0.0, step=1.0, center=False)
    >>> bandit.update(Selection(arms=[0], probability=[0.5], inclusion=[0.5]), [1.0])
    >>> bandit.probabilities().round(3)
    array([0.787, 0.107, 0.107])
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "_probability": Array(distribution=True),
        "_baseline": Array(),
        "_spent": Array(low=0.0),
        "_largest": Array(low=0.0),
        "_rounds": Count(),
        "_plays": Count(low=1),
    }
    _probability: FloatArray
    _baseline: FloatArray
    _rounds: int

    def __init__(
        self,
        n_arms: int,
        *,
        runs: int | None = None,
        plays: int = 1,
        capacity: npt.ArrayLike = 1.0,
        replacement: bool = False,
        prior: npt.ArrayLike | None = None,
        floor: float = 0.01,
        share: float = 0.0,
        step: float | ScaleFree | None = None,
        utility_range: tuple[float, float] | None = None,
        center: bool = True,
        regularizer: Regularizer | None = None,
        implicit_exploration: float = 0.0,
        restart_every: int | None = None,
    ) -> None:
        super().__init__(n_arms, runs, utility_range)
        require("[0, 1)", floor=floor, share=share)
        require("[0, inf]", implicit_exploration=implicit_exploration)
        if restart_every is not None:
            require("[1, inf)", restart_every=restart_every)
        if not isinstance(step, ScaleFree | None):
            require("[0, inf)", step=step)
        self.replacement, self.center = replacement, center
        self.floor, self.share, self.step = floor, share, ScaleFree() if step is None else step
        self.regularizer: Regularizer = NegativeEntropy() if regularizer is None else regularizer
        self.implicit_exploration, self.restart_every = implicit_exploration, restart_every
        self._capacity = np.broadcast_to(np.asarray(capacity, dtype=np.float64), (n_arms,))
        if not np.all(self._capacity >= 1):
            raise ValueError(f"capacity is {np.min(self._capacity)} for an arm; it must be at least 1 for each")
        self._prior = _distribution(prior, n_arms)
        self._anchor = self._prior
        self._forget()
        self._check_plays(plays)
        self._plays = 0
        self._set_plays(plays)

    @property
    def plays(self) -> int:
        """Plays per round m that the feasible set is made for."""
        return self._plays

    @property
    def cap(self) -> FloatArray:
        """Largest probability of each arm, shape (K,)."""
        return np.array(np.broadcast_to(self._high, (self.n_arms,)))

    def probabilities(self) -> FloatArray:
        """The distribution p_t over arms, shape (..., K): what is played is m of these."""
        return np.array(self._probability)

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        refuse_candidates(self, candidates)
        self._set_plays(size)
        if self.replacement:
            return play_independent(self._probability, size, rng)
        return play_distinct(self._probability, size, rng, self._capacity)

    @override
    def _learn(self, arms: IntArray, inclusion: FloatArray, utilities: FloatArray) -> None:
        credit = utilities - self.utility_range[1] if self.utility_range is not None else self._centred(utilities)
        terms = credit / (inclusion + self.implicit_exploration if self.implicit_exploration else inclusion)
        # One play moves one weight, which takes neither logarithms nor a sum over arms.
        alone = arms.shape[-1] == 1 and isinstance(self.regularizer, NegativeEntropy)
        moved = self._moved_by_one(arms, terms) if alone else None
        if moved is None:
            moved = self._moved(sum_by_arm(arms, terms, self.n_arms))
        probability, self._spent, self._largest = moved
        if self.share:
            probability *= 1.0 - self.share
            probability += self.share * self._anchor
        self._probability = probability
        self._rounds += 1
        if self.utility_range is None:
            self._follow(utilities)
        if self._rounds == self.restart_every:
            self._forget()

    def _moved_by_one(self, played: IntArray, terms: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray] | None:
        """As `_moved` after one play a run, on weights instead of their logarithms; None where that might overflow."""
        where = positions(played, self.n_arms)
        tilted = np.maximum(self._probability, _TINIEST)
        weights = tilted.ravel()[where]
        rule, spent, largest = self.step, self._spent, self._largest
        if isinstance(rule, ScaleFree):
            weight, term = weights[..., 0], terms[..., 0]
            eta, spent, largest = rule.step(weight * term * term, np.abs(term), self._diameter, spent, largest)
            exponent = eta[..., None] * terms
        else:
            exponent = rule * terms
        if np.abs(exponent).max() > _SAFE_EXPONENT:
            return None
        tilted.ravel()[where] = weights * np.exp(exponent)
        moved, settled = rescaled_into(tilted, self._low, self._high)
        return (moved, spent, largest) if settled.all() else None

    def _moved(self, estimate: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The distribution after a step along estimates of shape (..., K), and what the step size rule remembers."""
        rule, spent, largest = self.step, self._spent, self._largest
        if isinstance(rule, ScaleFree):
            energy = np.sum(self.regularizer.slope(self._probability) * estimate**2, axis=-1)
            peak = np.max(np.abs(estimate), axis=-1)
            eta, spent, largest = rule.step(energy, peak, self._diameter, spent, largest)
            shift = eta[..., None] * estimate
        else:
            shift = rule * estimate
        return self._project(self._dual() + shift), spent, largest

    def _centred(self, utilities: FloatArray) -> FloatArray:
        if not self.center:
            return utilities
        if self._rounds == 0:
            self._baseline = np.mean(utilities, axis=-1)
        return utilities - self._baseline[..., None]

    def _follow(self, utilities: FloatArray) -> None:
        """Move the running mean of utilities."""
        memory = self.step.memory if isinstance(self.step, ScaleFree) else math.inf
        self._baseline = self._baseline + (np.mean(utilities, axis=-1) - self._baseline) / min(self._rounds, memory)

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        self._check_plays(values["_plays"])
        return values

    @override
    def _put(self, values: Mapping[str, Any]) -> None:
        self._bound(values["_plays"])
        super()._put(values)

    def _set_plays(self, plays: int) -> None:
        if plays == self._plays:
            return
        self._check_plays(plays)
        self._bound(plays)
        self._probability = self._project(self._dual())

    def _check_plays(self, plays: int) -> None:
        total = math.inf if self.replacement else float(np.sum(self._capacity))
        if not 1 <= plays <= total:
            raise ValueError(
                f"{plays} plays are asked for but all arms together can be played {total:.0f} times a round; "
                "ask for 1 to that"
            )

    def _bound(self, plays: int) -> None:
        """Lay out the feasible set for so many plays; a bound that cannot bind is a plain number."""
        cap = np.minimum(1.0, self._capacity / plays)
        self._plays = plays
        self._high: float | FloatArray = 1.0 if self.replacement or np.all(cap >= 1.0) else cap
        self._anchor = kl_projection(np.log(np.maximum(self._prior, _TINIEST)), 0.0, self._high)
        self._low: float | FloatArray = self.floor * self._anchor if self.floor else 0.0
        self._diameter = self._divergence()

    def _forget(self) -> None:
        self._probability = np.broadcast_to(self._anchor, (*self._leading, self.n_arms)).copy()
        self._baseline, self._spent, self._largest = (np.zeros(self._leading) for _ in range(3))
        self._rounds = 0

    def _dual(self) -> FloatArray:
        return self.regularizer.dual(np.maximum(self._probability, _TINIEST))

    def _project(self, dual: FloatArray) -> FloatArray:
        # The dual is a step away from that of p_t, at which the multiplier is 0.
        return bregman_projection(dual, self._low, self._high, self.regularizer, start=0.0)

    def _divergence(self) -> float:
        """Divergence from the prior of the vertex of the feasible set that is farthest by ratio."""
        anchor, cap, floor = np.maximum(self._anchor, _TINIEST), self.cap, self.floor * self._anchor
        vertex = floor.copy()
        left = 1.0 - float(np.sum(floor))
        for arm in np.argsort(-cap / anchor, kind="stable"):
            given = min(left, float(cap[arm] - floor[arm]))
            vertex[arm] += given
            left -= given
            if left <= 0.0:
                break
        linear = float(np.sum(self.regularizer.dual(anchor) * (vertex - anchor)))
        divergence = float(self.regularizer.value(vertex) - self.regularizer.value(anchor)) - linear
        return max(divergence, 0.0)  # where the set is a single point, rounding may fall below


def _distribution(prior: npt.ArrayLike | None, n_arms: int) -> FloatArray:
    if prior is None:
        return np.full(n_arms, 1.0 / n_arms)
    values = np.array(prior, dtype=np.float64)
    if values.shape != (n_arms,) or not np.all(values >= 0.0) or abs(float(np.sum(values)) - 1.0) > 1e-6:
        raise ValueError(f"prior must be a distribution of shape ({n_arms},) that sums to 1; got shape {values.shape}")
    return np.asarray(values / np.sum(values))
