"""Regret: what a comparator would have earned minus what was earned.

Two choices make a notion of regret, and they are made apart: how the policy's earning is read off a table of rewards or
means (`earnings`), and which comparator it is held against (`curves`). Where the means are known that is all there is;
for real training, where they are not, `off_policy` estimates regret against groups of problems from what was drawn.
"""

from curriculum_bandits.regret.comparators import best_subset, best_subset_value
from curriculum_bandits.regret.curves import comparator_earnings, dynamic_regret, external_regret, normalised_score
from curriculum_bandits.regret.earnings import earned_by_arms, earned_by_batches, earned_by_distribution
from curriculum_bandits.regret.off_policy import GroupRegret, GroupRegretEstimator, group_earnings
from curriculum_bandits.regret.switching import SwitchingRegret, switching_regret
from curriculum_bandits.regret.tracker import RegretTracker
from curriculum_bandits.regret.variation import arm_distribution, path_length, switches, variation_budget

__all__ = [
    "GroupRegret",
    "GroupRegretEstimator",
    "RegretTracker",
    "SwitchingRegret",
    "arm_distribution",
    "best_subset",
    "best_subset_value",
    "comparator_earnings",
    "dynamic_regret",
    "earned_by_arms",
    "earned_by_batches",
    "earned_by_distribution",
    "external_regret",
    "group_earnings",
    "normalised_score",
    "path_length",
    "switches",
    "switching_regret",
    "variation_budget",
]
