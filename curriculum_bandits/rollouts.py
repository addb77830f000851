"""What a learner hands back for one batch: rewards, and how the policy moved on its own rollouts.

Rows are problems, columns are rollouts. A rollout whose reward is missing (None or NaN) or whose length is zero
is carried along but marked invalid; it is never read as a failure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Rollouts"]

FloatArray = npt.NDArray[np.float64]

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
    trained: npt.NDArray[np.bool_] | None = None
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
    def _refuse(bad: npt.NDArray[np.bool_], name: str, values: FloatArray, remedy: str) -> None:
        if np.any(bad):
            row, column = (int(i) for i in np.argwhere(bad)[0])
            value = values[row, column]
            raise ValueError(f"{name} of problem {row} in the batch, rollout {column}, is {value}; {remedy}")

    @property
    def valid(self) -> npt.NDArray[np.bool_]:
        """Which rollouts count: a reward is there and at least one token, shape (m, n)."""
        valid = ~np.isnan(self.rewards)
        return valid if self.lengths is None else valid & (self.lengths > 0)

    @property
    def informative(self) -> npt.NDArray[np.bool_]:
        """Problems with two valid rewards that differ; no other has a group-relative advantage, shape (m,).

        >>> Rollouts([[1, 1], [1, 0], [1, None]]).informative.tolist()
        [False, True, False]
        """
        valid, rewards = self.valid, self.rewards
        highest = np.max(np.where(valid, rewards, -np.inf), axis=1, initial=-np.inf)
        return np.asarray(highest > np.min(np.where(valid, rewards, np.inf), axis=1, initial=np.inf))

    def __len__(self) -> int:
        """Number of problems, m."""
        return len(self.rewards)

    @staticmethod
    def concatenate(parts: Sequence[Rollouts], axis: int = 0) -> Rollouts:
        """Stack the rollouts of several batches.

        Args:
            parts: At least one, with the same fields.
            axis: 0 puts problem after problem, each with the same number of rollouts; 1 puts more rollouts of the same
                problems beside each other.

        Returns:
            All of them in the order given.

        Raises:
            ValueError: If a field is present in some parts only.
        """
        columns: dict[str, Any] = {}
        for field in fields(Rollouts):
            values = [getattr(part, field.name) for part in parts]
            if len({value is None for value in values}) > 1:
                raise ValueError(f"{field.name} is present in some of the batches only; give it in all or in none")
            columns[field.name] = None if values[0] is None else np.concatenate(values, axis=axis)
        return Rollouts(**columns)

    def __getitem__(self, chosen: npt.ArrayLike | slice) -> Rollouts:
        """The rollouts of some of the problems, with every field: a mask, positions or a slice."""
        here = chosen if isinstance(chosen, slice) else np.asarray(chosen)
        columns: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        return Rollouts(**{name: column[here] for name, column in columns.items() if column is not None})
