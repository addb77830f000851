"""What an arm stands for: one problem, or a group of problems drawn without replacement.

A bandit counts plays of arms; a batch is made of problems. This map goes one way when a batch is drawn and the other
way when its utilities come back.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Arms"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


class Arms:
    """A partition of N problems into K arms.

    Args:
        arm_of: Arm of each problem, shape (N,), every arm 0..K-1 used at least once.

    Attributes:
        arm_of: As given.
        sizes: Problems in each arm, shape (K,).

    >>> arms = Arms([0, 0, 1])
    >>> arms.sizes.tolist(), sorted(arms.problems([0, 0], np.random.default_rng(0)).tolist())
    ([2, 1], [0, 1])
    """

    def __init__(self, arm_of: npt.ArrayLike) -> None:
        self.arm_of: IntArray = np.array(arm_of, dtype=np.int64)
        self.sizes: IntArray = np.bincount(self.arm_of)
        if np.any(self.sizes == 0):
            raise ValueError(f"arm {int(np.argmin(self.sizes))} has no problem; number the arms 0..K-1 without gaps")
        self._single = len(self.sizes) == len(self.arm_of)
        # Problems sorted by arm, so that those of arm g are members[start[g]:start[g+1]].
        self._members = np.argsort(self.arm_of, kind="stable")
        self._start = np.concatenate([[0], np.cumsum(self.sizes)])

    def __len__(self) -> int:
        """Number of arms, K."""
        return len(self.sizes)

    def problems(self, arms: npt.ArrayLike, rng: np.random.Generator) -> IntArray:
        """Turn plays of arms into distinct problems.

        Args:
            arms: Played arms, shape (m,); an arm played c times yields c distinct problems of its own. Where every arm
                is a single problem, an arm played twice (draws with replacement) is that problem twice.
            rng: Source of randomness.

        Returns:
            Problems, shape (m,), in the order of the plays.

        Raises:
            ValueError: If a group is played more often than it has problems.
        """
        played = np.asarray(arms, dtype=np.int64)
        if self._single:
            return self._members[played]
        items = np.empty_like(played)
        for arm, count in zip(*np.unique(played, return_counts=True), strict=True):
            if count > self.sizes[arm]:
                raise ValueError(
                    f"arm {arm} is played {count} times but holds {self.sizes[arm]} problems; cap the bandit's plays "
                    "with capacity=arms.sizes, or ask for a smaller batch"
                )
            members = self._members[self._start[arm] : self._start[arm + 1]]
            items[played == arm] = rng.choice(members, size=count, replace=False)
        return items

    def entropy(self, probability: FloatArray) -> float:
        """Entropy over problems, in nats, of a distribution over arms.

        Args:
            probability: Distribution over arms, shape (K,); inside an arm problems are equally likely.

        Returns:
            ``-sum_x p(x) ln p(x)`` over the N problems; its exponential is the effective number of problems.
        """
        positive = probability > 0.0
        p = probability[positive]
        return float(-np.sum(p * np.log(p / self.sizes[positive])))
