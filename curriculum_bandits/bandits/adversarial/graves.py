"""Exp3.S as used for automated curricula: shared weights, and rewards measured against their own history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.adversarial.exponential_weights import ExponentialWeights
from curriculum_bandits.bandits.adversarial.importance_weighted import ImportanceWeighted
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.state import Array, Field, Part

__all__ = ["GravesExp3S"]

_LOW, _HIGH = 20.0, 80.0


class GravesExp3S(ImportanceWeighted, kind="graves_exp3_s"):
    r"""Graves' Exp3.S: utilities are mapped to [-1, 1] by the 20th and 80th percentiles of their history.

    :math:`\pi = (1 - \epsilon)\,\mathrm{softmax}(w) + \epsilon/K`, and
    :math:`w_i \leftarrow \ln[(1-\alpha) e^{w_i + \eta \tilde r_i} + \frac{\alpha}{K-1} \sum_{j \ne i} e^{w_j + \eta
    \tilde r_j}]` with :math:`\tilde r_i = (r\,1[i\ drawn] + \beta)/\pi_i`. The published sharing rate 1/t vanishes, so
    a constant is used. One play a round, as published; with a `capacity` m of them (ours, see `ExponentialWeights`),
    and every play of a batch enters the history. Where the two percentiles are equal, because most utilities are the
    same, one above them counts 1, one below -1 and one like them 0: the limit of the map (ours).

    Args:
        n_arms: Number of arms K, at least 2.
        runs: Number of independent runs; None for one run without a leading axis.
        step: :math:`\eta`.
        mixing: :math:`\epsilon`.
        sharing: :math:`\alpha`.
        bonus: :math:`\beta`.
        history: How many of the latest utilities the percentiles are taken over.
        capacity: How often an arm can be played in one round, a number or shape (K,), for batches of any size; None
            plays one arm a round.

    Source: Graves et al., "Automated Curriculum Learning for Neural Networks", arXiv 1704.03003.

    >>> bandit = GravesExp3S(2, step=0.5)
    >>> for value in (0.0, 1.0):
    ...     bandit.update(Selection([int(value)], [0.5], [0.5]), [value])
    >>> bool(bandit.probabilities()[1] > 0.5)
    True
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "_weights": Part(),
        "_seen": Array(shape=lambda bandit: (*bandit._leading, None)),
    }

    def __init__(
        self,
        n_arms: int,
        *,
        runs: int | None = None,
        step: float = 1e-3,
        mixing: float = 0.05,
        sharing: float = 1e-3,
        bonus: float = 0.0,
        history: int = 1000,
        capacity: npt.ArrayLike | None = None,
    ) -> None:
        require("[2, inf)", history=history)
        self._weights = ExponentialWeights(
            n_arms,
            step=step,
            mixing=mixing,
            runs=runs,
            bonus=bonus,
            sharing=sharing,
            sharing_form="others",
            utility_range=(-1.0, 1.0),
            gain_range=(-1.0, 1.0),
            capacity=capacity,
        )
        super().__init__(n_arms, runs, None)
        self.history = history
        self._seen: FloatArray = np.empty((*self._leading, 0))

    def probabilities(self) -> FloatArray:
        """The distribution p_t over arms, shape (..., K)."""
        return self._weights.probabilities()

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        return self._weights.select(size, rng, candidates)

    @override
    def _learn(self, arms: IntArray, inclusion: FloatArray, utilities: FloatArray) -> None:
        seen = np.concatenate([self._seen, utilities], axis=-1)[..., -self.history :]
        low, high = np.percentile(seen, [_LOW, _HIGH], axis=-1, keepdims=True)
        spread = np.where(high > low, high - low, 1.0)
        apart = np.clip(2.0 * (utilities - low) / spread - 1.0, -1.0, 1.0)
        self._weights._learn(arms, inclusion, np.where(high > low, apart, np.sign(utilities - low)))
        self._seen = seen

    @override
    def _checked(self, state: Mapping[str, Any]) -> dict[str, Any]:
        values = super()._checked(state)
        if values["_seen"].shape[-1] > self.history:
            raise ValueError(f"the saved history has {values['_seen'].shape[-1]} utilities, this one {self.history}")
        return values
