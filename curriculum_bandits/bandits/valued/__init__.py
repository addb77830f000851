"""Bandits that keep one number per arm: what is remembered, how it becomes a distribution, and the two together."""

from curriculum_bandits.bandits.valued.choices import Boltzmann, Choice, Greedy, UpperConfidence
from curriculum_bandits.bandits.valued.estimates import (
    Estimate,
    ExponentialAverage,
    LearningProgress,
    RolloutWindow,
    ScoreSlope,
)
from curriculum_bandits.bandits.valued.value_bandit import ValueBandit

__all__ = [
    "Boltzmann",
    "Choice",
    "Estimate",
    "ExponentialAverage",
    "Greedy",
    "LearningProgress",
    "RolloutWindow",
    "ScoreSlope",
    "UpperConfidence",
    "ValueBandit",
]
