"""Keeps the libraries' own chatter out of a benchmark's output."""

from __future__ import annotations

import warnings

from transformers.utils import logging

__all__ = ["quiet_transformers"]


def quiet_transformers() -> None:
    """Silence what transformers says about a model it does not know: bars for 26 tensors, hints on chat."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing` is deprecated", category=FutureWarning)
