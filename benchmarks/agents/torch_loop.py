"""A policy and a critic in PyTorch, trained by a loop written by hand: clipped policy gradients on whole episodes.

It is small on purpose: an example of what a loop of one's own has to hand back, and fast enough on one core to compare
curricula on real environments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from curriculum_bandits import ProblemBank
from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.extras import require_extra

from .episodes import EpisodeLearner, Episodes, sampled

require_extra("torch", "neural")

import torch  # noqa: E402  (after the check, whose message is the kinder one)
from torch import Tensor, nn  # noqa: E402

from curriculum_bandits.neural.tensor_state import Trained  # noqa: E402

__all__ = ["PPO", "TorchLearner"]

_POLICY = 5  # a stream of random numbers under the learner's seed


@dataclass(frozen=True)
class PPO:
    """How the policy is updated (Schulman et al., arXiv 1707.06347).

    Attributes:
        learning_rate: Of Adam.
        epochs: Passes over the episodes of an update.
        minibatches: Parts of a pass.
        clip: How far the ratio of a step may move and still be rewarded.
        entropy: Weight of the entropy of the policy.
        value: Weight of the critic's squared error.
        most_gradient: Norm to which gradients are clipped.
        hidden: Units of each of the two hidden layers, of the policy and of the critic.
    """

    learning_rate: float = 1e-3
    epochs: int = 4
    minibatches: int = 4
    clip: float = 0.2
    entropy: float = 0.01
    value: float = 0.5
    most_gradient: float = 0.5
    hidden: int = 64


class TorchLearner(EpisodeLearner):
    """PPO on whole episodes, for environments with vectors to see and a few actions.

    Args:
        bank: The tasks.
        held_out: Tasks that `evaluate` plays and nobody trains on.
        make_env: Makes an environment; all tasks are played in copies of it.
        ppo: How the policy is updated.
        **settings: All else as `EpisodeLearner` takes it: task_options, success, n_rollouts, discount, trace, seed.

    Raises:
        ModuleNotFoundError: If torch is not installed (extra ``neural``).
        ValueError: If observations are no vectors or actions not discrete.
    """

    kind = "torch-ppo"

    def __init__(
        self,
        bank: ProblemBank,
        held_out: ProblemBank,
        make_env: Callable[[], gymnasium.Env],
        *,
        ppo: PPO = PPO(),
        **settings: Any,
    ) -> None:
        super().__init__(bank, held_out, make_env, **settings)
        space = self.observation_space
        if not isinstance(space, gymnasium.spaces.Box) or len(space.shape) != 1:
            raise ValueError(f"the observations are {space}; this learner needs vectors, flatten them")
        self.ppo = ppo
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(np.random.SeedSequence(self.seed, spawn_key=(_POLICY,)).generate_state(1)[0]))
            self._network = _ActorCritic(space.shape[0], int(self.action_space.n), ppo.hidden)
        self._optimizer = torch.optim.Adam(self._network.parameters(), lr=ppo.learning_rate, eps=1e-5)
        self._trained = Trained(self._network, self._optimizer)

    def _act(
        self, observations: npt.NDArray[Any], tasks: IntArray, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray, FloatArray]:
        with torch.no_grad():
            log_probs, values = self._network(torch.from_numpy(observations))
        every = log_probs.numpy().astype(np.float64)
        actions = sampled(every, rng)
        return actions, every[np.arange(len(actions)), actions], values.numpy().astype(np.float64)

    def _update(self, played: Episodes, advantages: FloatArray) -> FloatArray:
        ppo, mask = self.ppo, played.mask
        seen, actions = torch.from_numpy(played.observations[mask]), torch.from_numpy(played.actions[mask])
        before = torch.from_numpy(played.log_probs[mask]).float()
        aims = torch.from_numpy((advantages + played.values)[mask]).float()
        weights = torch.from_numpy(_standardised(advantages[mask])).float()
        for _ in range(ppo.epochs):
            for part in np.array_split(self._rng.permutation(len(seen)), min(ppo.minibatches, len(seen))):
                chosen = torch.from_numpy(part)
                every, values = self._network(seen[chosen])
                ratio = torch.exp(_of_actions(every, actions[chosen]) - before[chosen])
                clipped = ratio.clamp(1 - ppo.clip, 1 + ppo.clip)
                gain = torch.minimum(ratio * weights[chosen], clipped * weights[chosen]).mean()
                entropy = -(every.exp() * every).sum(dim=1).mean()
                error = (values - aims[chosen]).square().mean()
                self._optimizer.zero_grad(set_to_none=True)
                (ppo.value * error - gain - ppo.entropy * entropy).backward()
                nn.utils.clip_grad_norm_(self._network.parameters(), ppo.most_gradient)
                self._optimizer.step()
        with torch.no_grad():
            every, _ = self._network(seen)
        after = np.zeros(mask.shape)
        after[mask] = _of_actions(every, actions).numpy()
        return after

    def _policy_state(self) -> dict[str, Any]:
        return self._trained.state_dict()

    def _load_policy(self, state: Mapping[str, Any]) -> None:
        self._trained.load_state_dict(state)


class _ActorCritic(nn.Module):
    """Two networks: log-probabilities of the actions, and the value expected."""

    def __init__(self, inputs: int, actions: int, hidden: int) -> None:
        super().__init__()
        self.policy = _network(inputs, hidden, actions, last_gain=0.01)
        self.critic = _network(inputs, hidden, 1, last_gain=1.0)

    def forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        return torch.log_softmax(self.policy(observations), dim=1), self.critic(observations).squeeze(1)


def _network(inputs: int, hidden: int, outputs: int, last_gain: float) -> nn.Sequential:
    layers = [nn.Linear(inputs, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, outputs)]
    for layer, gain in zip(layers, (2**0.5, 2**0.5, last_gain), strict=True):
        nn.init.orthogonal_(layer.weight, gain)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])


def _of_actions(every: Tensor, actions: Tensor) -> Tensor:
    return every.gather(1, actions[:, None]).squeeze(1)


def _standardised(values: FloatArray) -> FloatArray:
    return np.asarray((values - np.mean(values)) / (np.std(values) + 1e-8))
