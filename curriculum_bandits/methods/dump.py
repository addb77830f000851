"""DUMP: a softmax over groups of an upper confidence bound on their mean absolute advantage."""

from __future__ import annotations

from curriculum_bandits.bandits.curriculum.action_values import ActionValueBandit, RolloutWindow, UpperConfidence
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.needs import group_partition
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, absolute_advantage

__all__ = ["dump"]


@method(
    "DUMP",
    paper="arXiv 2504.09710",
    needs=("groups",),
    arms="groups",
    bandit="mean of the last 300 rollouts plus confidence, softmax",
    batch="systematic",
)
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

    Raises:
        ValueError: If the bank has no groups, or a setting is out of its range.

    Source: Wang et al., "DUMP: Automated Distribution-Level Curriculum Learning for RL-based LLM Post-training", arXiv
    2504.09710.

    >>> curriculum = dump(ProblemBank(["1+1=", "3*4=", "12*34="], groups=["add", "mul", "mul"]))
    >>> curriculum.bandit.probabilities().tolist()
    [0.5, 0.5]
    """
    arms = group_partition(bank)
    bandit = ActionValueBandit(
        RolloutWindow(len(arms), window=window), UpperConfidence(temperature), capacity=arms.sizes
    )
    return Curriculum(bank, bandit, signal, arms=arms, name="dump", seed=seed)
