"""Exp3.S as used for automated curricula: shared weights, and rewards measured against their own history."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bandits.arrays import checked_answers, require_kind
from curriculum_bandits.bandits.contract import FloatArray, IntArray, Selection
from curriculum_bandits.bandits.exponential_weights import ExponentialWeights

__all__ = ["GravesExp3S"]

_LOW, _HIGH = 20.0, 80.0


class GravesExp3S:
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

    Raises:
        ValueError: If a setting is out of its range.

    Source: Graves et al., "Automated Curriculum Learning for Neural Networks", arXiv 1704.03003.

    >>> bandit = GravesExp3S(2, step=0.5)
    >>> for value in (0.0, 1.0):
    ...     bandit.update([int(value)], [0.5], [value])
    >>> bool(bandit.probabilities()[1] > 0.5)
    True
    """

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
        if history < 2:
            raise ValueError(f"history is {history}; percentiles need at least 2 utilities")
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
        self.n_arms, self.runs, self.history = n_arms, runs, history
        self._seen: FloatArray = np.empty((*self._weights.probabilities().shape[:-1], 0))

    def probabilities(self) -> FloatArray:
        """The distribution p_t over arms, shape (..., K)."""
        return self._weights.probabilities()

    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        """Play arms; see `ExponentialWeights.select`.

        Args:
            size: Plays in this round, m; must be 1 without a capacity.
            rng: Source of randomness.
            candidates: Must be None.

        Returns:
            Arms, p_t and ``m p_t`` of each, shape (..., m).
        """
        return self._weights.select(size, rng, candidates)

    def update(self, arms: npt.ArrayLike, inclusion: npt.ArrayLike | None, values: npt.ArrayLike) -> None:
        """Rescale by the history, the new utilities included, and multiply the weights.

        Args:
            arms: Arms that answered, shape (..., m).
            inclusion: Their number to divide by when they were drawn, shape (..., m).
            values: Their utilities in any unit, shape (..., m).

        Raises:
            ValueError: As `Osmd.update`. The state is then as it was.
        """
        leading = self._seen.shape[:-1]
        played, weights, utilities = checked_answers(arms, inclusion, values, n_arms=self.n_arms, leading=leading)
        seen = np.concatenate([self._seen, utilities], axis=-1)[..., -self.history :]
        low, high = np.percentile(seen, [_LOW, _HIGH], axis=-1, keepdims=True)
        spread = np.where(high > low, high - low, 1.0)
        apart = np.clip(2.0 * (utilities - low) / spread - 1.0, -1.0, 1.0)
        scaled = np.where(high > low, apart, np.sign(utilities - low))
        self._weights.update(played, weights, scaled)
        self._seen = seen

    def state_dict(self) -> dict[str, Any]:
        """Weights and history; settings belong to the constructor."""
        return {"kind": "graves_exp3_s", "weights": self._weights.state_dict(), "seen": self._seen.copy()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Args:
            state: What `state_dict` returned, from a bandit with the same arms and runs.

        Raises:
            ValueError: If the state is of another kind of bandit or of another shape.
        """
        require_kind(state, "graves_exp3_s")
        seen = np.array(state["seen"], dtype=np.float64)
        if seen.shape[:-1] != self._seen.shape[:-1] or seen.ndim != self._seen.ndim:
            leading = self._seen.shape[:-1]
            raise ValueError(f"the saved history has shape {seen.shape}, this bandit's {leading} plus one axis")
        if seen.shape[-1] > self.history or not np.all(np.isfinite(seen)):
            raise ValueError(
                f"the saved history has {seen.shape[-1]} utilities, not all finite or more than {self.history}; load "
                "the state of a bandit with these settings"
            )
        self._weights.load_state_dict(state["weights"])
        self._seen = seen
