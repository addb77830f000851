"""What entries are compared on, by name: simulated students and agents; each is made from a size and a seed.

The seed makes bank, held-out problems and learner, so equal seeds are equal learners for every entry. A comparison
asks no more of a learner than `curriculum_bandits.run` does, a bank and an accuracy; what only students can tell, such
as exact levels, is used where it is there. Agents are known by their import path alone, like a learner of one's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from scipy.special import expit

from curriculum_bandits import ProblemBank
from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.environments import SkillStudent, SoftmaxStudent, Student, Training, graded_problems
from curriculum_bandits.grammar import find_name, import_function, is_import_path
from curriculum_bandits.loop import Learner

from ..harness.provenance import source_digest

__all__ = [
    "AGENTS",
    "LEARNERS",
    "REFERENCES",
    "STUDENTS",
    "BankLearner",
    "LearnerKind",
    "Parts",
    "find_learner",
    "learner_spelling",
    "parts",
    "with_references",
]

_MOST_GROUPS = 24  # rows of a map that can still be told apart


class BankLearner(Learner, Protocol):
    """A learner that brings its problems; its `evaluate` returns ``accuracy``, mean success on held-out problems."""

    @property
    def bank(self) -> ProblemBank:
        """The problems."""
        ...


@dataclass(frozen=True)
class LearnerKind:
    """A named learner, and what it is meant for.

    Attributes:
        summary: What it is, in one line.
        source: ``source(problems, seed)`` returns it, untrained; or the import path of such a function.
        problems: Size of its bank.
        steps: Updates.
        batch: Problems per step.
        seconds: What a run takes, roughly; the longest are played first.
        lengths: What the lengths of rollouts count.
        needs: Optional modules and the extra that brings each.
        revision: Raise it when its problems or the way it learns change; stored runs of another revision are not used.
            Of a learner given by its import path a digest of the file that defines it.
    """

    summary: str
    source: Callable[[int, int], BankLearner] | str
    problems: int = 10_000
    steps: int = 300
    batch: int = 256
    seconds: float = 1.0
    lengths: str = "tokens"
    needs: Mapping[str, str] = field(default_factory=dict)
    revision: int | str = 1

    def make(self, problems: int, seed: int) -> Any:
        """The learner, untrained."""
        return (import_function(self.source) if isinstance(self.source, str) else self.source)(problems, seed)


def _clear(n_problems: int, seed: int) -> Student:
    problems = graded_problems(n_problems, easiest=-2.0, hardest=12.0, feature_noise=0.1, seed=seed)
    return SkillStudent(problems, seed=seed)


def _with_holdout(n_problems: int, seed: int) -> Student:
    return SoftmaxStudent.half_hopeless(n_problems, seed, Training(holdout=4))


_HOPELESS = "half of the problems are all but never solved at first"
_SOLVED = "four fifths of the problems are all but solved from the start"
_DRIFTING = "what is not practised is forgotten"
_SKILL = "one skill per family and level"
_SOFTMAX = "answers written token by token"

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


def _agent(name: str, summary: str, steps: int, batch: int, seconds: float, **more: str) -> LearnerKind:
    path = f"curriculum_bandits.benchmarks.agents.learners:{name}"
    needs = {"gymnasium": "gym", "torch": "neural", **more}
    return LearnerKind(summary, path, 720, steps, batch, seconds, "environment steps", needs)


#: Every agent by name; training stays within 200,000 environment steps.
AGENTS: dict[str, LearnerKind] = {
    "frozen-lake": _agent(
        "frozen_lake", "walks on lakes of six sizes and three slips, and sees what is near", 120, 16, 8.0
    ),
    "minigrid-rooms": _agent(
        "minigrid_rooms", "finds the goal behind one to four rooms of three sizes", 96, 8, 24.0, minigrid="minigrid"
    ),
    "cart-pole": _agent(
        "cart_pole", "balances graded poles under graded pushes; success is the share of the time", 120, 8, 60.0
    ),
    "acrobot": _agent("acrobot", "swings up acrobots of graded torque and mass", 100, 8, 60.0),
}

#: All learners by name.
LEARNERS = {**STUDENTS, **AGENTS}


def find_learner(name: str) -> LearnerKind:
    """The learner of a name or import path.

    Args:
        name: One of `LEARNERS`, or ``package.module:function``, called as ``function(problems, seed)``.

    Returns:
        The learner.

    Raises:
        ValueError: If there is none.
    """
    if not is_import_path(name):
        return LEARNERS[learner_spelling(name)]
    digest = source_digest(import_function(name))
    return LearnerKind(f"one's own, from this import path; source {digest[:8] or 'unknown'}", name, revision=digest)


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
    return name if is_import_path(name) else find_name("learner", name, LEARNERS, hint)


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

    def shares(self, items: IntArray) -> FloatArray:
        """Share of the draws that each part got.

        Args:
            items: Problems that were drawn, each as often as it was, shape (m,).

        Returns:
            Shares that sum to 1, shape (parts,).
        """
        return np.bincount(self.of[items], minlength=len(self.names)) / len(items)


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


#: Columns of pass rates, and the skill in logits of the reference student whose rates they hold: 0 is how every student
#: begins, 6 is well beyond what uniform sampling reaches on hard problems. Real banks get them from a weaker and a
#: stronger model; here they are exact, so a method that reads them is told more than others know.
REFERENCES = {"weak_pass_rate": 0.0, "strong_pass_rate": 6.0}


def with_references(learner: BankLearner) -> ProblemBank:
    """The bank of a student with the columns of `REFERENCES`.

    A student of skill s on every level solves a problem of difficulty d with probability ``1 / (1 + exp(d - s))``.

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
