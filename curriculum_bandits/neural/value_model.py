"""PCL: a network predicts each problem's success rate, and those nearest to one half are trained on.

The scorers and inputs are the neural curator's. What differs is the choice, which is greedy among uniform candidates,
and what the network learns: the success rate itself, by regression on the problems that were drawn.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from curriculum_bandits.bandits.contract import CandidateSelection, FloatArray, IntArray, RefusedUtility
from curriculum_bandits.neural.inputs import Inputs
from curriculum_bandits.neural.scorers import Scorer
from curriculum_bandits.neural.tensor_state import (
    arrays_of_optimizer,
    arrays_of_weights,
    checked_optimizer,
    checked_weights,
    restore_optimizer,
)
from curriculum_bandits.proposals import UniformProposal

__all__ = ["ValueModelCurator"]

logger = logging.getLogger(__name__)

_KIND = "value_model"
_ADAM_REMEMBERS = ("step", "exp_avg", "exp_avg_sq")


class ValueModelCurator:
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

    Attributes:
        n_arms: Number of problems N.

    Source: Gao et al., "Prompt Curriculum Learning for Efficient LLM Post-Training", arXiv 2510.01135, whose value
    model is a language model; optimiser settings for small scorers, and the logistic function, are ours.
    """

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
            if not (math.isfinite(value) and value > 0.0):
                raise ValueError(f"{name} is {value}; give a finite number above 0")
        if not (math.isfinite(weight_decay) and weight_decay >= 0.0):
            raise ValueError(f"weight_decay is {weight_decay}; give a finite number, 0 or more")
        if not 0.0 <= target <= 1.0:
            raise ValueError(f"target is {target}; a success rate is in [0, 1]")
        self.n_arms = len(inputs)
        self.inputs = inputs
        self.scorer = (scorer if device is None else scorer.to(device)).eval()
        self.target, self.candidates, self.gradient_steps = target, candidates, gradient_steps
        self.max_gradient_norm, self.chunk = max_gradient_norm, chunk
        self._proposal = UniformProposal(self.n_arms)
        self._parameters = [weight for weight in scorer.parameters() if weight.requires_grad]
        self._optimizer = torch.optim.AdamW(self._parameters, lr=learning_rate, weight_decay=weight_decay)
        self._skipped = 0
        self._error = math.nan

    def values_of(self, items: IntArray) -> FloatArray:
        """V(x), the predicted success rate.

        Args:
            items: Problems, shape (m,).

        Returns:
            Predictions in [0, 1], shape (m,).

        Raises:
            FloatingPointError: If one is not a number.
        """
        with torch.no_grad():
            parts = [torch.sigmoid(self._outputs(items[part])) for part in self._chunks(len(items))]
        values = torch.cat(parts).double().cpu().numpy()
        if not np.all(np.isfinite(values)):
            item = int(items[int(np.argmin(np.isfinite(values)))])
            raise FloatingPointError(
                f"the predicted success of problem {item} is not a number; lower the learning rate"
            )
        return np.asarray(values)

    def select(self, size: int, rng: np.random.Generator, candidates: IntArray | None = None) -> CandidateSelection:
        r"""The candidates whose predicted success is nearest to the target.

        Args:
            size: Problems to draw, m, at most the number of candidates.
            rng: Source of randomness.
            candidates: What to choose among, distinct, shape (M,); None draws :math:`\kappa m` uniformly.

        Returns:
            Distinct problems, ``1 / m`` for each, no inclusion, the candidates and P(x is a candidate) of each.

        Raises:
            ValueError: If `size` is below 1 or above the number of candidates.
        """
        count = min(self.n_arms, self.candidates * max(size, 1)) if candidates is None else len(candidates)
        if not 1 <= size <= count:
            raise ValueError(f"{size} problems are asked for out of {count} candidates; ask for 1 to that many")
        items, inclusion = self._proposal.propose(count, rng) if candidates is None else (candidates, None)
        items = np.array(items, dtype=np.int64)
        order = rng.permutation(count)  # so that ties are broken at random
        distance = np.abs(self.values_of(items[order]) - self.target)
        chosen = items[order[np.argsort(distance, kind="stable")[:size]]]
        return CandidateSelection(chosen, np.full(size, 1.0 / size), None, items, None, inclusion)

    def update_from(self, selection: CandidateSelection, values: FloatArray) -> None:
        """Train V on the success rates of a draw.

        Args:
            selection: As `select` returned it, its arms reduced to those that answered.
            values: Success rate of each, shape (m,).

        Raises:
            RefusedUtility: If one is not in [0, 1]. The state is then as it was.
        """
        rates = np.asarray(values, dtype=np.float64)
        bad = ~((rates >= 0.0) & (rates <= 1.0))
        if bad.any():
            worst = int(np.argmax(bad))
            remedy = "a success rate is between 0 and 1: rescale the rewards, or give Rollouts successes"
            raise RefusedUtility(int(selection.arms[worst]), worst, float(rates[worst]), remedy)
        observed = torch.from_numpy(rates.astype(np.float32)).to(next(self.scorer.parameters()).device)
        for step in range(self.gradient_steps):
            self._optimizer.zero_grad(set_to_none=True)
            error = 0.0
            for part in self._chunks(len(rates)):
                loss = torch.sum((torch.sigmoid(self._outputs(selection.arms[part])) - observed[part]) ** 2) / len(
                    rates
                )
                loss.backward()  # type: ignore[no-untyped-call]
                error += float(loss.detach())
            if step == 0:
                self._error = error
            norm = torch.nn.utils.clip_grad_norm_(self._parameters, self.max_gradient_norm)
            if not bool(torch.isfinite(norm)):
                self._skipped += 1
                logger.warning("a gradient of the value model is not finite; this step is skipped")
                continue
            self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)

    def _outputs(self, items: IntArray) -> torch.Tensor:
        device = next(self.scorer.parameters()).device
        outputs: torch.Tensor = self.scorer(self.inputs(items, device))[:, 0].float()
        return outputs

    def _chunks(self, count: int) -> list[slice]:
        size = self.chunk or max(count, 1)
        return [slice(start, start + size) for start in range(0, count, size)]

    def diagnostics(self) -> dict[str, float]:
        """How well V predicted.

        Returns:
            ``prediction_error``: mean squared error on the last answer, before it was learned from; nan before the
            first. ``skipped_steps`` so far, for gradients that were not finite.
        """
        return {"prediction_error": self._error, "skipped_steps": float(self._skipped)}

    def state_dict(self) -> dict[str, Any]:
        """Weights, optimiser and counters; settings and frozen weights belong to the constructor."""
        return {
            "kind": _KIND,
            "n_arms": self.n_arms,
            "weights": arrays_of_weights(self.scorer),
            "optimizer": arrays_of_optimizer(self._optimizer),
            "skipped": self._skipped,
            "error": self._error,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit: no randomness but that of `select` is used.

        Args:
            state: What `state_dict` returned, from a curator with the same inputs and kind of scorer.

        Raises:
            ValueError: If it is the state of something else. The curator is then as it was.
        """
        if state["kind"] != _KIND:
            raise ValueError(f"the state is of kind {state['kind']!r}, not {_KIND!r}")
        if int(state["n_arms"]) != self.n_arms:
            raise ValueError(f"the state is of a curator over {state['n_arms']} problems, this one has {self.n_arms}")
        weights = checked_weights(self.scorer, state["weights"])
        memory = checked_optimizer(self._optimizer, state["optimizer"], _ADAM_REMEMBERS)
        skipped, error = int(state["skipped"]), float(state["error"])
        own = dict(self.scorer.named_parameters())
        with torch.no_grad():
            for name, value in weights.items():
                own[name].copy_(value)
        restore_optimizer(self._optimizer, memory)
        self._skipped, self._error = skipped, error
