"""Follow the regularised leader: every round starts from all losses so far and the step size of that round.

With a constant step and the same regulariser it is mirror descent. With a step that shrinks it is not: the anytime
bounds of Exp3 and of Tsallis-INF are proved for this rule, and mirror descent with a shrinking step does not have them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.adversarial.bregman import bregman_projection
from curriculum_bandits.bandits.adversarial.importance_weighted import ImportanceWeighted
from curriculum_bandits.bandits.adversarial.regularizers import NegativeEntropy, Regularizer
from curriculum_bandits.bandits.arrays import play_distinct, refuse_candidates, sum_by_arm
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.state import Array, Count, Field

__all__ = ["Ftrl"]


class Ftrl(ImportanceWeighted):
    r""":math:`p_t = \arg\min_p \langle \hat L_{t-1}, p \rangle + F(p) / \eta_t` on cumulative loss estimates.

    Losses are ``hi - utility``, estimated as :math:`\hat\ell_t(x) = 1[x\ played] (\ell - B_x)/q_x + B_x`; B is 0, or
    with `reduced_variance` :math:`B_x = \frac12 (hi - lo) 1[p_t(x) \ge \eta_t^2]`. Losses are scaled to [0, 1].

    Args:
        n_arms: Number of arms K.
        step: Step size of round t = 1, 2, ..., for losses in [0, 1].
        runs: Number of independent runs; None for one run without a leading axis.
        regularizer: F; negative entropy by default.
        utility_range: (lo, hi) that utilities lie in.
        plays: Plays per round; more than one plays without replacement on p capped at 1/m.
        implicit_exploration: Implicit exploration of round t, added to every inclusion; None is none.
        reduced_variance: Use the estimator with B above (one play only).

    Source: Zimmert & Seldin, "Tsallis-INF", 2021 (both estimators); Bubeck & Cesa-Bianchi 2012, section 3.1 (anytime
    Exp3); Neu, "Explore no more", 2015 (implicit exploration).

    >>> bandit = Ftrl(2, step=lambda t: 1.0)
    >>> for arm, value in ((0, 1.0), (1, 0.0)):
    ...     bandit.update(Selection([arm], [0.5], [0.5]), [value])
    >>> bandit.probabilities().round(3)
    array([0.881, 0.119])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_losses": Array(low=0.0), "_round": Count(low=1)}
    utility_range: tuple[float, float]

    def __init__(
        self,
        n_arms: int,
        step: Callable[[int], float],
        *,
        runs: int | None = None,
        regularizer: Regularizer | None = None,
        utility_range: tuple[float, float] = (0.0, 1.0),
        plays: int = 1,
        implicit_exploration: Callable[[int], float] | None = None,
        reduced_variance: bool = False,
    ) -> None:
        super().__init__(n_arms, runs, utility_range)
        require(f"[1, {n_arms}]", plays=plays)
        if reduced_variance and plays != 1:
            raise ValueError("reduced_variance is defined for one play a round; use plays=1")
        self.plays, self.step, self.implicit_exploration = plays, step, implicit_exploration
        self.regularizer: Regularizer = NegativeEntropy() if regularizer is None else regularizer
        self.reduced_variance = reduced_variance
        self._losses = np.zeros((*self._leading, n_arms))
        self._round = 1
        self._probability = self._leader()

    def probabilities(self) -> FloatArray:
        """The distribution p_t over arms, shape (..., K)."""
        return np.array(self._probability)

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        refuse_candidates(self, candidates)
        if size != self.plays:
            raise ValueError(f"{size} plays are asked for, but the bandit was made for {self.plays}; pass plays={size}")
        return play_distinct(self._probability, size, rng)

    @override
    def _learn(self, arms: IntArray, inclusion: FloatArray, utilities: FloatArray) -> None:
        lo, hi = self.utility_range
        losses = (hi - utilities) / (hi - lo)
        divisor = inclusion + (0.0 if self.implicit_exploration is None else self.implicit_exploration(self._round))
        if self.reduced_variance:
            level = 0.5 * (self._probability >= self.step(self._round) ** 2)
            losses = losses - np.take_along_axis(level, arms, axis=-1)
            estimate = level + sum_by_arm(arms, losses / divisor, self.n_arms)
        else:
            estimate = sum_by_arm(arms, losses / divisor, self.n_arms)
        # Only differences matter; keeping the least at 0 keeps the numbers small for ever.
        total = self._losses + estimate
        self._losses = total - np.min(total, axis=-1, keepdims=True)
        self._round += 1
        self._probability = self._leader()

    @override
    def _put(self, values: Mapping[str, Any]) -> None:
        super()._put(values)
        self._probability = self._leader()

    def _leader(self) -> FloatArray:
        cap = 1.0 / self.plays
        return bregman_projection(-self.step(self._round) * self._losses, 0.0, cap, self.regularizer)
