"""The learners of the benchmark, by name: an environment with graded tasks and a small agent that trains in it.

Sizes and rates were fixed under uniform sampling with the seeds 100 to 103, before any comparison. Equal seeds are
equal tasks and equal first weights for every method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curriculum_bandits.adapters.gym.learners.episodes import EpisodeLearner

__all__ = ["LEARNERS", "LearnerKind"]

_HELD_OUT = 1_000_000  # added to a seed: tasks that no bank of the benchmark holds
_HELD_OUT_TASKS = 360


@dataclass(frozen=True)
class LearnerKind:
    """A named learner.

    Attributes:
        summary: What it is, in one line.
        make: ``make(problems, seed)`` returns it, with `bank`, `learn`, `evaluate`, `state_dict`, `load_state_dict`.
        problems: Tasks it is meant for.
        batch: Tasks per step it is meant for; each is played four times.
        steps: Updates it is meant for; at most 200,000 environment steps.
    """

    summary: str
    make: Callable[[int, int], EpisodeLearner]
    problems: int = 720
    batch: int = 16
    steps: int = 120


def _frozen_lake(problems: int, seed: int) -> EpisodeLearner:
    from curriculum_bandits.adapters.gym.environments.frozen_lake import LakeEnv, lake_bank
    from curriculum_bandits.adapters.gym.learners.torch_loop import PPO, TorchLearner

    bank, held_out = lake_bank(problems, seed), lake_bank(_HELD_OUT_TASKS, seed + _HELD_OUT)
    return TorchLearner(bank, held_out, LakeEnv, ppo=PPO(learning_rate=7e-4), seed=seed)


#: Every learner by name.
LEARNERS: dict[str, LearnerKind] = {
    "frozen-lake": LearnerKind("lakes of six sizes and three slips, seen from where one stands; PPO", _frozen_lake),
}
