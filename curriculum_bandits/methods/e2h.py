"""Curricula that follow the clock from easy groups to hard ones, whatever the learner does."""

from __future__ import annotations

import numpy as np

from curriculum_bandits.bandits.curriculum.e2h import EasyToHard, Schedule
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.needs import group_partition
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["e2h"]


@method(
    "E2H",
    paper="arXiv 2506.06632",
    needs=("groups", "difficulty"),
    arms="groups by difficulty",
    bandit="a schedule",
    signal="none",
    batch="systematic",
    example={"steps": 50},
    laws={"learns": False},
)
def e2h(
    bank: ProblemBank,
    seed: int = 0,
    *,
    steps: int,
    schedule: Schedule = "cosine",
    power: float = 0.5,
    width: float = 0.5,
    signal: Signal = success_rate,
) -> Curriculum:
    """Easy to hard: the groups in the order of their mean difficulty, by a schedule over a number of steps.

    See `EasyToHard` for the two schedules. Time is the number of batches drawn; after `steps` of them the distribution
    stays as it is.

    Args:
        bank: The problems, with groups and difficulties; equally difficult groups stand in the order of the bank.
        seed: Seed of the draws.
        steps: Batches over which the schedule runs: the length of the training.
        schedule: ``"cosine"`` or ``"gaussian"``; the latter leaves far groups all but undrawn.
        power: How the mean of `gaussian` moves with time: below 1 it hurries at first.
        width: Standard deviation of `gaussian`, in levels.
        signal: Reported but not used; the success rate by default.

    Raises:
        ValueError: If the bank has no groups or no difficulty, the difficulty of a group is not finite, or a setting
            is out of its range.

    Source: Parashar et al., "Curriculum Reinforcement Learning from Easy to Hard Tasks Improves LLM Reasoning", arXiv
    2506.06632.

    >>> bank = ProblemBank(["12*34=", "1+1=", "3*4="], groups=["long", "short", "short"], difficulty=[5, 1, 2])
    >>> e2h(bank, steps=100).bandit.probabilities().round(3)
    array([0.333, 0.667])
    """
    arms = group_partition(bank)
    if bank.difficulty is None:
        raise ValueError("the bank has no difficulty, by which groups are ordered; give ProblemBank difficulty=")
    mean = np.bincount(arms.arm_of, weights=bank.difficulty) / arms.sizes
    if not np.all(np.isfinite(mean)):
        worst = int(np.argmin(np.isfinite(mean)))
        raise ValueError(
            f"the mean difficulty of group {bank.group_names[worst]!r} is {mean[worst]}; give ProblemBank finite "
            "difficulty= for each of its problems"
        )
    levels = np.argsort(np.argsort(mean, kind="stable"))
    bandit = EasyToHard(levels, steps, schedule=schedule, power=power, width=width, capacity=arms.sizes)
    return Curriculum(bank, bandit, signal, arms=arms, name="e2h", seed=seed)
