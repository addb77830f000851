"""Bandits for stochastic gains: arm statistics with some way to forget, rules that read them, the published pairs."""

from curriculum_bandits.bandits.stochastic.arm_statistics import ArmStatistics, Cumulative, Discounted, SlidingWindow
from curriculum_bandits.bandits.stochastic.change_posterior import ChangePosterior
from curriculum_bandits.bandits.stochastic.epsilon_greedy import EpsilonGreedy, InverseTime
from curriculum_bandits.bandits.stochastic.glr import (
    GlrKlUcb,
    SinceChange,
    Threshold,
    bernoulli_glr,
    practical_threshold,
    proved_threshold,
)
from curriculum_bandits.bandits.stochastic.index import (
    bernoulli_kl,
    kl_ucb_index,
    kl_upper_bound,
    mean_index,
    ucb_index,
)
from curriculum_bandits.bandits.stochastic.index_bandit import Index, IndexBandit
from curriculum_bandits.bandits.stochastic.named import (
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
from curriculum_bandits.bandits.stochastic.restarted import RestartedAt
from curriculum_bandits.bandits.stochastic.stochastic_bandit import StochasticBandit
from curriculum_bandits.bandits.stochastic.switching_thompson import SwitchingThompson
from curriculum_bandits.bandits.stochastic.thompson import ThompsonSampling

__all__ = [
    "ArmStatistics",
    "ChangePosterior",
    "Cumulative",
    "Discounted",
    "EpsilonGreedy",
    "GlrKlUcb",
    "Index",
    "IndexBandit",
    "InverseTime",
    "RestartedAt",
    "SinceChange",
    "SlidingWindow",
    "StochasticBandit",
    "SwitchingThompson",
    "ThompsonSampling",
    "Threshold",
    "bernoulli_glr",
    "bernoulli_kl",
    "discounted_thompson",
    "discounted_ucb",
    "epsilon_greedy",
    "glr_kl_ucb",
    "kl_ucb",
    "kl_ucb_index",
    "kl_upper_bound",
    "mean_index",
    "practical_threshold",
    "proved_threshold",
    "sliding_window_ucb",
    "switching_thompson",
    "thompson",
    "ucb1",
    "ucb_index",
]
