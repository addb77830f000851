"""Per-problem utilities from a batch of rollouts, each with the number of rollouts behind it.

Each function is one published choice, a pure map from `Rollouts`, m problems with n rollouts each, to `Feedback`:
values and counts of valid rollouts, shape (m,) each. A problem with too few valid rollouts (none, unless a signal says
otherwise) is missing (count 0), never zero. Rewards are enough for those that do not name another field.
"""

from __future__ import annotations

import functools
from typing import Any, Literal, Protocol, get_args

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import BoolArray, FloatArray
from curriculum_bandits.draw import Feedback
from curriculum_bandits.rollouts import Rollouts

__all__ = [
    "Advantage",
    "Ratio",
    "Signal",
    "absolute_advantage",
    "advantages",
    "episode_improvements",
    "mean_reward",
    "needs_log_ratio",
    "policy_improvement",
    "reward_variance",
    "scaled",
    "success_rate",
    "success_rate_and_kl",
    "tent",
    "value_loss",
]


Ratio = Literal["length_normalized", "sequence"]
"""Ratio of a rollout, from its log-probabilities: ``exp(mean_k Delta_k)`` or ``exp(sum_k Delta_k)``."""

Advantage = Literal["zscore", "centered", "leave_one_out"]
"""Comparison of a rollout with its group."""

_ZSCORE_EPSILON = 1e-6


class Signal(Protocol):
    """Anything that turns a batch of rollouts into one value per problem.

    One that never reads how far the policy moved has the attribute ``needs_log_ratio = False``; see `needs_log_ratio`.
    """

    def __call__(self, rollouts: Rollouts, /) -> Feedback:
        """Values and counts, shape (m,) each, of m problems with n rollouts each."""
        ...


def needs_log_ratio(signal: Any) -> bool:
    """True if rollouts must be scored by the updated policy before a signal, or a `functools.partial` of one, judges.

    That is so unless the signal has the attribute ``needs_log_ratio = False``; one without it may need anything.
    """
    while isinstance(signal, functools.partial):
        signal = signal.func
    return bool(getattr(signal, "needs_log_ratio", True))


def advantages(rewards: FloatArray, valid: BoolArray, kind: Advantage = "zscore") -> FloatArray:
    r"""Group-relative advantages; those of a problem sum to zero, exactly so for equal rewards.

    ``zscore`` is :math:`(R_i - \bar R) / (s + 10^{-6})` with the sample standard deviation (n - 1), ``centered``
    :math:`R_i - \bar R`, ``leave_one_out`` :math:`R_i` minus the mean of the others.

    Args:
        rewards: Shape (m, n).
        valid: Which of them count, shape (m, n).
        kind: Which of the three.

    Returns:
        Shape (m, n), 0 where not valid or where a problem has fewer than two valid rollouts.

    Raises:
        ValueError: If `kind` is none of the three.
    """
    _check_switch("advantage", kind, get_args(Advantage))
    count = np.sum(valid, axis=1, keepdims=True)
    enough = valid & (count >= 2)
    # Subtracting the least reward first makes equal rewards exact zeros, whatever their value.
    least = np.min(np.where(valid, rewards, np.inf), axis=1, keepdims=True)
    raised = np.where(enough, rewards - np.where(np.isfinite(least), least, 0.0), 0.0)
    mean = np.sum(raised, axis=1, keepdims=True) / np.maximum(count, 1)
    centered = np.where(enough, raised - mean, 0.0)
    if kind == "centered":
        return centered
    spare = np.maximum(count - 1, 1)
    if kind == "leave_one_out":
        return np.asarray(centered * count / spare)
    deviation = np.sqrt(np.sum(centered**2, axis=1, keepdims=True) / spare)
    return np.asarray(centered / (deviation + _ZSCORE_EPSILON))


