"""Thompson sampling in a world that changes when it likes: first draw when each arm last changed, then its mean.

An arm that has not been played for long is worth a try for that reason alone, the more the longer, and no schedule of
exploration is needed.
"""

from __future__ import annotations

import numpy as np

from curriculum_bandits._typing import override
from curriculum_bandits.bandits._require import require
from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.bandits.stochastic.change_posterior import ChangePosterior
from curriculum_bandits.bandits.stochastic.stochastic_bandit import StochasticBandit

__all__ = ["SwitchingThompson"]


class SwitchingThompson(StochasticBandit):
    r"""Plays the m arms of the highest draws :math:`\theta_x \sim \mathrm{Beta}(\kappa a_i, \kappa b_i)`, i drawn too.

    The hypothesis i about the arm's last change is drawn from its posterior, with its successes and failures. A
    sharpness :math:`\kappa` of 1 is Thompson sampling in the model of `ChangePosterior`; above 1 the draws scatter less
    than the posterior, so that an arm known to be worse is played less often.

    Args:
        statistics: The posterior over changes.
        sharpness: :math:`\kappa`, above 0.
        utility_range: (lo, hi) of the utilities.

    Source: derived here.

    >>> from curriculum_bandits.bandits import Selection
    >>> bandit, rng = SwitchingThompson(ChangePosterior(2, hazard=0.01)), np.random.default_rng(0)
    >>> for t in range(60):  # the first arm was the better one for 40 rounds
    ...     bandit.update(Selection([0, 1], None, None), [float(t < 40), 0.5])
    >>> bandit.select(1, rng).arms
    array([1])
    """

    statistics: ChangePosterior

    def __init__(
        self,
        statistics: ChangePosterior,
        *,
        sharpness: float = 1.0,
        utility_range: tuple[float, float] = (0.0, 1.0),
    ) -> None:
        require("(0, inf)", sharpness=sharpness)
        super().__init__(statistics, utility_range=utility_range)
        self.sharpness = sharpness

    @override
    def scores(self, rng: np.random.Generator) -> FloatArray:
        successes, failures = self.statistics.hypothesis(rng)
        return np.asarray(rng.beta(self.sharpness * successes, self.sharpness * failures))
