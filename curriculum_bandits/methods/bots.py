"""BOTS: MoPPS with implicit evidence about problems that were not drawn, by way of two reference models."""

from __future__ import annotations

from curriculum_bandits.bandits.curriculum.pass_rates import DistanceToTarget, InterpolatedPosterior, Shortlist
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.needs import number_column
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["bots"]


@method(
    "BOTS",
    paper="arXiv 2510.26374",
    needs=("weak_pass_rate", "strong_pass_rate"),
    bandit="Beta counts with implicit evidence, Thompson",
    batch="nearest to ½ among 64 m",
    example={"forgetting": 0.05},  # the laws pay one rollout at a time, which is little beside what it forgets
    laws={"good_and_other": (0.5, 0.0)},
)
def bots(
    bank: ProblemBank,
    seed: int = 0,
    *,
    weak: str = "weak_pass_rate",
    strong: str = "strong_pass_rate",
    target: float = 0.5,
    forgetting: float = 0.2,
    implicit: float = 0.2,
    candidates: float | None = 64.0,
    prior: tuple[float, float] = (1.0, 1.0),
    signal: Signal = success_rate,
) -> Curriculum:
    """BOTS: as MoPPS, and every batch also speaks of the problems it did not hold, by way of two reference models.

    Its draws state no inclusion.

    Args:
        bank: The problems, with the success rates of two reference models as columns.
        seed: Seed of the draws.
        weak: Column with the rates of the weaker model.
        strong: Column with the rates of the stronger model.
        target: Success rate that is sought.
        forgetting: Part of the counts that returns to the prior at each update.
        implicit: Weight of what is inferred about problems that were not drawn.
        candidates: Candidates per problem of a batch, drawn uniformly; None: all problems. 64 is ours, for speed:
            a batch of 256 is chosen among all of up to 16,384 problems.
        prior: Beta parameters of a problem never seen.
        signal: Success rate in [0, 1].

    Raises:
        ValueError: If the bank has no such columns, or a rate in them is not in [0, 1].

    Source: BOTS, arXiv 2510.26374; `InterpolatedPosterior` says what of it is our reading.

    >>> columns = {"weak_pass_rate": [0.1, 0.0], "strong_pass_rate": [0.9, 0.4]}
    >>> curriculum = bots(ProblemBank(["right", "hard"], columns=columns))
    >>> curriculum.tell(curriculum.ask(1), [0.5])
    """
    what = "the success rate of a reference model on each problem"
    rates = InterpolatedPosterior(
        number_column(bank, weak, "weak", what),
        number_column(bank, strong, "strong", what),
        forgetting=forgetting,
        implicit=implicit,
        prior=prior,
    )
    bandit = Shortlist(rates, DistanceToTarget(target), candidates=candidates)
    return Curriculum(bank, bandit, signal, name="bots", seed=seed)
