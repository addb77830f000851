"""Methods that listen to nothing; shuffled epochs are the base of every comparison."""

from __future__ import annotations

from curriculum_bandits.bandits import ShuffledEpochs
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

__all__ = ["uniform"]


@method("uniform", bandit="shuffled epochs", signal="none", batch="next of the epoch", laws={"learns": False})
def uniform(bank: ProblemBank, seed: int = 0, *, signal: Signal = success_rate) -> Curriculum:
    """Every problem once per epoch, in random order, whatever it brings.

    Args:
        bank: The problems.
        seed: Seed of the shuffles.
        signal: Reported but not used; the success rate by default.

    >>> len(uniform(ProblemBank(["a", "b", "c"])).ask(2))
    2
    """
    return Curriculum(bank, ShuffledEpochs(len(bank)), signal, name="uniform", seed=seed)
