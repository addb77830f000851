"""The base of simulated students: a policy per family and level, one update per batch, and the exact truth about it.

A student is the learner a curriculum really meets: it learns only where it sometimes succeeds and sometimes fails, what
it learns carries over to neighbouring levels, what it does not practise it forgets. Yet it is small enough for every
problem's true improvement to be known. A step costs the batch plus the table of cells, whatever the size of the bank.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import BoolArray, FloatArray, IntArray
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.environments.graded import GradedProblems, graded_problems
from curriculum_bandits.rollouts import PendingRollouts, Rollouts
from curriculum_bandits.state import Array, Field, Random, Stateful

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Student", "Training", "log_sigmoid"]


@dataclass(frozen=True)
class Training:
    """Settings of a student's training.

    Attributes:
        n_rollouts: Rollouts per problem n.
        holdout: How many of them the update does not use; ``Rollouts.trained`` marks the others, at least two.
        rate: Step size, above 0.
        transfer: How much of a gain reaches the next level, in [0, 1).
        forgetting: Share of what separates it from knowing nothing that the student loses at each step, in [0, 1).
        depth: How far it can forget: success on a typical problem falls by so many logits below the start, 0 or more.

    Raises:
        ValueError: If a setting is out of its range.
    """

    n_rollouts: int = 8
    holdout: int = 0
    rate: float = 20.0
    transfer: float = 0.3
    forgetting: float = 0.0
    depth: float = 3.0

    def __post_init__(self) -> None:
        """Check every setting."""
        for name, accepted, need in (
            ("holdout", 0 <= self.holdout <= self.n_rollouts - 2, f"be 0 to n_rollouts - 2 = {self.n_rollouts - 2}"),
            ("rate", math.isfinite(self.rate) and self.rate > 0.0, "be a finite number above 0"),
            ("transfer", 0.0 <= self.transfer < 1.0, "be in [0, 1)"),
            ("forgetting", 0.0 <= self.forgetting < 1.0, "be in [0, 1)"),
            ("depth", math.isfinite(self.depth) and self.depth >= 0.0, "be a finite number, 0 or more"),
        ):
            if not accepted:
                raise ValueError(f"{name} is {getattr(self, name)}; it must {need}")


_TRAINING = Training()
_FORGETFUL = Training(forgetting=0.01)


class Student(Stateful, ABC):
    r"""A policy for each cell (family and level), trained by policy gradient; a `Learner` whose state can be saved.

    One update is :math:`\theta' = \theta + \text{rate} \cdot G g - \text{forgetting} \cdot (\theta - \theta_0)`. Here g
    is the REINFORCE gradient of the batch's mean reward with the leave-one-out baseline, an unbiased estimate of the
    exact gradient and 0 for a problem whose rollouts all got the same reward; :math:`G_{l l'} =
    \text{transfer}^{|l - l'|}` carries it to the other levels of a family; :math:`\theta_0` is a student who has
    forgotten everything.

    This is the base of `SkillStudent` and `SoftmaxStudent`, which say what a policy is. The ``items`` of methods are
    indices into the bank, shape (m,); None is all of it. One that is not in the bank is a `ValueError`, and the student
    is then as it was.

    Args:
        problems: What there is to learn.
        training: How it is trained.
        tokens: Length of an answer at the first level and at the last; in between evenly spaced, rounded.
        seed: Seed of the student's own random generator.

    Raises:
        ValueError: If a length is below 1.
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_policy": Array(), "_previous": Array(), "_rng": Random()}

    def __init__(
        self,
        problems: GradedProblems,
        training: Training = _TRAINING,
        *,
        tokens: tuple[int, int] = (16, 64),
        seed: int = 0,
    ) -> None:
        if min(tokens) < 1:
            raise ValueError(f"tokens is {tokens}; an answer has at least one token")
        self.problems, self.training = problems, training
        levels = np.arange(problems.difficulty.shape[1])
        self._kernel = training.transfer ** np.abs(levels[:, None] - levels).astype(np.float64)
        by_level = np.rint(np.linspace(*tokens, len(levels))).astype(np.int64)
        self._tokens: IntArray = np.tile(by_level, len(problems.difficulty))  # of each cell
        self._rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,)))
        logit = -problems.difficulty.ravel()
        self._policy = self._policy_of(log_sigmoid(logit))
        self._previous = self._policy
        self._blank = self._policy_of(log_sigmoid(logit - training.depth))

    @classmethod
    def half_hopeless(cls, n_problems: int = 2000, seed: int = 0, training: Training = _TRAINING) -> Self:
        """A student who at first solves fewer than one in a hundred of half of the problems.

        The other half reaches from easy to hard; the frontier moves into the hopeless half as the student learns.

        Args:
            n_problems: Size of the bank.
            seed: Seed of the bank and of the student.
            training: How it is trained.
        """
        return cls(graded_problems(n_problems, easiest=-2.0, hardest=12.0, seed=seed), training, seed=seed)

    @classmethod
    def mostly_solved(cls, n_problems: int = 2000, seed: int = 0, training: Training = _TRAINING) -> Self:
        """A student who has little left to learn: four fifths of the problems are all but solved.

        The arguments are those of `half_hopeless`.
        """
        share = [6.0] * 4 + [1.0] * 6
        problems = graded_problems(n_problems, easiest=-9.0, hardest=4.0, level_share=share, seed=seed)
        return cls(problems, training, seed=seed)

    @classmethod
    def drifting(cls, n_problems: int = 2000, seed: int = 0, training: Training = _FORGETFUL) -> Self:
        """A student who forgets what is not practised: what was solved becomes worth training on again.

        The arguments are those of `half_hopeless`; by default a hundredth is forgotten at each step.
        """
        return cls(graded_problems(n_problems, easiest=-5.0, hardest=5.0, seed=seed), training, seed=seed)

    @property
    def bank(self) -> ProblemBank:
        """The problems, as a curriculum sees them."""
        return self.problems.bank

    def learn(self, items: npt.ArrayLike) -> Rollouts:
        """Roll out the problems and update the policy once.

        Returns:
            Rewards 0 or 1, exact log-probabilities before and after the update, lengths, and which rollouts the update
            used, each (m, n).
        """
        groups = self.roll_out(items)
        return self.update(groups, np.ones(len(groups), dtype=bool))

    def roll_out(self, items: npt.ArrayLike, n_rollouts: int | None = None) -> PendingRollouts:
        """Roll out the problems; the policy does not change.

        Args:
            items: Problems, shape (m,).
            n_rollouts: Rollouts of each; None is as many as the training says.

        Returns:
            Rewards 0 or 1, lengths, and the answers, (m, n).

        Raises:
            ValueError: If `n_rollouts` is below 1.
        """
        cell, offset = self._placed(items)
        count = self.training.n_rollouts if n_rollouts is None else n_rollouts
        if count < 1:
            raise ValueError(f"n_rollouts is {n_rollouts}; roll out each problem at least once")
        answers, rewards = self._answer(self._policy, cell, offset, count, self._rng)
        lengths = np.broadcast_to(self._tokens[cell][:, None].astype(np.float64), rewards.shape)
        return PendingRollouts(np.asarray(items), Rollouts(rewards, lengths=lengths), {"answers": answers})

    def update(self, groups: PendingRollouts, used: BoolArray) -> Rollouts:
        """Update the policy once, by the mean over the groups that are used; with none of them nothing happens.

        Args:
            groups: What `roll_out` returned, or parts of it, rolled out by the present policy.
            used: Which to train on, shape (k,). The last `Training.holdout` rollouts of each are not trained on.

        Returns:
            As `learn`, for all groups; those not used are not marked as trained on.

        Raises:
            ValueError: If a group to train on has not two rollouts to compare. The student is then as it was.
        """
        cell, offset = self._placed(groups.items)
        rewards, valid = groups.rollouts.rewards, groups.rollouts.valid
        held_out = np.cumsum(valid[:, ::-1], axis=1)[:, ::-1] <= self.training.holdout
        trained = valid & ~held_out & np.asarray(used, dtype=bool)[:, None]
        count = np.sum(trained, axis=1)
        if np.any(count[used] < 2):
            raise ValueError(
                f"a group to train on has {int(np.min(count[used]))} rollouts to compare; give at least 2 beside the "
                f"{self.training.holdout} held out"
            )
        answers, policy = groups.answers["answers"], self._policy
        if np.any(used):
            credit = _leave_one_out(rewards, trained) / np.maximum(count * np.sum(used), 1)[:, None]
            policy = self._updated(self._gradient(cell, answers, credit))
        self._previous, self._policy = self._policy, policy
        return self._rollouts(cell, offset, answers, rewards, trained)

    def fresh_rollouts(self, items: npt.ArrayLike, n_rollouts: int, rng: np.random.Generator) -> Rollouts:
        """Rollouts as of `learn`, but of the policy before the last update, none of them trained on.

        On them `policy_improvement` with ``sequence`` and ``leave_one_out`` is unbiased for `true_improvement`.

        Args:
            items: Problems, shape (m,).
            n_rollouts: Rollouts per problem.
            rng: Source of randomness; the student's own is not touched.
        """
        cell, offset = self._placed(items)
        answers, rewards = self._answer(self._previous, cell, offset, n_rollouts, rng)
        return self._rollouts(cell, offset, answers, rewards, np.zeros(rewards.shape, dtype=bool))

    def evaluate(self) -> dict[str, float]:
        """Mean probability of success, exactly: ``accuracy`` on the held-out problems, ``bank_success`` on the bank."""
        held_out = self._log_success(self._policy, self.problems.held_out_cell, self.problems.held_out_offset)
        return {"accuracy": float(np.mean(np.exp(held_out))), "bank_success": float(np.mean(self.success()))}

    def success(self, items: npt.ArrayLike | None = None) -> FloatArray:
        """Probability of success on each problem, V_x, shape (m,) or (N,)."""
        return np.exp(self._log_success(self._policy, *self._placed(items)))

    def success_by_cell(self) -> FloatArray:
        """Probability of success on a typical problem of each family and level, shape (F, L)."""
        cells = np.arange(self.problems.difficulty.size)
        log_success = self._log_success(self._policy, cells, np.zeros(len(cells)))
        return np.exp(log_success).reshape(self.problems.difficulty.shape)

    def true_improvement(self, items: npt.ArrayLike | None = None) -> FloatArray:
        """Exact improvement on each problem by the last update, V_x(π') - V_x(π), shape (m,) or (N,); at first 0."""
        cell, offset = self._placed(items)
        before = self._log_success(self._previous, cell, offset)
        return np.exp(before) * np.expm1(self._log_success(self._policy, cell, offset) - before)

    def expected_gain(self, items: npt.ArrayLike | None = None) -> FloatArray:
        r"""Rise of the mean success over the bank by training on each problem alone, shape (m,) or (N,).

        :math:`\text{rate} \cdot \langle G \nabla V_x, \nabla J \rangle`, with J the mean of V over the bank and
        :math:`\nabla V_x` exact: what `learn` with this one problem brings in expectation, to first order in the step.
        A batch brings the mean over its problems. What is forgotten meanwhile is the same for every problem and not
        counted.
        """
        chosen, cell = self._known(items), self.problems.cell
        slope, direction = self._slope(cell, self.problems.offset), self._direction()
        total = [np.bincount(cell, weights=part, minlength=len(direction)) for part in slope.T]
        gradient = (np.stack(total, axis=1) / len(cell))[:, :, None] * direction  # of J
        carried = self._carried(gradient)  # G is symmetric, so it may act on this side
        worth = self.training.rate * np.sum(direction * carried, axis=2)
        return np.asarray(np.sum(slope[chosen] * worth[cell[chosen]], axis=1))

    @abstractmethod
    def _policy_of(self, log_success: FloatArray) -> FloatArray:
        """A policy table, shape (C, ...), that solves a typical problem of each cell with this log-probability."""

    @abstractmethod
    def _log_success(self, policy: FloatArray, cell: IntArray, offset: FloatArray) -> FloatArray:
        """Log-probability of success on problems of these cells and offsets, shape (m,)."""

    @abstractmethod
    def _answer(
        self, policy: FloatArray, cell: IntArray, offset: FloatArray, n: int, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray]:
        """Draw n answers to each problem, shape (m, n, ...), and their rewards, shape (m, n)."""

    @abstractmethod
    def _log_probability(self, policy: FloatArray, cell: IntArray, offset: FloatArray, answers: IntArray) -> FloatArray:
        """Log-probability of each answer, shape (m, n)."""

    @abstractmethod
    def _gradient(self, cell: IntArray, answers: IntArray, weights: FloatArray) -> FloatArray:
        """Sum of weight times gradient of the log-probability, like the policy; every row of weights sums to 0."""

    @abstractmethod
    def _slope(self, cell: IntArray, offset: FloatArray) -> FloatArray:
        """Gradient of the success of problems, as multiples of `_direction`: one per position, shape (m, P)."""

    @abstractmethod
    def _direction(self) -> FloatArray:
        """Direction in which the policy of each cell raises success on all its problems, shape (C, P, A)."""

    def _updated(self, gradient: FloatArray) -> FloatArray:
        step = self.training.rate * self._carried(gradient)
        return np.asarray(self._policy + step - self.training.forgetting * (self._policy - self._blank))

    def _carried(self, gradient: FloatArray) -> FloatArray:
        """G times a gradient, shape (C, ...)."""
        by_level = gradient.reshape(*self.problems.difficulty.shape, -1)
        return np.asarray((self._kernel @ by_level).reshape(gradient.shape))

    def _rollouts(
        self, cell: IntArray, offset: FloatArray, answers: IntArray, rewards: FloatArray, trained: BoolArray
    ) -> Rollouts:
        return Rollouts(
            rewards,
            logprobs_before=self._log_probability(self._previous, cell, offset, answers),
            logprobs_after=self._log_probability(self._policy, cell, offset, answers),
            lengths=np.where(np.isnan(rewards), 0, self._tokens[cell][:, None]),
            trained=trained,
        )

    def _placed(self, items: npt.ArrayLike | None) -> tuple[IntArray, FloatArray]:
        """Cell and offset of each problem, shape (m,)."""
        chosen = self._known(items)
        return self.problems.cell[chosen], self.problems.offset[chosen]

    def _known(self, items: npt.ArrayLike | None) -> Any:
        if items is None:
            return slice(None)
        chosen = np.asarray(items, dtype=np.int64)
        if chosen.ndim != 1 or len(chosen) == 0:
            raise ValueError(f"items has shape {chosen.shape}; give at least one index, shape (m,)")
        bad = (chosen < 0) | (chosen >= len(self.bank))
        if np.any(bad):
            raise ValueError(f"item {int(chosen[np.argmax(bad)])} is not in the bank of {len(self.bank)} problems")
        return chosen


def _leave_one_out(rewards: FloatArray, trained: BoolArray) -> FloatArray:
    """Reward minus the mean of the others among those trained on, 0 for the rest; 0/1 rewards, so exact zeros."""
    count = np.sum(trained, axis=1, keepdims=True)
    total = np.sum(np.where(trained, rewards, 0.0), axis=1, keepdims=True)
    return np.where(trained, (count * rewards - total) / np.maximum(count - 1, 1), 0.0)


def log_sigmoid(logits: FloatArray) -> FloatArray:
    """``-log(1 + exp(-logits))``, the log of the logistic function; exact far out on both sides."""
    return np.asarray(-np.logaddexp(0.0, -logits))
