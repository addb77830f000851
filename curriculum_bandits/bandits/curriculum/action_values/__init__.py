"""Bandits that keep one number per arm: what is remembered, how it becomes a distribution, and the two together."""

from curriculum_bandits.bandits.curriculum.action_values.action_value_bandit import ActionValueBandit
from curriculum_bandits.bandits.curriculum.action_values.estimates import (
    ExponentialAverage,
    LearningProgress,
    RolloutWindow,
    ScoreSlope,
    ValueEstimate,
)
from curriculum_bandits.bandits.curriculum.action_values.exploration import (
    Boltzmann,
    Exploration,
    Greedy,
    UpperConfidence,
)

__all__ = [
    "ActionValueBandit",
    "Boltzmann",
    "Exploration",
    "ExponentialAverage",
    "Greedy",
    "LearningProgress",
    "RolloutWindow",
    "ScoreSlope",
    "UpperConfidence",
    "ValueEstimate",
]
