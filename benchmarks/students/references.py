"""Pass rates of two reference students, which a method that starts from offline evaluations asks for.

Real banks get them from a weaker and a stronger model. Here both are students at a known skill, so their rates are
exact; what the method is told is more than others know, and its line in the table says so.
"""

from __future__ import annotations

from scipy.special import expit

from curriculum_bandits import ProblemBank
from curriculum_bandits.environments import Student

from .learners import BankLearner

__all__ = ["REFERENCES", "with_references"]

#: Columns of the bank by name, and the skill in logits of the student whose pass rates they hold: 0 is how every
#: student begins, 6 is well beyond what uniform sampling reaches on hard problems.
REFERENCES = {"weak_pass_rate": 0.0, "strong_pass_rate": 6.0}


def with_references(learner: BankLearner) -> ProblemBank:
    """The bank of a student with two more columns.

    A student whose skill is s on every level solves a problem of difficulty d with probability
    ``1 / (1 + exp(d - s))``.

    Args:
        learner: A simulated student.

    Returns:
        A bank with the same problems in the same order.

    Raises:
        ValueError: If the learner is no simulated student: nobody knows then what others would solve.
    """
    bank = learner.bank
    if not isinstance(learner, Student) or bank.difficulty is None:
        raise ValueError(
            f"reference pass rates are known of simulated students only, not of {type(learner).__name__}; leave the "
            "method out, or play one of your own by import path whose bank has the columns"
        )
    rates = {name: expit(skill - bank.difficulty).tolist() for name, skill in REFERENCES.items()}
    return ProblemBank(
        bank.prompts,
        ids=bank.ids,
        answers=bank.answers,
        features=bank.features,
        groups=[bank.group_names[group] for group in bank.groups] if bank.groups is not None else None,
        difficulty=bank.difficulty,
        columns={**bank.columns, **rates},
    )
