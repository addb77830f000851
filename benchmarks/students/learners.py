"""What methods are compared on, by name: simulated students and gym tasks; each is made from a size and a seed.

The seed makes bank, held-out problems and learner, so equal seeds are equal learners for every method. A comparison
asks no more of a learner than `curriculum_bandits.run` does, a bank and an accuracy; what only students can tell, such
as exact levels, is used where it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from curriculum_bandits import ProblemBank
from curriculum_bandits.environments import SkillStudent, SoftmaxStudent, Student, Training, graded_problems
from curriculum_bandits.grammar import find_name, import_function, is_import_path
from curriculum_bandits.rollouts import Rollouts

from ..gym.learners import LEARNERS as GYM
from ..provenance import source_digest

__all__ = [
    "STUDENTS",
    "BankLearner",
    "LearnerKind",
    "Parts",
    "find_learner",
    "learner_names",
    "learner_spelling",
    "parts",
    "revision",
]

IntArray = npt.NDArray[np.int64]

_MOST_GROUPS = 24  # rows of a map that can still be told apart


class BankLearner(Protocol):
    """A learner that brings its problems."""

    @property
    def bank(self) -> ProblemBank:
        """The problems."""
        ...

    def learn(self, items: IntArray) -> Rollouts:
        """Roll out the problems and update the policy once.

        Args:
            items: Indices into the bank, shape (m,).

        Returns:
            Rollouts whose row j belongs to ``items[j]``.
        """
        ...

    def evaluate(self) -> Mapping[str, float]:
        """Measure the policy.

        Returns:
            Numbers by name, ``accuracy`` on held-out problems among them.
        """
        ...


@dataclass(frozen=True)
class LearnerKind:
    """A named learner.

    Attributes:
        summary: What it is, in one line.
        make: ``make(problems, seed)`` returns it, untrained.
        revision: Raise it when its problems or the way it learns change; stored runs of another revision are not used.
    """

    summary: str
    make: Callable[[int, int], BankLearner]
    revision: int = 1


@dataclass(frozen=True)
class Parts:
    """A bank cut into a few parts, for maps of what was drawn.

    Attributes:
        title: What a part is.
        names: Of each part, in the order they are shown.
        of: Part of each problem, shape (N,).
    """

    title: str
    names: tuple[str, ...]
    of: IntArray

    def shares(self, counts: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Share of the draws that each part got.

        Args:
            counts: How often each problem was drawn, shape (N,).

        Returns:
            Shares that sum to 1, shape (parts,).
        """
        drawn = np.bincount(self.of, weights=np.asarray(counts, dtype=np.float64), minlength=len(self.names))
        return np.asarray(drawn / np.sum(drawn))


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


#: Every simulated student by name: three starts times two kinds of policy, and two variants.
STUDENTS: dict[str, LearnerKind] = {
    "half-hopeless-skill": LearnerKind(f"{_HOPELESS}; {_SKILL}", SkillStudent.half_hopeless),
    "half-hopeless-softmax": LearnerKind(f"{_HOPELESS}; {_SOFTMAX}", SoftmaxStudent.half_hopeless),
    "half-hopeless-clear-skill": LearnerKind(f"{_HOPELESS}; features with a third of the noise; {_SKILL}", _clear),
    "half-hopeless-holdout-softmax": LearnerKind(
        f"{_HOPELESS}; {_SOFTMAX}; half of the rollouts are not trained on", _with_holdout
    ),
    "mostly-solved-skill": LearnerKind(f"{_SOLVED}; {_SKILL}", SkillStudent.mostly_solved),
    "mostly-solved-softmax": LearnerKind(f"{_SOLVED}; {_SOFTMAX}", SoftmaxStudent.mostly_solved),
    "drifting-skill": LearnerKind(f"{_DRIFTING}; {_SKILL}", SkillStudent.drifting),
    "drifting-softmax": LearnerKind(f"{_DRIFTING}; {_SOFTMAX}", SoftmaxStudent.drifting),
}


def learner_names() -> tuple[str, ...]:
    """Names of all learners, the students first."""
    return (*STUDENTS, *GYM)


def find_learner(name: str) -> LearnerKind:
    """The learner of a name or import path.

    Args:
        name: One of `learner_names`, or ``package.module:function``, called as ``function(problems, seed)``.

    Returns:
        The learner.

    Raises:
        ValueError: If there is none.
    """
    if is_import_path(name):
        return LearnerKind(f"one's own, from this import path; {_source(name)}", import_function(name))
    found = learner_spelling(name)
    return (
        STUDENTS[found] if found in STUDENTS else LearnerKind(GYM[found].summary, GYM[found].make, GYM[found].revision)
    )


def learner_spelling(name: str) -> str:
    """A learner's name in its one spelling.

    Args:
        name: With dashes or underscores, or an import path.

    Returns:
        The name.

    Raises:
        ValueError: If there is none; the message has the nearest.
    """
    hint = "`curriculum-bandits compare --list` shows all, or give package.module:function"
    return name if is_import_path(name) else find_name("learner", name, learner_names(), hint)


def revision(name: str) -> int | str:
    """Revision of a learner, part of the name of a stored run.

    Args:
        name: Of a learner.

    Returns:
        Its revision; for a learner given by its import path, a digest of the file that defines it.
    """
    return source_digest(import_function(name)) if is_import_path(name) else find_learner(name).revision


def parts(learner: BankLearner) -> Parts:
    """How draws of a learner's problems are shown.

    Args:
        learner: Any.

    Returns:
        The levels of a student; of another learner its groups where they are few, else tenths of its problems by
        difficulty, else the bank as a whole.
    """
    bank = learner.bank
    if isinstance(learner, Student):
        levels = learner.problems.difficulty.shape[1]
        return Parts("level, easy to hard", _numbers(levels), learner.problems.cell % levels)
    if bank.groups is not None and len(bank.group_names) <= _MOST_GROUPS:
        order = np.arange(len(bank.group_names))
        if bank.difficulty is not None:
            hardness = np.bincount(bank.groups, weights=bank.difficulty) / np.bincount(bank.groups)
            order = np.argsort(hardness, kind="stable")
        return Parts("group", tuple(bank.group_names[each] for each in order), np.argsort(order)[bank.groups])
    if bank.difficulty is not None:
        rank = np.argsort(np.argsort(bank.difficulty, kind="stable"))
        tenths = min(10, len(bank))
        return Parts("tenth of the problems, easy to hard", _numbers(tenths), rank * tenths // len(bank))
    return Parts("the bank", ("all",), np.zeros(len(bank), dtype=np.int64))


def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(number + 1) for number in range(count))


def _source(path: str) -> str:
    digest = source_digest(import_function(path))
    return f"source {digest[:8]}" if digest else "source unknown"
