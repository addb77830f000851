"""Sampling designs with known inclusion, the capped simplex, partitions into arms, and candidate generators."""

from curriculum_bandits.sampling.designs import (
    categorical,
    gumbel_top_k,
    inclusion_probabilities,
    nucleus,
    systematic,
    systematic_counts,
    with_replacement,
)

__all__ = [
    "categorical",
    "gumbel_top_k",
    "inclusion_probabilities",
    "nucleus",
    "systematic",
    "systematic_counts",
    "with_replacement",
]
