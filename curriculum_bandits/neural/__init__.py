"""Curators that generalise: a network scores problems, and what it learns of one it knows of all like it.

This is the room of torch. Everything here keeps the contract of the tabular bandits.
"""

from curriculum_bandits.neural import features, losses, samplers
from curriculum_bandits.neural.curator import NeuralCurator
from curriculum_bandits.neural.inputs import FeatureRows, Inputs, PromptTokens, SideBySide
from curriculum_bandits.neural.losses import Loss, Proximal, Unclipped
from curriculum_bandits.neural.scorers import LinearScorer, MlpScorer, Scorer, TransformerScorer
from curriculum_bandits.neural.settings import DEFAULT, PAPER, CuratorSettings

__all__ = [
    "DEFAULT",
    "PAPER",
    "CuratorSettings",
    "FeatureRows",
    "Inputs",
    "LinearScorer",
    "Loss",
    "MlpScorer",
    "NeuralCurator",
    "PromptTokens",
    "Proximal",
    "Scorer",
    "SideBySide",
    "TransformerScorer",
    "Unclipped",
    "features",
    "losses",
    "samplers",
]
