"""What a scorer is: a module from what `Inputs` gives to one or two numbers per problem.

The output layers start at zero, so the first distribution over candidates is uniform, and weights come from a seed of
the scorer's own, so that building one leaves torch's global random state as it was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import nn

__all__ = ["Scorer", "check_features"]


class Scorer(nn.Module, ABC):
    """Gives each problem a score, and if asked a prediction of its utility.

    A curator keeps its scorer in evaluation mode, in training steps as well: a score must be the same number whenever
    it is computed with the same weights, or the ratio of new to old probabilities would measure dropout.

    Args:
        heads: 1 for the score alone, 2 for the score and the predicted utility.

    Raises:
        ValueError: If `heads` is neither.
    """

    def __init__(self, heads: int = 1) -> None:
        super().__init__()
        if heads not in (1, 2):
            raise ValueError(f"heads is {heads}; give 1 for the score, or 2 for the score and the predicted utility")
        self.heads = heads

    @abstractmethod
    def forward(self, inputs: Any) -> torch.Tensor:
        """Score the m problems of which ``inputs`` is what the scorer's `Inputs` gives.

        Returns:
            Shape (m, heads), in float32 whatever autocast says: column 0 is the score, column 1 the predicted utility.

        Raises:
            ValueError: If the inputs are not what this scorer reads.
        """
        ...


def check_features(inputs: torch.Tensor, columns: int) -> None:
    """Refuse features of another shape than (m, columns) with a ValueError."""
    if inputs.ndim != 2 or inputs.shape[1] != columns:
        raise ValueError(
            f"features have shape {tuple(inputs.shape)}; this scorer reads (m, {columns}): give it columns= as they are"
        )
