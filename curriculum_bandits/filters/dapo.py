"""DAPO's dynamic sampling: groups whose rewards are all equal have no gradient, so others take their place."""

from __future__ import annotations

from curriculum_bandits.filters.dynamic_sampling import DynamicSampling

__all__ = ["ZeroVarianceFilter"]


class ZeroVarianceFilter(DynamicSampling):
    """Keeps the groups whose rewards differ, and draws again until the batch is full.

    Args:
        max_draws: Batches drawn at most for one step (its "generation batches").

    Raises:
        ValueError: If `max_draws` is below 1.

    Source: Yu et al., "DAPO: An Open-Source LLM Reinforcement Learning System at Scale", arXiv 2503.14476.
    """

    def __init__(self, max_draws: int = 10) -> None:
        super().__init__(max_draws)
