"""Every switch of the neural curator in one place, with the paper's setting and ours of each.

``CuratorSettings()`` is plain OSMD with exact sampling and a floor; `PAPER` is the method as its authors describe it;
`DEFAULT` is what our own measurements favour for small scorers over frozen features. Change one switch with
``dataclasses.replace(DEFAULT, loss=Proximal(clip=0.5))``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, get_args

from curriculum_bandits.neural.losses import Baseline, Loss, Proximal
from curriculum_bandits.neural.samplers import Nucleus, Sampler, exact

__all__ = ["DEFAULT", "PAPER", "CuratorSettings", "ProposalKind"]

ProposalKind = Literal["shuffled", "uniform"]
"""Candidates by shuffled epochs without replacement, or a fresh uniform sample each time."""


@dataclass(frozen=True)
class CuratorSettings:
    r"""How a neural curator draws and learns.

    Attributes:
        candidates: Size M of the candidate set; the whole bank where it is smaller.
        candidates_per_problem: At most so many candidates for each problem drawn; None is no limit. Small draws cost
            less, and no problem is drawn more than so many times as often as by chance, which spreads them.
        proposal: Where candidates come from.
        sampler: How p_t becomes a batch.
        dormant: D: draws before number D are uniform and not scored, and nothing is learned from them.
        warm_up: W: draws up to number D + W are uniform too, but scored and learned from.
        temperature: :math:`\tau` of the softmax.
        floor: Share :math:`\alpha` of the uniform distribution over the candidates, in [0, 1).
        loss: `Proximal` (clipped ratios) or `Unclipped` (with a KL divergence), or your own.
        baseline: Subtracted from utilities: ``"none"``, ``"mean"``, ``"leave_one_out"``, or ``"predicted"``: the
            scorer's second head learns each problem's utility and the loss is doubly robust (unbiased whatever is
            predicted, as long as no ratio is clipped).
        prediction_weight: Weight of the squared error of that head.
        entropy_bonus: :math:`\beta`, weight in the loss of the divergence from uniform (nats), in units of the
            utilities learned from. It lets go of what no longer pays, as fixed share does for tabular bandits.
        congestion: c in [0, 1]: utilities are divided by :math:`(1 + a_x)^c`, where :math:`a_x = M q(x) / m` is how
            much likelier than by chance x was drawn. One update is shared by all that was drawn, so problems like those
            that are drawn often improve most *because* they are drawn often; this takes part of that out again.
        window: H: the mean of a problem's last H utilities is learned from.
        gain: c, a constant factor on utilities; None divides them by their running root mean square, so that their
            scale does not matter.
        memory: Updates over which that mean square forgets.
        gradient_steps: Optimiser steps per update.
        learning_rate: Of AdamW.
        weight_decay: Of AdamW.
        max_gradient_norm: Gradients are scaled down to this norm; None leaves them.
        schedule: Factor on the learning rate after k updates, ``schedule(k)``; None is constant.
        chunk: Problems scored at once; gradients are exact all the same. None scores all at once.

    Raises:
        ValueError: If a setting is out of its range.
    """

    candidates: int = 2048
    candidates_per_problem: int | None = None
    proposal: ProposalKind = "shuffled"
    sampler: Sampler = exact
    dormant: int = 0
    warm_up: int = 0
    temperature: float = 1.0
    floor: float = 0.1
    loss: Loss = field(default_factory=Proximal)
    baseline: Baseline | Literal["predicted"] = "none"
    prediction_weight: float = 0.5
    entropy_bonus: float = 0.0
    congestion: float = 0.0
    window: int = 1
    gain: float | None = None
    memory: int = 50
    gradient_steps: int = 1
    learning_rate: float = 3e-3
    weight_decay: float = 0.0
    max_gradient_norm: float | None = 1.0
    schedule: Callable[[int], float] | None = None
    chunk: int | None = None

    def __post_init__(self) -> None:
        """Check every setting."""
        for name in ("candidates", "window", "memory", "gradient_steps"):
            self._require(name, getattr(self, name) >= 1, "be 1 or more")
        for name in ("dormant", "warm_up"):
            self._require(name, getattr(self, name) >= 0, "be 0 or more")
        for name in ("chunk", "candidates_per_problem"):
            value = getattr(self, name)
            self._require(name, value is None or value >= 1, "be 1 or more, or None")
        self._require("floor", 0.0 <= self.floor < 1.0, "be in [0, 1)")
        self._require("congestion", 0.0 <= self.congestion <= 1.0, "be in [0, 1]")
        for name in ("temperature", "learning_rate"):
            self._require(name, 0.0 < getattr(self, name) < math.inf, "be a finite number above 0")
        for name in ("prediction_weight", "weight_decay", "entropy_bonus"):
            self._require(name, 0.0 <= getattr(self, name) < math.inf, "be a finite number, 0 or more")
        for name in ("gain", "max_gradient_norm"):
            value = getattr(self, name)
            self._require(name, value is None or 0.0 < value < math.inf, "be above 0, or None")
        for name, known in (("proposal", get_args(ProposalKind)), ("baseline", (*get_args(Baseline), "predicted"))):
            self._require(name, getattr(self, name) in known, f"be one of {', '.join(map(repr, known))}")
        self._require("loss", isinstance(self.loss, Loss), "be a Loss, such as Proximal() or Unclipped()")
        needed = self.loss.needs_inclusion
        stated = not (needed and isinstance(self.sampler, Nucleus))
        self._require("sampler", stated, "state an inclusion unless the loss is Proximal(weights='equal')")
        predictable = needed or self.baseline != "predicted"
        self._require(
            "baseline", predictable, "be another where the loss does not divide by inclusion (weights='equal')"
        )

    def _require(self, name: str, holds: bool, need: str) -> None:
        if not holds:
            raise ValueError(f"{name} is {getattr(self, name)!r}; it must {need}")


#: Ours: for a small scorer over frozen features, as measured on simulated students and on small language models (docs:
#: the neural curator, the headline benchmark).
DEFAULT = CuratorSettings(
    candidates_per_problem=16,
    floor=0.02,
    baseline="predicted",
    entropy_bonus=0.1,
    congestion=0.5,
    gradient_steps=3,
    learning_rate=5e-3,
)

#: The paper's, for a language model as scorer. It does not state a temperature, and has a clip of .5 for MATH and a
#: gain of 100 for ARC; chunks are ours, and change nothing but the memory that is needed.
PAPER = CuratorSettings(
    candidates=2048,
    proposal="shuffled",
    sampler=Nucleus(0.9),
    dormant=20,
    warm_up=5,
    temperature=1.0,
    floor=0.0,
    loss=Proximal(clip=0.2, weights="equal"),
    window=10,
    gain=1000.0,
    gradient_steps=1,
    learning_rate=1e-6,
    weight_decay=0.01,
    max_gradient_norm=1.0,
    chunk=32,
)
