"""Gradient steps that a broken gradient cannot spoil: it is skipped, counted and logged."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import nn

from curriculum_bandits.neural.tensor_state import Trained
from curriculum_bandits.state import Count, Field

__all__ = ["Descent"]

logger = logging.getLogger(__name__)


class Descent(Trained):
    """Steps of an optimiser down the gradients that its network holds.

    Args:
        network: The network.
        optimizer: Over its trained parameters: Adam or AdamW.
        max_norm: Gradients are scaled down to this norm; None leaves them.

    Attributes:
        parameters: What is trained.
        skipped: Steps not taken, since a gradient was not finite.
    """

    STATE: ClassVar[Mapping[str, Field]] = {"skipped": Count()}

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer, max_norm: float | None = None) -> None:
        super().__init__(network, optimizer)
        self.parameters = [weight for group in optimizer.param_groups for weight in group["params"]]
        self.skipped = 0
        self._max_norm = math.inf if max_norm is None else max_norm

    def forget(self) -> None:
        """Drop all gradients."""
        for parameter in self.parameters:  # `zero_grad` of the optimiser takes longer than a layer of a small scorer
            parameter.grad = None

    def step(self) -> float:
        """Take one step, if the gradient is finite, and return its norm before it was scaled down."""
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self._max_norm)
        if bool(torch.isfinite(norm)):
            self.optimizer.step()
        else:
            self.skipped += 1
            name = type(self.network).__name__
            logger.warning("a gradient of %s is not finite; this step is skipped (%d so far)", name, self.skipped)
        return float(norm)
