"""Arms that wear out: the mean falls with the number of pulls, not with time.

Regret in the usual sense is undefined here, for what an arm pays depends on what was played before. So tables have a
row per pull instead of a row per round: the n-th pull of an arm pays the same whoever pulls it, and whenever.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.environments.environment import Environment
from curriculum_bandits.environments.noise import BERNOULLI, Noise

__all__ = ["RottingEnvironment", "RottingPlay", "abrupt_rotting", "power_rotting"]


@dataclass(frozen=True, eq=False)
class RottingEnvironment:
    """K arms whose means never rise with their pulls.

    Attributes:
        curves: An environment whose row n holds the means of each arm's pull number n (counted from 0); its
            `rewards` and `reward_blocks` draw the tables.

    Raises:
        ValueError: If a mean rises.

    >>> arms = abrupt_rotting(before=[0.5, 0.9], after=[0.5, 0.1], pulls=2, horizon=4)
    >>> play = arms.start(arms.curves.means)
    >>> [float(play.step([1])[0]) for _ in range(3)]
    [0.9, 0.9, 0.1]
    """

    curves: Environment

    def __post_init__(self) -> None:
        """Refuse means that rise."""
        rising = np.diff(self.curves.means, axis=0) > 0.0
        if np.any(rising):
            pull, arm = (int(i) for i in np.argwhere(rising)[0])
            raise ValueError(f"the mean of arm {arm} rises after pull {pull}; a rotting arm's mean may only fall")

    def best_total(self, rounds: int) -> float:
        """Largest expected sum of rewards in so many rounds of one play each.

        It is the sum of the greatest means: as no mean rises, taking the best current arm each time is optimal.

        Raises:
            ValueError: If the curves are too short.

        Source: Heidari, Kearns & Roth, "Tight Policy Regret Bounds for Improving and Decaying Bandits", IJCAI 2016.
        """
        if not 0 <= rounds <= self.curves.horizon:
            pulls = self.curves.horizon
            raise ValueError(f"{rounds} rounds are asked for, the curves have {pulls} pulls; lengthen them")
        return float(np.sum(np.sort(self.curves.means, axis=None)[self.curves.means.size - rounds :]))

    def start(self, rewards: npt.ArrayLike) -> RottingPlay:
        """Begin to play.

        Args:
            rewards: Tables drawn with ``curves.rewards``, shape (N, K) or (runs, N, K). Give every policy the same.

        Raises:
            ValueError: If the shape is not that of the curves.
        """
        return RottingPlay(self.curves.means, np.asarray(rewards, dtype=np.float64))


class RottingPlay:
    """Pulls of each arm so far, and its next reward.

    Args:
        means: Mean of each pull, shape (N, K).
        rewards: Reward of each pull, shape (..., N, K).

    Raises:
        ValueError: If the shapes do not fit.

    Attributes:
        pulls: Pulls so far, shape (..., K).
    """

    def __init__(self, means: FloatArray, rewards: FloatArray) -> None:
        if rewards.shape[-2:] != means.shape:
            raise ValueError(f"rewards has shape {rewards.shape}; its last axes must be the curves' {means.shape}")
        self._means, self._rewards = means, rewards
        self.pulls: IntArray = np.zeros((*rewards.shape[:-2], means.shape[1]), dtype=np.int64)

    @property
    def means(self) -> FloatArray:
        """Mean of each arm's next pull, shape (..., K); 0 where its curve has ended."""
        row = np.minimum(self.pulls, len(self._means) - 1)
        return np.where(self.pulls < len(self._means), self._means[row, np.arange(self._means.shape[1])], 0.0)

    def step(self, arms: npt.ArrayLike) -> FloatArray:
        """Rewards, shape (..., m), of pulling the arms of a round, shape (..., m), one after the other.

        Raises:
            ValueError: If the shape is wrong, an arm does not exist or its curve has ended. Nothing is pulled then.
        """
        played = np.asarray(arms, dtype=np.int64)
        n_pulls, n_arms = self._means.shape
        if played.ndim != self.pulls.ndim or played.shape[:-1] != self.pulls.shape[:-1]:
            raise ValueError(
                f"arms has shape {played.shape}; it must be {self.pulls.shape[:-1]} plus one axis of plays"
            )
        if np.any((played < 0) | (played >= n_arms)):
            raise ValueError(f"an arm is outside 0..{n_arms - 1}")
        pulls = self.pulls.copy()
        rewards = np.empty(played.shape)
        for j in range(played.shape[-1]):
            arm = played[..., j : j + 1]
            pull = np.take_along_axis(pulls, arm, axis=-1)
            if np.any(pull >= n_pulls):
                raise ValueError(f"an arm is pulled more than {n_pulls} times; give the curves a longer horizon")
            rows = np.take_along_axis(self._rewards, pull[..., None], axis=-2)[..., 0, :]
            rewards[..., j : j + 1] = np.take_along_axis(rows, arm, axis=-1)
            np.put_along_axis(pulls, arm, pull + 1, axis=-1)
        self.pulls = pulls
        return rewards


def power_rotting(
    scale: npt.ArrayLike, exponent: npt.ArrayLike, horizon: int, *, noise: Noise = BERNOULLI
) -> RottingEnvironment:
    r"""Arms that wear out by a power law: the n-th pull, n = 1, 2, ..., has mean :math:`s_k n^{-\theta_k}`.

    Args:
        scale: Mean of each arm's first pull, shape (K,), in [0, 1].
        exponent: How fast each wears out, shape (K,), 0 or more.
        horizon: Longest number of pulls of an arm.
        noise: How a mean becomes a reward.

    Raises:
        ValueError: If a mean rises or leaves [0, 1].

    Source: the parametric family of Levine, Crammer & Mannor, "Rotting Bandits", NIPS 2017.

    >>> power_rotting([0.8, 0.4], [0.5, 0.0], horizon=4).curves.means[3]
    array([0.4, 0.4])
    """
    pull = np.arange(1, horizon + 1, dtype=np.float64)[:, None]
    means = np.asarray(scale, dtype=np.float64) * pull ** -np.asarray(exponent, dtype=np.float64)
    return RottingEnvironment(Environment(means, name="power rotting", noise=noise))


def abrupt_rotting(
    before: npt.ArrayLike, after: npt.ArrayLike, pulls: npt.ArrayLike, horizon: int, *, noise: Noise = BERNOULLI
) -> RottingEnvironment:
    """Arms that break after a number of pulls.

    Args:
        before: Mean of each arm while it is whole, shape (K,).
        after: Mean once it is broken, shape (K,), not above `before`.
        pulls: How many pulls each arm bears: a number, or shape (K,).
        horizon: Longest number of pulls of an arm.
        noise: How a mean becomes a reward.

    Raises:
        ValueError: If a mean rises or leaves [0, 1].
    """
    broken = np.arange(horizon)[:, None] >= np.asarray(pulls)
    means = np.where(broken, np.asarray(after, dtype=np.float64), np.asarray(before, dtype=np.float64))
    return RottingEnvironment(Environment(means, name="abrupt rotting", noise=noise))
