"""The vector form: many environments as one, their tasks all chosen in the main process.

Environments in other processes cannot share a curriculum. So each holds only a thin receiver that picks its own task
from the options of a common reset, and the main process resets those whose episode has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv, VectorWrapper

from .stream import Episode, TaskStream
from .tasks import SuccessRule, TaskOptions, TaskSetup, check_reward, reset_to_task, success_of
from .wrapper import EPISODE, TASK

__all__ = ["CurriculumVectorEnv", "TaskReceiver"]

_TASKS = "tasks"  # in the options of a common reset: options by number of the environment


class TaskReceiver(gymnasium.Wrapper):
    """Goes around each sub-environment: takes its own task from the options that all of them get.

    Args:
        env: The environment, with its time limit.
        number: Its place among the sub-environments, from 0.
    """

    def __init__(self, env: gymnasium.Env, number: int) -> None:
        super().__init__(env)
        self.number = number

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset to the task meant for this environment, which stands in the common options.

        Raises:
            ValueError: If there is no task for it, or the environment refuses its options; names the task.
        """
        if options is None or self.number not in options.get(_TASKS, {}):
            raise ValueError(
                f"sub-environment {self.number} was reset without a task; reset through CurriculumVectorEnv, and make "
                "the vector with autoreset_mode=AutoresetMode.DISABLED"
            )
        identity, own = options[_TASKS][self.number]
        rest = {name: value for name, value in options.items() if name != _TASKS}
        return reset_to_task(self.env, identity, {**rest, **own}, seed)


