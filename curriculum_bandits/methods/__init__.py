"""Every published method as one constructor that returns a `Curriculum`."""

from curriculum_bandits.methods.data_scheduling import ads
from curriculum_bandits.methods.exponential_weights import graves
from curriculum_bandits.methods.group_values import dump, sec, tscl
from curriculum_bandits.methods.level_replay import plr
from curriculum_bandits.methods.mirror_descent import osmd
from curriculum_bandits.methods.moving_target import adarft
from curriculum_bandits.methods.neural_curator import actor_curator
from curriculum_bandits.methods.pass_rates import bots, informative, learnability, mopps, procurl, sfl, spo
from curriculum_bandits.methods.pools import difficulty_pools
from curriculum_bandits.methods.prompt_curriculum import pcl
from curriculum_bandits.methods.schedules import e2h
from curriculum_bandits.methods.without_feedback import uniform

__all__ = [
    "actor_curator",
    "adarft",
    "ads",
    "bots",
    "difficulty_pools",
    "dump",
    "e2h",
    "graves",
    "informative",
    "learnability",
    "mopps",
    "osmd",
    "pcl",
    "plr",
    "procurl",
    "sec",
    "sfl",
    "spo",
    "tscl",
    "uniform",
]
