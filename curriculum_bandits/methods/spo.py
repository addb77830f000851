"""SPO: weights sqrt(p (1 - p)), and estimates that fade as fast as the policy is measured to move."""

from __future__ import annotations

from curriculum_bandits.bandits.curriculum.pass_rates import KlDiscountedPosterior, UncertaintyWeight, Weighted
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.needs import number_column
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate_and_kl

__all__ = ["spo"]


@method(
    "SPO",
    paper="arXiv 2509.13232",
    bandit="counts that fade with measured KL",
    batch="systematic, weight √(p (1 − p)) + 0.05",
    laws={"good_and_other": (0.5, 0.0)},
)
def spo(
    bank: ProblemBank,
    seed: int = 0,
    *,
    half_life: float = 0.06,
    kept: tuple[float, float] = (0.875, 0.96),
    least: float = 0.05,
    offline: str | None = None,
    prior: tuple[float, float] = (1.0, 1.0),
    signal: Signal = success_rate_and_kl,
) -> Curriculum:
    """SPO's curriculum: draw by sqrt(p (1 - p)) + .05, and forget as fast as the policy is measured to move.

    Its draws state the exact inclusion.

    Args:
        bank: The problems.
        seed: Seed of the draws.
        half_life: KL divergence, in nats per token, after which half is forgotten.
        kept: Least and most that is kept of what is known of a problem when it is visited.
        least: Weight that is added to every problem's.
        offline: Column of the bank with success rates measured beforehand, as published; None starts every problem from
            the prior.
        prior: Beta parameters of a problem of which nothing is known; ours.
        signal: Success rate in [0, 1], with its KL; without KL the most is kept, the upper end of `kept`.

    Raises:
        ValueError: If the bank has no column `offline`, or a rate in it is not in [0, 1].

    Source: SPO, arXiv 2509.13232. It trains on single rollouts with the tracked rate as baseline; that part belongs to
    the learner.

    >>> spo(ProblemBank(["easy", "right"])).ask(1).inclusion
    array([0.5])
    """
    rates = KlDiscountedPosterior(
        len(bank),
        half_life=half_life,
        kept=kept,
        prior=prior,
        offline=None
        if offline is None
        else number_column(bank, offline, "offline", "a success rate measured beforehand"),
    )
    return Curriculum(bank, Weighted(rates, UncertaintyWeight(least)), signal, name="spo", seed=seed)
