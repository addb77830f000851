"""A table of preferences and a table of values: the smallest actor-critic, for tests and for seeing what happens.

For environments whose observations are numbers. One step of gradient ascent per update, so its improvements can be
checked against exact values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax

from curriculum_bandits import ProblemBank
from curriculum_bandits._typing import FloatArray, IntArray

from .episodes import EpisodeLearner, Episodes, sampled

__all__ = ["TabularLearner"]


class TabularLearner(EpisodeLearner):
    r"""An actor-critic in two tables, for discrete observations and actions.

    Preferences :math:`\theta(s, a)` move by ``rate`` times the mean over episodes of
    :math:`\sum_k A_k \nabla \log \pi(a_k | s_k)`, values by ``value_rate`` towards the mean of what was found.

    Args:
        bank: The tasks.
        held_out: Tasks that `evaluate` plays and nobody trains on.
        make_env: Makes an environment; all tasks are played in copies of it.
        rate: Step size of the preferences; 0 changes nothing.
        value_rate: Step size of the values, in [0, 1].
        **settings: All else as `EpisodeLearner` takes it: task_options, success, n_rollouts, discount, trace, seed.

    Raises:
        ValueError: If observations or actions are not discrete.
    """

    kind = "tabular-actor-critic"

    def __init__(
        self,
        bank: ProblemBank,
        held_out: ProblemBank,
        make_env: Callable[[], gymnasium.Env],
        *,
        rate: float = 10.0,
        value_rate: float = 0.3,
        **settings: Any,
    ) -> None:
        super().__init__(bank, held_out, make_env, **settings)
        if not isinstance(self.observation_space, gymnasium.spaces.Discrete):
            raise ValueError(f"the observations are {self.observation_space}; a table needs a Discrete space")
        self.rate, self.value_rate = rate, value_rate
        states = int(self.observation_space.n)
        self.preferences = np.zeros((states, int(self.action_space.n)))
        self.values = np.zeros(states)

    def _act(
        self, observations: npt.NDArray[Any], tasks: IntArray, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        states = np.asarray(observations, dtype=np.int64)
        every = log_softmax(self.preferences[states], axis=1)
        actions = sampled(every, rng)
        return actions, every[np.arange(len(actions)), actions], self.values[states]

    def _update(self, played: Episodes, advantages: FloatArray) -> FloatArray:
        states, actions = played.observations[played.mask], played.actions[played.mask]
        credit = advantages[played.mask]
        slope = -np.exp(log_softmax(self.preferences[states], axis=1)) * credit[:, None]
        slope[np.arange(len(actions)), actions] += credit
        np.add.at(self.preferences, states, self.rate / len(played.tasks) * slope)
        visits = np.bincount(states, minlength=len(self.values))
        error = np.bincount(states, weights=credit, minlength=len(self.values))
        self.values = self.values + self.value_rate * error / np.maximum(visits, 1)
        after = np.zeros(played.mask.shape)
        after[played.mask] = log_softmax(self.preferences[states], axis=1)[np.arange(len(actions)), actions]
        return after

    def _policy_state(self) -> dict[str, Any]:
        return {"preferences": self.preferences.copy(), "values": self.values.copy()}

    def _load_policy(self, state: Mapping[str, Any]) -> None:
        if set(state) != {"preferences", "values"}:
            raise ValueError(f"the saved policy holds {sorted(state)}, not preferences and values")
        preferences, values = (np.array(state[name], dtype=np.float64) for name in ("preferences", "values"))
        if preferences.shape != self.preferences.shape or values.shape != self.values.shape:
            raise ValueError(
                f"the saved tables have shapes {preferences.shape} and {values.shape}, these {self.preferences.shape} "
                f"and {self.values.shape}; make the learner for the environment it was saved with"
            )
        self.preferences, self.values = preferences, values