class CurriculumVectorEnv(VectorWrapper):
    """Asks for a task for every sub-environment, and for the next as soon as an episode ends.

    An episode that ends is followed at once by the first observation of the next, as gymnasium's ``SAME_STEP`` mode
    does: the last observation and `info` are then ``infos["final_obs"][i]`` and ``infos["final_info"]``. At each step
    ``infos["task"]`` and ``infos["task_episode"]`` say what the step just made belongs to; the episode is -1 if its
    draw was closed in the meantime, or another state of the stream loaded.

    Args:
        envs: A `SyncVectorEnv` or `AsyncVectorEnv` made with ``autoreset_mode=AutoresetMode.DISABLED``, whose i-th
            sub-environment is wrapped in ``TaskReceiver(env, i)``.
        stream: As for `CurriculumEnv`, like all that follows; the functions run in the main process.

    Raises:
        ValueError: If the vector resets by itself.
    """

    def __init__(
        self,
        envs: VectorEnv,
        stream: TaskStream,
        task_options: TaskOptions | None = None,
        *,
        task_seed: Callable[[Mapping[str, Any]], int] | None = None,
        success: SuccessRule = None,
    ) -> None:
        super().__init__(envs)
        mode = envs.metadata.get("autoreset_mode")
        if mode != AutoresetMode.DISABLED:
            raise ValueError(
                f"the vector environment has autoreset_mode={mode}, and would reset without asking the curriculum; "
                "make it with autoreset_mode=AutoresetMode.DISABLED"
            )
        # The inner environment's own dictionary stays as it is: it still does not reset by itself.
        self.metadata = {**envs.metadata, "autoreset_mode": AutoresetMode.SAME_STEP}
        self.stream = stream
        self._setup = TaskSetup(stream.bank, task_options, task_seed)
        self._success = success
        self.playing: list[Episode | None] = [None] * self.num_envs
        self._returns = np.zeros(self.num_envs)
        self._lengths = np.zeros(self.num_envs, dtype=np.int64)

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode of the next task everywhere; episodes still running are given back and played later.

        Args:
            seed: As gymnasium's vector environments take it, unless tasks have their own.
            options: Further options for all; a task's own go before them.

        Raises:
            ValueError: If the options hold a ``reset_mask``, or an environment refuses its task.
        """
        if options is not None and "reset_mask" in options:
            raise ValueError(
                "options has the key 'reset_mask', but a reset begins an episode everywhere; leave it out, where an "
                "episode ended the next begins by itself"
            )
        for place, episode in enumerate(self.playing):
            if episode is not None and self.stream.is_running(episode.number):
                self.stream.give_back(episode.number)
            self.playing[place] = None
        if not isinstance(seed, list):
            seed = [None if seed is None else seed + i for i in range(self.num_envs)]
        observations, infos = self._begin(np.ones(self.num_envs, dtype=bool), seed, options)
        return observations, {**infos, **self._marks()}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """One step everywhere; where an episode ended, the next begins."""
        if any(episode is None for episode in self.playing):
            raise gymnasium.error.ResetNeeded("call reset first, which asks for the tasks")
        observations, rewards, terminations, truncations, infos = self.env.step(actions)
        # Copies: the inner environment writes into its own arrays when it resets some of its parts.
        rewards, terminations, truncations = np.array(rewards), np.array(terminations), np.array(truncations)
        marks = self._marks()
        self._lengths += 1
        for place, episode in enumerate(self.playing):
            assert episode is not None
            self._returns[place] += check_reward(float(rewards[place]), episode.task, int(self._lengths[place]))
        ended = terminations | truncations
        if np.any(ended):
            said = [_info_of(infos, place) for place in range(self.num_envs)]
            final = {place: _at(observations, place) for place in np.flatnonzero(ended).tolist()}
            for place in final:
                self._finish(place, said[place])
            observations, begun = self._begin(ended, [None] * self.num_envs, None)
            # Put together as gymnasium does: what ended says its last under other names, and its first of the next.
            infos = {}
            for place in range(self.num_envs):
                if place in final:
                    ends = {"final_obs": final[place], "final_info": said[place]}
                    infos = self._add_info(infos, {**ends, **_info_of(begun, place)}, place)
                else:
                    infos = self._add_info(infos, said[place], place)
        return observations, rewards, terminations, truncations, {**infos, **marks}

    def _finish(self, place: int, info: Mapping[str, Any]) -> None:
        episode = self.playing[place]
        assert episode is not None
        if self.stream.is_running(episode.number):
            total = float(self._returns[place])
            success = success_of(self._success, total, info, episode.task)
            self.stream.finish(episode.number, reward=total, length=int(self._lengths[place]), success=success)
        self.playing[place] = None

    def _begin(
        self, chosen: Any, seeds: list[int | None], options: dict[str, Any] | None
    ) -> tuple[Any, dict[str, Any]]:
        """Hand out tasks to the chosen sub-environments and reset those."""
        tasks: dict[int, tuple[str, dict[str, Any]]] = {}
        seeds = list(seeds)
        begun: dict[int, Episode] = {}
        try:
            for place in np.flatnonzero(chosen).tolist():
                begun[place] = episode = self.stream.begin()
                tasks[place] = (episode.task, self._setup.options(episode.item))
                own = self._setup.seed(episode.item)
                seeds[place] = seeds[place] if own is None else own
            together = {**(options or {}), _TASKS: tasks}
            if not np.all(chosen):
                together["reset_mask"] = np.array(chosen)
            observations, infos = self.env.reset(seed=seeds, options=together)
        except Exception:
            for episode in begun.values():
                self.stream.give_back(episode.number)
            raise
        for place, episode in begun.items():
            self.playing[place] = episode
        self._returns[chosen], self._lengths[chosen] = 0.0, 0
        return observations, infos

    def _marks(self) -> dict[str, Any]:
        everywhere = np.ones(self.num_envs, dtype=bool)
        tasks = np.array(["" if episode is None else episode.task for episode in self.playing], dtype=object)
        awaited = [episode is not None and self.stream.is_running(episode.number) for episode in self.playing]
        numbers = np.array([e.number if e and here else -1 for e, here in zip(self.playing, awaited, strict=True)])
        return {TASK: tasks, f"_{TASK}": everywhere, EPISODE: numbers, f"_{EPISODE}": everywhere}


def _at(observations: Any, place: int) -> Any:
    if isinstance(observations, dict):
        return {name: _at(values, place) for name, values in observations.items()}
    if isinstance(observations, tuple):
        # Of spaces without arrays: one entry per environment, or one per part of a Tuple space.
        return observations[place]
    return np.array(observations[place])


def _info_of(infos: Mapping[str, Any], place: int) -> dict[str, Any]:
    """What one sub-environment said."""
    said: dict[str, Any] = {}
    for name, values in infos.items():
        if name.startswith("_") or (f"_{name}" in infos and not infos[f"_{name}"][place]):
            continue
        if isinstance(values, Mapping):
            said[name] = _info_of(values, place)
        else:
            # A plain bool, from which gymnasium makes an array of bools again.
            said[name] = bool(values[place]) if isinstance(values[place], np.bool_) else values[place]
    return said
