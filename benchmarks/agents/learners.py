"""The learners of the benchmark, by name: an environment with graded tasks and a small agent that trains in it.

Sizes and rates were fixed under uniform sampling with the seeds 100 to 103, before any comparison. Equal seeds are
equal tasks and equal first weights for every method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..agents.episodes import EpisodeLearner

__all__ = ["LEARNERS", "LearnerKind"]

_HELD_OUT = 1_000_000  # added to a seed: tasks that no bank of the benchmark holds


@dataclass(frozen=True)
class LearnerKind:
    """A named learner.

    Attributes:
        summary: What it is, in one line.
        make: ``make(problems, seed)`` returns it, with `bank`, `learn`, `evaluate`, `state_dict`, `load_state_dict`.
        problems: Tasks it is meant for.
        batch: Tasks per step it is meant for.
        steps: Updates it is meant for, so that training stays within 200,000 environment steps.
        revision: Raise it when its tasks or the way it learns change.
    """

    summary: str
    make: Callable[[int, int], EpisodeLearner]
    problems: int = 720
    batch: int = 16
    steps: int = 120
    revision: int = 1


def _frozen_lake(problems: int, seed: int) -> EpisodeLearner:
    from curriculum_bandits.adapters.gym.environments.frozen_lake import LakeEnv, lake_bank

    from ..agents.torch_loop import PPO, TorchLearner

    bank, held_out = lake_bank(problems, seed), lake_bank(360, seed + _HELD_OUT)
    return TorchLearner(bank, held_out, LakeEnv, ppo=PPO(learning_rate=7e-4), seed=seed)


def _minigrid_rooms(problems: int, seed: int) -> EpisodeLearner:
    from curriculum_bandits.adapters.gym.environments.minigrid_rooms import RoomsEnv, rooms_bank

    from ..agents.torch_loop import PPO, TorchLearner

    bank, held_out = rooms_bank(problems, seed), rooms_bank(240, seed + _HELD_OUT)
    # Only the goal pays, and it pays at least a tenth.
    return TorchLearner(bank, held_out, RoomsEnv, success=0.05, ppo=PPO(learning_rate=1e-3), seed=seed)


def _cart_pole(problems: int, seed: int) -> EpisodeLearner:
    from curriculum_bandits.adapters.gym.environments.classic_control import GradedCartPole, cart_pole_bank

    from ..agents.torch_loop import PPO, TorchLearner

    bank, held_out = cart_pole_bank(problems, seed), cart_pole_bank(240, seed + _HELD_OUT)
    return TorchLearner(
        bank,
        held_out,
        GradedCartPole,
        success="survived",
        episodes=2,
        discount=0.99,
        ppo=PPO(learning_rate=3e-4),
        seed=seed,
    )


def _acrobot(problems: int, seed: int) -> EpisodeLearner:
    from curriculum_bandits.adapters.gym.environments.classic_control import GradedAcrobot, acrobot_bank

    from ..agents.torch_loop import PPO, TorchLearner

    bank, held_out = acrobot_bank(problems, seed), acrobot_bank(240, seed + _HELD_OUT)
    return TorchLearner(
        bank, held_out, GradedAcrobot, episodes=2, discount=0.99, ppo=PPO(learning_rate=1e-3), seed=seed
    )


#: Every learner by name.
LEARNERS: dict[str, LearnerKind] = {
    "frozen-lake": LearnerKind("walks on lakes of six sizes and three slips, and sees what is near", _frozen_lake),
    "minigrid-rooms": LearnerKind(
        "finds the goal behind one to four rooms of three sizes, in MiniGrid", _minigrid_rooms, batch=8, steps=96
    ),
    "cart-pole": LearnerKind(
        "balances poles of graded length with graded pushes; success is the share of the time", _cart_pole, batch=8
    ),
    "acrobot": LearnerKind("swings up acrobots of graded torque and mass", _acrobot, batch=8, steps=100),
}
