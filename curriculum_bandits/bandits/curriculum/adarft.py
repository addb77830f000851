"""AdaRFT: one number moves, the difficulty that the next batch is taken around.

Nothing is learned about any single problem; difficulty labels carry all there is to know. The batch is whatever lies
nearest, so the same problems come again for as long as the number stands still.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.arrays import checked_utilities, refuse_candidates, refuse_size
from curriculum_bandits.bandits.contract import ArrayLike, Bandit, Extra, FloatArray, IntArray, Selection
from curriculum_bandits.state import Field, Fixed, Real, Stateful

__all__ = ["MovingTarget"]


class MovingTarget(Stateful, Bandit):
    r"""The m problems nearest to a target difficulty, which rises with success and falls with failure. One run.

    After each answer :math:`T \leftarrow \mathrm{clip}(T + \eta \tanh(\alpha (\bar R - \beta)), d_{min}, d_{max})`,
    with :math:`\bar R` the mean of what answered. The choice is greedy, so no inclusion is stated, and a problem far
    from every target is never drawn: as published. Problems at the same distance are chosen among at random.

    Args:
        difficulty: Difficulty of each problem, shape (N,), finite; larger is harder.
        step: :math:`\eta`, the longest move, in units of difficulty.
        sensitivity: :math:`\alpha`.
        target_reward: :math:`\beta`, the mean reward at which the target stands still.
        start: The first T; None is the least difficulty.

    Source: Shi et al., "Efficient Reinforcement Finetuning via Adaptive Curriculum Learning", arXiv 2504.05520.

    >>> bandit = MovingTarget([1.0, 2.0, 3.0], step=2.0)
    >>> bandit.update(Selection([0], None, None), [1.0])
    >>> round(bandit.target, 3)
    2.523
    >>> bandit.select(1, np.random.default_rng(0)).arms
    array([2])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"n_arms": Fixed("use the same bank"), "_target": Real()}

    def __init__(
        self,
        difficulty: npt.ArrayLike,
        *,
        step: float,
        sensitivity: float = 2.0,
        target_reward: float = 0.5,
        start: float | None = None,
    ) -> None:
        values = np.array(difficulty, dtype=np.float64)
        if values.ndim != 1 or not len(values):
            raise ValueError(f"difficulty has shape {values.shape}; give one number per problem, shape (N,)")
        if not np.all(np.isfinite(values)):
            missing = int(np.argmin(np.isfinite(values)))
            raise ValueError(f"the difficulty of problem {missing} is {values[missing]}; give every problem a number")
        require("[0, inf)", step=step, sensitivity=sensitivity)
        require("(-inf, inf)", target_reward=target_reward)
        self.n_arms = len(values)
        self.step, self.sensitivity, self.target_reward = step, sensitivity, target_reward
        self._order: IntArray = np.argsort(values, kind="stable")
        self._sorted: FloatArray = values[self._order]
        self._target = float(self._sorted[0] if start is None else start)
        self._check_target(self._target, "start")

    @property
    def target(self) -> float:
        """The target difficulty T."""
        return self._target

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        refuse_candidates(self, candidates)
        refuse_size(size, self.n_arms)
        chosen = rng.permutation(self._order[self._nearest(size, rng)])
        return Selection(chosen, np.full(size, 1.0 / size), None)

    def _nearest(self, size: int, rng: np.random.Generator) -> IntArray:
        """Places in the sorted order; only `size` on either side of the target need be looked at."""
        middle = int(np.searchsorted(self._sorted, self._target))
        first = max(0, middle - size)
        around = self._sorted[first : middle + size]
        distance = np.abs(around - self._target)
        farthest = np.partition(distance, size - 1)[size - 1]
        nearer = first + np.flatnonzero(distance < farthest)
        # Problems as difficult as the farthest may go on beyond what was looked at.
        edges = np.unique(around[distance == farthest])
        ends = zip(
            np.searchsorted(self._sorted, edges), np.searchsorted(self._sorted, edges, side="right"), strict=True
        )
        tied = np.concatenate([np.arange(start, stop) for start, stop in ends])
        return np.concatenate([nearer, rng.choice(tied, size - len(nearer), replace=False)])

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        _, rewards = checked_utilities(selection, values, n_arms=self.n_arms)
        move = self.step * math.tanh(self.sensitivity * (float(np.mean(rewards)) - self.target_reward))
        self._target = float(np.clip(self._target + move, self._sorted[0], self._sorted[-1]))

    def diagnostics(self) -> dict[str, float]:
        """The target difficulty, by the name ``target``."""
        return {"target": self._target}

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        self._check_target(values["_target"], "the saved target")
        return values

    def _check_target(self, target: float, what: str) -> None:
        least, most = float(self._sorted[0]), float(self._sorted[-1])
        if not least <= target <= most:
            raise ValueError(f"{what} is {target}; difficulties go from {least:.6g} to {most:.6g}, choose within")
