"""A student that writes answers token by token, each from a softmax of its own.

A language model in miniature: log-probabilities are sums over tokens, a problem is solved when every token is right,
and the gradient is that of the shared logits. Its true improvement is still a closed form.
"""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from curriculum_bandits._typing import BoolArray, FloatArray, IntArray
from curriculum_bandits.environments.graded import GradedProblems
from curriculum_bandits.environments.student import Student, Training, log_sigmoid

__all__ = ["SoftmaxStudent"]


_TRAINING = Training()


class SoftmaxStudent(Student):
    r"""For each family, level and position of the answer, a categorical policy over a small vocabulary.

    Token 0 is the right one everywhere (names of tokens are arbitrary). Problems of a cell share the logits; a harder
    one has its offset subtracted from the logit of every right token. Success is the product over positions:
    :math:`V_x = \prod_k \mathrm{softmax}(\theta_{f,l,k} - o_x e_0)_0`. At the start each token of a cell is equally
    likely to be right, such that a typical problem is solved as its difficulty says.

    The other arguments are those of `Student`.

    Args:
        vocabulary: Number of tokens to choose from, at least 2.

    Raises:
        ValueError: If a length is below 1, or the vocabulary below 2.

    >>> student = SoftmaxStudent.mostly_solved(n_problems=600)
    >>> student.learn([0, 1, 599]).lengths[:, 0]
    array([2., 2., 6.])
    """

    def __init__(
        self,
        problems: GradedProblems,
        training: Training = _TRAINING,
        *,
        tokens: tuple[int, int] = (2, 6),
        vocabulary: int = 4,
        seed: int = 0,
    ) -> None:
        if vocabulary < 2:
            raise ValueError(f"vocabulary is {vocabulary}; a choice needs at least 2 tokens")
        self._vocabulary = vocabulary
        super().__init__(problems, training, tokens=tokens, seed=seed)

    # The policy is a table of logits, shape (C, P, A): cells, positions up to the longest answer, vocabulary.

    def _policy_of(self, log_success: FloatArray) -> FloatArray:
        by_token = log_success / self._tokens
        odds = by_token - np.log(-np.expm1(by_token))  # the logit of a token's probability of being right
        policy = np.zeros((len(log_success), int(np.max(self._tokens)), self._vocabulary))
        policy[:, :, 0] = (odds + np.log(self._vocabulary - 1))[:, None]
        return policy

    def _log_success(self, policy: FloatArray, cell: IntArray, offset: FloatArray) -> FloatArray:
        by_token = log_sigmoid(_odds(policy)[cell] - offset[:, None])
        return np.asarray(np.sum(np.where(self._written(cell), by_token, 0.0), axis=1))

    def _answer(
        self, policy: FloatArray, cell: IntArray, offset: FloatArray, n: int, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray]:
        cumulative = np.cumsum(np.exp(_log_softmax(policy, cell, offset)), axis=2)[:, None, :, :-1]
        uniform = rng.random((len(cell), n, cumulative.shape[2]))
        tokens = np.sum(uniform[..., None] >= cumulative, axis=3)
        tokens = np.where(self._written(cell)[:, None], tokens, 0)
        return tokens, np.all(tokens == 0, axis=2).astype(np.float64)

    def _log_probability(self, policy: FloatArray, cell: IntArray, offset: FloatArray, answers: IntArray) -> FloatArray:
        log_softmax = _log_softmax(policy, cell, offset)[:, None]
        by_token = np.take_along_axis(log_softmax, answers[..., None], axis=3)[..., 0]
        return np.asarray(np.sum(np.where(self._written(cell)[:, None], by_token, 0.0), axis=2))

    def _gradient(self, cell: IntArray, answers: IntArray, weights: FloatArray) -> FloatArray:
        # sum_i w_i (e_token - softmax), where the softmax drops out because the weights of a problem sum to 0
        _, positions, vocabulary = self._policy.shape
        place = (cell[:, None, None] * positions + np.arange(positions)) * vocabulary + answers
        credit = weights[..., None] * self._written(cell)[:, None]
        total = np.bincount(place.ravel(), weights=credit.ravel(), minlength=self._policy.size)
        return np.asarray(total, dtype=np.float64).reshape(self._policy.shape)

    def _slope(self, cell: IntArray, offset: FloatArray) -> FloatArray:
        # grad V_x = V_x (e_0 - softmax), where the offset changes no proportion among the wrong tokens
        odds = _odds(self._policy)[cell] - offset[:, None]
        written = self._written(cell)
        success = np.exp(np.sum(np.where(written, log_sigmoid(odds), 0.0), axis=1, keepdims=True))
        return np.where(written, success * expit(-odds), 0.0)

    def _direction(self) -> FloatArray:
        others = self._policy[:, :, 1:]
        share = np.exp(others - np.logaddexp.reduce(others, axis=2, keepdims=True))
        return np.concatenate([np.ones((*share.shape[:2], 1)), -share], axis=2)

    def _written(self, cell: IntArray) -> BoolArray:
        """Which positions the answers of these cells have, shape (m, P)."""
        return np.arange(np.max(self._tokens)) < self._tokens[cell][:, None]


def _odds(policy: FloatArray) -> FloatArray:
    """Logit of every right token, shape (C, P)."""
    return np.asarray(policy[:, :, 0] - np.logaddexp.reduce(policy[:, :, 1:], axis=2))


def _log_softmax(policy: FloatArray, cell: IntArray, offset: FloatArray) -> FloatArray:
    """Log-probabilities of all tokens at all positions, shape (m, P, A)."""
    logits = policy[cell]
    logits[:, :, 0] -= offset[:, None]
    return np.asarray(logits - np.logaddexp.reduce(logits, axis=2, keepdims=True))
