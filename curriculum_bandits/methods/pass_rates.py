"""Methods that keep an estimate of the success rate of every single problem, and want rates of a certain kind.

They differ in three things, which is how they are written here: the posterior of a rate, its acquisition function, and
whether the best are kept or all are drawn by weight.
"""

from __future__ import annotations

import numpy as np

from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.bandits.pass_rates import (
    BetaPosterior,
    DistanceToTarget,
    InterpolatedPosterior,
    KlDiscountedPosterior,
    ListedAndFresh,
    ProbabilityInformative,
    ProximalWeight,
    Shortlist,
    UncertaintyWeight,
    Variance,
    Weighted,
)
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.signals import Signal, success_rate, success_rate_and_kl

__all__ = ["bots", "informative", "learnability", "mopps", "procurl", "sfl", "spo"]


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

    Args:
        bank: The problems.
        seed: Seed of the draws.
        target: Success rate that is sought.
        discount: How much is kept of what is known of a problem when it is visited; .5 and 1 are published.
        candidates: Candidates per problem of a batch, drawn uniformly; 8 and 16 are published. None: all problems.
        prior: Beta parameters of a problem never seen.
        signal: Success rate in [0, 1].

    Returns:
        The curriculum. Its draws state no inclusion.

    Source: MoPPS, arXiv 2507.04632.

    >>> curriculum = mopps(ProblemBank(["easy", "right", "hard"]))
    >>> draw = curriculum.ask(2)
    >>> curriculum.tell(draw, [1.0, 0.0])
    """
    rates = BetaPosterior(len(bank), discount=discount, prior=prior)
    bandit = Shortlist(rates, DistanceToTarget(target), candidates=candidates)
    return Curriculum(bank, bandit, signal, name="mopps", seed=seed)


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

    Returns:
        The curriculum. Its draws state no inclusion.

    Raises:
        ValueError: If the bank has no such columns, or a rate in them is not in [0, 1].

    Source: BOTS, arXiv 2510.26374; `InterpolatedPosterior` says what of it is our reading.

    >>> columns = {"weak_pass_rate": [0.1, 0.0], "strong_pass_rate": [0.9, 0.4]}
    >>> curriculum = bots(ProblemBank(["right", "hard"], columns=columns))
    >>> curriculum.tell(curriculum.ask(1), [0.5])
    """
    what = "the success rate of a reference model on each problem"
    rates = InterpolatedPosterior(
        _column(bank, weak, "weak", what),
        _column(bank, strong, "strong", what),
        forgetting=forgetting,
        implicit=implicit,
        prior=prior,
    )
    bandit = Shortlist(rates, DistanceToTarget(target), candidates=candidates)
    return Curriculum(bank, bandit, signal, name="bots", seed=seed)


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

    LILO and SFL as published roll out a whole pool before each choice, and pay for it; that screen is a stage of its
    own, to be put before any curriculum. This one costs no rollouts beyond those trained on, and its estimates are
    older: a problem never seen counts as one half, the best there is, and what was seen returns there in time, so that
    none is left out for ever.

    Args:
        bank: The problems.
        seed: Seed of the draws.
        candidates: Candidates per problem of a batch, drawn uniformly; None: all problems. The number is ours.
        discount: How much is kept of what is known of a problem when it is visited; ours.
        fading: How much is kept of it at each update of others; ours.
        signal: Success rate in [0, 1].

    Returns:
        The curriculum. Its draws state no inclusion.

    Source: the index of LILO, arXiv 2502.12272, and SFL, arXiv 2408.15099; the estimates are ours.

    >>> len(learnability(ProblemBank(["easy", "right", "hard"])).ask(2))
    2
    """
    rates = BetaPosterior(len(bank), discount=discount, fading=fading)
    bandit = Shortlist(rates, Variance(), candidates=candidates, thompson=False)
    return Curriculum(bank, bandit, signal, name="learnability", seed=seed)


def sfl(
    bank: ProblemBank,
    seed: int = 0,
    *,
    listed: float = 0.04,
    share: float = 0.5,
    discount: float = 0.5,
    fading: float = 0.99,
    signal: Signal = success_rate,
) -> Curriculum:
    """Sampling for learnability: half of the batch from the list of highest p (1 - p), half fresh.

    The published settings keep the best 1,000 of 25,000 levels, which are rolled out anew for that, and draw half of
    the environments from them. Here p is estimated from the rollouts of training, the list is made anew at each draw,
    of problems that have been seen, and the fresh half is what finds them.

    Args:
        bank: The problems.
        seed: Seed of the draws.
        listed: Part of the bank that the list holds; the published numbers make it 4 %.
        share: Part of the batch drawn from the list.
        discount: How much is kept of what is known of a problem when it is visited; ours.
        fading: How much is kept of it at each update of others; ours.
        signal: Success rate in [0, 1].

    Returns:
        The curriculum. Its draws state the exact inclusion.

    Source: Rutherford et al., "No Regrets", arXiv 2408.15099, pool and list as in its public MiniGrid configuration.

    >>> len(sfl(ProblemBank(["easy", "right", "hard"])).ask(2))
    2
    """
    rates = BetaPosterior(len(bank), discount=discount, fading=fading)
    bandit = ListedAndFresh(rates, Variance(), listed=listed, share=share)
    return Curriculum(bank, bandit, signal, name="sfl", seed=seed)


def informative(
    bank: ProblemBank,
    rollouts: int = 8,
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
    for long, are as there.

    Args:
        bank: The problems.
        rollouts: n, how many rollouts of each problem the learner makes.
        seed: Seed of the draws.
        candidates: Candidates per problem of a batch, drawn uniformly; None: all problems. Ours.
        discount: How much is kept of what is known of a problem when it is visited; ours.
        fading: How much is kept of it at each update of others; ours.
        signal: Success rate in [0, 1].

    Returns:
        The curriculum. Its draws state no inclusion.

    >>> len(informative(ProblemBank(["easy", "right", "hard"]), rollouts=4).ask(2))
    2
    """
    rates = BetaPosterior(len(bank), discount=discount, fading=fading)
    bandit = Shortlist(rates, ProbabilityInformative(rollouts), candidates=candidates, thompson=False)
    return Curriculum(bank, bandit, signal, name="informative", seed=seed)


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

    Returns:
        The curriculum. Its draws state the exact inclusion.

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
        offline=None if offline is None else _column(bank, offline, "offline", "a success rate measured beforehand"),
    )
    return Curriculum(bank, Weighted(rates, UncertaintyWeight(least)), signal, name="spo", seed=seed)


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

    Args:
        bank: The problems.
        seed: Seed of the draws.
        sharpness: b. It is set anew for each environment in the papers; 20 is our choice among such values, and the
            code of the follow-up paper has 110 as default of its command line.
        best: PoS*, published as 1.
        discount: How much is kept of what is known of a problem when it is visited; ours.
        prior: Beta parameters of a problem never seen; ours.
        signal: Success rate in [0, 1].

    Returns:
        The curriculum. Its draws state the exact inclusion.

    Source: ProCuRL, arXiv 2304.12877; follow-up arXiv 2405.02481. They take PoS from extra rollouts or from a critic,
    here it is the mean of discounted counts of training rollouts.

    >>> procurl(ProblemBank(["easy", "right"])).ask(1).inclusion
    array([0.5])
    """
    rates = BetaPosterior(len(bank), discount=discount, prior=prior)
    return Curriculum(bank, Weighted(rates, ProximalWeight(sharpness, best)), signal, name="procurl", seed=seed)


def _column(bank: ProblemBank, name: str, argument: str, what: str) -> FloatArray:
    """A column of the bank as numbers, or an error that says where it should come from."""
    if name not in bank.columns:
        have = ", ".join(map(repr, bank.columns)) or "none"
        raise ValueError(
            f"the bank has no column {name!r}, {what}; give ProblemBank columns={{{name!r}: [...]}}, or name another "
            f"column by {argument}= (it has {have})"
        )
    try:
        return np.array(list(bank.columns[name]), dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"column {name!r} holds something else than numbers; it must be {what}") from None
