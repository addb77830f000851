"""PCL: a network predicts each problem's success rate, and those nearest to one half are trained on.

The scorers and inputs are the neural curator's. What differs is the choice, which is greedy among uniform candidates,
and what the network learns: the success rate itself, by regression on the problems that were drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.arrays import checked_utilities
from curriculum_bandits.bandits.contract import (
    ArrayLike,
    Bandit,
    Extra,
    FloatArray,
    IntArray,
    RefusedUtility,
    Selection,
)
from curriculum_bandits.neural.descent import Descent
from curriculum_bandits.neural.inputs import Inputs
from curriculum_bandits.neural.scorers import Scorer
from curriculum_bandits.sampling.candidates import UniformCandidates
from curriculum_bandits.state import Field, Fixed, Part, Real, Stateful

__all__ = ["ValueModelCurator"]


class ValueModelCurator(Stateful, Bandit):
    r"""Keeps, of :math:`\kappa m` uniform candidates, the m whose predicted success V(x) is nearest to a target.

    V(x) is the logistic function of the scorer's output, and is trained on the squared error
    :math:`(V(x) - \bar r(x))^2` over the problems that answered, as they answer. The choice is greedy and states no
    inclusion: coverage comes from the uniform candidates alone, so a problem whose V stays far from the target is drawn
    only among candidates that are farther still: a prediction that is wrong by extrapolation can stay wrong, the
    more so the more of the bank the candidates are. Ties are broken at random, so the first batches are uniform.

    Args:
        inputs: What the scorer reads about each problem; its length is the size of the bank.
        scorer: The network, moved to `device` and kept in evaluation mode.
        target: The success rate that is sought, in [0, 1].
        candidates: :math:`\kappa`: candidates per problem drawn, 1 or more; at most the bank.
        learning_rate: Of AdamW.
        weight_decay: Of AdamW.
        gradient_steps: Optimiser steps per answer.
        max_gradient_norm: Gradients are scaled down to this norm.
        chunk: Problems read at once; gradients are exact all the same. None reads all at once.
        device: Where the scorer runs; None leaves it where it is.

    Raises:
        ValueError: If a setting is out of its range.

    Source: Gao et al., "Prompt Curriculum Learning for Efficient LLM Post-Training", arXiv 2510.01135, whose value
    model is a language model; optimiser settings for small scorers, and the logistic function, are ours.
    """

    STATE: ClassVar[Mapping[str, Field]] = {
        "n_arms": Fixed("load the bank it was saved with"),
        "_descent": Part(),
        "_error": Real(low=0.0, finite=False),
    }

    def __init__(
        self,
        inputs: Inputs,
        scorer: Scorer,
        *,
        target: float = 0.5,
        candidates: int = 4,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.0,
        gradient_steps: int = 3,
        max_gradient_norm: float = 1.0,
        chunk: int | None = None,
        device: str | torch.device | None = None,
    ) -> None:
        for name, count in (("candidates", candidates), ("gradient_steps", gradient_steps), ("chunk", chunk)):
            if count is not None and count < 1:
                raise ValueError(f"{name} is {count}; give 1 or more")
        for name, value in (("learning_rate", learning_rate), ("max_gradient_norm", max_gradient_norm)):
            if not 0.0 < value < math.inf:
                raise ValueError(f"{name} is {value}; give a finite number above 0")
        if not 0.0 <= weight_decay < math.inf:
            raise ValueError(f"weight_decay is {weight_decay}; give a finite number, 0 or more")
        if not 0.0 <= target <= 1.0:
            raise ValueError(f"target is {target}; a success rate is in [0, 1]")
        self.n_arms = len(inputs)
        self.inputs = inputs
        self.scorer = (scorer if device is None else scorer.to(device)).eval()
        self.target, self.candidates, self.gradient_steps, self.chunk = target, candidates, gradient_steps, chunk
        self._proposal = UniformCandidates(self.n_arms)
        trained = [weight for weight in scorer.parameters() if weight.requires_grad]
        adam = torch.optim.AdamW(trained, lr=learning_rate, weight_decay=weight_decay)
        self._descent = Descent(scorer, adam, max_gradient_norm)
        self._error = math.nan

    def values_of(self, items: IntArray) -> FloatArray:
        """V(x), the predicted success rate in [0, 1] of each problem, shape (m,).

        Raises:
            FloatingPointError: If one is not a number.
        """
        with torch.no_grad():
            parts = [torch.sigmoid(self._outputs(items[part])) for part in self._chunks(len(items))]
        values = torch.cat(parts).double().cpu().numpy()
        if not np.all(np.isfinite(values)):
            item = int(items[int(np.argmin(np.isfinite(values)))])
            raise FloatingPointError(f"the predicted success of problem {item} is not a number; lower learning_rate")
        return np.asarray(values)

    @override
    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> Selection:
        count = min(self.n_arms, self.candidates * max(size, 1)) if candidates is None else len(candidates)
        if not 1 <= size <= count:
            raise ValueError(f"{size} problems are asked for out of {count} candidates; ask for 1 to that many")
        items, inclusion = self._proposal.propose(count, rng) if candidates is None else (candidates, None)
        items = np.array(items, dtype=np.int64)
        order = rng.permutation(count)  # so that ties are broken at random
        distance = np.abs(self.values_of(items[order]) - self.target)
        chosen = items[order[np.argsort(distance, kind="stable")[:size]]]
        return Selection(chosen, np.full(size, 1.0 / size), None, items, None, inclusion)

    @override
    def update(
        self, selection: Selection, values: ArrayLike, *, counts: Extra = None, kl: Extra = None, cost: Extra = None
    ) -> None:
        arms, rates = checked_utilities(selection, values, n_arms=self.n_arms)
        bad = (rates < 0.0) | (rates > 1.0)
        if bad.any():
            worst = int(np.argmax(bad))
            remedy = "a success rate is between 0 and 1: rescale the rewards, or give Rollouts successes"
            raise RefusedUtility(int(arms[worst]), worst, float(rates[worst]), remedy)
        observed = torch.from_numpy(rates.astype(np.float32)).to(next(self.scorer.parameters()).device)
        for step in range(self.gradient_steps):
            self._descent.forget()
            error = 0.0
            for part in self._chunks(len(rates)):
                difference = torch.sigmoid(self._outputs(arms[part])) - observed[part]
                loss = torch.sum(difference**2) / len(rates)
                loss.backward()  # type: ignore[no-untyped-call]
                error += float(loss.detach())
            if step == 0:
                self._error = error
            self._descent.step()
        self._descent.forget()

    def _outputs(self, items: IntArray) -> torch.Tensor:
        device = next(self.scorer.parameters()).device
        outputs: torch.Tensor = self.scorer(self.inputs(items, device))[:, 0].float()
        return outputs

    def _chunks(self, count: int) -> list[slice]:
        size = self.chunk or max(count, 1)
        return [slice(start, start + size) for start in range(0, count, size)]

    def diagnostics(self) -> dict[str, float]:
        """``prediction_error`` (mean squared) on the last answer, before it was learned from; nan before the first.

        ``skipped_steps`` so far, for gradients that were not finite.
        """
        return {"prediction_error": self._error, "skipped_steps": float(self._descent.skipped)}
