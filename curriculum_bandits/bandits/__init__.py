"""Learning rules over K arms, vectorised over independent runs; they know no tickets, banks or signals.

Throughout, K is ``n_arms``; ``runs`` is the number of independent runs, and None, the default, one run without a
leading axis; ``utility_range`` is (lo, hi) of the utilities. A setting out of its range is a ValueError that names it;
docstrings say which other errors there are. Names are imported on first use (PEP 562).
"""
# ruff: noqa: F403, F405

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curriculum_bandits.bandits.adversarial.exp3_m import *
    from curriculum_bandits.bandits.adversarial.exponential_weights import *
    from curriculum_bandits.bandits.adversarial.ftrl import *
    from curriculum_bandits.bandits.adversarial.graves import *
    from curriculum_bandits.bandits.adversarial.named import *
    from curriculum_bandits.bandits.adversarial.osmd import *
    from curriculum_bandits.bandits.adversarial.regularizers import *
    from curriculum_bandits.bandits.adversarial.step_size import *
    from curriculum_bandits.bandits.baselines import *
    from curriculum_bandits.bandits.contract import *
    from curriculum_bandits.bandits.curriculum.action_values import *
    from curriculum_bandits.bandits.curriculum.adarft import *
    from curriculum_bandits.bandits.curriculum.ads import *
    from curriculum_bandits.bandits.curriculum.difficulty_pools import *
    from curriculum_bandits.bandits.curriculum.e2h import *
    from curriculum_bandits.bandits.curriculum.plr import *
    from curriculum_bandits.bandits.shuffled_epochs import *
    from curriculum_bandits.bandits.stochastic.arm_statistics import *
    from curriculum_bandits.bandits.stochastic.change_posterior import *
    from curriculum_bandits.bandits.stochastic.epsilon_greedy import *
    from curriculum_bandits.bandits.stochastic.glr import *
    from curriculum_bandits.bandits.stochastic.index_bandit import *
    from curriculum_bandits.bandits.stochastic.named import *
    from curriculum_bandits.bandits.stochastic.restarted import *
    from curriculum_bandits.bandits.stochastic.switching_thompson import *
    from curriculum_bandits.bandits.stochastic.thompson import *

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

# Where the names above are, those first that cost least to import.
_HOMES = (
    *("contract", "baselines", "shuffled_epochs", "adversarial.osmd", "adversarial.regularizers"),
    *("adversarial.step_size", "adversarial.ftrl", "adversarial.exp3_m", "adversarial.exponential_weights"),
    *("adversarial.graves", "adversarial.named", "curriculum.action_values", "curriculum.adarft", "curriculum.ads"),
    *("curriculum.difficulty_pools", "curriculum.e2h", "curriculum.plr", "stochastic.arm_statistics"),
    *("stochastic.change_posterior", "stochastic.epsilon_greedy", "stochastic.glr", "stochastic.index_bandit"),
    *("stochastic.restarted", "stochastic.switching_thompson", "stochastic.thompson", "stochastic.named"),
)


def __getattr__(name: str) -> Any:
    """Import a name when it is first used."""
    if name in __all__:
        modules = (importlib.import_module(f"{__name__}.{home}") for home in _HOMES)
        return next(getattr(module, name) for module in modules if name in module.__all__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """The public names."""
    return __all__
