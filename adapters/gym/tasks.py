"""From a problem of the bank to an episode: what to pass to `reset`, and when an episode counts as solved.

A task is a problem whose row says how to set up the environment. Whatever goes wrong on the way names the task, because
one bad task among thousands is found in no other way.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from curriculum_bandits import ProblemBank

__all__ = [
    "OPTIONS",
    "SuccessRule",
    "TaskOptions",
    "TaskSetup",
    "check_reward",
    "options_column",
    "reset_to_task",
    "success_of",
]

#: The column of a bank in which `options_column` looks.
OPTIONS = "options"

TaskOptions = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""From a row of the bank to what is passed to the environment as ``reset(options=...)``."""

SuccessRule = str | float | Callable[[float, Mapping[str, Any]], float] | None
"""When an episode is a success: a key of the last `info`, a return to be reached, or a function of return and `info`
with a value in [0, 1]; None where only returns are known."""


def options_column(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """The task function of banks that hold the options themselves, in a column ``options``.

    Raises:
        ValueError: If there is no such column.
    """
    if OPTIONS not in row:
        raise ValueError(
            f"the bank has no column {OPTIONS!r}; give ProblemBank columns={{{OPTIONS!r}: [...]}}, or a function "
            "task_options from a row of the bank to the options"
        )
    return row[OPTIONS]


class TaskSetup:
    """Makes options from problems, and says which task is at fault where that fails.

    Args:
        bank: The tasks.
        task_options: From a row of the bank to the options of `reset`; by default its column ``options``.
        task_seed: From a row of the bank to the seed of `reset`, for tasks that are levels with a seed of their own;
            None leaves the seeds to whoever resets.
    """

    def __init__(
        self,
        bank: ProblemBank,
        task_options: TaskOptions | None = None,
        task_seed: Callable[[Mapping[str, Any]], int] | None = None,
    ) -> None:
        self.bank = bank
        self._options = options_column if task_options is None else task_options
        self._seed = task_seed

    def options(self, item: int) -> dict[str, Any]:
        """What to pass to `reset` for a task, a new dictionary.

        Raises:
            ValueError: If the task function fails or returns no mapping; names the task and the cause.
        """
        identity, row = self.bank.ids[item], self.bank.row(item)
        try:
            options = self._options(row)
        except Exception as error:
            raise ValueError(
                f"the task function failed for the task {identity!r} with {_said(error)}; it gets a row of the bank, "
                f"here with {sorted(row)}"
            ) from error
        if not isinstance(options, Mapping):
            raise ValueError(
                f"the task function returned a {type(options).__name__} for the task {identity!r}; return a mapping, "
                "which is passed to the environment as reset(options=...)"
            )
        return dict(options)

    def seed(self, item: int) -> int | None:
        """The seed of a task, or None where tasks have none.

        Raises:
            ValueError: If the seed function fails or gives no seed; names the task.
        """
        if self._seed is None:
            return None
        try:
            seed = self._seed(self.bank.row(item))
            if int(seed) != seed or seed < 0:
                raise ValueError(f"{seed!r} is no seed, which is a whole number from 0")
        except Exception as error:
            raise ValueError(f"the seed of the task {self.bank.ids[item]!r} failed with {_said(error)}") from error
        return int(seed)


def reset_to_task(env: Any, identity: str, options: Mapping[str, Any], seed: int | None = None) -> tuple[Any, Any]:
    """Reset a gymnasium environment, or several as one, to the task of this id.

    Raises:
        ValueError: If the environment refuses the options; names the task, the environment and the cause.
    """
    try:
        observation, info = env.reset(seed=seed, options=dict(options))
    except Exception as error:
        raise ValueError(
            f"the environment {env} refused the options {dict(options)} of the task {identity!r} with {_said(error)}; "
            "let the task function return what this environment's reset takes, or wrap one that takes its task "
            "when it is made in adapters.gym.Rebuilt"
        ) from error
    return observation, info


def success_of(rule: SuccessRule, episode_return: float, info: Mapping[str, Any], identity: str) -> float | None:
    """The success of an episode in [0, 1], from its return and last `info`; None without a rule.

    Raises:
        ValueError: If `info` lacks the key, or the value is not in [0, 1]; names the task.

    >>> success_of(195.0, 200.0, {}, "cart")
    1.0
    """
    if rule is None:
        return None
    if isinstance(rule, str):
        if rule not in info:
            raise ValueError(
                f"the last info of an episode of the task {identity!r} has no key {rule!r}, only {sorted(info)}; name "
                "another, or give success= a return to be reached or a function"
            )
        success = float(info[rule])
    elif callable(rule):
        success = float(rule(episode_return, info))
    else:
        success = float(episode_return >= rule)
    if not 0.0 <= success <= 1.0:
        raise ValueError(f"the success of an episode of the task {identity!r} is {success}; it must be in [0, 1]")
    return success


def check_reward(reward: float, identity: str, step: int) -> float:
    """Return the reward of a step, which is counted from 1.

    Raises:
        ValueError: If it is not finite; names the task.
    """
    if not math.isfinite(reward):
        raise ValueError(
            f"the reward of step {step} of an episode of the task {identity!r} is {reward}, so its return is not a "
            "number; mend the environment for this task, or leave the task out of the bank"
        )
    return float(reward)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
