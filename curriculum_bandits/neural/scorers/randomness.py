"""Randomness of our own around code that knows only torch's global state, such as the loading of a model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["own_randomness"]


@contextmanager
def own_randomness(seed: int) -> Iterator[None]:
    """Seed torch's global random state (CPU, and GPUs in use) inside the block, and restore it afterwards."""
    # torch.manual_seed would also seed GPUs that are not in use yet, which nothing could undo.
    in_use = bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if in_use else []):
        torch.default_generator.manual_seed(seed)
        if in_use:
            torch.cuda.manual_seed_all(seed)
        yield
