"""Prioritized level replay: problems whose advantages were large, and those not seen for long."""

from __future__ import annotations

from curriculum_bandits.bandits.curriculum.plr import PrioritizedLevels
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, absolute_advantage

__all__ = ["plr"]


@method(
    "PLR",
    paper="arXiv 2010.03934",
    bandit="ranks and staleness",
    signal="absolute advantage, a critic's where there is one",
    batch="systematic",
)
def plr(
    bank: ProblemBank,
    seed: int = 0,
    *,
    temperature: float = 0.1,
    staleness: float = 0.1,
    signal: Signal = absolute_advantage,
) -> Curriculum:
    """New problems as long as there are any, and replays by rank of score and by staleness.

    The score of a problem is the mean absolute advantage of its rollouts: a critic's (GAE) where the learner reports
    it, as published, else that of comparing the rollouts of a problem.

    Args:
        bank: The problems (levels).
        seed: Seed of the draws.
        temperature: beta: replays are proportional to rank to the power of -1/beta.
        staleness: rho, the share of replays that goes by how long ago a problem was seen.
        signal: What scores a problem.

    Raises:
        ValueError: If a setting is out of its range.

    Source: Jiang, Grefenstette, Rocktäschel, "Prioritized Level Replay", arXiv 2010.03934; how batches of distinct
    problems are drawn is said in `PrioritizedLevels`.

    >>> curriculum = plr(ProblemBank(["maze 1", "maze 2", "maze 3"]))
    >>> curriculum.tell(curriculum.ask(2), [0.3, 0.1])
    >>> round(curriculum.diagnostics()["seen"], 3)
    0.667
    """
    bandit = PrioritizedLevels(len(bank), temperature=temperature, staleness=staleness)
    return Curriculum(bank, bandit, signal, name="plr", seed=seed)
