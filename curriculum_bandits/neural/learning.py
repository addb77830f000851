"""A curator's gradient steps: scores of all candidates, the loss on them, and the way back in chunks.

The softmax joins all candidates, so a large scorer cannot simply be trained chunk by chunk. Its scores are computed
first without a graph; the gradient of the loss with respect to the scores is then sent through each chunk again. That
is exact, needs the memory of one chunk, and lets every process take its share.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from curriculum_bandits.bandits.contract import FloatArray, IntArray
from curriculum_bandits.neural.descent import Descent
from curriculum_bandits.neural.losses import baseline_of, divergence_from_uniform, log_probabilities, ratios
from curriculum_bandits.neural.processes import Processes
from curriculum_bandits.neural.scorers import Scorer
from curriculum_bandits.neural.settings import CuratorSettings
from curriculum_bandits.state import Count, Field, Part, Stateful

__all__ = ["Answer", "Learning"]

_SMALLEST = 1e-30


@dataclass(frozen=True)
class Answer:
    """The answer to a draw, in the units that are learned from.

    Attributes:
        probability: The recorded p_t of all candidates, shape (M,).
        places: Places of the answered items among the candidates, shape (m,).
        utilities: Their utilities, after window and gain, shape (m,).
        inclusion: Their number to divide by, shape (m,), or None.
    """

    probability: FloatArray
    places: IntArray
    utilities: FloatArray
    inclusion: FloatArray | None


class Learning(Stateful):
    """Scores candidates and trains the scorer.

    Args:
        scorer: The network.
        settings: Loss and optimiser.
        processes: Who takes part.

    Raises:
        ValueError: If predicted utilities are wanted of a scorer without a second head.

    Attributes:
        updates: Answers learned from so far.
    """

    STATE: ClassVar[Mapping[str, Field]] = {"_descent": Part(), "updates": Count()}

    def __init__(self, scorer: Scorer, settings: CuratorSettings, processes: Processes) -> None:
        if settings.baseline == "predicted" and scorer.heads < 2:
            raise ValueError("baseline='predicted' needs a scorer with a second head; construct it with heads=2")
        self._scorer, self._settings, self._processes = scorer, settings, processes
        self._descent = Descent(scorer, _adamw(scorer, settings), settings.max_gradient_norm)
        self.updates = 0
        self._same_everywhere = False

    def scores(self, chunks: list[Any], count: int) -> Tensor:
        """Scores of all ``count`` candidates, shape (M,), without a graph; ``chunks`` is what `learn` takes."""
        return self._outputs(chunks, count)[:, 0]

    def learn(self, chunks: list[Any], answer: Answer) -> dict[str, float]:
        """Take the gradient steps of one update, and return diagnostics by name.

        Args:
            chunks: What the scorer reads about this process's share of the candidates.
            answer: What was drawn and what it paid.
        """
        self._make_same()
        settings = self._settings
        factor = 1.0 if settings.schedule is None else settings.schedule(self.updates)
        for group in self._descent.optimizer.param_groups:
            group["lr"] = settings.learning_rate * factor
        objective = _Objective(answer, settings, self._descent.parameters[0].device)
        norm = math.nan
        for step in range(settings.gradient_steps):
            objective.last = step == settings.gradient_steps - 1
            self._descent.forget()
            self._backward(chunks, objective)
            norm = self._descent.step()
        self._descent.forget()  # the trainer may need their memory until the next answer
        self.updates += 1
        return {
            **objective.numbers,
            "gradient_norm": norm,
            "learning_rate": settings.learning_rate * factor,
            "skipped_steps": float(self._descent.skipped),
        }

    def _outputs(self, chunks: list[Any], count: int) -> Tensor:
        self._make_same()
        with torch.no_grad():
            own = self._processes.alike(lambda: [self._scorer(chunk) for chunk in chunks])
        device = self._descent.parameters[0].device
        rows = torch.cat(own) if own else torch.zeros((0, self._scorer.heads), device=device)
        return self._processes.gather(rows.float(), count)

    def _backward(self, chunks: list[Any], objective: _Objective) -> None:
        """Gradients of the loss, by the short way where all candidates are one chunk here."""
        if self._processes.count == 1 and len(chunks) == 1:
            objective(self._scorer(chunks[0])).backward()  # type: ignore[no-untyped-call]
            return
        count = objective.candidates
        outputs = self._outputs(chunks, count).requires_grad_()
        objective(outputs).backward()  # type: ignore[no-untyped-call]
        assert outputs.grad is not None
        own = outputs.grad[self._processes.share(count)]
        start = 0
        for chunk in chunks:
            rows = self._scorer(chunk)
            rows.backward(own[start : start + len(rows)].to(rows.dtype))
            start += len(rows)
        self._processes.sum_gradients(self._descent.parameters)

    def _make_same(self) -> None:
        """Once, before anything is computed together: everyone starts from the weights of process 0."""
        if not self._same_everywhere:
            self._processes.copy_from_first(self._descent.parameters)
            self._same_everywhere = True


class _Objective:
    """The loss of one update as a function of the scorer's outputs, and what is worth knowing about it."""

    def __init__(self, answer: Answer, settings: CuratorSettings, device: torch.device) -> None:
        self._settings, self._answer = settings, answer
        self.candidates = len(answer.probability)

        def tensor(values: FloatArray, dtype: type = np.float32) -> Tensor:
            return torch.from_numpy(np.array(values, dtype=dtype)).to(device)  # a copy: what a draw holds is read-only

        # Below the range of float32 a probability keeps its logarithm in float64, which not every device has.
        tiny = bool(np.min(answer.probability) < _SMALLEST) and device.type != "mps"
        self._probability = tensor(answer.probability, np.float64 if tiny else np.float32)
        self._places = torch.from_numpy(answer.places).to(device)
        self._utilities = tensor(answer.utilities)
        self._inclusion = None if answer.inclusion is None else tensor(answer.inclusion)
        constant = "none" if settings.baseline == "predicted" else settings.baseline
        self._credit = self._utilities - baseline_of(self._utilities, constant)
        self._predicted: Tensor | None = None
        self.numbers: dict[str, float] = {}
        self._first = True
        self.last = True

    def __call__(self, outputs: Tensor) -> Tensor:
        """The loss at the scorer's outputs, shape (M, heads)."""
        settings = self._settings
        scores = outputs[:, 0]
        if self._first and settings.baseline == "predicted":
            # Before any step on this answer, so that predictions do not depend on the utilities they are used with.
            self._predicted = outputs.detach()[:, 1].float()
        shape = {"temperature": settings.temperature, "floor": settings.floor}
        loss = settings.loss(
            scores, self._probability, self._places, self._credit, self._inclusion, predicted=self._predicted, **shape
        )
        if self._first:
            self._observe_predictions()
        if self.last:
            self._observe_step(scores.detach(), loss.detach())
        self._first = False
        if settings.entropy_bonus > 0.0:
            loss = loss + settings.entropy_bonus * divergence_from_uniform(scores, **shape)
        if settings.baseline == "predicted":
            error = outputs[self._places, 1].float() - self._utilities
            loss = loss + settings.prediction_weight * (error**2).mean()
        return loss

    def _observe_predictions(self) -> None:
        """Before the first step: did what was drawn, and what was predicted to pay, pay?"""
        observed, places = self._answer.utilities, self._answer.places
        log_p_t = np.log(np.maximum(self._answer.probability[places], np.finfo(np.float64).tiny))
        self.numbers["score_correlation"] = _correlation(log_p_t, observed)
        if self._predicted is not None:
            predicted = self._predicted[self._places].cpu().numpy().astype(np.float64)
            self.numbers["prediction_correlation"] = _correlation(predicted, observed)
            self.numbers["prediction_error"] = float(np.mean((predicted - observed) ** 2))

    def _observe_step(self, scores: Tensor, loss: Tensor) -> None:
        """Before the last step: how far the earlier ones went."""
        log_p = log_probabilities(scores, temperature=self._settings.temperature, floor=self._settings.floor)
        rho = ratios(log_p[self._places], self._probability[self._places])
        credit = self._credit if self._predicted is None else self._credit - self._predicted[self._places]
        self.numbers |= {"loss": float(loss), "ratio_max": float(rho.max())}
        self.numbers |= self._settings.loss.diagnostics(rho, credit)


def _adamw(scorer: Scorer, settings: CuratorSettings) -> torch.optim.AdamW:
    """AdamW, in one kernel where this version of torch has it for the device: for a small scorer half of its time."""
    trained = [weight for weight in scorer.parameters() if weight.requires_grad]
    rate, decay = settings.learning_rate, settings.weight_decay
    try:
        return torch.optim.AdamW(trained, lr=rate, weight_decay=decay, fused=True)
    except RuntimeError:
        return torch.optim.AdamW(trained, lr=rate, weight_decay=decay)


def _correlation(one: FloatArray, other: FloatArray) -> float:
    a, b = one - one.mean(), other - other.mean()
    scale = math.sqrt(float(np.sum(a * a)) * float(np.sum(b * b)))
    return float(np.sum(a * b)) / scale if scale > 0.0 else math.nan
