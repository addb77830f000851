"""Worlds in which the truth is known: non-stationary bandits with known means, and simulated learners."""

from curriculum_bandits.environments.abrupt import flipping, piecewise_stationary, random_abrupt
from curriculum_bandits.environments.drifting import random_walk, sinusoid
from curriculum_bandits.environments.environment import Environment, run_generator
from curriculum_bandits.environments.graded import GradedProblems, graded_problems
from curriculum_bandits.environments.noise import BERNOULLI, Bernoulli, ClippedGaussian, Deterministic, Noise
from curriculum_bandits.environments.oracle import GreedyOracle
from curriculum_bandits.environments.play import play
from curriculum_bandits.environments.published import (
    INSTANCES,
    besbes_sinusoid,
    besson_1,
    besson_2,
    garivier_moulines,
    liu_lee_shroff,
)
from curriculum_bandits.environments.rotting import RottingEnvironment, RottingPlay, abrupt_rotting, power_rotting
from curriculum_bandits.environments.skill_student import SkillStudent
from curriculum_bandits.environments.softmax_student import SoftmaxStudent
from curriculum_bandits.environments.student import Student, Training

__all__ = [
    "BERNOULLI",
    "INSTANCES",
    "Bernoulli",
    "ClippedGaussian",
    "Deterministic",
    "Environment",
    "GradedProblems",
    "GreedyOracle",
    "Noise",
    "RottingEnvironment",
    "RottingPlay",
    "SkillStudent",
    "SoftmaxStudent",
    "Student",
    "Training",
    "abrupt_rotting",
    "besbes_sinusoid",
    "besson_1",
    "besson_2",
    "flipping",
    "garivier_moulines",
    "graded_problems",
    "liu_lee_shroff",
    "piecewise_stationary",
    "play",
    "power_rotting",
    "random_abrupt",
    "random_walk",
    "run_generator",
    "sinusoid",
]