def policy_improvement(
    rollouts: Rollouts,
    *,
    ratio: Ratio = "length_normalized",
    advantage: Advantage = "zscore",
    holdout: bool = False,
) -> Feedback:
    r"""Estimated improvement of the policy on each problem, from the rollouts it was trained on.

    :math:`\hat u = \frac1n \sum_i \mathrm{expm1}(\log \rho_i) A_i`, exactly 0 for equal rewards and for an
    unchanged policy. With ``ratio="sequence"`` and ``advantage="leave_one_out"`` it is unbiased for
    :math:`V_x(\pi') - V_x(\pi)` when the new policy is independent of these rollouts (derived here); trained on
    them, it is optimistic, which `holdout` cures.

    Episodes of many steps come with their own ``rollouts.improvements``, and :math:`\hat u` is their mean (per decision
    and first order, derived here); `ratio` and `advantage` then do not matter.

    Args:
        rollouts: Must carry `log_ratio` (or log-probabilities before and after), and for ``length_normalized`` also
            `lengths`; or `improvements`.
        ratio: ``length_normalized`` is exp of the mean token log-ratio, ``sequence`` exp of their sum.
        advantage: See `advantages`.
        holdout: Use only the rollouts that ``rollouts.trained`` marks as not trained on.

    Returns:
        Utilities (m,) and valid rollouts (m,). Fewer than two valid rollouts: missing.

    Raises:
        ValueError: If a needed field is missing or a switch is unknown.

    Source: performance-difference identity and switches as in Gu et al., "Actor-Curator", arXiv 2602.20532, and
    its authors' public code.

    >>> rollouts = Rollouts(rewards=[[1.0, 0.0]], log_ratio=[[0.2, -0.2]], lengths=[[2, 2]])
    >>> policy_improvement(rollouts, advantage="centered").values.round(4)
    array([0.0501])
    """
    _check_switch("ratio", ratio, get_args(Ratio))
    if rollouts.improvements is not None:
        valid = _held_out(rollouts) if holdout else rollouts.valid
        return _mean_over_valid(rollouts.improvements, valid, at_least=1)
    if rollouts.log_ratio is None:
        raise ValueError(
            "policy_improvement needs log-probabilities before and after the update; give Rollouts logprobs_before and "
            "logprobs_after, or log_ratio, or choose another signal such as absolute_advantage"
        )
    valid = _held_out(rollouts) if holdout else rollouts.valid
    log_rho = rollouts.log_ratio
    if ratio == "length_normalized":
        if rollouts.lengths is None:
            raise ValueError('ratio="length_normalized" needs Rollouts.lengths; give them or use ratio="sequence"')
        log_rho = log_rho / np.maximum(rollouts.lengths, 1)
    weights = advantages(rollouts.rewards, valid, advantage)
    with np.errstate(over="ignore"):  # an infinite ratio is refused by whoever learns from it
        excess = np.expm1(np.where(valid & (weights != 0.0), log_rho, 0.0))
    return _mean_over_valid(excess * weights, valid, at_least=2)


def episode_improvements(log_ratio: npt.ArrayLike, advantages: npt.ArrayLike, mask: npt.ArrayLike) -> FloatArray:
    r"""Improvement of the policy as each episode of many steps shows it: `Rollouts.improvements`.

    :math:`\sum_k \mathrm{expm1}(\Delta_k) A_k` over its steps: per decision and first order in the change of the policy
    (derived here); 0 for an unchanged policy.

    Args:
        log_ratio: Log-probability of each action after the update minus before, shape (..., T).
        advantages: Advantage of each action under the policy before, shape (..., T).
        mask: Which of the steps happened, shape (..., T); what stands in the others is not read.

    Returns:
        Shape (...).

    Raises:
        ValueError: If a step that happened has a number that is not finite.

    >>> episode_improvements([[0.1, -0.1, 9.0]], [[1.0, -1.0, 9.0]], [[True, True, False]]).round(4)
    array([0.2003])
    """
    happened = np.asarray(mask, dtype=bool)
    delta, advantage = (
        np.where(happened, np.asarray(values, dtype=np.float64), 0.0) for values in (log_ratio, advantages)
    )
    for name, values in (("log_ratio", delta), ("advantages", advantage)):
        bad = ~np.isfinite(values)
        if np.any(bad):
            where = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(f"{name} at {where} is {values[where]}; a policy that diverged cannot be credited")
    with np.errstate(over="ignore"):  # an infinite ratio is refused by whoever learns from it
        return np.asarray(np.sum(np.expm1(delta) * advantage, axis=-1))


def absolute_advantage(rollouts: Rollouts, *, advantage: Advantage = "zscore") -> Feedback:
    """Mean absolute advantage of each problem's rollouts; for 0/1 rewards largest at a success rate of one half.

    A learner's own ``rollouts.absolute_advantages`` (a critic's) are used if there. Fewer than two valid rollouts (of a
    critic's: none): missing. `advantage` is one of `advantages`.

    Source: the reward of SEC, arXiv 2505.14970; over a critic's advantages the score of PLR, arXiv 2010.03934.
    """
    valid = rollouts.valid
    if rollouts.absolute_advantages is not None:
        return _mean_over_valid(rollouts.absolute_advantages, valid, at_least=1)
    return _mean_over_valid(np.abs(advantages(rollouts.rewards, valid, advantage)), valid, at_least=2)


