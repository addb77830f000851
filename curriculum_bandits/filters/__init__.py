"""Filters that roll out first and train on what is worth it; each goes between any curriculum and a learner."""

from curriculum_bandits.filters.contract import Filter, FilterStep, RolloutFirstLearner
from curriculum_bandits.filters.dapo import ZeroVarianceFilter
from curriculum_bandits.filters.dynamic_sampling import DynamicSampling
from curriculum_bandits.filters.greso import Greso
from curriculum_bandits.filters.lilo import TopLearnability
from curriculum_bandits.filters.speed import Screening
from curriculum_bandits.filters.vcrl import VarianceThreshold, variance_score
from curriculum_bandits.rollouts import PendingRollouts

__all__ = [
    "DynamicSampling",
    "Filter",
    "FilterStep",
    "Greso",
    "PendingRollouts",
    "RolloutFirstLearner",
    "Screening",
    "TopLearnability",
    "VarianceThreshold",
    "ZeroVarianceFilter",
    "variance_score",
]
