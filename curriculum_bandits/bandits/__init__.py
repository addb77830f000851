"""Learning rules over K arms, vectorised over independent runs; they know no tickets, banks or signals."""

from curriculum_bandits.bandits.contract import Bandit, RandomizedBandit, RefusedUtility, Selection
from curriculum_bandits.bandits.exp3_m import Exp3M
from curriculum_bandits.bandits.exponential_weights import ExponentialWeights
from curriculum_bandits.bandits.ftrl import Ftrl
from curriculum_bandits.bandits.graves import GravesExp3S
from curriculum_bandits.bandits.named import (
    exp3,
    exp3_anytime,
    exp3_ix,
    exp3_m,
    exp3_p,
    exp3_s,
    osmd_entropy,
    osmd_tsallis,
    rexp3,
    tsallis_inf,
)
from curriculum_bandits.bandits.osmd import Osmd
from curriculum_bandits.bandits.references import Oracle, Uniform
from curriculum_bandits.bandits.regularizers import LogBarrier, NegativeEntropy, Regularizer, Tsallis
from curriculum_bandits.bandits.shuffled_epochs import ShuffledEpochs
from curriculum_bandits.bandits.step_size import ScaleFree

__all__ = [
    "Bandit",
    "Exp3M",
    "ExponentialWeights",
    "Ftrl",
    "GravesExp3S",
    "LogBarrier",
    "NegativeEntropy",
    "Oracle",
    "Osmd",
    "RandomizedBandit",
    "RefusedUtility",
    "Regularizer",
    "ScaleFree",
    "Selection",
    "ShuffledEpochs",
    "Tsallis",
    "Uniform",
    "exp3",
    "exp3_anytime",
    "exp3_ix",
    "exp3_m",
    "exp3_p",
    "exp3_s",
    "osmd_entropy",
    "osmd_tsallis",
    "rexp3",
    "tsallis_inf",
]
