"""What a bandit is here: two methods over arrays, and no knowledge of tickets, banks or signals.

Arms are on the last axis; any leading axes are independent runs that share nothing but the code. `Curriculum`
knows bandits by this contract alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from curriculum_bandits.draw import Feedback

__all__ = [
    "Bandit",
    "CandidateSelection",
    "Curator",
    "Diagnosed",
    "EvidenceBandit",
    "RandomizedBandit",
    "RefusedUtility",
    "Selection",
]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Selection(NamedTuple):
    """Which arms were played, and with what numbers.

    Attributes:
        arms: Played arms, shape (..., m), each as often as it was played.
        probability: The bandit's own p_t of each, shape (..., m).
        inclusion: The number to divide by, shape (..., m), or None where none is known.
    """

    arms: IntArray
    probability: FloatArray
    inclusion: FloatArray | None


class CandidateSelection(NamedTuple):
    """Which arms were played out of a candidate set, and with what numbers: a `Selection` and the set.

    Attributes:
        arms: Played arms, shape (m,).
        probability: The curator's own p_t of each over the candidates, shape (m,).
        inclusion: The number to divide by, given the candidates, shape (m,), or None where none is known.
        candidates: What was chosen among, shape (M,), each arm once.
        candidate_probability: p_t of every candidate, shape (M,); None where the curator did not score them, and then
            nothing can be learned from the selection.
        candidate_inclusion: P(the arm is a candidate), shape (M,), or None where it is not known.
    """

    arms: IntArray
    probability: FloatArray
    inclusion: FloatArray | None
    candidates: IntArray
    candidate_probability: FloatArray | None
    candidate_inclusion: FloatArray | None


class RefusedUtility(ValueError):
    """A utility that a bandit cannot learn from; who knows what the arm stands for can name it.

    Args:
        arm: The arm.
        position: Which of the played arms it was, 0..m-1.
        value: The utility.
        remedy: What to do about it.

    Attributes:
        position: As given.
        value: As given.
        remedy: As given.
    """

    def __init__(self, arm: int, position: int, value: float, remedy: str) -> None:
        super().__init__(f"the utility of arm {arm} is {value}; {remedy}")
        self.position, self.value, self.remedy = position, value, remedy


class Bandit(Protocol):
    """A rule that plays arms and learns from what they paid.

    Attributes:
        n_arms: Number of arms K.
    """

    n_arms: int

    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        """Play `size` arms.

        Args:
            size: Plays in this round, m.
            rng: Source of randomness.
            candidates: Arms to choose among, or None for all; a bandit that cannot restrict its distribution
                refuses.

        Returns:
            Arms, probabilities and inclusion, each (..., m).
        """
        ...

    def update(self, arms: IntArray, inclusion: FloatArray | None, values: FloatArray) -> None:
        """Learn from played arms.

        Args:
            arms: Arms that answered, shape (..., m).
            inclusion: The number to divide by, as it was at the time of the draw, shape (..., m), or None.
            values: What each paid, shape (..., m), finite.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs, as arrays and plain numbers."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned.
        """
        ...


@runtime_checkable
class Curator(Protocol):
    """A rule that plays some of a candidate set, and learns from the set as well as from what it played.

    Attributes:
        n_arms: Number of arms K.
    """

    n_arms: int

    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> CandidateSelection:
        """Play `size` arms.

        Args:
            size: Plays in this round, m.
            rng: Source of randomness.
            candidates: Arms to choose among, shape (M,); None for the next of the curator's own proposal.

        Returns:
            What was played, and out of what.
        """
        ...

    def update_from(self, selection: CandidateSelection, values: FloatArray) -> None:
        """Learn from a selection.

        Args:
            selection: As `select` returned it, its arms reduced to those that answered; the candidates are whole.
            values: What each answered arm paid, shape (m,), finite.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs, as arrays and plain numbers."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned.
        """
        ...


@runtime_checkable
class EvidenceBandit(Protocol):
    """A bandit that weighs each value by the rollouts behind it, or forgets as fast as the policy moves.

    It is told by this method in the place of `Bandit.update`, which it has as well, for values of one rollout each.
    """

    def update_on_evidence(self, arms: IntArray, inclusion: FloatArray | None, evidence: Feedback) -> None:
        """Learn from played arms.

        Args:
            arms: Arms that answered, shape (m,).
            inclusion: The number to divide by, as it was at the time of the draw, shape (m,), or None.
            evidence: What each paid, from how many rollouts (1 or more), and how far the policy moved on it. A plain
                array that a user tells counts as one rollout per problem.
        """
        ...


@runtime_checkable
class RandomizedBandit(Protocol):
    """A bandit that draws its arms from a distribution it can tell."""

    def probabilities(self) -> FloatArray:
        """The distribution p_t over arms, shape (..., K)."""
        ...


@runtime_checkable
class Diagnosed(Protocol):
    """A bandit that can say how it is doing."""

    def diagnostics(self) -> Mapping[str, float]:
        """Numbers by name, to be logged after each update; ``entropy``, where present, is in nats over all problems."""
        ...
