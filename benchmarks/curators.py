"""The neural curator with another network than its own, or other inputs, as methods of this comparison.

The scorer is a small network throughout, also for the paper's preset, whose language model has nothing to read here: it
sees features alone, and its learning rate is that of such a network, found on seeds 100 to 103.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from curriculum_bandits import Curriculum, ProblemBank, methods

if TYPE_CHECKING:
    from curriculum_bandits.neural import FeatureRows

__all__ = [
    "PAPER_LEARNING_RATE",
    "actor_curator_paper",
    "curator_ensemble",
    "curator_linear",
    "curator_no_difficulty",
]

#: For a small network in the place of the paper's language model, whose learning rate is 1e-6.
PAPER_LEARNING_RATE = 1e-3


def actor_curator_paper(bank: ProblemBank, seed: int = 0, *, learning_rate: float = PAPER_LEARNING_RATE) -> Curriculum:
    """The paper's preset, with a small network in the place of its language model.

    Args:
        bank: The problems. The network reads their features, or without such what the default preset reads of the text.
        seed: Seed of draws and first weights.
        learning_rate: Of the network.

    Returns:
        The curriculum.
    """
    from curriculum_bandits import neural

    settings = dataclasses.replace(neural.PAPER, learning_rate=learning_rate, chunk=None)
    inputs: FeatureRows | None = None
    if bank.features is None:
        inputs = _default_inputs(bank, seed)
        columns = inputs.columns
    else:
        columns = bank.features.shape[1]
    scorer = neural.MlpScorer(columns, heads=1, seed=seed)
    return methods.actor_curator(bank, "paper", seed=seed, inputs=inputs, scorer=scorer, settings=settings)


def curator_no_difficulty(bank: ProblemBank, seed: int = 0) -> Curriculum:
    """The default preset over the bank's features alone.

    Args:
        bank: The problems, with features.
        seed: Seed of draws and first weights.

    Returns:
        The curriculum.
    """
    from curriculum_bandits import neural

    if bank.features is None:
        raise ValueError("this reads features alone, and the bank has none; give ProblemBank features=")
    table = neural.features.matrix_features(bank.features, progress=False)
    return methods.actor_curator(bank, seed=seed, inputs=neural.FeatureRows(table))


def curator_linear(bank: ProblemBank, seed: int = 0) -> Curriculum:
    """The default preset with a linear scorer; arguments as of `curator_no_difficulty`."""
    return _with_network(bank, seed, hidden=())


def curator_ensemble(bank: ProblemBank, seed: int = 0) -> Curriculum:
    """The default preset with the mean of five networks; arguments as of `curator_no_difficulty`."""
    return _with_network(bank, seed, members=5)


def _default_inputs(bank: ProblemBank, seed: int) -> FeatureRows:
    """The rows that the default preset reads of a bank."""
    from curriculum_bandits import neural

    curator = methods.actor_curator(bank, seed=seed).bandit
    assert isinstance(curator, neural.NeuralCurator)
    assert isinstance(curator.inputs, neural.FeatureRows)
    return curator.inputs


def _with_network(bank: ProblemBank, seed: int, **network: Any) -> Curriculum:
    from curriculum_bandits import neural

    inputs = _default_inputs(bank, seed)
    scorer = neural.MlpScorer(inputs.columns, heads=2, seed=seed, **network)
    return methods.actor_curator(bank, seed=seed, inputs=inputs, scorer=scorer)
