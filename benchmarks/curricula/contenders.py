"""The methods that are compared, by name: a line each.

A contender is made from a student and a seed. All but the oracle read nothing of the student but its bank.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from curriculum_bandits import Curriculum, methods
from curriculum_bandits.environments import GreedyOracle, Student
from curriculum_bandits.signals import success_rate

from .curators import SIGNALS, SWITCHES, curator, paper_curator

__all__ = ["BASELINE", "CONTENDERS", "HEADLINE", "ORACLE", "Contender"]


@dataclass(frozen=True)
class Contender:
    """A named method.

    Attributes:
        summary: What it is, in one line.
        make: ``make(student, seed)`` returns the curriculum.
        revision: To be raised when what `make` returns changes, so that stored runs of the old one do not count.
    """

    summary: str
    make: Callable[[Student, int], Curriculum]
    revision: int = 1


def _greedy_oracle(student: Student, seed: int) -> Curriculum:
    return Curriculum(student.bank, GreedyOracle(student), success_rate, name="greedy-oracle", seed=seed)


#: What every method is compared with; always played.
BASELINE = "uniform"

#: What the share of the possible gain is measured by.
ORACLE = "greedy-oracle"

#: Every method by name.
CONTENDERS: dict[str, Contender] = {
    BASELINE: Contender(
        "shuffled epochs, as trainers do without a curriculum",
        lambda student, seed: methods.uniform(student.bank, seed=seed),
    ),
    "osmd-groups": Contender(
        "mirror descent on policy improvement, a weight per group",
        lambda student, seed: methods.osmd(student.bank, arms="groups", seed=seed),
    ),
    "osmd-problems": Contender(
        "mirror descent on policy improvement, a weight per problem",
        lambda student, seed: methods.osmd(student.bank, arms="problems", seed=seed),
    ),
    "actor-curator": Contender("the neural curator, default preset", curator),
    "actor-curator-paper": Contender("the neural curator, every switch but the network as in the paper", paper_curator),
    ORACLE: Contender("is told the student's exact gradient; greedy, to first order", _greedy_oracle),
}

#: What is compared unless methods are named.
HEADLINE = tuple(CONTENDERS)

for _name, (_what, _make) in {**SWITCHES, **SIGNALS}.items():
    CONTENDERS[_name] = Contender(f"the default preset, {_what}", _make)
