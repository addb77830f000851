"""Mirror descent on policy improvement with one weight per problem or per group, without a network.

The bandit of ACTOR-CURATOR in its tabular form: what it learns about a group it applies to all its problems.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from curriculum_bandits.bandits import Osmd, ScaleFree
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.needs import group_partition
from curriculum_bandits.methods.registry import method
from curriculum_bandits.sampling.partition import Partition
from curriculum_bandits.settings import Settings
from curriculum_bandits.signals import Signal, policy_improvement

__all__ = ["osmd"]

_FORGETFUL = ScaleFree(memory=5)  # a learner drifts, so the step must not vanish
_SHARES = {"groups": 0.1, "problems": 0.02}  # as the memory, found on simulated students (docs: every method)


@method(
    "OSMD",
    paper="arXiv 2602.20532, tabular",
    arms="groups or problems",
    bandit="mirror descent",
    batch="systematic",
)
def osmd(
    bank: ProblemBank,
    arms: Literal["groups", "problems"] | None = None,
    seed: int = 0,
    *,
    floor: float = 0.1,
    share: float | None = None,
    step: float | ScaleFree = _FORGETFUL,
    utility_range: tuple[float, float] | None = None,
    signal: Signal = policy_improvement,
) -> Curriculum:
    """Online stochastic mirror descent over groups of problems, or over single problems.

    It starts as uniform over problems. Problems within a group are drawn without replacement and uniformly.

    Args:
        bank: The problems.
        arms: ``"groups"`` learns one weight per group of the bank, ``"problems"`` one per problem; None takes groups
            where the bank has them.
        seed: Seed of the draws.
        floor: Share of the uniform distribution that exploration keeps, alpha in [0, 1).
        share: Part of the distribution that returns to uniform after each update (fixed share), in [0, 1). By default
            0.1 for groups, and 0.02 for single problems, which are heard of more rarely.
        step: Constant step size, or a scale-free rule.
        utility_range: (lo, hi) of bounded utilities, for the loss form that carries the bounds; None is scale-free.
        signal: What rewards the bandit; policy improvement by default.

    Raises:
        ValueError: If groups are asked for and the bank has none.

    >>> bank = ProblemBank(["1+1=", "3*4=", "12*34="], groups=["add", "mul", "mul"])
    >>> osmd(bank, arms="groups").bandit.probabilities().round(3)
    array([0.333, 0.667])
    """
    if arms is None:
        arms = "problems" if bank.groups is None else "groups"
    if arms not in ("groups", "problems"):
        raise ValueError(f"arms={arms!r} is unknown; choose 'groups' or 'problems'")
    if arms == "problems":
        partition = Partition(np.arange(len(bank)))
    else:
        partition = group_partition(bank, otherwise="use arms='problems'")
    share = _SHARES[arms] if share is None else share
    bandit = Osmd(
        len(partition),
        capacity=partition.sizes,
        prior=partition.sizes / len(bank),
        floor=floor,
        share=share,
        step=step,
        utility_range=utility_range,
    )
    curriculum = Curriculum(bank, bandit, signal, arms=partition, name="osmd", seed=seed)
    curriculum.settings = Settings({"arms": arms, "share": share})
    return curriculum
