"""Regret theorems as functions: each cites number and source, and says what it assumes.

A bound holds for the algorithm, the tuning and the notion of regret that its theorem names, so every bound stands
beside the step size it is proved for, a module for each notion: one arm or subset for ever (`fixed_comparator`), an arm
that switches (`segments`), the best arm of each round while means move within a budget (`variation`), any path of
distributions (`path`). None covers a neural curator, clipping, stale windows, or drift that selections cause.
"""

from curriculum_bandits.bounds.fixed_comparator import (
    exp3_anytime_bound,
    exp3_anytime_step,
    exp3_bound,
    exp3_step,
    osmd_entropy_bound,
    osmd_entropy_step,
    osmd_tsallis_bound,
    osmd_tsallis_step,
    tsallis_inf_bound,
    tsallis_inf_step,
)
from curriculum_bandits.bounds.path import dynamic_bound, dynamic_step
from curriculum_bandits.bounds.segments import (
    exp3_s_bound,
    exp3_s_exploration,
    exp3_s_share,
    fixed_share_bound,
    fixed_share_share,
    fixed_share_step,
)
from curriculum_bandits.bounds.variation import (
    restarted_exp3_batch,
    restarted_exp3_bound,
    rexp3_batch,
    rexp3_bound,
    rexp3_exploration,
    variation_lower_bound_order,
)

__all__ = [
    "dynamic_bound",
    "dynamic_step",
    "exp3_anytime_bound",
    "exp3_anytime_step",
    "exp3_bound",
    "exp3_s_bound",
    "exp3_s_exploration",
    "exp3_s_share",
    "exp3_step",
    "fixed_share_bound",
    "fixed_share_share",
    "fixed_share_step",
    "osmd_entropy_bound",
    "osmd_entropy_step",
    "osmd_tsallis_bound",
    "osmd_tsallis_step",
    "restarted_exp3_batch",
    "restarted_exp3_bound",
    "rexp3_batch",
    "rexp3_bound",
    "rexp3_exploration",
    "tsallis_inf_bound",
    "tsallis_inf_step",
    "variation_lower_bound_order",
]
