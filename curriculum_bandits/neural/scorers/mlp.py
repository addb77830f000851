"""A small network over features, or several independent ones evaluated together.

Members are one more axis of every weight, so an ensemble is a few batched products and no loop. They share
nothing but the code: their hidden layers start differently, and what they disagree about is what is not known yet.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import nn

from curriculum_bandits._typing import override

from .contract import Scorer, check_features

__all__ = ["MlpScorer"]


class MlpScorer(Scorer):
    """ReLU layers and a linear output; the mean over members is the score.

    Hidden weights start as N(0, 2 / inputs), which keeps the size of a signal from layer to layer, and hidden biases as
    U(-1, 1) / sqrt(inputs); the output layer starts at zero.

    Args:
        columns: Number of features, d.
        hidden: Width of each hidden layer; none at all leaves a linear scorer.
        heads: 1 for the score alone, 2 for the score and the predicted utility.
        members: Number of independent networks.
        seed: Seed of the hidden layers.

    Attributes:
        weights: A weight per layer, shape (members, inputs, outputs) each; the last is the output layer.
        biases: A bias per layer, shape (members, 1, outputs) each.

    Raises:
        ValueError: If a width or `members` is not positive, or `heads` is neither 1 nor 2.

    >>> scorer = MlpScorer(3, hidden=(8,), heads=2, members=5)
    >>> scorer(torch.ones(4, 3)).shape, scorer.by_member(torch.ones(4, 3)).shape
    (torch.Size([4, 2]), torch.Size([5, 4, 2]))
    """

    def __init__(
        self, columns: int, *, hidden: Sequence[int] = (64, 64), heads: int = 1, members: int = 1, seed: int = 0
    ) -> None:
        super().__init__(heads)
        widths = [columns, *hidden, heads]
        if min(widths) < 1:
            raise ValueError(f"columns and hidden are {columns} and {tuple(hidden)}; every width must be at least 1")
        if members < 1:
            raise ValueError(f"members is {members}; give at least 1")
        self.columns, self.members = columns, members
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        generator = torch.Generator().manual_seed(seed)
        for inputs, outputs in itertools.pairwise(widths[:-1]):
            weight = torch.empty(members, inputs, outputs, dtype=torch.float32)
            bias = torch.empty(members, 1, outputs, dtype=torch.float32)
            bound = 1.0 / math.sqrt(inputs)
            self.weights.append(nn.Parameter(weight.normal_(0.0, math.sqrt(2.0) * bound, generator=generator)))
            self.biases.append(nn.Parameter(bias.uniform_(-bound, bound, generator=generator)))
        self.weights.append(nn.Parameter(torch.zeros(members, widths[-2], heads, dtype=torch.float32)))
        self.biases.append(nn.Parameter(torch.zeros(members, 1, heads, dtype=torch.float32)))

    @override
    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        outputs = self.by_member(inputs)
        return outputs[0] if self.members == 1 else outputs.mean(dim=0)

    def by_member(self, inputs: torch.Tensor) -> torch.Tensor:
        """The output of each member for features (m, d), to measure their disagreement: shape (members, m, heads)."""
        check_features(inputs, self.columns)
        *weights, last_weight = self.weights
        *biases, last_bias = self.biases
        with torch.autocast(inputs.device.type, enabled=False):
            signal = inputs.expand(self.members, -1, -1)
            for weight, bias in zip(weights, biases, strict=True):
                signal = nn.functional.relu(torch.baddbmm(bias, signal, weight))
            return torch.baddbmm(last_bias, signal, last_weight)
