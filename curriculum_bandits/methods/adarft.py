"""AdaRFT: problems around a target difficulty that follows the reward."""

from __future__ import annotations

import numpy as np

from curriculum_bandits.bandits.curriculum.adarft import MovingTarget
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["adarft"]

_PUBLISHED_RANGE = 100.0


@method(
    "AdaRFT",
    paper="arXiv 2504.05520",
    needs=("difficulty",),
    arms="none",
    bandit="a moving target difficulty",
    batch="nearest difficulties",
    laws={"good_and_other": (0.5, 1.0)},
)
def adarft(
    bank: ProblemBank,
    seed: int = 0,
    *,
    target_reward: float = 0.5,
    sensitivity: float = 2.0,
    step: float = 50.0,
    start: float | None = None,
    signal: Signal = success_rate,
) -> Curriculum:
    """The problems nearest to a difficulty that rises with success and falls with failure.

    Greedy: while the target stands still the same problems are drawn again, as published. Problems at the same
    distance are chosen among at random, which is ours.

    Args:
        bank: The problems, with a difficulty each.
        seed: Seed of the choice among ties.
        target_reward: beta, the mean reward at which the target stands still.
        sensitivity: alpha.
        step: eta, for difficulties from 0 to 100; it is rescaled to the range of the bank's.
        start: First target, in the bank's unit; None is its least difficulty: training starts at the easy end.
        signal: What moves the target.

    Raises:
        ValueError: If the bank has no difficulty, or a setting is out of its range.

    Source: Shi et al., "Efficient Reinforcement Finetuning via Adaptive Curriculum Learning", arXiv 2504.05520.

    >>> curriculum = adarft(ProblemBank(["1+1=", "12*3=", "12*34="], difficulty=[0, 50, 100]))
    >>> draw = curriculum.ask(1)
    >>> curriculum.tell(draw, [1.0])
    >>> draw.items, curriculum.ask(1).items
    (array([0]), array([1]))
    """
    if bank.difficulty is None:
        raise ValueError("AdaRFT needs the difficulty of each problem; give ProblemBank difficulty=")
    scale = float(np.ptp(bank.difficulty)) / _PUBLISHED_RANGE if np.all(np.isfinite(bank.difficulty)) else 1.0
    bandit = MovingTarget(
        bank.difficulty, step=step * scale, sensitivity=sensitivity, target_reward=target_reward, start=start
    )
    return Curriculum(bank, bandit, signal, name="adarft", seed=seed)
