"""Reward functions for TRL: the bank's verifier, and a check around the user's own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from curriculum_bandits import ProblemBank

__all__ = ["bank_reward", "with_length_check"]


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


def with_length_check(reward_func: Any) -> Any:
    """Wrap a reward function so that a wrong number of rewards is an error; early versions of TRL broadcast them.

    Args:
        reward_func: A function, coroutine function or callable; models and names of models are returned as they are.

    Returns:
        A function with the same name and signature, which raises `ValueError` unless there is one reward per
        completion.
    """
    if isinstance(reward_func, nn.Module | str) or not callable(reward_func):
        return reward_func
    name = getattr(reward_func, "__name__", type(reward_func).__name__)

    def checked(rewards: Sequence[Any], completions: Sequence[Any]) -> Sequence[Any]:
        if len(rewards) != len(completions):
            raise ValueError(
                f"the reward function {name!r} returned {len(rewards)} rewards for {len(completions)} completions; "
                "return one per completion, None where there is none"
            )
        return rewards

    if inspect.iscoroutinefunction(reward_func):

        async def later(**columns: Any) -> Sequence[Any]:
            return checked(await reward_func(**columns), columns["completions"])

        return _named(later, reward_func, name)

    def now(**columns: Any) -> Sequence[Any]:
        return checked(reward_func(**columns), columns["completions"])

    return _named(now, reward_func, name)


def _named(wrapper: Callable[..., Any], reward_func: Any, name: str) -> Callable[..., Any]:
    wrapper = functools.update_wrapper(wrapper, reward_func)
    wrapper.__name__ = name
    return wrapper


def _text(completion: Any) -> str:
    return completion if isinstance(completion, str) else str(completion[-1]["content"])
