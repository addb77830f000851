"""vLLM's engine on a CPU, made fit for weights that change.

The CPU build packs the weights of every linear layer once and for all when it starts, so the first weight
synchronisation of TRL fails there. On a GPU nothing is packed and nothing here is needed: this replacement is for the
check alone, and is undone when it is over.
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from curriculum_bandits.extras import require_extra

__all__ = ["engine_for_a_cpu"]

_ENVIRONMENT = {
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_LOGGING_LEVEL": "WARNING",
}


def _plain_linear(layer: Any, remove_weight: bool) -> None:
    """Multiply by the layer's weight as it is now, every time."""
    layer.cpu_linear = torch.nn.functional.linear


@contextmanager
def engine_for_a_cpu() -> Iterator[dict[str, float]]:
    """Let TRL start vLLM in float32, without compiled graphs and without packed weights.

    Yields:
        A dictionary that gets ``engine_start``, the seconds the engine took to start, once it has.

    Raises:
        ModuleNotFoundError: If vLLM is not installed.
    """
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    require_extra("vllm", "vllm")
    from trl.generation import vllm_generation

    from vllm.model_executor.layers import utils

    seconds: dict[str, float] = {}

    def timed_engine(*arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        engine = start(*arguments, **options, dtype="float32", enforce_eager=True)
        seconds["engine_start"] = time.perf_counter() - began
        return engine

    start, packed = vllm_generation.LLM, utils.dispatch_cpu_unquantized_gemm
    vllm_generation.LLM = functools.wraps(start)(timed_engine)
    utils.dispatch_cpu_unquantized_gemm = _plain_linear
    try:
        yield seconds
    finally:
        vllm_generation.LLM, utils.dispatch_cpu_unquantized_gemm = start, packed
