"""SPEED's screening: a few rollouts first, the many only where these leave it open whether a problem is solved."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from curriculum_bandits._typing import IntArray, override
from curriculum_bandits.filters.dynamic_sampling import DynamicSampling
from curriculum_bandits.rollouts import PendingRollouts

__all__ = ["Screening"]


class Screening(DynamicSampling):
    """Rolls out every problem a few times, and goes on with those that were solved sometimes but not always.

    Training uses the rollouts of both, so a group that is kept has `screening` + `continuation` of them. What fails the
    screening has cost `screening` rollouts, and the curriculum hears what these say. Published runs choose this
    between batches of a pipeline; here a batch is filled by further draws.

    Args:
        screening: Rollouts of the first look, at least 2.
        continuation: Rollouts of the second, at least 1.
        max_draws: Batches drawn at most for one step.

    Raises:
        ValueError: If a number is too small.

    Source: Zhang et al., "SPEED-RL", arXiv 2506.09016.
    """

    def __init__(self, screening: int = 4, continuation: int = 20, max_draws: int = 10) -> None:
        super().__init__(max_draws)
        if screening < 2 or continuation < 1:
            raise ValueError(
                f"screening is {screening} and continuation {continuation}; give at least 2 and 1 rollouts"
            )
        self.screening, self.continuation = screening, continuation

    @override
    def rolled_out(self, items: IntArray, roll_out: Callable[..., PendingRollouts]) -> PendingRollouts:
        first = roll_out(items, self.screening)
        open_ = first.rollouts.informative
        if not open_.any():
            return first
        second = roll_out(items[open_], self.continuation)
        both = PendingRollouts.stacked([first[open_].beside(second), first[~open_]])
        order = np.concatenate([np.flatnonzero(open_), np.flatnonzero(~open_)])
        return both[np.argsort(order)]
