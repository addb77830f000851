"""SFL, sampling for learnability: half of the batch from the list of highest p (1 - p), half fresh."""

from __future__ import annotations

from curriculum_bandits.bandits.curriculum.pass_rates import BetaPosterior, ListedAndFresh, Variance
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["sfl"]


@method(
    "SFL",
    paper="arXiv 2408.15099",
    bandit="Beta counts",
    batch="half from the top list, half fresh",
    laws={"good_and_other": (0.5, 0.0)},
)
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
    of problems that have been seen, and the fresh half is what finds them. Its draws state the exact inclusion.

    Args:
        bank: The problems.
        seed: Seed of the draws.
        listed: Part of the bank that the list holds; the published numbers make it 4 %.
        share: Part of the batch drawn from the list.
        discount: How much is kept of what is known of a problem when it is visited; ours.
        fading: How much is kept of it at each update of others; ours.
        signal: Success rate in [0, 1].

    Source: Rutherford et al., "No Regrets", arXiv 2408.15099, pool and list as in its public MiniGrid configuration.

    >>> len(sfl(ProblemBank(["easy", "right", "hard"])).ask(2))
    2
    """
    rates = BetaPosterior(len(bank), discount=discount, fading=fading)
    bandit = ListedAndFresh(rates, Variance(), listed=listed, share=share)
    return Curriculum(bank, bandit, signal, name="sfl", seed=seed)
