"""The contract of a bandit: two methods over arrays, and no knowledge of tickets, banks or signals.

Arms are on the last axis; any leading axes are independent runs that share nothing but the code. `Curriculum` knows
bandits by this contract alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray as FloatArray
from curriculum_bandits._typing import IntArray as IntArray

__all__ = ["ArrayLike", "Bandit", "Diagnosed", "Extra", "RandomizedBandit", "RefusedUtility", "Selection"]


#: Anything numpy makes an array of.
ArrayLike: TypeAlias = npt.ArrayLike

#: One number per play, or None where it is known of none.
Extra: TypeAlias = npt.ArrayLike | None


class Selection(NamedTuple):
    """The arms that were played, and the numbers they were played with.

    It is made by `Bandit.select` and comes back whole in `Bandit.update`; nothing in it is ever computed again.

    Attributes:
        arms: Played arms, shape (..., m), each as often as it was played.
        probability: The bandit's own p_t of each, shape (..., m).
        inclusion: The number to divide by, shape (..., m), or None where none is known; given the candidates where
            there are any.
        candidates: The arms that were chosen among, shape (M,), each once; None stands for all arms.
        candidate_probability: p_t of every candidate, shape (M,), or None where they were not scored.
        candidate_inclusion: P(the arm is a candidate), shape (M,), or None where it is not known.
    """

    arms: IntArray
    probability: FloatArray
    inclusion: FloatArray | None
    candidates: IntArray | None = None
    candidate_probability: FloatArray | None = None
    candidate_inclusion: FloatArray | None = None

    def answered(self, mask: npt.NDArray[np.bool_]) -> Selection:
        """The plays for which a mask of shape (m,) is True, those that were answered; the candidates are whole.

        Inclusion is scaled by answered / m, so that sums stay unbiased when answers are lost at random.
        """
        if mask.all():
            return self
        inclusion = self.inclusion
        if inclusion is not None:
            inclusion = inclusion[..., mask] * (np.count_nonzero(mask) / len(mask))
        return self._replace(arms=self.arms[..., mask], probability=self.probability[..., mask], inclusion=inclusion)


class RefusedUtility(ValueError):
    """A utility that a bandit cannot learn from, at a position 0..m-1 of the played arms, and what to do about it.

    Whoever knows what the arm stands for can name it.
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
            candidates: Arms to choose among, shape (M,), or None for all, or for candidates of the bandit's own; a
                bandit that cannot restrict its distribution refuses.

        Returns:
            Arms, probabilities and inclusion, each (..., m), and the candidates where there are any.

        Raises:
            ValueError: If `size` is out of range or candidates are not taken. The state, but for `rng`, is as it was.
        """
        ...

    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        """Learn from played arms. A rule ignores what it does not need.

        Args:
            selection: As `select` returned it, reduced to the plays that answered (`Selection.answered`).
            values: Utility of each, shape (..., m), finite.
            counts: Rollouts behind each value, 1 or more, shape (..., m); None is one each.
            kl: How far the update moved the policy on each, in nats per token, shape (..., m); nan where it is not
                known, None where it is not measured.
            cost: Tokens or seconds that each took, shape (..., m); nan where it is not known, None where it is not
                measured.

        Raises:
            RefusedUtility: If a value is not finite or out of the range of the bandit. The state is then as it was.
            ValueError: If shapes differ, an arm does not exist, or the bandit divides by inclusion and the selection
                has none. The state is then as it was.
        """
        return None  # a body, so that a rule that learns nothing inherits it

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs, as arrays and plain numbers."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` returned, bit for bit."""
        ...


@runtime_checkable
class RandomizedBandit(Protocol):
    """A bandit that draws its arms from a distribution it can state."""

    def probabilities(self) -> FloatArray:
        """The distribution p_t over arms, shape (..., K)."""
        ...


@runtime_checkable
class Diagnosed(Protocol):
    """A bandit with numbers about its own condition."""

    def diagnostics(self) -> Mapping[str, float]:
        """Numbers by name, to be logged after each update; ``entropy``, where present, is in nats over all problems."""
        ...
