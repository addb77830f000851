"""Results of a learner for one batch: rewards, and how the policy moved on its own rollouts.

Rows are problems, columns are rollouts. A rollout whose reward is missing (None or NaN) or whose length is zero
is carried along but marked invalid; it is never read as a failure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import BoolArray, FloatArray, IntArray

__all__ = ["PendingRollouts", "Rollouts"]


# What only some learners know of a rollout.
_OF_LEARNERS = ("successes", "improvements", "absolute_advantages", "value_losses", "kl")


def _matrix(values: Any, name: str, shape: tuple[int, ...] | None = None) -> Any:
    if values is None:
        return None
    array = np.asarray(values, dtype=np.float64)  # None becomes NaN
    if array.ndim != 2:
        raise ValueError(f"{name} has shape {array.shape}; it must be (problems, rollouts)")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape} where rewards have {shape}; they must be equal")
    return array


@dataclass(frozen=True, eq=False)
class Rollouts:
    r"""Rewards and log-probabilities of n rollouts for each of m problems.

    Attributes:
        rewards: Shape (m, n). None or NaN is a missing reward; infinity is an error.
        logprobs_before: Log-probability of each completion under the policy that produced it, summed over its
            tokens, shape (m, n), or None.
        logprobs_after: The same under the policy after the whole update, or None.
        lengths: Completion tokens of each rollout, shape (m, n), or None. A length of 0 marks a rollout as missing.
        log_ratio: ``logprobs_after - logprobs_before``, for those who subtract per token before they sum (float32 sums
            over thousands of tokens err by more than the signal); computed from the other two when not given.
        trained: Which rollouts the update was trained on, shape (m, n), or None; the others are a hold-out.
        successes: Whether each rollout solved its problem, or how much of it, in [0, 1], shape (m, n), where rewards do
            not say so themselves (returns of episodes); None where they do.
        improvements: For episodes of many steps: :math:`\sum_k \mathrm{expm1}(\Delta_k) A_k` over the steps k of each,
            with log-ratio :math:`\Delta_k` and advantage :math:`A_k`, shape (m, n).
        absolute_advantages: Mean of :math:`|A_k|` over the steps of each rollout, shape (m, n), where the learner has
            advantages of its own (a critic's); None where they come from comparing rewards.
        value_losses: Mean squared error of the critic on each rollout, shape (m, n), or None.
        kl: Divergence of the policy after the update from that before, per token, as each rollout shows it, in nats,
            shape (m, n), or None.
        completions: Text of each rollout for people to read, shape (m, n) of objects, None where it is not known; or
            None.

    >>> rollouts = Rollouts(rewards=[[1, 0], [None, 1]], log_ratio=[[0.1, -0.1], [0.0, 0.2]])
    >>> rollouts.valid.tolist()
    [[True, True], [False, True]]
    """

    rewards: FloatArray
    logprobs_before: FloatArray | None = None
    logprobs_after: FloatArray | None = None
    lengths: FloatArray | None = None
    log_ratio: FloatArray | None = None
    trained: BoolArray | None = None
    successes: FloatArray | None = None
    improvements: FloatArray | None = None
    absolute_advantages: FloatArray | None = None
    value_losses: FloatArray | None = None
    kl: FloatArray | None = None
    completions: npt.NDArray[np.object_] | None = None

    def __post_init__(self) -> None:
        """Convert to float64, check shapes and refuse infinite numbers."""
        put = object.__setattr__
        put(self, "rewards", _matrix(self.rewards, "rewards"))
        shape = self.rewards.shape
        for name in ("logprobs_before", "logprobs_after", "lengths", "log_ratio", *_OF_LEARNERS):
            put(self, name, _matrix(getattr(self, name), name, shape))
        if self.trained is not None:
            put(self, "trained", np.asarray(_matrix(self.trained, "trained", shape), dtype=bool))
        if self.completions is not None:
            put(self, "completions", np.asarray(self.completions, dtype=object))
            if self.completions.shape != shape:
                raise ValueError(f"completions has shape {self.completions.shape} where rewards have {shape}")
        if (self.logprobs_before is None) != (self.logprobs_after is None):
            raise ValueError("logprobs_before and logprobs_after are needed together; give both, or log_ratio")
        if self.log_ratio is None and self.logprobs_before is not None and self.logprobs_after is not None:
            put(self, "log_ratio", self.logprobs_after - self.logprobs_before)
        if self.lengths is not None and np.any(~(self.lengths >= 0)):
            raise ValueError("lengths must be token counts, 0 or more")
        self._refuse(
            np.isinf(self.rewards), "rewards", self.rewards, "return a finite reward, or None when there is none"
        )
        if self.log_ratio is not None:
            bad = ~np.isfinite(self.log_ratio) & self.valid
            self._refuse(bad, "log_ratio", self.log_ratio, "a policy that diverged cannot be credited")
        for name in _OF_LEARNERS:
            values = getattr(self, name)
            if values is not None:
                self._refuse(~np.isfinite(values) & self.valid, name, values, "give a number for every valid rollout")
        if self.successes is not None:
            outside = self.valid & ((self.successes < 0.0) | (self.successes > 1.0))
            self._refuse(outside, "successes", self.successes, "a success is between 0 and 1")

    @staticmethod
    def _refuse(bad: BoolArray, name: str, values: FloatArray, remedy: str) -> None:
        if np.any(bad):
            row, column = (int(i) for i in np.argwhere(bad)[0])
            value = values[row, column]
            raise ValueError(f"{name} of problem {row} in the batch, rollout {column}, is {value}; {remedy}")

    @property
    def valid(self) -> BoolArray:
        """Mask of the rollouts that count: a reward is there and at least one token, shape (m, n)."""
        valid = ~np.isnan(self.rewards)
        return valid if self.lengths is None else valid & (self.lengths > 0)

    @property
    def informative(self) -> BoolArray:
        """Problems with two valid rewards that differ; no other has a group-relative advantage, shape (m,).

        >>> Rollouts([[1, 1], [1, 0], [1, None]]).informative.tolist()
        [False, True, False]
        """
        if self.rewards.size == 0:
            return np.zeros(len(self), dtype=bool)
        valid, rewards = self.valid, self.rewards
        first = rewards[np.arange(len(self)), np.argmax(valid, axis=1)]
        return np.asarray(np.any(valid & (rewards != first[:, None]), axis=1))

    def __len__(self) -> int:
        """Number of problems, m."""
        return len(self.rewards)

    @staticmethod
    def concatenate(parts: Sequence[Rollouts], axis: int = 0) -> Rollouts:
        """Stack the rollouts of several batches in the order given.

        Args:
            parts: At least one, with the same fields.
            axis: 0 puts problem after problem, each with the same number of rollouts; 1 puts more rollouts of the same
                problems beside each other.

        Raises:
            ValueError: If a field is present in some parts only.
        """
        columns: dict[str, Any] = {}
        for each in fields(Rollouts):
            values = [getattr(part, each.name) for part in parts]
            if len({value is None for value in values}) > 1:
                raise ValueError(f"{each.name} is present in some of the batches only; give it in all or in none")
            columns[each.name] = None if values[0] is None else np.concatenate(values, axis=axis)
        return Rollouts(**columns)

    def __getitem__(self, chosen: npt.ArrayLike | slice) -> Rollouts:
        """The rollouts of some of the problems, with every field: a mask, positions or a slice."""
        here = chosen if isinstance(chosen, slice) else np.asarray(chosen)
        columns: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return Rollouts(**{name: column[here] for name, column in columns.items() if column is not None})


@dataclass(frozen=True, eq=False)
class PendingRollouts:
    """n rollouts for each of k problems.

    Attributes:
        items: Problems, shape (k,); a problem that was drawn twice stands there twice.
        rollouts: Their rollouts, shape (k, n), without log-ratios: there was no update yet.
        answers: The learner's own, arrays of shape (k, n, ...).

    Raises:
        ValueError: If an array does not begin with these axes.

    >>> groups = PendingRollouts(np.array([4, 7]), Rollouts([[1, 0], [0, 0]]), {"tokens": np.zeros((2, 2, 5))})
    >>> groups[[1]].items.tolist(), PendingRollouts.stacked([groups, groups[[0]]]).items.tolist()
    ([7], [4, 7, 4])
    """

    items: IntArray
    rollouts: Rollouts
    answers: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check that everything speaks of the same rollouts."""
        object.__setattr__(self, "items", np.asarray(self.items, dtype=np.int64))
        shape = self.rollouts.rewards.shape
        if self.items.shape != shape[:1]:
            raise ValueError(f"items have shape {self.items.shape} where the rewards have {shape}; give one per row")
        for name, array in self.answers.items():
            if np.shape(array)[:2] != shape:
                raise ValueError(f"answers[{name!r}] has shape {np.shape(array)}; it must begin with {shape}")

    def __len__(self) -> int:
        """Number of groups, k."""
        return len(self.items)

    def __getitem__(self, chosen: npt.ArrayLike | slice) -> PendingRollouts:
        """Some of the groups: a mask, positions or a slice."""
        here = chosen if isinstance(chosen, slice) else np.asarray(chosen)
        answers = {name: array[here] for name, array in self.answers.items()}
        return PendingRollouts(self.items[here], self.rollouts[here], answers)

    def beside(self, further: PendingRollouts) -> PendingRollouts:
        """As many groups, with `further` rollouts of the same problems, in the same order, beside those that are there.

        Raises:
            ValueError: If they are of other problems or hold other fields.
        """
        if not np.array_equal(self.items, further.items):
            raise ValueError("further rollouts are of other problems, or in another order; give the same")
        if set(self.answers) != set(further.answers):
            raise ValueError(
                f"further answers are {sorted(further.answers)}, the first {sorted(self.answers)}; give the same"
            )
        parts = (self, further)
        answers = {name: np.concatenate([part.answers[name] for part in parts], axis=1) for name in self.answers}
        return PendingRollouts(self.items, Rollouts.concatenate([part.rollouts for part in parts], axis=1), answers)

    def padded(self, n_rollouts: int) -> PendingRollouts:
        """The same with missing rollouts (no reward, a length of 0, answers of zeros) up to `n_rollouts` of each."""
        missing = n_rollouts - self.rollouts.rewards.shape[1]
        if missing == 0:
            return self
        columns: dict[str, Any] = {}
        for each in fields(Rollouts):
            values = getattr(self.rollouts, each.name)
            filler = False if each.name == "trained" else 0.0 if each.name == "lengths" else np.nan
            columns[each.name] = None if values is None else _widened(values, missing, filler)
        answers = {name: _widened(array, missing, 0) for name, array in self.answers.items()}
        return PendingRollouts(self.items, Rollouts(**columns), answers)

    @staticmethod
    def stacked(parts: Sequence[PendingRollouts]) -> PendingRollouts:
        """Several lots of groups (at least one, with the same fields) as one, those with fewer rollouts padded."""
        most = max(part.rollouts.rewards.shape[1] for part in parts)
        wide = [part.padded(most) for part in parts]
        answers = {name: np.concatenate([part.answers[name] for part in wide]) for name in wide[0].answers}
        items = np.concatenate([part.items for part in wide])
        return PendingRollouts(items, Rollouts.concatenate([part.rollouts for part in wide]), answers)


def _widened(values: npt.NDArray[Any], count: int, filler: Any) -> npt.NDArray[Any]:
    added = np.full((len(values), count, *values.shape[2:]), filler, dtype=values.dtype)
    return np.concatenate([values, added], axis=1)
