"""SEC, the self-evolving curriculum: a softmax over groups of their mean absolute advantage."""

from __future__ import annotations

from curriculum_bandits.bandits.curriculum.action_values import ActionValueBandit, Boltzmann, ExponentialAverage
from curriculum_bandits.bandits.curriculum.action_values.estimates import Unheard
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.needs import group_partition
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, absolute_advantage

__all__ = ["sec"]


@method(
    "SEC",
    paper="arXiv 2505.14970",
    needs=("groups",),
    arms="groups, shuffled lists inside",
    bandit="moving average, softmax",
    batch="systematic",
)
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

    Raises:
        ValueError: If the bank has no groups, or a setting is out of its range.

    Source: Chen et al., "Self-Evolving Curriculum for LLM Reasoning", arXiv 2505.14970.

    >>> curriculum = sec(ProblemBank(["1+1=", "3*4=", "12*34="], groups=["add", "mul", "mul"]))
    >>> draw = curriculum.ask(3)
    >>> curriculum.tell(draw, [1.0 if item == 0 else 0.0 for item in draw.items])
    >>> curriculum.bandit.values.tolist()
    [0.5, 0.0]
    """
    arms = group_partition(bank, within="epochs")
    estimate = ExponentialAverage(len(arms), rate=rate, unheard=unheard)
    bandit = ActionValueBandit(estimate, Boltzmann(temperature), capacity=arms.sizes)
    return Curriculum(bank, bandit, signal, arms=arms, name="sec", seed=seed)
