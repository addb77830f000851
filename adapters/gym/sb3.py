"""stable-baselines3: a callback through which PPO trains on what a curriculum chooses.

PPO keeps its policy's own log-probabilities and advantages of every step in a buffer. The callback puts that buffer
aside before the update, scores its steps again after it, and tells the curriculum what the update did to each episode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from operator import itemgetter
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from curriculum_bandits.collector import Answered
from curriculum_bandits.extras import require_extra
from curriculum_bandits.observer import Observer, Observers

from .stream import TaskStream
from .tasks import SuccessRule, TaskOptions
from .wrapper import EPISODE, CurriculumEnv

require_extra("stable_baselines3", "sb3")

import torch  # noqa: E402  (after the check, whose message is the kinder one)
from stable_baselines3.common.buffers import DictRolloutBuffer, RolloutBuffer  # noqa: E402
from stable_baselines3.common.callbacks import BaseCallback  # noqa: E402
from stable_baselines3.common.on_policy_algorithm import OnPolicyAlgorithm  # noqa: E402
from stable_baselines3.common.vec_env import DummyVecEnv  # noqa: E402

__all__ = ["CurriculumCallback", "curriculum_vec_env"]

_CHUNK = 4096  # steps that are scored at a time


def curriculum_vec_env(
    make_env: Callable[[], gymnasium.Env],
    stream: TaskStream,
    number: int,
    task_options: TaskOptions | None = None,
    *,
    task_seed: Callable[[Mapping[str, Any]], int] | None = None,
    success: SuccessRule = None,
) -> DummyVecEnv:
    """Environments that play the tasks of one stream, as ``PPO("MlpPolicy", env)`` takes them.

    They run in this process, because they share the curriculum. `make_env` makes an environment with its time limit;
    the other arguments are those of `CurriculumEnv`.
    """

    def make() -> gymnasium.Env:
        return CurriculumEnv(make_env(), stream, task_options, task_seed=task_seed, success=success)

    return DummyVecEnv([make] * number)


class CurriculumCallback(BaseCallback):
    r"""Answers the curriculum after each update of PPO (or A2C).

    After an update every action in the buffer is scored again: :math:`\sum_k \mathrm{expm1}(\Delta_k) A_k` over the
    steps of an episode is its improvement, with the buffer's own advantages :math:`A_k` before PPO standardises them.
    An episode that lasts over several buffers gets the sum. Means are logged as ``curriculum/``.

    Args:
        stream: The stream whose `CurriculumEnv` the algorithm trains in.
        observers: Called at every answer and update; their state is saved with the stream's.
        verbose: As in stable-baselines3.

    Raises:
        TypeError: At the start of training, if the algorithm has no buffer of rollouts.
        ValueError: If the environments are not those of a stream.
    """

    def __init__(self, stream: TaskStream, observers: Iterable[Observer] = (), verbose: int = 0) -> None:
        super().__init__(verbose)
        self.stream = stream
        self.observers = Observers(observers)
        self.answered = self.updates = 0
        self._numbers: list[npt.NDArray[np.int64]] = []
        self._kept: dict[str, Any] | None = None

    def state_dict(self) -> dict[str, Any]:
        """The state of the stream, its curriculum and the observers; save it beside the model."""
        own = {"observers": self.observers.state_dict(), "answered": self.answered, "updates": self.updates}
        return {"stream": self.stream.state_dict(), **own}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned; tasks whose episodes were running are handed out again.

        Raises:
            ValueError: As `TaskStream.load_state_dict` and `Observers.load_state_dict`.
        """
        before = self.observers.state_dict()
        self.observers.load_state_dict(state["observers"])
        try:
            self.stream.load_state_dict(state["stream"])
        except BaseException:
            self.observers.load_state_dict(before)
            raise
        self.answered, self.updates = int(state["answered"]), int(state["updates"])
        self._numbers, self._kept = [], None

    def _on_training_start(self) -> None:
        if not isinstance(self.model, OnPolicyAlgorithm):
            raise TypeError(
                f"{type(self.model).__name__} keeps no rollouts of its present policy; use an on-policy algorithm such "
                "as PPO"
            )
        # What an interrupted call left: its environments have been reset since.
        self._numbers, self._kept = [], None

    def _on_rollout_start(self) -> None:
        self._answer()
        self._numbers = []

    def _on_step(self) -> bool:
        infos = self.locals["infos"]
        if any(EPISODE not in info for info in infos):
            raise ValueError(
                "an environment does not say which episode a step belongs to; wrap each in CurriculumEnv, or make them "
                "with curriculum_vec_env"
            )
        self._numbers.append(np.array([info[EPISODE] for info in infos], dtype=np.int64))
        return True

    def _on_rollout_end(self) -> None:
        # The update reorders the buffer's arrays, and the next rollout empties them.
        assert isinstance(self.model, OnPolicyAlgorithm)
        buffer: RolloutBuffer | DictRolloutBuffer = self.model.rollout_buffer
        self._kept = {
            "observations": _each(buffer.observations, _flat),
            "actions": _flat(buffer.actions),
            "numbers": np.concatenate(self._numbers),
            "advantages": _flat(buffer.advantages),
            "errors": _flat(buffer.returns) - _flat(buffer.values),
        }
        # Scored by the same code as after the update, so that an unchanged policy has a log-ratio of exactly 0.
        self._kept["before"] = self._log_probs(self._kept)

    def _on_training_end(self) -> None:
        self._answer()
        self.observers.close()

    def _answer(self) -> None:
        if self._kept is None:
            return
        kept, self._kept = self._kept, None
        log_ratio = self._log_probs(kept) - kept["before"]
        self.stream.credit(kept["numbers"], log_ratio, kept["advantages"], kept["errors"])
        self._log(self.stream.answer())
        self.updates += 1

    def _log(self, answers: list[Answered]) -> None:
        self.answered += len(answers)
        for each in answers:
            self.observers.drawn(each.draw)
            self.observers.answered(each.draw, each.rollouts, each.feedback)
        self.observers.stepped(self.updates + 1, {"environment_steps": float(self.num_timesteps)})
        if not answers:
            return
        rewards = np.concatenate([each.rollouts.rewards.ravel() for each in answers])
        values = np.concatenate([each.feedback.values[each.feedback.answered] for each in answers])
        rewards = rewards[np.isfinite(rewards)]
        self.logger.record("curriculum/return", float(np.mean(rewards)) if len(rewards) else float("nan"))
        self.logger.record("curriculum/utility", float(np.mean(values)) if len(values) else float("nan"))
        self.logger.record("curriculum/answered_draws", self.answered)
        self.logger.record("curriculum/open_draws", len(self.stream.curriculum.outstanding))

    def _log_probs(self, kept: Mapping[str, Any]) -> npt.NDArray[np.float64]:
        """Log-probability of every action in the buffer under the policy as it is now, shape (steps,)."""
        policy: Any = self.model.policy
        device = self.model.device
        training = policy.training
        policy.set_training_mode(False)
        actions = torch.as_tensor(kept["actions"], device=device)
        if isinstance(self.model.action_space, gymnasium.spaces.Discrete):
            actions = actions.long().flatten()
        parts = []
        with torch.no_grad():
            for begin in range(0, len(actions), _CHUNK):
                part = slice(begin, begin + _CHUNK)
                seen = _each(_each(kept["observations"], itemgetter(part)), partial(torch.as_tensor, device=device))
                _, log_probs, _ = policy.evaluate_actions(seen, actions[part])
                parts.append(log_probs.cpu().numpy().astype(np.float64))
        policy.set_training_mode(training)
        return np.concatenate(parts)


def _each(observations: Any, change: Callable[[npt.NDArray[Any]], Any]) -> Any:
    """Change observations, or every part of those that are dictionaries."""
    if isinstance(observations, dict):
        return {name: change(values) for name, values in observations.items()}
    return change(observations)


def _flat(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Steps and environments as one axis, copied."""
    return np.array(values.reshape(values.shape[0] * values.shape[1], *values.shape[2:]))
