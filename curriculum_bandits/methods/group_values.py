"""Curricula that keep one value per group of problems: SEC, DUMP and TSCL.

They are one bandit with different parts, so each of these is a choice of estimate, distribution and signal, and any
other combination is an `ActionValueBandit` away. What is published says how likely a group
is. Here a batch gets as many problems of a group as are expected, rounded up or down, but no more than it has; what it
cannot take goes to the others in proportion.
"""

from __future__ import annotations

from typing import Literal

from curriculum_bandits.bandits.action_values import (
    ActionValueBandit,
    Boltzmann,
    Exploration,
    ExponentialAverage,
    Greedy,
    LearningProgress,
    RolloutWindow,
    ScoreSlope,
    UpperConfidence,
)
from curriculum_bandits.bandits.action_values.estimates import Unheard
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.group_arms import group_arms
from curriculum_bandits.signals import Signal, absolute_advantage, success_rate

__all__ = ["dump", "sec", "tscl"]

_MOSTLY_GREEDY = Greedy(0.1)


def sec(
    bank: ProblemBank,
    seed: int = 0,
    *,
    rate: float = 0.5,
    temperature: float = 1.0,
    unheard: Unheard = "stay",
    signal: Signal = absolute_advantage,
) -> Curriculum:
    r"""Self-evolving curriculum: a softmax over groups of the running mean absolute advantage.

    :math:`Q \leftarrow (1 - \alpha) Q + \alpha r` for the groups that answered, r their mean absolute advantage over
    all rollouts of the batch, and :math:`p = \mathrm{softmax}(Q / \tau)`. Inside a group problems come from a shuffled
    list. Starts as uniform over groups.

    Args:
        bank: The problems, with groups: difficulties, or difficulties of each domain.
        seed: Seed of the draws.
        rate: :math:`\alpha`.
        temperature: :math:`\tau`; published runs used 1.0, 0.4 and 0.2 with 8 rollouts per problem and 256 problems a
            step. In the unit of the signal: another signal wants another temperature.
        unheard: ``"stay"`` is the paper's rule, which moves the groups that answered only; ``"decay"`` is what the
            public code does, which lets all others fall toward 0. Say which you report.
        signal: What rewards a group.

    Returns:
        The curriculum.

    Raises:
        ValueError: If the bank has no groups, or a setting is out of its range.

    Source: Chen et al., "Self-Evolving Curriculum for LLM Reasoning", arXiv 2505.14970.

    >>> curriculum = sec(ProblemBank(["1+1=", "3*4=", "12*34="], groups=["add", "mul", "mul"]))
    >>> draw = curriculum.ask(3)
    >>> curriculum.tell(draw, [1.0 if item == 0 else 0.0 for item in draw.items])
    >>> curriculum.bandit.values.tolist()
    [0.5, 0.0]
    """
    arms = group_arms(bank, within="epochs")
    estimate = ExponentialAverage(len(arms), rate=rate, unheard=unheard)
    bandit = ActionValueBandit(estimate, Boltzmann(temperature), capacity=arms.sizes)
    return Curriculum(bank, bandit, signal, arms=arms, name="sec", seed=seed)


def dump(
    bank: ProblemBank,
    seed: int = 0,
    *,
    window: int = 300,
    temperature: float = 0.1,
    signal: Signal = absolute_advantage,
) -> Curriculum:
    r"""DUMP: a softmax over groups of an upper confidence bound on their absolute advantage.

    :math:`p = \mathrm{softmax}(U / \tau)`, :math:`U_j = L_j + \sqrt{2 \ln(N + 1) / (n_j + 1)}`: L is the mean absolute
    advantage of the latest rollouts of a group, n counts its rollouts since the beginning and N those of all groups.
    The bandit hears rollouts of training only; the public code tells it those of validation as well, which is a leak
    and is left out. Starts as uniform over groups.

    Args:
        bank: The problems, with groups: their sources.
        seed: Seed of the draws.
        window: Rollouts that L is the mean of.
        temperature: :math:`\tau`, in the unit of the signal.
        signal: What rewards a group.

    Returns:
        The curriculum.

    Raises:
        ValueError: If the bank has no groups, or a setting is out of its range.

    Source: Wang et al., "DUMP: Automated Distribution-Level Curriculum Learning for RL-based LLM Post-training", arXiv
    2504.09710.

    >>> curriculum = dump(ProblemBank(["1+1=", "3*4=", "12*34="], groups=["add", "mul", "mul"]))
    >>> curriculum.bandit.probabilities().tolist()
    [0.5, 0.5]
    """
    arms = group_arms(bank)
    bandit = ActionValueBandit(
        RolloutWindow(len(arms), window=window), UpperConfidence(temperature), capacity=arms.sizes
    )
    return Curriculum(bank, bandit, signal, arms=arms, name="dump", seed=seed)


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

    Returns:
        The curriculum.

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
    arms = group_arms(bank)
    online = variant == "online"
    estimate = LearningProgress(len(arms), rate=rate) if online else ScoreSlope(len(arms), length=length)
    bandit = ActionValueBandit(estimate, exploration, capacity=arms.sizes, by="magnitude")
    return Curriculum(bank, bandit, signal, arms=arms, name=f"tscl-{variant}", seed=seed)
