"""A score that is linear in the features: the smallest network, and the one whose weights can be read."""

from __future__ import annotations

import torch
from torch import nn

from curriculum_bandits._typing import override

from .contract import Scorer, check_features

__all__ = ["LinearScorer"]


class LinearScorer(Scorer):
    """Scores W x + b.

    Args:
        columns: Number of features, d.
        heads: 1 for the score alone, 2 for the score and the predicted utility.
        seed: For the same signature as the other scorers; the weights start at zero, so nothing here is random.

    Attributes:
        weight: W, shape (heads, d).
        bias: b, shape (heads,).

    Raises:
        ValueError: If `columns` is not positive or `heads` is neither 1 nor 2.

    >>> scorer = LinearScorer(3)
    >>> scorer(torch.ones(2, 3)).detach()
    tensor([[0.], [0.]])
    """

    def __init__(self, columns: int, *, heads: int = 1, seed: int = 0) -> None:
        super().__init__(heads)
        if columns < 1:
            raise ValueError(f"columns is {columns}; give the number of features, at least 1")
        self.columns = columns
        self.weight = nn.Parameter(torch.zeros(heads, columns, dtype=torch.float32))
        self.bias = nn.Parameter(torch.zeros(heads, dtype=torch.float32))

    @override
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        check_features(inputs, self.columns)
        with torch.autocast(inputs.device.type, enabled=False):
            return nn.functional.linear(inputs, self.weight, self.bias)
