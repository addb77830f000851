"""LILO's choice: roll out a pool, train on the part of it with the highest variance of success."""

from __future__ import annotations

import numpy as np

from curriculum_bandits._typing import BoolArray, override
from curriculum_bandits.filters.dynamic_sampling import DynamicSampling
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.signals import reward_variance

__all__ = ["TopLearnability"]


class TopLearnability(DynamicSampling):
    """Rolls out a pool of several batches and trains on the batch of highest p (1 - p), ties broken at random.

    What is trained on was chosen by the very rollouts that it is trained on, so its rewards are a little closer to one
    half than the problems are.

    Args:
        pool: Batches rolled out for each one trained on, at least 1.
        seed: Seed of the ties.

    Raises:
        ValueError: If `pool` is below 1.

    Source: the learnability of LILO, arXiv 2502.12272, and SFL, arXiv 2408.15099; the size of the pool is ours.
    """

    def __init__(self, pool: int = 4, seed: int = 0) -> None:
        if pool < 1:
            raise ValueError(f"pool is {pool}; roll out at least 1 batch for each that is trained on")
        super().__init__(pool, seed)

    @override
    def enough(self, kept: int, batch_size: int) -> bool:
        return False

    @override
    def keep(self, rollouts: Rollouts) -> BoolArray:
        return np.asarray(reward_variance(rollouts).answered)

    @override
    def chosen(self, worth: BoolArray, rollouts: Rollouts, batch_size: int) -> BoolArray:
        learnability = np.where(worth, reward_variance(rollouts).values, -1.0)
        order = np.lexsort([self.rng.random(len(worth)), -learnability])
        used = np.zeros(len(worth), dtype=bool)
        used[order[:batch_size]] = True
        return used & worth
