"""The methods that are compared: every declared one by name, a few made for this comparison, and words for several.

All but the oracle read nothing of the learner but its bank; what a method needs and the bank lacks, the method itself
says.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from curriculum_bandits import Curriculum, ProblemBank, signals
from curriculum_bandits.environments import GreedyOracle, Student
from curriculum_bandits.filters import Filter, RolloutFirstLearner
from curriculum_bandits.grammar import is_import_path
from curriculum_bandits.methods.registry import FILTERS, Method, NamedCurriculum, declared, parse_curriculum

from ..curators import actor_curator_paper, curator_ensemble, curator_linear, curator_no_difficulty
from ..harness.provenance import source_digest
from .learners import REFERENCES, BankLearner, with_references
from .setting import Setting
from .tuned import TUNED, named

__all__ = ["BASELINE", "ORACLE", "OWN", "Entry", "expanded", "find_entry", "groups", "schedule_steps"]

#: What every method is compared with; always played.
BASELINE = "uniform"

#: What the share of the possible gain is measured by, where the learner is a student.
ORACLE = "greedy_oracle"


def _greedy_oracle(bank: ProblemBank, seed: int = 0, *, learner: BankLearner) -> Curriculum:
    if not isinstance(learner, Student):
        raise ValueError(
            f"{ORACLE} is told the exact gradient, which only a simulated student knows; leave it out for a "
            f"{type(learner).__name__}"
        )
    return Curriculum(bank, GreedyOracle(learner), signals.success_rate, name=ORACLE, seed=seed)


#: Methods made for this comparison, by name.
OWN: dict[str, Method] = {
    each.name: each
    for each in (
        Method(ORACLE, "is told the student's exact gradient; greedy, to first order", _greedy_oracle),
        Method("actor_curator_paper", "every switch but the network as in the paper", actor_curator_paper),
        Method("curator_no_difficulty", "without the bank's difficulty beside its features", curator_no_difficulty),
        Method("curator_linear", "a linear scorer", curator_linear),
        Method("curator_ensemble", "the mean of five networks", curator_ensemble),
    )
}

_HEADLINE = (BASELINE, "osmd", "osmd(arms=problems)", "actor_curator", "actor_curator_paper", ORACLE)

# Switches of the default preset, one at a time.
_SWITCHES = (
    "curator_no_difficulty",
    "actor_curator(congestion=1.0)",
    "actor_curator(entropy_bonus=0.0)",
    "actor_curator(baseline=none)",
    "actor_curator(baseline=mean)",
    "actor_curator(baseline=leave_one_out)",
    "actor_curator(gradient_steps=1)",
    "actor_curator(loss=Proximal(clip=0.1))",
    "actor_curator(loss=Proximal(clip=0.5))",
    "actor_curator(loss=Unclipped(step=0.3))",
    "actor_curator(window=10)",
    "actor_curator(gain=1.0)",
    "actor_curator(learning_rate=0.003)",
    "actor_curator(floor=0.0)",
    "actor_curator(floor=0.1)",
    "actor_curator(sampler=Nucleus(), loss=Proximal(weights=equal), baseline=none)",
    "actor_curator(sampler=gumbel)",
    "actor_curator(proposal=uniform)",
    "curator_linear",
    "curator_ensemble",
)

# What rewards it; ratios, advantages and rollouts held out matter for answers of several tokens.
_SIGNALS = (
    "actor_curator(signal=absolute_advantage)",
    "actor_curator(signal=tent)",
    "actor_curator(signal=policy_improvement)",
    "actor_curator(signal=policy_improvement, congestion=1.0)",
    "actor_curator(signal=policy_improvement(ratio=sequence), congestion=1.0)",
    "actor_curator(signal=policy_improvement(advantage=centered), congestion=1.0)",
    "actor_curator(signal=policy_improvement(holdout=True), congestion=1.0)",
)

# The temperatures of SEC and DUMP are in the unit of the signal, so all are brought to about that of the first:
# students improve by about a thousandth per step.
_GRID = tuple(
    f"{bandit}(signal={signal})"
    for bandit in ("osmd", "sec", "dump", "graves", "tscl")
    for signal in (
        "absolute_advantage",
        "scaled(signal=policy_improvement, factor=1000.0)",
        "scaled(signal=reward_variance, factor=4.0)",
        "tent",
    )
)


def groups() -> dict[str, tuple[str, ...]]:
    """Words for several methods, and the names that each stands for."""
    some = {
        "headline": _HEADLINE,
        "rivals": tuple(name for name in declared() if name not in _HEADLINE),
        "filters": (*(f"{BASELINE}+{name}" for name in FILTERS), "actor_curator+dapo"),
        "switches": _SWITCHES,
        "signals": _SIGNALS,
        "grid": (*_GRID, "tscl(signal=success_rate)"),  # success itself is worth seeking to those who seek its change
    }
    some["all"] = tuple(dict.fromkeys(name for names in some.values() for name in names))
    some["tuned"] = tuple(named(name, settings) for name, settings in TUNED.items() if settings)
    return some


def expanded(words: Iterable[str]) -> tuple[str, ...]:
    """Methods that words name.

    Args:
        words: Names with settings, import paths, and words of `groups`.

    Returns:
        Names in their one spelling, each once.

    Raises:
        ValueError: If one names nothing.

    >>> expanded(["uniform", "headline", "osmd(arms='groups')"])[:2]
    ('uniform', 'osmd')
    """
    several = groups()
    names = [name for word in words for name in several.get(word, (word,))]
    return tuple(dict.fromkeys(_parsed(name).label for name in names))


def _parsed(name: str) -> NamedCurriculum:
    return parse_curriculum(name, given=["steps", "learner"], own=OWN)


@dataclass(frozen=True)
class Entry:
    """What is compared.

    Attributes:
        named: Method, settings and filter.
        summary: What it is, in one line.
        revision: What changes when the method does, so that stored runs of the old one do not count.
    """

    named: NamedCurriculum
    summary: str
    revision: int | str

    def make(self, learner: BankLearner, setting: Setting, seed: int) -> tuple[Curriculum, Filter | None]:
        """The curriculum, and the filter behind it.

        Args:
            learner: Who will learn, untrained.
            setting: Its budget.
            seed: Of bank, learner and curriculum.

        Returns:
            Both; None without a filter.

        Raises:
            TypeError: If a function of one's own returns something else.
            ValueError: If the method cannot be had with this learner; the message says what is missing.
        """
        what, bank, given = self.named, learner.bank, dict[str, Any](learner=learner)
        if any(need in REFERENCES and need not in bank.columns for need in what.method.needs):
            bank = with_references(learner)
        if "steps" in what.open:
            given["steps"] = schedule_steps(learner, setting)
        made = what.make(bank, seed, **given)
        curriculum, filter = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
        filter = what.filter() if what.filters else filter
        if not isinstance(curriculum, Curriculum):
            raise TypeError(
                f"{what.label} returned a {type(made).__name__}; return a Curriculum, or a Curriculum and a filter"
            )
        if filter is not None and not isinstance(learner, RolloutFirstLearner):
            raise ValueError(f"a filter needs roll_out and update apart, which a {type(learner).__name__} lacks")
        return curriculum, filter


def schedule_steps(learner: BankLearner, setting: Setting) -> int:
    """Steps that a schedule can count on: those that the budget pays for where each problem costs the same.

    Args:
        learner: Who will learn.
        setting: Its budget.

    Returns:
        Their number.

    Raises:
        ValueError: If their number is not known.
    """
    limits = [] if setting.steps is None else [setting.steps]
    if setting.rollouts is not None and isinstance(learner, Student):
        limits.append(math.ceil(setting.rollouts / (setting.batch * learner.training.n_rollouts)))
    if not limits:
        raise ValueError("a schedule needs the number of steps, and only rollouts are limited; give --steps too")
    return min(limits)


def find_entry(name: str) -> Entry:
    """The entry of a name.

    Args:
        name: A method with settings and a filter, such as ``sec(temperature=0.2, signal=tent)+dapo``, or
            ``package.module:function``, called as ``function(bank, seed=seed)`` for a curriculum, or a curriculum and a
            filter.

    Returns:
        The entry.

    Raises:
        ValueError: If there is none; the message has the nearest names.
    """
    what = _parsed(name)
    method = what.method
    if is_import_path(method.name):
        digest = source_digest(method.make)
        return Entry(what, f"from this import path (source {digest[:8] or 'unknown'})", digest)
    return Entry(what, method.title if method.name in OWN else _summary(method), method.revision)


def _summary(method: Method) -> str:
    """Title and summary, each word once: many summaries begin with the title, and many titles are the name."""
    said = method.summary.lower().startswith(method.title.lower()) or method.title.lower() == method.name
    return method.summary if said else f"{method.title}: {method.summary}"
