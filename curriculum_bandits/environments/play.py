"""Let a bandit play an environment: the one loop that tests, benchmarks and examples share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curriculum_bandits._typing import IntArray
from curriculum_bandits.bandits.contract import Bandit
from curriculum_bandits.environments.environment import Environment

__all__ = ["play"]


def play(
    bandit: Bandit,
    environment: Environment,
    *,
    runs: int | Sequence[int] | None = None,
    plays: int = 1,
    seed: int = 0,
) -> IntArray:
    """Play every round of an environment and learn from the rewards.

    Reward tables depend on the seed and on the run alone, so bandits played with the same seed meet the same rewards.
    The bandit's own draws come from one stream for all runs that are played together, which depends on the seed and on
    the first run: a range of runs gives the same result wherever it is played, another split of the runs other draws.

    Args:
        bandit: The bandit, made for this number of arms and runs.
        environment: Where the rewards come from.
        runs: The bandit's number of independent runs, or the numbers of the runs it plays, such as
            ``range(100, 200)``; None for a bandit without a leading axis.
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
    numbers = range(1 if runs is None else runs) if runs is None or isinstance(runs, int | np.integer) else runs
    # Far from the streams of the rewards, which are numbered by run.
    rng = np.random.default_rng([seed, 2**32 - 1, *numbers[:1]])
    count = len(numbers)
    played = np.empty((count, environment.horizon, plays), dtype=np.int64)
    start, t = np.arange(count)[:, None] * environment.n_arms, 0
    for block in environment.reward_blocks(seed, numbers):
        for table in np.ascontiguousarray(np.moveaxis(block, 1, 0)):  # (rounds, runs, K): each round lies together
            selection = bandit.select(plays, rng)
            arms = selection.arms if runs is not None else selection.arms[None]
            values = table.ravel()[start + arms]
            bandit.update(selection, values if runs is not None else values[0])
            played[:, t] = arms
            t += 1
    return played if runs is not None else played[0]
