"""Rounds per second of another bandit library, measured inside that library's own environment.

The interpreter that runs this script has the rival but not this package, so nothing of it is imported here; `speed`
imports from here instead, which is how all candidates meet the same rewards and the same clock. One line of JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from importlib import metadata
from typing import Any

import numpy as np

__all__ = ["RIVALS", "draw_rewards", "main", "time_rounds"]

#: Plays every round of the reward rows it is given, one row a round.
Play = Callable[[Sequence[Any]], None]

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
    """Play game after game until the time is spent; what `begin` does is not in it.

    Args:
        begin: Given the number of a game, a fresh policy's play and the reward rows of the game.
        seconds: When to stop, looked at every 100 rounds and at the end of a game.

    Returns:
        Rounds played, and the seconds they took.
    """
    rounds, spent, game = 0, 0.0, 0
    while True:
        play, rows = begin(game)
        for first in range(0, len(rows), CHUNK):
            part = rows[first : first + CHUNK]
            start = time.perf_counter()
            play(part)
            spent += time.perf_counter() - start
            rounds += len(part)
            if spent >= seconds:
                return rounds, spent
        game += 1


def _river_exp3(n_arms: int) -> Callable[[], Play]:
    from river import bandit  # type: ignore[import-not-found]

    arms = list(range(n_arms))

    def fresh() -> Play:
        policy = bandit.Exp3(gamma=0.1, seed=0)

        def play(rows: Sequence[Any]) -> None:
            for row in rows:
                arm = policy.pull(arms)
                policy.update(arm, row[arm])

        return play

    return fresh


def _mabwiser_ucb1(n_arms: int) -> Callable[[], Play]:
    from mabwiser.mab import MAB, LearningPolicy  # type: ignore[import-not-found]

    arms = list(range(n_arms))

    def fresh() -> Play:
        policy = MAB(arms, LearningPolicy.UCB1(alpha=1.0))
        policy.fit(arms, [1.0] * n_arms)  # it predicts only after a fit, and never an arm that it has not seen

        def play(rows: Sequence[Any]) -> None:
            for row in rows:
                arm = policy.predict()
                policy.partial_fit([arm], [row[arm]])

        return play

    return fresh


def _smpybandits(make: Callable[[], Any]) -> Callable[[], Play]:
    def fresh() -> Play:
        policy = make()
        policy.startGame()

        def play(rows: Sequence[Any]) -> None:
            for row in rows:
                arm = policy.choice()
                policy.getReward(arm, row[arm])

        return play

    return fresh


def _smpybandits_exp3(n_arms: int) -> Callable[[], Play]:
    from SMPyBandits.Policies import Exp3  # type: ignore[import-not-found]

    return _smpybandits(lambda: Exp3(n_arms, gamma=0.1))


def _smpybandits_ucb(n_arms: int) -> Callable[[], Play]:
    from SMPyBandits.Policies import UCB  # type: ignore[import-not-found]

    return _smpybandits(lambda: UCB(n_arms))


def _smpybandits_discounted_ucb(n_arms: int) -> Callable[[], Play]:
    from SMPyBandits.Policies import DiscountedUCB  # type: ignore[import-not-found]

    return _smpybandits(lambda: DiscountedUCB(n_arms, gamma=0.99))


#: What can be measured: by name, a function of K that returns what makes a fresh policy and returns its play.
RIVALS: dict[str, Callable[[int], Callable[[], Play]]] = {
    "river-exp3": _river_exp3,
    "mabwiser-ucb1": _mabwiser_ucb1,
    "smpybandits-exp3": _smpybandits_exp3,
    "smpybandits-ucb": _smpybandits_ucb,
    "smpybandits-discounted-ucb": _smpybandits_discounted_ucb,
}


def main(argv: Sequence[str] | None = None) -> None:
    """Measure one rival and print one line of JSON: its rounds, seconds, rewards drawn, versions and Python.

    Args:
        argv: Arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("rival", choices=RIVALS, help="what to measure")
    parser.add_argument("--arms", type=int, default=10, help="number of arms")
    parser.add_argument("--runs", type=int, default=100, help="runs, played one after the other")
    parser.add_argument("--horizon", type=int, default=1000, help="rounds of a run")
    parser.add_argument("--seconds", type=float, default=1.0, help="time to play for, after a warm-up of a fifth")
    parser.add_argument("--seed", type=int, default=0, help="seed of the rewards")
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(sys.stderr):  # some rivals print while they are imported
        fresh = RIVALS[arguments.rival](arguments.arms)
        rewards = draw_rewards(arguments.arms, arguments.runs, arguments.horizon, arguments.seed)
        np.random.seed(arguments.seed)  # noqa: NPY002 - SMPyBandits draws from the global generator

        def begin(game: int) -> tuple[Play, Sequence[Any]]:
            # Lists of Python numbers, which these libraries read faster than arrays.
            return fresh(), rewards[:, game % arguments.runs].tolist()

        time_rounds(begin, arguments.seconds / 5)
        rounds, seconds = time_rounds(begin, arguments.seconds)
    versions = {}
    for name in DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    answer = {"rounds": rounds, "seconds": seconds, "rewards": float(rewards.sum()), "versions": versions}
    print(json.dumps({**answer, "python": platform.python_version()}))


if __name__ == "__main__":
    main()
