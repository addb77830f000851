"""Difficulty pools: problems by the weight of the pool that their latest success rate puts them in."""

from __future__ import annotations

from collections.abc import Sequence

from curriculum_bandits.bandits.curriculum.difficulty_pools import DifficultyPools
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["difficulty_pools"]


@method(
    "difficulty pools",
    paper="prime-rl",
    bandit="pools by latest result",
    batch="uniform within a pool",
    laws={"good_and_other": (0.5, 0.0)},
)
def difficulty_pools(
    bank: ProblemBank,
    seed: int = 0,
    *,
    boundaries: tuple[float, float] = (0.0, 1.0),
    weights: Sequence[float] = (0.1, 1.0, 0.1),
    unseen_weight: float = 1.0,
    signal: Signal = success_rate,
) -> Curriculum:
    """Problems in proportion to the weight of their pool: hard, normal, easy or not seen yet.

    Args:
        bank: The problems.
        seed: Seed of the draws.
        boundaries: A problem is hard whose latest success rate is at most the first, easy if at least the second. The
            default sets apart those that never or always succeed.
        weights: Of hard, normal and easy problems, each above 0. The default is ours: prime-rl draws normal problems
            alone, and so drains; here problems move both ways between pools.
        unseen_weight: Of a problem that has not answered yet.
        signal: What sorts problems into pools.

    Raises:
        ValueError: If the boundaries do not ascend, or a weight is not above 0.

    Source: the difficulty pools of prime-rl's orchestrator (github.com/PrimeIntellect-ai/prime-rl).

    >>> curriculum = difficulty_pools(ProblemBank(["1+1=", "12*3=", "12*34="]))
    >>> curriculum.tell(curriculum.ask(3), [1.0, 1.0, 1.0])
    >>> curriculum.diagnostics()["pool/easy"]
    1.0
    """
    bandit = DifficultyPools(len(bank), boundaries=boundaries, weights=weights, unseen_weight=unseen_weight)
    return Curriculum(bank, bandit, signal, name="difficulty_pools", seed=seed)
