"""Stages that roll out first and train on what is worth it; each goes between any curriculum and a learner."""

from curriculum_bandits.rollout_groups import RolloutGroups
from curriculum_bandits.stages.contract import RolloutFirstLearner, Stage, StageStep
from curriculum_bandits.stages.greso import Greso
from curriculum_bandits.stages.refilling import Refilling
from curriculum_bandits.stages.screening import Screening
from curriculum_bandits.stages.top_learnability import TopLearnability
from curriculum_bandits.stages.variance_threshold import VarianceThreshold, variance_score
from curriculum_bandits.stages.zero_variance import ZeroVarianceFilter

__all__ = [
    "Greso",
    "Refilling",
    "RolloutFirstLearner",
    "RolloutGroups",
    "Screening",
    "Stage",
    "StageStep",
    "TopLearnability",
    "VarianceThreshold",
    "ZeroVarianceFilter",
    "variance_score",
]
