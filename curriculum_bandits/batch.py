"""A drawn batch for the length of a ``with`` block, so that a loop that fails leaves no draw open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.rollouts import Rollouts

if TYPE_CHECKING:
    from curriculum_bandits.curriculum import Curriculum

__all__ = ["Batch"]


class Batch:
    """The problems of one draw, to be trained on and told; made by `Curriculum.draw`.

    Attributes:
        draw: The draw.
        told: True once `tell` has been called.
    """

    def __init__(self, curriculum: Curriculum, draw: Draw) -> None:
        self._curriculum = curriculum
        self.draw = draw
        self.told = False

    @property
    def items(self) -> npt.NDArray[np.int64]:
        """Indices into the bank, shape (m,)."""
        return self.draw.items

    @property
    def prompts(self) -> Sequence[str]:
        """Prompts of the problems, m of them."""
        return [self._curriculum.bank.prompts[item] for item in self.draw.items]

    def tell(self, results: Rollouts | Feedback | npt.ArrayLike) -> None:
        """Answer the draw.

        Args:
            results: `Rollouts`; or an array of rewards, shape (m, n), of which rollouts are made; or what
                `Curriculum.tell` takes as well: `Feedback`, or utilities of shape (m,).

        Raises:
            ValueError: As `Curriculum.tell`. The batch can then be told again.
        """
        if not isinstance(results, Rollouts | Feedback) and np.ndim(results) == 2:
            results = Rollouts(results)  # type: ignore[arg-type]
        self._curriculum.tell(self.draw, results)
        self.told = True
