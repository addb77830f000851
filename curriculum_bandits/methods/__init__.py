"""Every published method as one constructor that returns a `Curriculum`."""

from curriculum_bandits.methods.exponential_weights import graves
from curriculum_bandits.methods.group_values import dump, sec, tscl
from curriculum_bandits.methods.mirror_descent import osmd
from curriculum_bandits.methods.neural_curator import actor_curator
from curriculum_bandits.methods.pass_rates import bots, informative, learnability, mopps, procurl, sfl, spo
from curriculum_bandits.methods.schedules import e2h
from curriculum_bandits.methods.without_feedback import uniform

__all__ = [
    "actor_curator",
    "bots",
    "dump",
    "e2h",
    "graves",
    "informative",
    "learnability",
    "mopps",
    "osmd",
    "procurl",
    "sec",
    "sfl",
    "spo",
    "tscl",
    "uniform",
]
