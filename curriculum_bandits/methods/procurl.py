"""ProCuRL: weights that grow with success times what is missing to the best learner's."""

from __future__ import annotations

from curriculum_bandits.bandits.curriculum.pass_rates import BetaPosterior, ProximalWeight, Weighted
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["procurl"]


@method(
    "ProCuRL",
    paper="arXiv 2304.12877",
    bandit="Beta counts",
    batch="systematic, weight exp(b p (1 − p))",
    laws={"good_and_other": (0.5, 0.0)},
)
def procurl(
    bank: ProblemBank,
    seed: int = 0,
    *,
    sharpness: float = 20.0,
    best: float = 1.0,
    discount: float = 0.5,
    prior: tuple[float, float] = (1.0, 1.0),
    signal: Signal = success_rate,
) -> Curriculum:
    """ProCuRL: draw by exp(b PoS (PoS* - PoS)), PoS the learner's probability of success and PoS* the best learner's.

    Its draws state the exact inclusion.

    Args:
        bank: The problems.
        seed: Seed of the draws.
        sharpness: b. It is set anew for each environment in the papers; 20 is our choice among such values, and the
            code of the follow-up paper has 110 as default of its command line.
        best: PoS*, published as 1.
        discount: How much is kept of what is known of a problem when it is visited; ours.
        prior: Beta parameters of a problem never seen; ours.
        signal: Success rate in [0, 1].

    Source: ProCuRL, arXiv 2304.12877; follow-up arXiv 2405.02481. They take PoS from extra rollouts or from a critic,
    here it is the mean of discounted counts of training rollouts.

    >>> procurl(ProblemBank(["easy", "right"])).ask(1).inclusion
    array([0.5])
    """
    rates = BetaPosterior(len(bank), discount=discount, prior=prior)
    return Curriculum(bank, Weighted(rates, ProximalWeight(sharpness, best)), signal, name="procurl", seed=seed)
