"""Exponential weights over groups of problems, rewarded by progress: the automated curriculum of Graves and others."""

from __future__ import annotations

from curriculum_bandits.bandits import GravesExp3S
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.needs import group_partition
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, policy_improvement

__all__ = ["graves"]


@method(
    "Exp3.S",
    paper="arXiv 1704.03003",
    needs=("groups",),
    arms="groups",
    bandit="shared exponential weights",
    signal="policy improvement, rescaled by percentiles",
    batch="systematic",
    laws={"rounds_to_learn": 1500},
)
def graves(
    bank: ProblemBank,
    seed: int = 0,
    *,
    step: float = 1e-3,
    mixing: float = 0.05,
    sharing: float = 1e-3,
    bonus: float = 0.0,
    history: int = 1000,
    signal: Signal = policy_improvement,
) -> Curriculum:
    r"""Exp3.S over groups, on progress measured against the percentiles of its own history.

    The paper plays one task a step and rewards it with progress per unit cost; one of its measures is the fall of the
    loss on the batch that was just learned from (prediction gain). For a policy that is the rise of its expected reward
    on the problems just trained on, so the default signal is policy improvement (our choice); every problem counts as
    the same cost. Here a batch is m plays at once: probabilities are held below the share that a
    group can fill, and estimates divide by the expected number of plays. Batches of one problem are the published
    rule, but for the sharing rate. Starts as uniform over groups.

    Args:
        bank: The problems, with two groups or more: the tasks.
        seed: Seed of the draws.
        step: :math:`\eta`; the published value is small, and takes thousands of steps to matter.
        mixing: :math:`\epsilon`, the share of uniform exploration.
        sharing: :math:`\alpha`, a constant; the published rate 1/t vanishes, after which nothing is forgotten. 0 is
            Exp3.
        bonus: :math:`\beta`.
        history: Latest utilities that the 20th and 80th percentiles are taken over.
        signal: The progress on a problem, in any unit.

    Raises:
        ValueError: If the bank has no groups or only one, or a setting is out of its range.

    Source: Graves et al., "Automated Curriculum Learning for Neural Networks", arXiv 1704.03003.

    >>> curriculum = graves(ProblemBank(["1+1=", "3*4=", "12*34="], groups=["add", "mul", "mul"]))
    >>> curriculum.bandit.probabilities().tolist(), curriculum.ask(3).inclusion.round(6).tolist()
    ([0.5, 0.5], [1.0, 1.0, 1.0])
    """
    arms = group_partition(bank)
    if len(arms) < 2:
        raise ValueError(f"the bank has one group, {bank.group_names[0]!r}; give ProblemBank groups= of two or more")
    bandit = GravesExp3S(
        len(arms),
        step=step,
        mixing=mixing,
        sharing=sharing,
        bonus=bonus,
        history=history,
        capacity=arms.sizes,
    )
    return Curriculum(bank, bandit, signal, arms=arms, name="graves", seed=seed)
