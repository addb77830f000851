"""A student with one number per family and level: its skill.

The fastest student, for large banks and many seeds: an answer is right or wrong, and what a batch teaches is the
variance of the rewards it saw.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.environments.student import Student, log_sigmoid

__all__ = ["SkillStudent"]


class SkillStudent(Student):
    r"""Success is :math:`\sigma(s_{f,l} - d_x)`: skill of the family at that level minus difficulty of the problem.

    As a policy it has two outcomes, right and wrong, so log-ratios are exact; an answer counts as `tokens` tokens,
    which matter for length-normalised signals alone. The policy gradient in the skill is the (sample) variance of the
    rewards of a problem: nothing is learned from what is always or never solved.

    The arguments are those of `Student`.

    >>> student = SkillStudent.half_hopeless(n_problems=600)
    >>> rollouts = student.learn([0, 1, 599])
    >>> rollouts.rewards.shape, student.true_improvement([599]).shape
    ((3, 8), (1,))
    """

    @property
    def skill(self) -> FloatArray:
        """Skill of each family and level, in logits, shape (F, L); 0 at the start."""
        return np.asarray(self._policy.reshape(self.problems.difficulty.shape) + self.problems.difficulty)

    # The policy is the logit of success on a typical problem of each cell: skill minus difficulty.

    def _policy_of(self, log_success: FloatArray) -> FloatArray:
        return np.asarray(log_success - np.log(-np.expm1(log_success)))

    def _log_success(self, policy: FloatArray, cell: IntArray, offset: FloatArray) -> FloatArray:
        return log_sigmoid(policy[cell] - offset)

    def _answer(
        self, policy: FloatArray, cell: IntArray, offset: FloatArray, n: int, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray]:
        success = np.exp(self._log_success(policy, cell, offset))
        right = rng.random((len(cell), n)) < success[:, None]
        return right.astype(np.int64), right.astype(np.float64)

    def _log_probability(self, policy: FloatArray, cell: IntArray, offset: FloatArray, answers: IntArray) -> FloatArray:
        logit = (policy[cell] - offset)[:, None]
        return log_sigmoid(np.where(answers == 1, logit, -logit))

    def _gradient(self, cell: IntArray, answers: IntArray, weights: FloatArray) -> FloatArray:
        # sum_i w_i (R_i - p), where p drops out because the weights of a problem sum to 0
        credit = np.sum(weights * answers, axis=1)
        return np.asarray(np.bincount(cell, weights=credit, minlength=len(self._policy)), dtype=np.float64)

    def _slope(self, cell: IntArray, offset: FloatArray) -> FloatArray:
        logit = self._policy[cell] - offset
        return np.asarray(expit(logit) * expit(-logit))[:, None]  # V (1 - V), exact where V is all but 1

    def _direction(self) -> FloatArray:
        return np.ones((len(self._policy), 1, 1))
