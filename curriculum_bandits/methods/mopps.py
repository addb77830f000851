"""MoPPS: a Beta posterior of each problem's success rate, sampled, and the problems nearest to one half."""

from __future__ import annotations

from curriculum_bandits.bandits.curriculum.pass_rates import BetaPosterior, DistanceToTarget, Shortlist
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["mopps"]


@method(
    "MoPPS",
    paper="arXiv 2507.04632",
    bandit="Beta counts, Thompson",
    batch="nearest to ½ among 8 m",
    laws={"good_and_other": (0.5, 0.0)},
)
def mopps(
    bank: ProblemBank,
    seed: int = 0,
    *,
    target: float = 0.5,
    discount: float = 0.5,
    candidates: float | None = 8.0,
    prior: tuple[float, float] = (1.0, 1.0),
    signal: Signal = success_rate,
) -> Curriculum:
    """MoPPS: a Beta belief about every problem, one draw from each, and the problems whose draw is nearest one half.

    Its draws state no inclusion.

    Args:
        bank: The problems.
        seed: Seed of the draws.
        target: Success rate that is sought.
        discount: How much is kept of what is known of a problem when it is visited; .5 and 1 are published.
        candidates: Candidates per problem of a batch, drawn uniformly; 8 and 16 are published. None: all problems.
        prior: Beta parameters of a problem never seen.
        signal: Success rate in [0, 1].

    Source: MoPPS, arXiv 2507.04632.

    >>> curriculum = mopps(ProblemBank(["easy", "right", "hard"]))
    >>> draw = curriculum.ask(2)
    >>> curriculum.tell(draw, [1.0, 0.0])
    """
    rates = BetaPosterior(len(bank), discount=discount, prior=prior)
    bandit = Shortlist(rates, DistanceToTarget(target), candidates=candidates)
    return Curriculum(bank, bandit, signal, name="mopps", seed=seed)
