"""Restarts at rounds that are known: one bandit that is told when the world changes, no upper limit on the others."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from curriculum_bandits.bandits.arrays import require_kind
from curriculum_bandits.bandits.contract import Bandit, FloatArray, IntArray, RandomizedBandit, Selection

__all__ = ["RestartedAt"]


class RestartedAt:
    """Any bandit, made fresh again after the given numbers of rounds.

    At the change points of an environment this is the oracle with restarts. It forgets arms that have not changed too,
    so a bandit that is told nothing can do better.

    Args:
        bandit: The bandit, fresh; what it is now it will be again.
        rounds: Numbers of rounds after which it restarts, each at least 1.

    Attributes:
        n_arms: Number of arms K.
        bandit: As given.
        rounds: As given, in order.

    Raises:
        ValueError: If one of the rounds is below 1.

    >>> from curriculum_bandits.bandits import epsilon_greedy
    >>> bandit = RestartedAt(epsilon_greedy(2, epsilon=0.0), [2])
    >>> for _ in range(2):
    ...     bandit.update([1], None, [1.0])
    >>> bandit.probabilities()  # as in the first round
    array([1., 0.])
    """

    def __init__(self, bandit: Bandit, rounds: Iterable[int]) -> None:
        self.bandit, self.rounds = bandit, tuple(sorted(int(t) for t in rounds))
        if self.rounds and self.rounds[0] < 1:
            raise ValueError(f"a restart after {self.rounds[0]} rounds is asked for; give numbers of at least 1")
        self.n_arms = bandit.n_arms
        self._fresh = copy.deepcopy(bandit.state_dict())
        self._updates = 0
        if isinstance(bandit, RandomizedBandit):  # it tells probabilities if and only if the bandit does
            self.probabilities = bandit.probabilities

    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        """Let the bandit play.

        Args:
            size: Plays in this round, m.
            rng: Source of randomness.
            candidates: Arms to choose among, or None for all.

        Returns:
            What the bandit returns.
        """
        return self.bandit.select(size, rng, candidates)

    def update(self, arms: IntArray, inclusion: FloatArray | None, values: FloatArray) -> None:
        """Let the bandit learn, and make it fresh if it is time.

        Args:
            arms: Arms that answered, shape (..., m).
            inclusion: Their number to divide by when they were drawn, shape (..., m), or None.
            values: Their utilities, shape (..., m).
        """
        self.bandit.update(arms, inclusion, values)
        self._updates += 1
        if self._updates in self.rounds:
            self.bandit.load_state_dict(self._fresh)

    def state_dict(self) -> dict[str, Any]:
        """The bandit's state and the number of rounds."""
        return {"kind": "restarted_at", "rounds": self._updates, "bandit": self.bandit.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned.

        Raises:
            ValueError: If the state is of another kind of bandit.
        """
        require_kind(state, "restarted_at")
        updates = int(state["rounds"])
        self.bandit.load_state_dict(state["bandit"])
        self._updates = updates
