"""Many plays a round of arms that hold only so many problems.

A rule that says how likely each arm should be says nothing of batches. An arm of 3 problems gets at most 3 of the m
plays of a round, so its probability is at most 3 / m, and what it cannot take goes to the other arms in proportion.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.arrays import play_distinct
from curriculum_bandits.bandits.contract import FloatArray, Selection
from curriculum_bandits.projection import kl_projection

__all__ = ["Capacity"]


class Capacity:
    """How often each arm can be played in one round.

    Args:
        n_arms: Number of arms K.
        capacity: Plays that each arm can take in one round: a number or shape (K,), at least 1. For arms that are
            groups the number of their problems.

    Raises:
        ValueError: If there is no arm, or one without capacity.

    >>> Capacity(2, [1, 9]).projected(np.log([0.5, 0.5]), plays=4)
    array([0.25, 0.75])
    """

    def __init__(self, n_arms: int, capacity: npt.ArrayLike = 1.0) -> None:
        if n_arms < 1:
            raise ValueError(f"n_arms is {n_arms}; a bandit needs at least one arm")
        self._each: FloatArray = np.array(capacity, dtype=np.float64)  # one number for all arms, or one of each
        self._total = float(np.sum(np.broadcast_to(self._each, (n_arms,))))
        if not np.all(self._each >= 1):
            raise ValueError(f"a capacity is {np.min(self._each)}; every arm must take at least 1 play a round")

    def check(self, plays: int) -> None:
        """Refuse a number of plays that the arms cannot take.

        Args:
            plays: Plays in one round, m.

        Raises:
            ValueError: If it is below 1, or above what all arms together hold.
        """
        if not 1 <= plays <= self._total:
            raise ValueError(
                f"{plays} plays are asked for but all arms together can be played {self._total:.0f} times a round; "
                "ask for 1 to that"
            )

    def projected(self, log_weights: FloatArray, plays: int) -> FloatArray:
        """The distribution nearest to the weights (in KL divergence) that can be played so many times a round.

        Args:
            log_weights: Log of the weights, shape (..., K).
            plays: Plays m, as `check` grants them.

        Returns:
            p, shape (..., K), with ``m p`` at most the capacity.
        """
        cap = self._each / plays
        return kl_projection(log_weights, 0.0, 1.0 if np.all(cap >= 1.0) else np.minimum(cap, 1.0))

    def play(self, probability: FloatArray, plays: int, rng: np.random.Generator) -> Selection:
        """Play each arm ``m p`` times, rounded up or down.

        Args:
            probability: What `projected` returned for so many plays.
            plays: Plays m.
            rng: Source of randomness.

        Returns:
            Arms, p and ``m p`` of each, shape (..., m).
        """
        return play_distinct(probability, plays, rng, self._each)
