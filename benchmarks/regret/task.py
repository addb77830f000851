"""One task: a policy plays a block of runs of an instance, and what is worth keeping is kept.

A table of every round would be gigabytes, so regret is kept at some two hundred rounds and the plays as shares of the
windows between them. The result depends on the task alone, not on where it runs or beside what.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.environments import Environment, play
from curriculum_bandits.regret import comparator_earnings, earned_by_batches

from .instances import Instance
from .policies import Choice

__all__ = ["Result", "Task", "Work", "checkpoint_rounds", "plan", "run_work"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_FORMAT = 2  # raise it when a task keeps something else, or when play, rewards or regret of all policies change


@dataclass(frozen=True)
class Work:
    """All that a worker needs: nothing on it refers to a file or to this machine.

    Attributes:
        environment: The instance.
        choice: The policy.
        seed: Of rewards and draws.
        plays: Plays a round, m.
        first: Number of the first run.
        last: One more than the number of the last.
        checkpoints: At how many rounds regret is kept.
    """

    environment: Environment
    choice: Choice
    seed: int
    plays: int
    first: int
    last: int
    checkpoints: int


@dataclass(frozen=True)
class Task:
    """A piece of work by its recipe, and the name its result is stored under.

    Attributes:
        instance: The instance.
        choice: The policy.
        seed: Of rewards and draws.
        plays: Plays a round, m.
        first: Number of the first run.
        last: One more than the number of the last.
        checkpoints: At how many rounds regret is kept.
    """

    instance: Instance
    choice: Choice
    seed: int
    plays: int
    first: int
    last: int
    checkpoints: int

    @property
    def rounds(self) -> int:
        """Rounds of all its runs."""
        return (self.last - self.first) * self.instance.horizon

    def digest(self) -> str:
        """A name made of what determines the result: equal tasks have equal names, others other ones.

        It contains the means, the noise with its settings, and the policy with its settings, defaults and revision. For
        a policy given by its import path the revision is a digest of its file; the modules that such a file imports are
        not watched, nor are the code of a custom noise and the versions of packages.
        """
        identity = [
            _FORMAT,
            self.instance.digest,
            self.choice.identity(),
            self.seed,
            self.plays,
            [self.first, self.last],
            self.checkpoints,
        ]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]

    def work(self, environment: Environment) -> Work:
        """What a worker needs to carry it out.

        Args:
            environment: The instance, made.

        Returns:
            The work.
        """
        return Work(environment, self.choice, self.seed, self.plays, self.first, self.last, self.checkpoints)


@dataclass(frozen=True)
class Result:
    """What a task brought.

    Attributes:
        rounds: Rounds at which regret was kept, the last being the horizon, shape (C,).
        dynamic: Dynamic pseudo-regret of each run after each of these rounds, shape (runs, C).
        external: External pseudo-regret, shape (runs, C).
        shares: Share of the plays that each arm got since the round before in `rounds`, over all runs, shape (C, K).
        seconds: Seconds that it took on one core.
    """

    rounds: IntArray
    dynamic: FloatArray
    external: FloatArray
    shares: FloatArray
    seconds: float

    def state(self) -> dict[str, Any]:
        """As arrays and numbers, to be stored."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


def plan(
    instances: Sequence[Instance],
    choices: Sequence[Choice],
    *,
    seeds: Sequence[int],
    runs: int,
    block: int,
    plays: int,
    checkpoints: int,
) -> list[Task]:
    """Every task of a benchmark.

    Args:
        instances: The instances.
        choices: The policies.
        seeds: Seeds.
        runs: Runs of each policy on each instance with each seed.
        block: Runs a task; the last has fewer where it does not divide them.
        plays: Plays a round.
        checkpoints: At how many rounds regret is kept.

    Returns:
        The tasks, those of one instance together.
    """
    return [
        Task(instance, choice, seed, plays, first, min(first + block, runs), checkpoints)
        for instance in instances
        for choice in choices
        for seed in seeds
        for first in range(0, runs, block)
    ]


def checkpoint_rounds(horizon: int, count: int) -> IntArray:
    """Rounds at which regret is kept: evenly spaced, the last always among them.

    Args:
        horizon: Rounds T.
        count: How many, or all where there are fewer.

    Returns:
        Rounds from 1 to T, increasing.

    >>> checkpoint_rounds(10, 4)
    array([ 2,  5,  7, 10])
    """
    count = min(count, horizon)
    return np.asarray(np.arange(1, count + 1) * horizon // count, dtype=np.int64)


def run_work(work: Work) -> Result:
    """Play, and measure.

    Args:
        work: What to do.

    Returns:
        Regret and plays.

    Raises:
        RuntimeError: If the policy fails; the message says on what, the cause is what it raised.
    """
    environment, runs, plays = work.environment, range(work.first, work.last), work.plays
    begin = time.perf_counter()
    try:
        bandit = work.choice.policy.bandit(environment, len(runs), plays=plays, settings=dict(work.choice.settings))
        played = play(bandit, environment, runs=runs, plays=plays, seed=work.seed)
    except Exception as error:
        raise RuntimeError(
            f"policy {work.choice.label} failed on {environment.name} (seed {work.seed}, runs {work.first} to "
            f"{work.last - 1}): {type(error).__name__}: {error}"
        ) from error
    seconds = time.perf_counter() - begin
    rounds = checkpoint_rounds(environment.horizon, work.checkpoints)
    kept = rounds - 1
    best_fixed, best_of_round = (each[kept] for each in comparator_earnings(environment.means, plays=plays))
    # One run at a time: all together would take as much memory as the play itself.
    gained = np.stack([np.cumsum(earned_by_batches(environment.means, arms))[kept] for arms in played])
    return Result(
        rounds, best_of_round - gained, best_fixed - gained, _shares(played, rounds, environment.n_arms), seconds
    )


def _shares(played: IntArray, rounds: IntArray, n_arms: int) -> FloatArray:
    window = np.searchsorted(rounds, np.arange(1, rounds[-1] + 1))[:, None] * n_arms
    counts = np.zeros(len(rounds) * n_arms, dtype=np.int64)
    for arms in played:
        counts += np.bincount((window + arms).ravel(), minlength=len(counts))
    by_window = counts.reshape(len(rounds), n_arms)
    return np.asarray(by_window / np.sum(by_window, axis=1, keepdims=True))
