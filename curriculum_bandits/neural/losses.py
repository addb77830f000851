r"""The OSMD loss of a parametric curator, as pure functions of tensors.

Scores :math:`z_\varphi` become :math:`p_\varphi`, the softmax over *all* candidates; a draw is weighed by the ratio of
:math:`p_\varphi` to the probability that was recorded when it was drawn. Inclusion is divided by once, here and nowhere
else. Candidates are on the last axis, with any leading axes; whatever the dtype of the scores, sums run in float32 or
better, also under autocast (nothing here multiplies matrices).
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

__all__ = [
    "Baseline",
    "baseline_of",
    "clip_binds",
    "divergence_from_uniform",
    "log_probabilities",
    "proximal_loss",
    "ratios",
    "unclipped_loss",
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


def unclipped_loss(
    scores: Tensor,
    probability: Tensor,
    drawn: Tensor,
    utilities: Tensor,
    inclusion: Tensor,
    *,
    step: float,
    temperature: float = 1.0,
    floor: float = 0.0,
    predicted: Tensor | None = None,
) -> Tensor:
    r"""Mirror descent as a loss: minus the estimated gain, plus a divergence from the old distribution.

    .. math:: L(\varphi) = -\sum_j p_\varphi(x_j)\, \hat u_j / q_j + \tfrac1\eta \mathrm{KL}(p_\varphi \| p_t)

    Over tabular scores (no floor) its minimiser is exactly :math:`p_t \exp(\eta \tilde u) / Z`, the OSMD step.

    With predictions b of every candidate's utility the estimate is doubly robust,
    :math:`\sum_x p_\varphi(x) b(x) + \sum_j p_\varphi(x_j) (\hat u_j - b(x_j)) / q_j`: unbiased whatever b is, as long
    as it does not depend on this draw.

    Args:
        scores: Scores of all candidates, shape (..., M).
        probability: The recorded p_t of all candidates, shape (..., M).
        drawn: Places of the drawn items among the candidates, shape (..., m), integers.
        utilities: Their utilities, shape (..., m).
        inclusion: Their number to divide by, as recorded, shape (..., m).
        step: Step size :math:`\eta`, above 0.
        temperature: As in `log_probabilities`.
        floor: As in `log_probabilities`.
        predicted: Predictions b, shape (..., M), or None.

    Returns:
        The loss, shape (...).
    """
    log_p = log_probabilities(scores, temperature=temperature, floor=floor)
    p = log_p.exp()
    credit = utilities.to(p.dtype)
    gain = torch.zeros_like(p[..., 0])
    if predicted is not None:
        b = predicted.to(p.dtype)
        gain = (p * b).sum(-1)
        credit = credit - b.gather(-1, drawn)
    gain = gain + (p.gather(-1, drawn) * credit / inclusion.to(p.dtype)).sum(-1)
    divergence = (p * (log_p - _log(probability, p.dtype))).sum(-1)
    return divergence / step - gain


def proximal_loss(
    scores: Tensor,
    probability: Tensor,
    drawn: Tensor,
    utilities: Tensor,
    inclusion: Tensor | None,
    *,
    clip: float = 0.2,
    temperature: float = 1.0,
    floor: float = 0.0,
    predicted: Tensor | None = None,
) -> Tensor:
    r"""The proximal form: ratios are clipped, so one batch cannot move the distribution far.

    .. math::
        L(\varphi) = -\sum_j w_j \min(\rho_j \hat u_j, \mathrm{clip}(\rho_j, 1 - \varepsilon, 1 + \varepsilon)\,
        \hat u_j), \qquad w_j = p_t(x_j) / q_j

    At the old parameters, with independent draws, its gradient is plain REINFORCE. With predictions b the sum over
    draws is of :math:`\hat u_j - b(x_j)`, and the same expression over all candidates, with utility b and weight p_t,
    is added (doubly robust). The two parts are clipped apart, so the estimate is unbiased where no clip binds.

    Args:
        scores: Scores of all candidates, shape (..., M).
        probability: The recorded p_t of all candidates, shape (..., M).
        drawn: Places of the drawn items among the candidates, shape (..., m), integers.
        utilities: Their utilities, shape (..., m).
        inclusion: Their number to divide by, as recorded, shape (..., m). None gives every draw the weight 1/m: the
            authors' form, which is unbiased for independent draws alone.
        clip: :math:`\varepsilon`, above 0; the clip is on :math:`\rho`, never on :math:`p_\varphi / q`.
        temperature: As in `log_probabilities`.
        floor: As in `log_probabilities`.
        predicted: Predictions b, shape (..., M), or None.

    Returns:
        The loss, shape (...).

    Raises:
        ValueError: If predictions are given without inclusion.

    Source: Gu et al., "Actor-Curator", arXiv 2602.20532; the weights w and the doubly robust form are ours.
    """
    if predicted is not None and inclusion is None:
        raise ValueError("predicted utilities need the inclusion of each draw; use a sampler that states it")
    log_p = log_probabilities(scores, temperature=temperature, floor=floor)
    rho = ratios(log_p, probability)
    p_t = probability.to(rho.dtype)
    credit = utilities.to(rho.dtype)
    gain = torch.zeros_like(rho[..., 0])
    if predicted is not None:
        b = predicted.to(rho.dtype)
        gain = (p_t * _clipped_gain(rho, b, clip)).sum(-1)
        credit = credit - b.gather(-1, drawn)
    weight = 1.0 / drawn.shape[-1] if inclusion is None else p_t.gather(-1, drawn) / inclusion.to(rho.dtype)
    return -(gain + (weight * _clipped_gain(rho.gather(-1, drawn), credit, clip)).sum(-1))


def clip_binds(rho: Tensor, utilities: Tensor, clip: float) -> Tensor:
    r"""Where the proximal loss no longer moves: :math:`\rho > 1 + \varepsilon` for a gain, below for a loss.

    Args:
        rho: Ratios, any shape.
        utilities: Utilities (after the baseline), same shape.
        clip: :math:`\varepsilon`.

    Returns:
        Booleans of that shape.
    """
    return ((utilities > 0) & (rho > 1.0 + clip)) | ((utilities < 0) & (rho < 1.0 - clip))


def divergence_from_uniform(scores: Tensor, *, temperature: float = 1.0, floor: float = 0.0) -> Tensor:
    r""":math:`\mathrm{KL}(p_\varphi \| u) = \ln M - H(p_\varphi)`: how far the distribution is from uniform.

    A little of it in the loss (an entropy bonus) makes the curator forget: with weight :math:`\beta` and utilities that
    stay the same, :math:`p \propto \exp(\hat u / \beta)` is where it comes to rest.

    Args:
        scores: Scores of all candidates, shape (..., M).
        temperature: As in `log_probabilities`.
        floor: As in `log_probabilities`.

    Returns:
        The divergence in nats, shape (...).
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
    if kind == "none":
        return torch.zeros_like(utilities)
    count = utilities.shape[-1]
    total = utilities.sum(-1, keepdim=True)
    if kind == "mean":
        return (total / count).expand_as(utilities)
    return (total - utilities) / max(count - 1, 1)


def _clipped_gain(rho: Tensor, utilities: Tensor, clip: float) -> Tensor:
    return torch.minimum(rho * utilities, rho.clamp(1.0 - clip, 1.0 + clip) * utilities)


def _log(probability: Tensor, dtype: torch.dtype) -> Tensor:
    """Log of recorded probabilities, taken before digits are lost; what underflowed counts as the smallest there is."""
    wide = probability.to(torch.promote_types(probability.dtype, dtype))
    return torch.log(wide.clamp_min(torch.finfo(wide.dtype).tiny)).to(dtype)
