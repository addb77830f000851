"""Learnability: the candidates with the highest p (1 - p)."""

from __future__ import annotations

from curriculum_bandits.bandits.curriculum.pass_rates import BetaPosterior, Shortlist, Variance
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["learnability"]


@method(
    "learnability",
    paper="the index of arXiv 2502.12272 and 2408.15099",
    bandit="Beta counts",
    batch="largest p (1 − p) among 4 m",
    laws={"good_and_other": (0.5, 0.0)},
)
def learnability(
    bank: ProblemBank,
    seed: int = 0,
    *,
    candidates: float | None = 4.0,
    discount: float = 0.5,
    fading: float = 0.99,
    signal: Signal = success_rate,
) -> Curriculum:
    """Highest p (1 - p) among a pool of candidates, p estimated from the rollouts that training makes anyway.

    LILO and SFL as published roll out a whole pool before each choice, and pay for it; that screen is a filter of its
    own, to be put before any curriculum. This one costs no rollouts beyond those trained on, and its estimates are
    older: a problem never seen counts as one half, the best there is, and what was seen returns there in time, so that
    none is left out for ever. Its draws state no inclusion.

    Args:
        bank: The problems.
        seed: Seed of the draws.
        candidates: Candidates per problem of a batch, drawn uniformly; None: all problems. The number is ours.
        discount: How much is kept of what is known of a problem when it is visited; ours.
        fading: How much is kept of it at each update of others; ours.
        signal: Success rate in [0, 1].

    Source: the index of LILO, arXiv 2502.12272, and SFL, arXiv 2408.15099; the estimates are ours.

    >>> len(learnability(ProblemBank(["easy", "right", "hard"])).ask(2))
    2
    """
    rates = BetaPosterior(len(bank), discount=discount, fading=fading)
    bandit = Shortlist(rates, Variance(), candidates=candidates, thompson=False)
    return Curriculum(bank, bandit, signal, name="learnability", seed=seed)
