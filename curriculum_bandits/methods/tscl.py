"""TSCL, the teacher-student curriculum: the group whose success changes fastest."""

from __future__ import annotations

from typing import Literal

from curriculum_bandits.bandits.curriculum.action_values import (
    ActionValueBandit,
    Exploration,
    Greedy,
    LearningProgress,
    ScoreSlope,
)
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.needs import group_partition
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["tscl"]

_MOSTLY_GREEDY = Greedy(0.1)


@method(
    "TSCL",
    paper="arXiv 1707.00183",
    needs=("groups",),
    arms="groups",
    bandit="size of the progress, ε-greedy",
    batch="systematic",
)
def tscl(
    bank: ProblemBank,
    seed: int = 0,
    *,
    variant: Literal["online", "window"] = "online",
    rate: float = 0.1,
    length: int = 10,
    exploration: Exploration = _MOSTLY_GREEDY,
    signal: Signal = success_rate,
) -> Curriculum:
    r"""Teacher-student curriculum: the group whose success changes fastest, up or down.

    ``"online"``: :math:`Q \leftarrow Q + \alpha (x_t - x_{t-1} - Q)` for the groups that answered, x their success
    rates. ``"window"``: Q is the slope of the latest success rates of a group over the batches. Groups are chosen by
    :math:`|Q|`, so one that is being forgotten is practised again.

    Args:
        bank: The problems, with groups: the tasks.
        seed: Seed of the draws.
        variant: Which of the two.
        rate: :math:`\alpha`, for `online` only.
        length: Success rates in the slope, for `window` only.
        exploration: How :math:`|Q|` becomes a distribution: `Greedy` with 0.1 by default, or `Boltzmann`, whose
            temperature must be of the size of the progress made in one step.
        signal: The score.

    Raises:
        ValueError: If the bank has no groups, or a setting is out of its range.

    Source: Matiisen et al., "Teacher-Student Curriculum Learning", arXiv 1707.00183.

    >>> curriculum = tscl(ProblemBank(["1+1=", "3*4=", "12*34="], groups=["add", "mul", "mul"]))
    >>> draw = curriculum.ask(3)
    >>> curriculum.tell(draw, [1.0 if item == 0 else 0.0 for item in draw.items])
    >>> curriculum.bandit.values.tolist(), curriculum.bandit.probabilities().round(3).tolist()
    ([0.1, 0.0], [0.333, 0.667])
    """
    if variant not in ("online", "window"):
        raise ValueError(f"variant={variant!r} is unknown; choose 'online' or 'window'")
    arms = group_partition(bank)
    online = variant == "online"
    estimate = LearningProgress(len(arms), rate=rate) if online else ScoreSlope(len(arms), length=length)
    bandit = ActionValueBandit(estimate, exploration, capacity=arms.sizes, by="magnitude")
    return Curriculum(bank, bandit, signal, arms=arms, name="tscl", seed=seed)
