"""Informative: the candidates whose rollouts most probably disagree."""

from __future__ import annotations

from curriculum_bandits.bandits.curriculum.pass_rates import BetaPosterior, ProbabilityInformative, Shortlist
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["informative"]


@method(
    "informative",
    paper="ours",
    bandit="Beta counts",
    batch="largest 1 − pⁿ − (1 − p)ⁿ among 4 m",
    laws={"good_and_other": (0.5, 0.0)},
)
def informative(
    bank: ProblemBank,
    n_rollouts: int = 8,
    seed: int = 0,
    *,
    candidates: float | None = 4.0,
    discount: float = 0.5,
    fading: float = 0.99,
    signal: Signal = success_rate,
) -> Curriculum:
    """The highest chance that the rollouts of a problem disagree, 1 - p^n - (1 - p)^n.

    Only then does a group-relative advantage teach anything. Near p = .5 the chance is nearly the same for all rates,
    so that this is content with a wider range than `learnability`. Estimates, and what becomes of problems not seen
    for long, are as there. Its draws state no inclusion.

    Args:
        bank: The problems.
        n_rollouts: n, how many rollouts of each problem the learner makes.
        seed: Seed of the draws.
        candidates: Candidates per problem of a batch, drawn uniformly; None: all problems. Ours.
        discount: How much is kept of what is known of a problem when it is visited; ours.
        fading: How much is kept of it at each update of others; ours.
        signal: Success rate in [0, 1].

    >>> len(informative(ProblemBank(["easy", "right", "hard"]), n_rollouts=4).ask(2))
    2
    """
    rates = BetaPosterior(len(bank), discount=discount, fading=fading)
    bandit = Shortlist(rates, ProbabilityInformative(n_rollouts), candidates=candidates, thompson=False)
    return Curriculum(bank, bandit, signal, name="informative", seed=seed)
