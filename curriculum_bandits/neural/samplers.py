"""How p_t over the candidates becomes a batch: each sampler returns places and the number to divide by.

The default has exact inclusion. The paper's nucleus has none that is known, and says so by returning None.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from curriculum_bandits import sampling
from curriculum_bandits._typing import override
from curriculum_bandits.bandits.contract import FloatArray, IntArray

__all__ = ["Nucleus", "Sampler", "exact", "gumbel", "independent"]


class Sampler(Protocol):
    """Draws places in a candidate set."""

    def __call__(
        self, probability: FloatArray, size: int, rng: np.random.Generator
    ) -> tuple[IntArray, FloatArray | None]:
        """Draw ``size`` of M candidates by p_t, shape (M,), which sums to 1.

        Returns:
            Places among the candidates, shape (size,), and the number to divide by, or None where none is known.
        """
        ...


def exact(probability: FloatArray, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Distinct items with inclusion ``m p``, capped at 1 and the rest scaled up: systematic sampling.

    >>> float(exact(np.array([0.8, 0.1, 0.1]), 2, np.random.default_rng(0))[1].max())
    1.0
    """
    # An item whose probability underflowed cannot be drawn, unless there are too few others.
    inclusion = sampling.inclusion_probabilities(np.maximum(probability, np.finfo(np.float64).tiny), size)
    places = sampling.systematic(inclusion, rng)
    return places, inclusion[places]


def gumbel(probability: FloatArray, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Distinct items, drawn one after the other in proportion to p; divided by the threshold probability."""
    return sampling.gumbel_top_k(np.log(np.maximum(probability, np.finfo(np.float64).tiny)), size, rng)


def independent(probability: FloatArray, size: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Independent draws, with repeats; divided by the expected count ``m p``."""
    return sampling.with_replacement(probability, size, rng)


@dataclass(frozen=True)
class Nucleus(Sampler):
    """The paper's second stage, `sampling.nucleus`, of which no inclusion is known.

    Attributes:
        top_p: Mass of the nucleus, in [0, 1].
    """

    top_p: float = 0.9

    def __post_init__(self) -> None:
        """Check the mass."""
        if not 0.0 <= self.top_p <= 1.0:
            raise ValueError(f"top_p is {self.top_p}; it must be in [0, 1]")

    @override
    def __call__(self, probability: FloatArray, size: int, rng: np.random.Generator) -> tuple[IntArray, None]:
        return sampling.nucleus(probability, size, rng, top_p=self.top_p), None
