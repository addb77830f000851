"""The students that methods are compared on, by name; each is made from a size of the bank and a seed.

Three starts (half of the problems hopeless, most solved, forgetting) times two kinds of policy (a skill, tokens). The
seed makes bank, held-out problems and student, so equal seeds are equal students for every method.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from curriculum_bandits.environments import SkillStudent, SoftmaxStudent, Student, Training, graded_problems

__all__ = ["STUDENTS", "StudentKind"]


@dataclass(frozen=True)
class StudentKind:
    """A named student.

    Attributes:
        summary: What it is, in one line.
        make: ``make(n_problems, seed)`` returns it, untrained.
    """

    summary: str
    make: Callable[[int, int], Student]


_HOPELESS = "half of the problems are all but never solved at first"
_SOLVED = "four fifths of the problems are all but solved from the start"
_DRIFTING = "what is not practised is forgotten"
_SKILL = "one skill per family and level"
_SOFTMAX = "answers written token by token"


def _clear(n_problems: int, seed: int) -> Student:
    problems = graded_problems(n_problems, easiest=-2.0, hardest=12.0, feature_noise=0.1, seed=seed)
    return SkillStudent(problems, seed=seed)


def _with_holdout(n_problems: int, seed: int) -> Student:
    return SoftmaxStudent.half_hopeless(n_problems, seed, Training(holdout=4))


#: Every student by name.
STUDENTS: dict[str, StudentKind] = {
    "half-hopeless-skill": StudentKind(f"{_HOPELESS}; {_SKILL}", SkillStudent.half_hopeless),
    "half-hopeless-softmax": StudentKind(f"{_HOPELESS}; {_SOFTMAX}", SoftmaxStudent.half_hopeless),
    "half-hopeless-clear-skill": StudentKind(f"{_HOPELESS}; features with a third of the noise; {_SKILL}", _clear),
    "half-hopeless-holdout-softmax": StudentKind(
        f"{_HOPELESS}; {_SOFTMAX}; half of the rollouts are not trained on", _with_holdout
    ),
    "mostly-solved-skill": StudentKind(f"{_SOLVED}; {_SKILL}", SkillStudent.mostly_solved),
    "mostly-solved-softmax": StudentKind(f"{_SOLVED}; {_SOFTMAX}", SoftmaxStudent.mostly_solved),
    "drifting-skill": StudentKind(f"{_DRIFTING}; {_SKILL}", SkillStudent.drifting),
    "drifting-softmax": StudentKind(f"{_DRIFTING}; {_SOFTMAX}", SoftmaxStudent.drifting),
}