def success_rate(rollouts: Rollouts) -> Feedback:
    """Mean success of each problem's valid rollouts: their rewards, or `Rollouts.successes` where there are any."""
    return _mean_over_valid(_successes(rollouts), rollouts.valid, at_least=1)


def success_rate_and_kl(rollouts: Rollouts) -> Feedback:
    r"""The success rate, and how far the update moved the policy on each problem.

    The divergence is the mean of `Rollouts.kl`, or else is estimated from the log-ratios :math:`\Delta` of whole
    rollouts of L tokens as :math:`(e^{\Delta} - 1 - \Delta) / L`, never negative and unbiased for the divergence per
    token of rollouts from the policy before (Schulman's third estimator). Without `kl`, or `log_ratio` and `lengths`,
    it is not known (None).
    """
    feedback = success_rate(rollouts)
    if rollouts.kl is not None:
        moved = rollouts.kl
    elif rollouts.log_ratio is not None and rollouts.lengths is not None:
        delta = np.where(rollouts.valid, rollouts.log_ratio, 0.0)
        with np.errstate(over="ignore"):
            moved = (np.expm1(delta) - delta) / np.maximum(rollouts.lengths, 1.0)
    else:
        return feedback
    kl = _mean_over_valid(moved, rollouts.valid, at_least=1).values
    return Feedback(feedback.values, feedback.counts, kl)


def mean_reward(rollouts: Rollouts) -> Feedback:
    """Mean reward of each problem's valid rollouts, in whatever unit it is: the return of an episode, a score."""
    return _mean_over_valid(rollouts.rewards, rollouts.valid, at_least=1)


def tent(rollouts: Rollouts) -> Feedback:
    """``1 - |2 p - 1|``, p the success rate: 1 where half of the rollouts succeed, 0 where all or none do."""
    rate = success_rate(rollouts)
    return Feedback(1.0 - np.abs(2.0 * rate.values - 1.0), rate.counts)


def value_loss(rollouts: Rollouts) -> Feedback:
    """Mean squared error of the learner's critic on each problem's rollouts, which must carry `value_losses`.

    Raises:
        ValueError: If there are no value losses.
    """
    if rollouts.value_losses is None:
        raise ValueError(
            "value_loss needs Rollouts.value_losses, which a learner with a critic has; give them, or choose another "
            "signal such as absolute_advantage"
        )
    return _mean_over_valid(rollouts.value_losses, rollouts.valid, at_least=1)


def reward_variance(rollouts: Rollouts) -> Feedback:
    """Population variance of each problem's successes; ``p (1 - p)`` for 0/1 rewards, known as learnability.

    Fewer than two valid rollouts: missing.

    Source: arXiv 2502.12272, arXiv 2408.15099.
    """
    valid = rollouts.valid
    return _mean_over_valid(advantages(_successes(rollouts), valid, "centered") ** 2, valid, at_least=2)


def scaled(rollouts: Rollouts, *, signal: Signal, factor: float) -> Feedback:
    """Another `signal` with values multiplied by `factor`, for rules whose settings are in the unit of the signal."""
    judged = signal(rollouts)
    return Feedback(factor * judged.values, judged.counts)


for _of_rewards in (absolute_advantage, success_rate, mean_reward, tent, value_loss, reward_variance):
    _of_rewards.needs_log_ratio = False  # type: ignore[attr-defined]


def _successes(rollouts: Rollouts) -> FloatArray:
    return rollouts.rewards if rollouts.successes is None else rollouts.successes


def _held_out(rollouts: Rollouts) -> BoolArray:
    if rollouts.trained is None:
        raise ValueError("holdout=True needs Rollouts.trained, which marks the rollouts the update used")
    return rollouts.valid & ~rollouts.trained


def _mean_over_valid(values: FloatArray, valid: BoolArray, *, at_least: int) -> Feedback:
    counts = np.sum(valid, axis=1)
    counts = np.where(counts >= at_least, counts, 0)
    total = np.sum(np.where(valid, values, 0.0), axis=1)
    means = np.where(counts > 0, total / np.maximum(counts, 1), np.nan)
    return Feedback(means, counts)


def _check_switch(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"{name}={value!r} is unknown; choose one of {', '.join(map(repr, known))}")
