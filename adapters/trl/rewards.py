"""Reward functions for TRL: the bank's verifier, and checks around the user's own."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

from torch import nn

from curriculum_bandits import ProblemBank

__all__ = ["bank_reward", "text_of", "with_checks"]


def bank_reward(bank: ProblemBank) -> Callable[..., list[float]]:
    """A TRL reward function that verifies every completion with the bank; of a chat it judges the last message.

    Rows are recognised by their ``id`` column.
    """

    def verified(completions: Sequence[Any], id: Sequence[str], **columns: Any) -> list[float]:
        return [bank.verify(bank.index(i), text_of(completion)) for i, completion in zip(id, completions, strict=True)]

    return verified


def with_checks(reward_func: Any) -> Any:
    """Wrap a reward function so that its failures name it; a wrong number of rewards and an infinite one are failures.

    Early versions of TRL broadcast a single reward to all completions.

    Args:
        reward_func: A function, coroutine function or callable; models and names of models are returned as they are.

    Returns:
        A function with the same name and signature, which raises `RuntimeError` where the function raises, and
        `ValueError` unless there is one reward per completion, finite or missing.
    """
    if isinstance(reward_func, nn.Module | str) or not callable(reward_func):
        return reward_func
    name = getattr(reward_func, "__name__", type(reward_func).__name__)

    def checked(rewards: Sequence[Any], columns: dict[str, Any]) -> Sequence[Any]:
        completions, ids = columns["completions"], columns.get("id")
        if len(rewards) != len(completions):
            raise ValueError(
                f"the reward function {name!r} returned {len(rewards)} rewards for {len(completions)} completions; "
                "return one per completion, None where there is none"
            )
        for row, reward in enumerate(rewards):
            if reward is not None and math.isinf(reward):
                problem = f"row {row}" if ids is None else f"problem {ids[row]!r}"
                raise ValueError(
                    f"the reward function {name!r} returned {float(reward)} for {problem}; return a finite reward, or "
                    "None where there is none"
                )
        return rewards

    def named(error: Exception, columns: dict[str, Any]) -> RuntimeError:
        problems = list(dict.fromkeys(map(str, columns.get("id", ()))))
        return RuntimeError(
            f"the reward function {name!r} raised {type(error).__name__}: {error}, on a batch of the problems "
            f"{problems[:4]}{' and more' if len(problems) > 4 else ''}. None of it was trained on; let the function "
            "return None where it cannot judge"
        )

    if inspect.iscoroutinefunction(reward_func):

        async def later(**columns: Any) -> Sequence[Any]:
            try:
                rewards = await reward_func(**columns)
            except Exception as error:
                raise named(error, columns) from error
            return checked(rewards, columns)

        wrapper: Callable[..., Any] = later
    else:

        def now(**columns: Any) -> Sequence[Any]:
            try:
                rewards = reward_func(**columns)
            except Exception as error:
                raise named(error, columns) from error
            return checked(rewards, columns)

        wrapper = now
    functools.update_wrapper(wrapper, reward_func)
    wrapper.__name__ = name
    return wrapper


def text_of(completion: Any) -> str:
    """What the model wrote: a text, or the last of a list of chat messages."""
    return completion if isinstance(completion, str) else str(completion[-1]["content"])
