"""Let a bandit play an environment: the one loop that tests, benchmarks and examples share."""

from __future__ import annotations

import numpy as np

from curriculum_bandits.bandits.contract import Bandit
from curriculum_bandits.draw import IntArray
from curriculum_bandits.environments.environment import Environment

__all__ = ["play"]


def play(
    bandit: Bandit, environment: Environment, *, runs: int | None = None, plays: int = 1, seed: int = 0
) -> IntArray:
    """Play every round of an environment and learn from the rewards.

    Reward tables depend on the seed and on the run alone, so bandits played with the same seed meet the same rewards.

    Args:
        bandit: The bandit, made for this number of arms and runs.
        environment: Where the rewards come from.
        runs: The bandit's number of independent runs; None for one without a leading axis.
        plays: Plays per round, m.
        seed: Seed of the rewards and of the bandit's draws.

    Returns:
        Played arms, shape (T, m) or (runs, T, m).

    Raises:
        ValueError: If the bandit has another number of arms than the environment.

    >>> from curriculum_bandits.bandits import Oracle
    >>> from curriculum_bandits.environments import besson_1
    >>> problem = besson_1(horizon=5)
    >>> play(Oracle(problem.means), problem)[:, 0]
    array([2, 2, 0, 0, 0])
    """
    if bandit.n_arms != environment.n_arms:
        raise ValueError(f"the bandit has {bandit.n_arms} arms, the environment {environment.n_arms}; make them equal")
    # Far from the streams of the rewards, which are numbered by run.
    rng = np.random.default_rng([seed, 2**32 - 1])
    rounds = []
    for block in environment.reward_blocks(seed, 1 if runs is None else runs):
        table = block[0] if runs is None else block
        for t in range(block.shape[1]):
            selection = bandit.select(plays, rng)
            values = np.take_along_axis(table[..., t, :], selection.arms, axis=-1)
            bandit.update(selection.arms, selection.inclusion, values)
            rounds.append(selection.arms)
    return np.stack(rounds, axis=-2)
