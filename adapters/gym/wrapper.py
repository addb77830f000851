"""An environment whose reset plays what the curriculum wants played next.

Everything else is the environment's own. Which task and which episode a step belongs to stands in `info`, as plain
numbers, so that it survives copies, other wrappers and other processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium

from .stream import Episode, TaskStream
from .tasks import SuccessRule, TaskOptions, TaskSetup, check_reward, reset_to_task, success_of

__all__ = ["EPISODE", "TASK", "CurriculumEnv"]

#: Key in `info` of the id of the task.
TASK = "task"

#: Key in `info` of the number of the episode, by which the stream knows it.
EPISODE = "task_episode"


class CurriculumEnv(gymnasium.Wrapper):
    """Asks for a task at reset, and reports the episode when it ends. Several may share a stream.

    Args:
        env: The environment, with its time limit.
        stream: Where tasks come from.
        task_options: From a row of the bank to the options of `reset`; by default its column ``options``.
        task_seed: From a row of the bank to the seed of `reset`; None leaves the seed to the caller.
        success: When an episode is a success: a key of the last `info`, a return to be reached, or a function of return
            and `info`; None where only returns are known.

    Raises:
        ValueError: In `reset`, if the task function fails or the environment refuses its options; in `step`, if a
            reward is not finite. The message names the task.
    """

    def __init__(
        self,
        env: gymnasium.Env,
        stream: TaskStream,
        task_options: TaskOptions | None = None,
        *,
        task_seed: Callable[[Mapping[str, Any]], int] | None = None,
        success: SuccessRule = None,
    ) -> None:
        super().__init__(env)
        self.stream = stream
        self._setup = TaskSetup(stream.bank, task_options, task_seed)
        self._success = success
        self.episode: Episode | None = None
        self._return, self._length = 0.0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode of the next task; one that was still running is given back and played later.

        Args:
            seed: Seed of the episode, unless tasks have their own.
            options: Further options; the task's own go before them.
        """
        if self.episode is not None and self.stream.is_running(self.episode.number):
            self.stream.give_back(self.episode.number)
        self.episode = None
        episode = self.stream.begin()
        try:
            merged = {**(options or {}), **self._setup.options(episode.item)}
            own = self._setup.seed(episode.item)
            observation, info = reset_to_task(self.env, episode.task, merged, seed if own is None else own)
        except ValueError:
            self.stream.give_back(episode.number)
            raise
        self.episode, self._return, self._length = episode, 0.0, 0
        return observation, {**info, TASK: episode.task, EPISODE: episode.number}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One step; the last of an episode reports it.

        `info` has the task and the episode; -1 for one whose draw was closed in the meantime, or of before another
        state of the stream was loaded: nobody waits for its end.
        """
        if self.episode is None:
            raise gymnasium.error.ResetNeeded("the episode is over; call reset, which asks for the next task")
        episode = self.episode
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._length += 1
        self._return += check_reward(float(reward), episode.task, self._length)
        awaited = self.stream.is_running(episode.number)
        if terminated or truncated:
            if awaited:
                success = success_of(self._success, self._return, info, episode.task)
                self.stream.finish(episode.number, reward=self._return, length=self._length, success=success)
            self.episode = None
        marks = {TASK: episode.task, EPISODE: episode.number if awaited else -1}
        return observation, reward, terminated, truncated, {**info, **marks}
