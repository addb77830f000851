"""A value per arm, and a distribution made of it: any estimate with any exploration rule.

The group curricula of the literature differ in these two parts only. Neither divides by a probability, so answers to
draws without inclusion teach as well; what is drawn here always states it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, get_args

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.arrays import checked_counts, checked_utilities
from curriculum_bandits.bandits.contract import ArrayLike, Extra, FloatArray, Selection
from curriculum_bandits.bandits.curriculum.action_values.estimates import ValueEstimate
from curriculum_bandits.bandits.curriculum.action_values.exploration import Exploration
from curriculum_bandits.bandits.curriculum.capped_bandit import CappedBandit
from curriculum_bandits.state import Array, Field, Part

__all__ = ["ActionValueBandit", "By"]

By = Literal["value", "magnitude"]
"""What of a value is sought: that it is high, or that it is far from 0 on either side."""


class ActionValueBandit(CappedBandit):
    """Draws by the exploration rule from the values of the estimate, projected on what a batch can hold; one run.

    An arm that was played several times is judged by all its rollouts together.

    Args:
        estimate: Value of each arm. It becomes part of this bandit: do not share it.
        exploration: How values become a distribution.
        capacity: How often an arm can be played in one round: a number or shape (K,); the number of its problems for
            an arm that is a group.
        by: ``"magnitude"`` chooses by absolute values, for which a fall counts as much as a rise.

    >>> from curriculum_bandits.bandits.curriculum.action_values import Boltzmann, ExponentialAverage
    >>> bandit = ActionValueBandit(ExponentialAverage(2, rate=0.5), Boltzmann(0.5))
    >>> bandit.update(Selection([0], [0.5], None), [1.0])
    >>> bandit.probabilities().round(3)
    array([0.731, 0.269])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"estimate": Part(), "_rollouts": Array(low=0.0)}

    def __init__(
        self, estimate: ValueEstimate, exploration: Exploration, *, capacity: npt.ArrayLike = 1.0, by: By = "value"
    ) -> None:
        if by not in get_args(By):
            raise ValueError(f"by={by!r} is unknown; choose 'value' or 'magnitude'")
        super().__init__(estimate.n_arms, capacity)
        self.estimate, self.exploration, self.by = estimate, exploration, by
        self._rollouts: FloatArray = np.zeros(self.n_arms)

    @property
    def values(self) -> FloatArray:
        """Value of each arm, shape (K,)."""
        return self.estimate.values

    @property
    def rollouts(self) -> FloatArray:
        """Rollouts of each arm since the beginning, shape (K,)."""
        return np.array(self._rollouts)

    @override
    def _distribution(self, plays: int) -> FloatArray:
        values = self.estimate.values
        sought = np.abs(values) if self.by == "magnitude" else values
        return self._capacity.projected(self.exploration.log_weights(sought, self._rollouts), plays)

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        played, utilities = checked_utilities(selection, values, n_arms=self.n_arms)
        rollouts = checked_counts(counts, played.shape)
        self.estimate.learn(played, utilities, rollouts)
        self._rollouts += np.bincount(played, weights=rollouts, minlength=self.n_arms)
        self._changed()
