"""Learning rules over K arms, vectorised over independent runs; they know no tickets, banks or signals."""

from curriculum_bandits.bandits.action_values import ActionValueBandit
from curriculum_bandits.bandits.cluster_windows import ClusterWindows
from curriculum_bandits.bandits.contract import (
    Bandit,
    Diagnosed,
    RandomizedBandit,
    RefusedUtility,
    Selection,
)
from curriculum_bandits.bandits.difficulty_pools import DifficultyPools
from curriculum_bandits.bandits.easy_to_hard import EasyToHard
from curriculum_bandits.bandits.exp3_m import Exp3M
from curriculum_bandits.bandits.exponential_weights import ExponentialWeights
from curriculum_bandits.bandits.ftrl import Ftrl
from curriculum_bandits.bandits.graves import GravesExp3S
from curriculum_bandits.bandits.moving_target import MovingTarget
from curriculum_bandits.bandits.named import (
    exp3,
    exp3_anytime,
    exp3_ix,
    exp3_m,
    exp3_p,
    exp3_s,
    fixed_share,
    osmd_entropy,
    osmd_tsallis,
    rexp3,
    tsallis_inf,
)
from curriculum_bandits.bandits.osmd import Osmd
from curriculum_bandits.bandits.prioritized_levels import PrioritizedLevels
from curriculum_bandits.bandits.references import Oracle, Uniform
from curriculum_bandits.bandits.regularizers import LogBarrier, NegativeEntropy, Regularizer, Tsallis
from curriculum_bandits.bandits.shuffled_epochs import ShuffledEpochs
from curriculum_bandits.bandits.step_size import ScaleFree
from curriculum_bandits.bandits.stochastic import (
    ChangePosterior,
    Cumulative,
    Discounted,
    EpsilonGreedy,
    GlrKlUcb,
    IndexBandit,
    InverseTime,
    RestartedAt,
    SinceChange,
    SlidingWindow,
    SwitchingThompson,
    ThompsonSampling,
    discounted_thompson,
    discounted_ucb,
    epsilon_greedy,
    glr_kl_ucb,
    kl_ucb,
    sliding_window_ucb,
    switching_thompson,
    thompson,
    ucb1,
)

__all__ = [
    "ActionValueBandit",
    "Bandit",
    "ChangePosterior",
    "ClusterWindows",
    "Cumulative",
    "Diagnosed",
    "DifficultyPools",
    "Discounted",
    "EasyToHard",
    "EpsilonGreedy",
    "Exp3M",
    "ExponentialWeights",
    "Ftrl",
    "GlrKlUcb",
    "GravesExp3S",
    "IndexBandit",
    "InverseTime",
    "LogBarrier",
    "MovingTarget",
    "NegativeEntropy",
    "Oracle",
    "Osmd",
    "PrioritizedLevels",
    "RandomizedBandit",
    "RefusedUtility",
    "Regularizer",
    "RestartedAt",
    "ScaleFree",
    "Selection",
    "ShuffledEpochs",
    "SinceChange",
    "SlidingWindow",
    "SwitchingThompson",
    "ThompsonSampling",
    "Tsallis",
    "Uniform",
    "discounted_thompson",
    "discounted_ucb",
    "epsilon_greedy",
    "exp3",
    "exp3_anytime",
    "exp3_ix",
    "exp3_m",
    "exp3_p",
    "exp3_s",
    "fixed_share",
    "glr_kl_ucb",
    "kl_ucb",
    "osmd_entropy",
    "osmd_tsallis",
    "rexp3",
    "sliding_window_ucb",
    "switching_thompson",
    "thompson",
    "tsallis_inf",
    "ucb1",
]
