"""The reward of a completion is what the bank's verifier says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from curriculum_bandits import ProblemBank

__all__ = ["bank_reward"]


def bank_reward(bank: ProblemBank) -> Callable[..., list[float]]:
    """A TRL reward function that verifies every completion with the bank.

    Args:
        bank: The bank the training rows come from; rows are recognised by their ``id`` column.

    Returns:
        A function for ``GRPOTrainer(reward_funcs=...)``. Of a chat completion it judges the last message.
    """

    def verified(completions: Sequence[Any], id: Sequence[str], **columns: Any) -> list[float]:
        return [bank.verify(bank.index(i), _text(completion)) for i, completion in zip(id, completions, strict=True)]

    return verified


def _text(completion: Any) -> str:
    return completion if isinstance(completion, str) else str(completion[-1]["content"])
