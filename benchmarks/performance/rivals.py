"""Rounds per second of another bandit library, measured inside that library's own environment.

The interpreter that runs this script has the rival but not this package, so nothing of it is imported here; `bandits`
imports from here instead, which is how all candidates meet the same rewards and the same clock. One line of JSON.
"""

from __future__ import annotations

import contextlib
import json
import platform
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib import metadata
from typing import Any

import numpy as np

__all__ = ["RIVALS", "draw_rewards", "main", "time_rounds"]

#: Plays every round of the reward rows it is given, one row a round.
Play = Callable[[Sequence[Any]], None]
#: What draws an arm, and what learns from an arm and its reward. Bound methods where possible: a function around them
#: would count as the rival's time.
Policy = tuple[Callable[[], Any], Callable[[Any, float], Any]]

CHUNK = 100  # rounds between two looks at the clock
DISTRIBUTIONS = ("river", "mabwiser", "SMPyBandits", "numpy", "scipy")


def draw_rewards(n_arms: int, runs: int, horizon: int, seed: int) -> np.ndarray:
    """Bernoulli rewards with means from 0.1 to 0.9, drawn beforehand so that drawing is in nobody's time.

    Args:
        n_arms: Number of arms K.
        runs: Number of independent runs.
        horizon: Rounds T of a run.
        seed: Seed; the same seed gives the same rewards under every version of numpy that has `default_rng`.

    Returns:
        Rewards, shape (T, runs, K).

    >>> draw_rewards(2, 1, 1, seed=0)
    array([[[0., 1.]]])
    """
    means = np.linspace(0.1, 0.9, n_arms)
    return (np.random.default_rng(seed).random((horizon, runs, n_arms)) < means).astype(np.float64)


def time_rounds(begin: Callable[[int], tuple[Play, Sequence[Any]]], seconds: float) -> tuple[int, float]:
    """Play game after game until the time is spent, after a warm-up of a fifth; what `begin` does is not in it.

    Args:
        begin: Given the number of a game, a fresh policy's play and the reward rows of the game.
        seconds: When to stop, looked at every 100 rounds and at the end of a game.

    Returns:
        Rounds played, and the seconds they took.
    """
    for limit in (seconds / 5, seconds):
        rounds, spent, game = 0, 0.0, 0
        while spent < limit:
            play, rows = begin(game)
            for first in range(0, len(rows), CHUNK):
                part = rows[first : first + CHUNK]
                start = time.perf_counter()
                play(part)
                spent += time.perf_counter() - start
                rounds += len(part)
                if spent >= limit:
                    break
            game += 1
    return rounds, spent


def _river_exp3(n_arms: int) -> Policy:
    from river import bandit  # type: ignore[import-not-found]

    policy = bandit.Exp3(gamma=0.1, seed=0)
    return partial(policy.pull, list(range(n_arms))), policy.update


def _mabwiser_ucb1(n_arms: int) -> Policy:
    from mabwiser.mab import MAB, LearningPolicy  # type: ignore[import-not-found]

    arms = list(range(n_arms))
    policy = MAB(arms, LearningPolicy.UCB1(alpha=1.0))
    policy.fit(arms, [1.0] * n_arms)  # it predicts only after a fit, and never an arm that it has not seen
    return policy.predict, lambda arm, reward: policy.partial_fit([arm], [reward])


def _smpybandits(name: str, n_arms: int, **settings: float) -> Policy:
    from SMPyBandits import Policies  # type: ignore[import-not-found]

    policy = getattr(Policies, name)(n_arms, **settings)
    policy.startGame()
    return policy.choice, policy.getReward


#: What can be measured: by name, a function of K that makes a fresh policy.
RIVALS: dict[str, Callable[[int], Policy]] = {
    "river-exp3": _river_exp3,
    "mabwiser-ucb1": _mabwiser_ucb1,
    "smpybandits-exp3": lambda n_arms: _smpybandits("Exp3", n_arms, gamma=0.1),
    "smpybandits-ucb": lambda n_arms: _smpybandits("UCB", n_arms),
    "smpybandits-discounted-ucb": lambda n_arms: _smpybandits("DiscountedUCB", n_arms, gamma=0.99),
}


def main(rival: str, arms: int, runs: int, horizon: int, seconds: float, seed: int, **_: Any) -> None:
    """Measure one of `RIVALS` and print one line of JSON: its rounds, seconds, rewards drawn, versions and Python."""
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(sys.stderr):  # some rivals print while they are imported
        rewards = draw_rewards(arms, runs, horizon, seed)
        np.random.seed(seed)  # noqa: NPY002 - SMPyBandits draws from the global generator

        def begin(game: int) -> tuple[Play, Sequence[Any]]:
            pull, update = RIVALS[rival](arms)

            def play(rows: Sequence[Any]) -> None:
                for row in rows:
                    arm = pull()
                    update(arm, row[arm])

            # Lists of Python numbers, which these libraries read faster than arrays.
            return play, rewards[:, game % runs].tolist()

        rounds, spent = time_rounds(begin, seconds)
    versions = {}
    for name in DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    answer = {"rounds": rounds, "seconds": spent, "rewards": float(rewards.sum()), "versions": versions}
    print(json.dumps({**answer, "python": platform.python_version()}))


if __name__ == "__main__":
    main(sys.argv[1], **json.loads(sys.argv[2]))
