"""Restarts at rounds that are known: one bandit that is told when the world changes, no upper limit on the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.contract import ArrayLike, Bandit, Extra, IntArray, RandomizedBandit, Selection
from curriculum_bandits.state import Count, Field, Part, Stateful

__all__ = ["RestartedAt"]


class RestartedAt(Stateful, Bandit):
    """Any bandit, made fresh again after the given numbers of rounds.

    At the change points of an environment this is the oracle with restarts. It forgets arms that have not changed too,
    so a bandit that is told nothing can do better.

    Args:
        bandit: The bandit, fresh; what it is now it will be again.
        rounds: Numbers of rounds after which it restarts, each at least 1.

    >>> from curriculum_bandits.bandits import epsilon_greedy
    >>> bandit = RestartedAt(epsilon_greedy(2, epsilon=0.0), [2])
    >>> for _ in range(2):
    ...     bandit.update(Selection([1], None, None), [1.0])
    >>> bandit.probabilities()  # as in the first round
    array([1., 0.])
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_updates": Count(), "bandit": Part()}

    def __init__(self, bandit: Bandit, rounds: Iterable[int]) -> None:
        self.bandit, self.rounds = bandit, tuple(sorted(int(t) for t in rounds))
        if self.rounds and self.rounds[0] < 1:
            raise ValueError(f"a restart after {self.rounds[0]} rounds is asked for; give numbers of at least 1")
        self.n_arms = bandit.n_arms
        self._fresh = bandit.state_dict()
        self._updates = 0
        if isinstance(bandit, RandomizedBandit):  # it tells probabilities if and only if the bandit does
            self.probabilities = bandit.probabilities

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        return self.bandit.select(size, rng, candidates)

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        self.bandit.update(selection, values, counts=counts, kl=kl, cost=cost)
        self._updates += 1
        if self._updates in self.rounds:
            self.bandit.load_state_dict(self._fresh)
