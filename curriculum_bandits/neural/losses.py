r"""The OSMD loss of a parametric curator: `Proximal` and `Unclipped`, objects that are functions of tensors.

Scores :math:`z_\varphi` become :math:`p_\varphi`, the softmax over *all* candidates; a draw is weighed by the ratio of
:math:`p_\varphi` to the probability that was recorded when it was drawn. Inclusion is divided by once, here and nowhere
else. Candidates are on the last axis, with any leading axes; whatever the dtype of the scores, sums run in float32 or
better, also under autocast (nothing here multiplies matrices).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from curriculum_bandits._typing import override

__all__ = [
    "Baseline",
    "Loss",
    "Proximal",
    "Unclipped",
    "baseline_of",
    "divergence_from_uniform",
    "log_probabilities",
    "ratios",
]

Baseline = Literal["none", "mean", "leave_one_out"]
"""What is subtracted from utilities before the loss sees them; see `baseline_of`."""


def log_probabilities(scores: Tensor, *, temperature: float = 1.0, floor: float = 0.0) -> Tensor:
    r"""Log of :math:`(1 - \alpha)\,\mathrm{softmax}(z / \tau) + \alpha / M` over the last axis.

    Args:
        scores: Scores z, shape (..., M).
        temperature: :math:`\tau`, above 0.
        floor: Share :math:`\alpha` of the uniform distribution over the candidates, in [0, 1).

    Returns:
        Log-probabilities, shape (..., M), float32 or better.

    >>> log_probabilities(torch.tensor([0.0, 0.0]), floor=0.5).exp()
    tensor([0.5000, 0.5000])
    """
    wide = scores.to(torch.promote_types(scores.dtype, torch.float32))
    log_softmax = torch.log_softmax(wide / temperature, dim=-1)
    if floor == 0.0:
        return log_softmax
    uniform = torch.full_like(log_softmax, math.log(floor / scores.shape[-1]))
    return torch.logaddexp(log_softmax + math.log1p(-floor), uniform)


def ratios(log_p: Tensor, probability: Tensor) -> Tensor:
    r""":math:`\rho = p_\varphi / p_t`: how much likelier each item is now than when the draw was made.

    Args:
        log_p: :math:`\log p_\varphi`, any shape.
        probability: The recorded p_t, same shape.

    Returns:
        Ratios, same shape; 1 at the parameters of the draw, however the batch was drawn. Above the square root of the
        largest number (1.8e19 in float32) they stay there, without a gradient, lest infinity times zero be nan.
    """
    largest = 0.5 * math.log(torch.finfo(log_p.dtype).max)
    return torch.exp((log_p - _log(probability, log_p.dtype)).clamp(max=largest))


class Loss(ABC):
    r"""The OSMD loss of one answer, as a function of the scores of all candidates.

    With predictions b of every candidate's utility the gain is estimated doubly robustly, as the predicted gain plus
    that of :math:`\hat u_j - b(x_j)` over the draws: unbiased whatever b is, as long as it does not depend on the draw.
    """

    @property
    def needs_inclusion(self) -> bool:
        """True if nothing can be learned from a draw that states no inclusion."""
        return True

    def check(self, inclusion: object) -> None:
        """Refuse a draw whose inclusion is None, with a ValueError, if it is needed."""
        if inclusion is None and self.needs_inclusion:
            raise ValueError(
                "the draw has no inclusion to divide by; use a sampler that states one, or Proximal(weights='equal')"
            )

    def __call__(
        self,
        scores: Tensor,
        probability: Tensor,
        drawn: Tensor,
        utilities: Tensor,
        inclusion: Tensor | None,
        *,
        temperature: float = 1.0,
        floor: float = 0.0,
        predicted: Tensor | None = None,
    ) -> Tensor:
        """The loss at these scores, shape (...).

        Args:
            scores: Scores of all candidates, shape (..., M).
            probability: The recorded p_t of all candidates, shape (..., M).
            drawn: Places of the drawn items among the candidates, shape (..., m), integers.
            utilities: Their utilities, shape (..., m).
            inclusion: Their number to divide by, as recorded, shape (..., m); not read where it is not needed.
            temperature: As in `log_probabilities`.
            floor: As in `log_probabilities`.
            predicted: Predictions b, shape (..., M), or None.

        Raises:
            ValueError: If inclusion is needed and None, or predictions are given to a loss that does not divide by it.
        """
        if predicted is not None and not self.needs_inclusion:
            raise ValueError("predicted utilities need the inclusion of each draw; use weights='importance'")
        self.check(inclusion)
        log_p = log_probabilities(scores, temperature=temperature, floor=floor)
        credit, b = utilities.to(log_p.dtype), None
        if predicted is not None:
            b = predicted.to(log_p.dtype)
            credit = credit - b.gather(-1, drawn)
        over = inclusion.to(log_p.dtype) if inclusion is not None and self.needs_inclusion else None
        return self._of(log_p, probability, drawn, credit, over, b)

    @abstractmethod
    def _of(
        self, log_p: Tensor, probability: Tensor, drawn: Tensor, credit: Tensor, over: Tensor | None, b: Tensor | None
    ) -> Tensor:
        """The loss, from utilities less predictions, and the number to divide by."""

    def diagnostics(self, rho: Tensor, credit: Tensor) -> dict[str, float]:
        """Numbers about a step that only this loss has, by name; none by default.

        Args:
            rho: `ratios` of the drawn items, shape (m,).
            credit: Their utilities less baseline and prediction, shape (m,).
        """
        return {}


@dataclass(frozen=True)
class Unclipped(Loss):
    r"""Mirror descent as a loss: minus the estimated gain, plus a divergence from the old distribution.

    .. math:: L(\varphi) = -\sum_j p_\varphi(x_j)\, \hat u_j / q_j + \tfrac1\eta \mathrm{KL}(p_\varphi \| p_t)

    Over tabular scores (no floor) its minimiser is exactly :math:`p_t \exp(\eta \tilde u) / Z`, the OSMD step.

    Attributes:
        step: Step size :math:`\eta`, a finite number above 0.
    """

    step: float = 1.0

    def __post_init__(self) -> None:
        """Check the step."""
        _require_positive("step", self.step)

    @override
    def _of(
        self, log_p: Tensor, probability: Tensor, drawn: Tensor, credit: Tensor, over: Tensor | None, b: Tensor | None
    ) -> Tensor:
        assert over is not None
        p = log_p.exp()
        gain = (p.gather(-1, drawn) * credit / over).sum(-1)
        if b is not None:
            gain = gain + (p * b).sum(-1)
        return (p * (log_p - _log(probability, p.dtype))).sum(-1) / self.step - gain


@dataclass(frozen=True)
class Proximal(Loss):
    r"""The proximal form: ratios are clipped, so one batch cannot move the distribution far.

    .. math::
        L(\varphi) = -\sum_j w_j \min(\rho_j \hat u_j, \mathrm{clip}(\rho_j, 1 - \varepsilon, 1 + \varepsilon)\,
        \hat u_j), \qquad w_j = p_t(x_j) / q_j

    At the old parameters, with independent draws, its gradient is plain REINFORCE. With predictions b the gain over all
    candidates, with utility b and weight p_t, is clipped apart, so the estimate is unbiased where no clip binds.

    Attributes:
        clip: :math:`\varepsilon`, a finite number above 0; the clip is on :math:`\rho`, never on
            :math:`p_\varphi / q`.
        weights: ``"importance"``, the w above, which is right for every sampler that states an inclusion; or
            ``"equal"``, 1/m: the authors' form, which is unbiased for independent draws alone.

    Source: Gu et al., "Actor-Curator", arXiv 2602.20532; the weights w and the doubly robust form are ours.
    """

    clip: float = 0.2
    weights: Literal["importance", "equal"] = "importance"

    def __post_init__(self) -> None:
        """Check clip and weights."""
        _require_positive("clip", self.clip)
        if self.weights not in ("importance", "equal"):
            raise ValueError(f"weights is {self.weights!r}; it must be 'importance' or 'equal'")

    @property
    @override
    def needs_inclusion(self) -> bool:
        return self.weights == "importance"

    @override
    def _of(
        self, log_p: Tensor, probability: Tensor, drawn: Tensor, credit: Tensor, over: Tensor | None, b: Tensor | None
    ) -> Tensor:
        rho, p_t = ratios(log_p, probability), probability.to(log_p.dtype)
        weight = 1.0 / drawn.shape[-1] if over is None else p_t.gather(-1, drawn) / over
        gain = (weight * self._clipped(rho.gather(-1, drawn), credit)).sum(-1)
        if b is not None:
            gain = gain + (p_t * self._clipped(rho, b)).sum(-1)
        return -gain

    def binds(self, rho: Tensor, credit: Tensor) -> Tensor:
        r"""Where the loss no longer moves: :math:`\rho > 1 + \varepsilon` for a gain, below for a loss; any shape."""
        return ((credit > 0) & (rho > 1.0 + self.clip)) | ((credit < 0) & (rho < 1.0 - self.clip))

    @override
    def diagnostics(self, rho: Tensor, credit: Tensor) -> dict[str, float]:
        return {"clip_fraction": float(self.binds(rho, credit).float().mean())}

    def _clipped(self, rho: Tensor, credit: Tensor) -> Tensor:
        return torch.minimum(rho * credit, rho.clamp(1.0 - self.clip, 1.0 + self.clip) * credit)


def divergence_from_uniform(scores: Tensor, *, temperature: float = 1.0, floor: float = 0.0) -> Tensor:
    r""":math:`\mathrm{KL}(p_\varphi \| u) = \ln M - H(p_\varphi)`: how far the distribution is from uniform.

    A little of it in the loss (an entropy bonus) makes the curator forget: with weight :math:`\beta` and utilities that
    stay the same, :math:`p \propto \exp(\hat u / \beta)` is where it comes to rest.

    Arguments are those of `log_probabilities`; the divergence is in nats, shape (...).
    """
    log_p = log_probabilities(scores, temperature=temperature, floor=floor)
    return (log_p.exp() * log_p).sum(-1) + math.log(scores.shape[-1])


def baseline_of(utilities: Tensor, kind: Baseline) -> Tensor:
    """What to subtract from each utility; it changes the variance and, for independent draws, not the direction.

    Args:
        utilities: Shape (..., m).
        kind: ``"none"``; ``"mean"`` of the batch; ``"leave_one_out"``, the mean of the others (0 for a single one).

    Returns:
        The baseline of each draw, shape (..., m).
    """
    count, total = utilities.shape[-1], utilities.sum(-1, keepdim=True)
    if kind == "mean":
        return (total / count).expand_as(utilities)
    return torch.zeros_like(utilities) if kind == "none" else (total - utilities) / max(count - 1, 1)


def _require_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0.0):
        raise ValueError(f"{name} is {value!r}; it must be a finite number above 0")


def _log(probability: Tensor, dtype: torch.dtype) -> Tensor:
    """Log of recorded probabilities, taken before digits are lost; what underflowed counts as the smallest there is."""
    wide = probability.to(torch.promote_types(probability.dtype, dtype))
    return torch.log(wide.clamp_min(torch.finfo(wide.dtype).tiny)).to(dtype)
