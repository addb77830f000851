"""All trials of one policy on one instance, put together: what tables and figures are made from.

One such group is in memory at a time; of a family of thousands nothing else would fit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import stats

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.environments import Environment
from curriculum_bandits.regret import dynamic_regret, earned_by_distribution

from ..harness.trials import Trial
from .instances import Instance
from .play import Place, Result
from .policies import Bound, Choice

__all__ = ["NOTIONS", "Group", "Played", "groups", "mean_interval"]

#: The notions of regret, in the order of the tables.
NOTIONS = ("dynamic", "external")


@dataclass(frozen=True)
class Played:
    """One policy on one instance: all its runs.

    Attributes:
        choice: The policy.
        bound: What a theorem says of it there, or None.
        seed: Seed of each run, shape (n,).
        run: Number of each run within its seed, shape (n,).
        rounds: Rounds at which regret was kept, shape (C,).
        dynamic: Dynamic pseudo-regret, shape (n, C).
        external: External pseudo-regret, shape (n, C).
        shares: Share of the plays that each arm got in each window, over all runs, shape (C, K).
        seconds: Seconds of one core.
    """

    choice: Choice
    bound: Bound | None
    seed: IntArray
    run: IntArray
    rounds: IntArray
    dynamic: FloatArray
    external: FloatArray
    shares: FloatArray
    seconds: float

    def regret(self, notion: str) -> FloatArray:
        """The curves of one notion.

        Args:
            notion: One of `NOTIONS`.

        Returns:
            Shape (n, C).
        """
        return self.dynamic if notion == "dynamic" else self.external

    @property
    def rounds_per_second(self) -> float:
        """Rounds of a run that one core plays in a second, all runs counted."""
        return len(self.run) * int(self.rounds[-1]) / self.seconds


@dataclass(frozen=True)
class Group:
    """One instance and all policies on it.

    Attributes:
        instance: The instance.
        plays: Plays a round.
        played: One entry per policy, in the order of the command.
    """

    instance: Instance
    plays: int
    played: Sequence[Played]

    @cached_property
    def environment(self) -> Environment:
        """The instance, made."""
        return self.instance.environment()

    @cached_property
    def uniform_regret(self) -> float:
        """Expected dynamic regret of uniform play, exactly: the 1 of the normalised score."""
        means = self.environment.means
        share = np.full(means.shape, 1.0 / means.shape[1])
        return float(
            dynamic_regret(means, earned_by_distribution(means, share, plays=self.plays), plays=self.plays)[-1]
        )


def groups(every: Iterable[Place], load: Callable[[Trial], Result | None]) -> Iterator[Group]:
    """Put the results of a benchmark together, an instance at a time.

    Args:
        every: All places, those of one instance together.
        load: Finds the result of a trial.

    Yields:
        One group for each instance.

    Raises:
        RuntimeError: If a result is not there.
    """
    for instance, of_instance in itertools.groupby(every, key=lambda place: place.instance):
        environment, played, plays = instance.environment(), [], 1
        for place in of_instance:
            choice, plays = place.choice, place.trials[0].setting.plays
            bound = choice.policy.theorem(environment, plays=plays, settings=dict(choice.settings))
            played.append(_together(place, bound, load))
        yield Group(instance, plays, played)


def mean_interval(values: npt.ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Mean, standard deviation and 95 % interval of the mean by Student's t, over the first axis.

    Args:
        values: Independent observations, shape (n, ...).

    Returns:
        Mean, standard deviation, lower and upper end, shape (...); of a single observation all but the mean are nan.

    >>> [float(x.round(3)) for x in mean_interval([1.0, 2.0, 3.0])]
    [2.0, 1.0, -0.484, 4.484]
    """
    table = np.asarray(values, dtype=np.float64)
    mean = np.mean(table, axis=0) if len(table) else np.full(table.shape[1:], np.nan)
    if len(table) < 2:
        none = np.full(mean.shape, np.nan)
        return mean, none, none, none
    deviation = np.std(table, axis=0, ddof=1)
    half = stats.t.ppf(0.975, len(table) - 1) * deviation / np.sqrt(len(table))
    return mean, deviation, mean - half, mean + half


def _together(place: Place, bound: Bound | None, load: Callable[[Trial], Result | None]) -> Played:
    loaded = [load(trial) for trial in place.trials]
    results = [result for result in loaded if result is not None]
    if len(results) < len(loaded):
        raise RuntimeError(
            f"a result of {place.choice.label} on {place.instance.label} is gone; give the command again"
        )
    blocks = [trial.setting for trial in place.trials]
    counts = np.array([block.last - block.first for block in blocks])
    return Played(
        place.choice,
        bound,
        seed=np.repeat([trial.seed for trial in place.trials], counts),
        run=np.concatenate([np.arange(block.first, block.last) for block in blocks]),
        rounds=results[0].rounds,
        dynamic=np.concatenate([result.dynamic for result in results]),
        external=np.concatenate([result.external for result in results]),
        shares=np.average([result.shares for result in results], axis=0, weights=counts),
        seconds=sum(result.seconds for result in results),
    )
