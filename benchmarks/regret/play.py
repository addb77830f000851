"""One trial: a policy plays a block of runs of an instance, and what is worth keeping is kept.

A table of every round would be gigabytes, so regret is kept at some two hundred rounds and the plays as shares of the
windows between them. The result depends on the trial alone, not on where it is played or beside what.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.environments import Environment, play
from curriculum_bandits.regret import comparator_earnings, earned_by_batches

from ..harness.trials import Trial
from .instances import Instance
from .policies import Choice

__all__ = ["Block", "Place", "Result", "Work", "checkpoint_rounds", "places", "play_work", "read_result"]

_FORMAT = 2  # raise it when a trial keeps something else, or when play, rewards or regret of all policies change


@dataclass(frozen=True)
class Block:
    """The setting of a trial: what a block of runs is played on.

    Attributes:
        instance: Label of the instance.
        horizon: Its rounds.
        digest: Of its means and its noise: what its rewards depend on.
        plays: Plays a round, m.
        first: Number of the first run.
        last: One more than the number of the last.
        checkpoints: At how many rounds regret is kept.
    """

    instance: str
    horizon: int
    digest: str
    plays: int
    first: int
    last: int
    checkpoints: int


@dataclass(frozen=True)
class Work:
    """All that a worker needs: nothing on it refers to a file or to this machine.

    Attributes:
        environment: The instance.
        choice: The policy.
        seed: Of rewards and draws.
        block: Which runs, and what is kept of them.
    """

    environment: Environment
    choice: Choice
    seed: int
    block: Block


@dataclass(frozen=True)
class Place:
    """One policy on one instance: its trials.

    Attributes:
        instance: The instance.
        choice: The policy.
        trials: Block after block, seed after seed.
    """

    instance: Instance
    choice: Choice
    trials: tuple[Trial, ...]

    def work(self, trial: Trial, environment: Environment) -> Work:
        """What a worker needs to play a trial, given the instance as an environment."""
        return Work(environment, self.choice, trial.seed, trial.setting)


def places(
    instances: Sequence[Instance],
    choices: Sequence[Choice],
    *,
    seeds: Sequence[int],
    runs: int,
    block: int,
    plays: int,
    checkpoints: int,
) -> Iterator[Place]:
    """Every policy on every instance.

    Args:
        instances: The instances.
        choices: The policies.
        seeds: Seeds.
        runs: Runs of each policy on each instance with each seed.
        block: Runs a trial; the last has fewer where it does not divide them.
        plays: Plays a round.
        checkpoints: At how many rounds regret is kept.

    Yields:
        The places, those of one instance together.
    """
    revisions = {choice: (_FORMAT, json.dumps(choice.identity())) for choice in choices}
    for instance in instances:
        blocks = [
            Block(
                instance.label, instance.horizon, instance.digest, plays, first, min(first + block, runs), checkpoints
            )
            for first in range(0, runs, block)
        ]
        for choice in choices:
            trials = (Trial(choice.head, each, seed, revisions[choice]) for seed in seeds for each in blocks)
            yield Place(instance, choice, tuple(trials))


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


def read_result(trial: Trial, state: Mapping[str, Any]) -> Result:
    """The result that was stored.

    Args:
        trial: The trial.
        state: What was stored.

    Returns:
        The result.

    Raises:
        ValueError: If it is not a whole one of this trial.
    """
    result, block = Result(**state), trial.setting
    rounds = checkpoint_rounds(block.horizon, block.checkpoints)
    curves = (block.last - block.first, len(rounds))
    if not (
        np.array_equal(result.rounds, rounds)
        and result.dynamic.shape == result.external.shape == curves
        and result.shares.ndim == 2
        and len(result.shares) == len(rounds)
        and isinstance(result.seconds, float)
    ):
        raise ValueError("this is the result of another trial")
    return result


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


def play_work(work: Work) -> Result:
    """Play, and measure.

    Args:
        work: What to do.

    Returns:
        Regret and plays.

    Raises:
        RuntimeError: If the policy fails; the message says on what, the cause is what it raised.
    """
    environment, block, plays = work.environment, work.block, work.block.plays
    runs = range(block.first, block.last)
    begin = time.perf_counter()
    try:
        bandit = work.choice.policy.bandit(environment, len(runs), plays=plays, settings=dict(work.choice.settings))
        played = play(bandit, environment, runs=runs, plays=plays, seed=work.seed)
    except Exception as error:
        raise RuntimeError(
            f"policy {work.choice.label} failed on {environment.name} (seed {work.seed}, runs {block.first} to "
            f"{block.last - 1}): {type(error).__name__}: {error}"
        ) from error
    seconds = time.perf_counter() - begin
    rounds = checkpoint_rounds(environment.horizon, block.checkpoints)
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
