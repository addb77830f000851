"""Gradient checkpointing in evaluation mode.

Hugging Face layers recompute their activations only while they are in training mode, but a curator keeps its scorer in
evaluation mode, where there is no dropout; a user who enabled checkpointing would silently not get it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

__all__ = ["checkpointing_as_enabled"]


@contextmanager
def checkpointing_as_enabled(backbone: nn.Module) -> Iterator[None]:
    """Let the layers that were told to recompute do so inside the block, whatever mode they are in.

    Only the flag of the layers themselves is set; the modules inside them, where dropout is, keep their mode. A layer
    that applies a dropout of its own stays as it is.
    """
    woken = [module for module in backbone.modules() if _can_be_woken(module)] if torch.is_grad_enabled() else []
    for module in woken:
        module.training = True
    try:
        yield
    finally:
        for module in woken:
            module.training = False


def _can_be_woken(module: nn.Module) -> bool:
    if module.training or not getattr(module, "gradient_checkpointing", False):
        return False
    config = getattr(module, "config", None)
    settings = vars(module) if config is None else {**vars(config), **vars(module)}
    return not any("drop" in name and isinstance(value, float) and value > 0 for name, value in settings.items())
