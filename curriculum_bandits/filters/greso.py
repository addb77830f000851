"""GRESO: skip, before any rollout, what has taught nothing for some time; the longer, the likelier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from curriculum_bandits._typing import BoolArray, IntArray, override
from curriculum_bandits.filters.dynamic_sampling import DynamicSampling
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.state import Array, Field, Real

__all__ = ["Greso"]


class Greso(DynamicSampling):
    r"""Rolls out a drawn problem with probability :math:`\max(p_e^z, 0.01)`, z its latest visits without variance.

    z starts at 0, so nothing is skipped in the first epoch, and a visit in which rewards differ sets it back. After
    each step :math:`p_e` is moved toward a share of groups without variance of a quarter: down, to skip more, where
    there were more, up where there were fewer. Skipped problems cost nothing and are missing answers; groups without
    variance that were rolled out are not trained on.

    What is skipped depends on the problem, so for curricula that divide by inclusion (OSMD, the curator) sums over what
    was answered are not unbiased under this filter. The published method has one probability for groups that are always
    solved and one for those that never are; this is the form with one.

    Args:
        probability: First :math:`p_e`, in (0, 1].
        least: The least probability of a rollout, in (0, 1]: nothing is skipped for ever.
        step: By how much :math:`p_e` is moved.
        target: Share of groups without variance that is aimed at.
        max_draws: Batches drawn at most for one step.
        seed: Seed of the skips.

    Raises:
        ValueError: If a setting is out of its range.

    Source: Zheng et al., "Act Only When It Pays: Efficient Reinforcement Learning for LLM Reasoning via Selective
    Rollouts", arXiv 2506.02177.
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "probability": Real(low=1e-300, high=1.0),
        "_in_vain": Array(low=0, shape=lambda filter: (None,)),
    }

    def __init__(
        self,
        probability: float = 0.5,
        least: float = 0.01,
        step: float = 0.01,
        target: float = 0.25,
        max_draws: int = 10,
        seed: int = 0,
    ) -> None:
        super().__init__(max_draws, seed)
        for name, value in (("probability", probability), ("least", least)):
            if not 0.0 < value <= 1.0:
                raise ValueError(f"{name} is {value}; it must be above 0 and at most 1")
        for name, value in (("step", step), ("target", target)):
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} is {value}; it must be in [0, 1]")
        self.probability, self.least, self.adaptation, self.target = probability, least, step, target
        self._in_vain: IntArray = np.zeros(0, dtype=np.int64)  # z of each problem

    @override
    def admitted(self, items: IntArray) -> BoolArray:
        z = self._in_vain[items] if len(self._in_vain) else np.zeros(len(items), dtype=np.int64)
        return np.asarray(self.rng.random(len(items)) < np.maximum(self.probability**z, self.least))

    @override
    def after(self, items: IntArray, worth: BoolArray, rollouts: Rollouts, n_problems: int) -> None:
        if len(self._in_vain) != n_problems:
            self._in_vain = np.zeros(n_problems, dtype=np.int64)
        judged = np.sum(rollouts.valid, axis=1) >= 2  # what has no rewards says nothing
        if not np.any(judged):
            return
        for item, taught in zip(items[judged].tolist(), worth[judged].tolist(), strict=True):
            self._in_vain[item] = 0 if taught else self._in_vain[item] + 1  # a problem may have been visited twice
        toward = np.sign(self.target - float(np.mean(~worth[judged])))
        self.probability = float(np.clip(self.probability + toward * self.adaptation, self.least, 1.0))
