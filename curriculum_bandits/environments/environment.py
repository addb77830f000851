"""A non-stationary bandit whose means are known: a table of means, and tables of rewards drawn from it.

Rewards are drawn before anybody plays, so that all policies meet the same ones and their difference is theirs alone.
Every run has a random stream of its own, so a thousand long runs need not be in memory at once.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.environments.noise import BERNOULLI, Noise

__all__ = ["Environment", "run_generator"]


def run_generator(seed: int, run: int) -> np.random.Generator:
    """The random stream of a run, by its number: fresh at every call, and independent of those of all other runs.

    >>> run_generator(0, 7).random() == run_generator(0, 7).random() != run_generator(0, 8).random()
    True
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(run,)))


@dataclass(frozen=True, eq=False)
class Environment:
    """K arms whose means change over T rounds, whatever is played. Read-only.

    Attributes:
        means: Mean reward of each arm in each round, shape (T, K), in [0, 1]; round t of a paper is row t - 1.
        name: Name for tables and figures.
        noise: How a mean becomes a reward.

    Raises:
        ValueError: If the means are not such a table.

    >>> environment = Environment([[0.1, 0.9], [0.1, 0.9], [0.8, 0.9]], name="rising")
    >>> environment.horizon, environment.n_arms, environment.change_points
    (3, 2, array([2]))
    >>> environment.rewards(np.random.default_rng(0), runs=5).shape
    (5, 3, 2)
    """

    means: FloatArray
    name: str
    noise: Noise = BERNOULLI

    def __post_init__(self) -> None:
        """Copy the means, check and lock them."""
        means = np.array(self.means, dtype=np.float64)
        if means.ndim != 2 or means.size == 0:
            raise ValueError(f"means has shape {means.shape}; it must be (rounds, arms), at least one of each")
        bad = ~((means >= 0.0) & (means <= 1.0))
        if np.any(bad):
            t, k = (int(i) for i in np.argwhere(bad)[0])
            raise ValueError(f"the mean of arm {k} in row {t} is {means[t, k]}; rescale the means to [0, 1]")
        means.setflags(write=False)
        object.__setattr__(self, "means", means)

    @property
    def horizon(self) -> int:
        """Number of rounds, T."""
        return len(self.means)

    @property
    def n_arms(self) -> int:
        """Number of arms, K."""
        return int(self.means.shape[1])

    @property
    def change_points(self) -> IntArray:
        """Rows whose means differ from the row before, ascending, shape (S,)."""
        return np.flatnonzero(np.any(np.diff(self.means, axis=0) != 0.0, axis=1)) + 1

    def rewards(self, rng: np.random.Generator, runs: int | None = None) -> FloatArray:
        """Draw the rewards of every arm in every round.

        Args:
            rng: Source of randomness. To draw run r of `reward_blocks`, pass ``run_generator(seed, r)``.
            runs: Number of independent runs; None for one, without a leading axis. All are in memory at once,
                8 T K bytes each.

        Returns:
            Rewards, shape (T, K) or (runs, T, K).

        Raises:
            ValueError: If runs is below 1.
        """
        if runs is None:
            return self.noise.draw(self.means, rng)
        if operator.index(runs) < 1:
            raise ValueError(f"runs is {runs}; give at least 1, or None for a single table")
        return self.noise.draw(np.broadcast_to(self.means, (runs, *self.means.shape)), rng)

    def reward_blocks(self, seed: int, runs: int | Sequence[int], rounds: int = 1000) -> Iterator[FloatArray]:
        """Draw the same rewards a block of rounds at a time, for many runs side by side.

        A run's rewards depend on the seed and its own number alone: neither on `rounds` nor on which other runs are
        drawn beside it, so runs can be split among processes, and policies compared one after the other.

        Args:
            seed: Seed of the experiment.
            runs: Number of runs, or the numbers of those that are wanted, such as ``range(100, 200)``.
            rounds: Rounds per block; a block takes ``8 * runs * rounds * K`` bytes.

        Yields:
            Rewards, shape (runs, rounds, K), the last block perhaps shorter. Concatenated along axis 1, run r is
            ``rewards(run_generator(seed, r))``.

        Raises:
            ValueError: If there is no run, or rounds is below 1.

        >>> environment = Environment(np.full((2500, 3), 0.5), name="coins")
        >>> [block.shape for block in environment.reward_blocks(seed=0, runs=4)]
        [(4, 1000, 3), (4, 1000, 3), (4, 500, 3)]
        """
        numbers = runs if isinstance(runs, Sequence) else range(operator.index(runs))
        if len(numbers) == 0 or operator.index(rounds) < 1:
            raise ValueError(f"runs is {runs} and rounds {rounds}; at least one run and one round are needed")
        return self._blocks([run_generator(seed, run) for run in numbers], rounds)

    def _blocks(self, streams: list[np.random.Generator], rounds: int) -> Iterator[FloatArray]:
        for start in range(0, self.horizon, rounds):
            means = self.means[start : start + rounds]
            yield np.stack([self.noise.draw(means, rng) for rng in streams])
