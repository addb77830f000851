"""Whole episodes of many tasks, side by side, and what they say after an update.

Both learners here play every drawn task to its end before they learn, so an episode belongs to one draw and one policy,
and everything about it fits into padded arrays.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from curriculum_bandits import ProblemBank, Rollouts
from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.adapters.gym.tasks import (
    SuccessRule,
    TaskOptions,
    TaskSetup,
    check_reward,
    reset_to_task,
    success_of,
)
from curriculum_bandits.signals import episode_improvements

__all__ = ["EpisodeLearner", "Episodes", "sampled"]

_EVALUATION, _TRAINING = 3, 4  # streams of random numbers under one seed


@dataclass
class Episodes:
    """E episodes, padded to the longest, T steps.

    Attributes:
        observations: Shape (E, T, ...).
        actions: Shape (E, T).
        rewards: Shape (E, T).
        log_probs: Of the actions, under the policy that played, shape (E, T).
        values: What the critic expected, shape (E, T).
        mask: Which steps happened, shape (E, T).
        tasks: Index of the task of each episode, shape (E,).
        successes: Shape (E,), or None where only returns are known.
    """

    observations: npt.NDArray[Any]
    actions: IntArray
    rewards: FloatArray
    log_probs: FloatArray
    values: FloatArray
    mask: npt.NDArray[np.bool_]
    tasks: IntArray
    successes: FloatArray | None

    @property
    def lengths(self) -> IntArray:
        """Steps of each episode, shape (E,)."""
        return np.sum(self.mask, axis=1)

    @property
    def returns(self) -> FloatArray:
        """Sum of the rewards of each episode, shape (E,)."""
        return np.asarray(np.sum(self.rewards, axis=1))

    def advantages(self, discount: float, trace: float) -> FloatArray:
        r"""Generalised advantage estimates; the end of an episode, by time too, is worth nothing more.

        :math:`A_k = \sum_l (\gamma \lambda)^l \delta_{k+l}` with
        :math:`\delta_k = r_k + \gamma V_{k+1} - V_k` (Schulman et al., arXiv 1506.02438).

        Args:
            discount: gamma.
            trace: lambda.

        Returns:
            Shape (E, T), 0 where nothing happened.
        """
        following = np.concatenate([self.values[:, 1:], np.zeros((len(self.values), 1))], axis=1)
        delta = np.where(self.mask, self.rewards + discount * following - self.values, 0.0)
        advantages, running = np.zeros_like(delta), np.zeros(len(delta))
        for step in reversed(range(delta.shape[1])):
            running = delta[:, step] + discount * trace * running
            advantages[:, step] = running
        return advantages


class EpisodeLearner(ABC):
    """A learner that plays n whole episodes of each drawn task, then updates its policy once.

    Args:
        bank: The tasks.
        held_out: Tasks that `evaluate` plays and nobody trains on.
        make_env: Makes an environment; all tasks are played in copies of it.
        task_options: From a row of the bank to the options of `reset`; by default its column ``options``.
        success: When an episode is a success; None where only returns are known.
        n_rollouts: Episodes per drawn task, n.
        discount: Of rewards, gamma.
        trace: Of advantages, lambda.
        seed: Of the policy, the episodes and the evaluation, which are three independent streams.
    """

    kind: str

    def __init__(
        self,
        bank: ProblemBank,
        held_out: ProblemBank,
        make_env: Callable[[], gymnasium.Env],
        *,
        task_options: TaskOptions | None = None,
        success: SuccessRule = "is_success",
        n_rollouts: int = 4,
        discount: float = 0.97,
        trace: float = 0.95,
        seed: int = 0,
    ) -> None:
        if n_rollouts < 1:
            raise ValueError(f"n_rollouts is {n_rollouts}; play at least 1 episode of each task")
        self.bank = bank
        self.held_out = held_out
        self.n_rollouts, self.discount, self.trace, self.seed = n_rollouts, discount, trace, seed
        self.environment_steps = 0
        self._make_env, self._success = make_env, success
        self._training, self._testing = TaskSetup(bank, task_options), TaskSetup(held_out, task_options)
        self._envs: list[gymnasium.Env] = [make_env()]
        self._rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_TRAINING,)))
        self.observation_space, self.action_space = self._envs[0].observation_space, self._envs[0].action_space
        if not isinstance(self.action_space, gymnasium.spaces.Discrete):
            raise ValueError(f"the actions are {self.action_space}; this learner needs a Discrete space")

    def learn(self, items: npt.ArrayLike) -> Rollouts:
        """Play every drawn task `n_rollouts` times, update the policy once, and say what it was worth.

        Args:
            items: Tasks, shape (m,).

        Returns:
            Returns of the episodes as rewards, their lengths in environment steps, successes (None without a rule),
            improvements, absolute advantages, value losses and divergences, each (m, n).

        Raises:
            ValueError: If a task cannot be set up or its return is not a number; names the task.
        """
        drawn = np.asarray(items, dtype=np.int64)
        played = self._play(self._training, np.repeat(drawn, self.n_rollouts), self._rng)
        advantages = played.advantages(self.discount, self.trace)
        after = self._update(played, advantages)
        steps, mask = played.lengths, played.mask
        log_ratio = np.where(mask, after - played.log_probs, 0.0)
        self.environment_steps += int(np.sum(steps))

        def of_task(values: FloatArray) -> FloatArray:
            return values.reshape(len(drawn), self.n_rollouts)

        def mean_over_steps(values: FloatArray) -> FloatArray:
            return of_task(np.sum(np.where(mask, values, 0.0), axis=1) / steps)

        return Rollouts(
            of_task(played.returns),
            lengths=of_task(steps.astype(np.float64)),
            successes=None if played.successes is None else of_task(played.successes),
            improvements=of_task(episode_improvements(log_ratio, advantages, mask)),
            absolute_advantages=mean_over_steps(np.abs(advantages)),
            value_losses=mean_over_steps(advantages**2),
            kl=mean_over_steps(np.expm1(log_ratio) - log_ratio),
        )

    def evaluate(self) -> dict[str, float]:
        """How good the policy is on the held-out tasks, always with the same random numbers.

        Returns:
            ``accuracy``: mean success of one episode of each, absent without a rule of success; ``return``: mean
            return; ``environment_steps``: those trained on so far.
        """
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(_EVALUATION,)))
        played = self._play(self._testing, np.arange(len(self.held_out)), rng)
        accuracy = {} if played.successes is None else {"accuracy": float(np.mean(played.successes))}
        return {
            **accuracy,
            "return": float(np.mean(played.returns)),
            "environment_steps": float(self.environment_steps),
        }

    def state_dict(self) -> dict[str, Any]:
        """The policy, its optimiser and the random state; tasks and settings belong to the constructor."""
        return {
            "kind": self.kind,
            "bank": self.bank.fingerprint,
            "environment_steps": self.environment_steps,
            "rng": self._rng.bit_generator.state,
            "policy": self._policy_state(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, from a learner made alike.

        Raises:
            ValueError: If it is the state of another kind of learner, or of other tasks or shapes. The learner is then
                as it was.
        """
        if state.get("kind") != self.kind:
            raise ValueError(f"this state belongs to a learner of kind {state.get('kind')!r}, not {self.kind!r}")
        missing = sorted({"bank", "environment_steps", "rng", "policy"} - set(state))
        if missing:
            raise ValueError(f"the state lacks {missing}; give what state_dict of such a learner returned")
        if state["bank"] != self.bank.fingerprint:
            raise ValueError("this state was saved with other tasks; make the learner with the bank it was saved with")
        rng, steps = np.random.default_rng(), int(state["environment_steps"])
        rng.bit_generator.state = state["rng"]
        self._load_policy(state["policy"])
        self._rng, self.environment_steps = rng, steps

    @abstractmethod
    def _act(
        self, observations: npt.NDArray[Any], tasks: IntArray, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        """Actions, their log-probabilities and the values expected, shape (k,) each."""

    @abstractmethod
    def _update(self, played: Episodes, advantages: FloatArray) -> FloatArray:
        """Update the policy once; log-probabilities of the same actions after it, shape (E, T)."""

    @abstractmethod
    def _policy_state(self) -> dict[str, Any]:
        """The policy as arrays and plain numbers, copies."""

    @abstractmethod
    def _load_policy(self, state: Mapping[str, Any]) -> None:
        """Check a saved policy, then put it in place."""

    def _play(self, setup: TaskSetup, tasks: IntArray, rng: np.random.Generator) -> Episodes:
        bank = setup.bank
        while len(self._envs) < len(tasks):
            self._envs.append(self._make_env())
        seeds = rng.integers(2**31, size=len(tasks))
        options = {int(item): setup.options(int(item)) for item in np.unique(tasks)}
        current: list[Any] = [
            reset_to_task(env, bank.ids[item], options[int(item)], int(seed))[0]
            for env, item, seed in zip(self._envs, tasks, seeds, strict=False)
        ]
        count = len(tasks)
        columns: list[tuple[IntArray, npt.NDArray[Any], IntArray, FloatArray, FloatArray, FloatArray]] = []
        returns = np.zeros(count)
        successes = None if self._success is None else np.zeros(count)
        running = np.arange(count)
        while len(running):
            seen = np.array([current[i] for i in running])  # a copy: environments may write into what they showed
            actions, log_probs, values = self._act(seen, tasks[running], rng)
            rewards, goes_on = np.zeros(len(running)), np.ones(len(running), dtype=bool)
            for place, i in enumerate(running):
                current[i], reward, terminated, truncated, info = self._envs[i].step(actions[place])
                rewards[place] = check_reward(reward, bank.ids[tasks[i]], len(columns) + 1)
                returns[i] += reward
                if terminated or truncated:
                    goes_on[place] = False
                    success = success_of(self._success, float(returns[i]), info, bank.ids[tasks[i]])
                    if successes is not None and success is not None:
                        successes[i] = success
            columns.append((running, seen, actions, rewards, log_probs, values))
            running = running[goes_on]
        return _padded(columns, tasks, successes)


def _padded(columns: list[Any], tasks: IntArray, successes: FloatArray | None) -> Episodes:
    shape = (len(tasks), len(columns))
    first = columns[0][1][0]
    observations = np.zeros((*shape, *first.shape), dtype=first.dtype)
    actions, mask = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=bool)
    rewards, log_probs, values = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for step, (running, seen, *rest) in enumerate(columns):
        observations[running, step], mask[running, step] = seen, True
        for array, column in zip((actions, rewards, log_probs, values), rest, strict=True):
            array[running, step] = column
    return Episodes(observations, actions, rewards, log_probs, values, mask, tasks, successes)


def sampled(log_probs: FloatArray, rng: np.random.Generator) -> IntArray:
    """One action for each row of log-probabilities.

    Args:
        log_probs: Shape (k, actions), normalised.
        rng: Source of randomness.

    Returns:
        Shape (k,).
    """
    below = np.cumsum(np.exp(log_probs), axis=1)
    luck = rng.random(len(below))[:, None] * below[:, -1:]
    return np.asarray(np.sum(luck >= below[:, :-1], axis=1))
