"""The methods that are compared, by name: a line each, and words that stand for several of them.

A contender is made for a setting: a learner, a budget and a seed. All but the oracle read nothing of the learner but
its bank; what a method needs and the bank lacks, the method itself says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from curriculum_bandits import Curriculum, methods, signals
from curriculum_bandits.draw import Feedback
from curriculum_bandits.environments import GreedyOracle, Student
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.signals import Signal

from ..regret.specs import import_function, is_import_path, source_digest
from .curators import SIGNALS, SWITCHES, curator, paper_curator
from .references import with_references
from .setting import Made, Setting

__all__ = [
    "BASELINE",
    "CONTENDERS",
    "GROUPS",
    "IMPROVEMENT_UNIT",
    "ORACLE",
    "Contender",
    "expanded",
    "find_contender",
    "revision",
]


@dataclass(frozen=True)
class Contender:
    """A named method.

    Attributes:
        summary: What it is, in one line.
        make: ``make(setting)`` returns the curriculum, or a curriculum and a stage.
        revision: To be raised when what `make` returns changes, so that stored runs of the old one do not count.
    """

    summary: str
    make: Callable[[Setting], Made]
    revision: int = 1


#: By which policy improvement is multiplied in the grid: students improve by about a thousandth per step.
IMPROVEMENT_UNIT = 1000.0

#: What every method is compared with; always played.
BASELINE = "uniform"

#: What the share of the possible gain is measured by, where the learner is a student.
ORACLE = "greedy-oracle"


def _plain(method: str, **settings: Any) -> Callable[[Setting], Curriculum]:
    """A method of `curriculum_bandits.methods` that needs nothing but a bank and a seed."""

    def make(setting: Setting) -> Curriculum:
        made: Curriculum = getattr(methods, method)(setting.bank, seed=setting.seed, **settings)
        return made

    return make


def _greedy_oracle(setting: Setting) -> Curriculum:
    if not isinstance(setting.learner, Student):
        raise ValueError(
            f"{ORACLE} is told the exact gradient, which only a simulated student knows; leave it out for a "
            f"{type(setting.learner).__name__}"
        )
    oracle = GreedyOracle(setting.learner)
    return Curriculum(setting.bank, oracle, signals.success_rate, name=ORACLE, seed=setting.seed)


def _e2h(setting: Setting) -> Curriculum:
    return _plain("e2h", steps=setting.schedule_steps())(setting)


def _bots(setting: Setting) -> Curriculum:
    made: Curriculum = getattr(methods, "bots")(with_references(setting.learner), seed=setting.seed)  # noqa: B009
    return made


def _before(stage: str, make: Callable[[Setting], Curriculum]) -> Callable[[Setting], Made]:
    """A stage of `curriculum_bandits.stages`, new for every run, between a curriculum and the learner."""

    def made(setting: Setting) -> Made:
        stages = import_module("curriculum_bandits.stages")
        return make(setting), getattr(stages, stage)()

    return made


def _times(signal: Signal, factor: float, rollouts: Rollouts) -> Feedback:
    judged = signal(rollouts)
    return Feedback(factor * judged.values, judged.counts)


_UNIFORM = _plain("uniform")

_HEADLINE: dict[str, Contender] = {
    BASELINE: Contender("shuffled epochs, as trainers do without a curriculum", _UNIFORM),
    "osmd-groups": Contender("mirror descent on policy improvement, a weight per group", _plain("osmd", arms="groups")),
    "osmd-problems": Contender(
        "mirror descent on policy improvement, a weight per problem", _plain("osmd", arms="problems")
    ),
    "actor-curator": Contender("the neural curator, default preset", curator),
    "actor-curator-paper": Contender("the neural curator, every switch but the network as in the paper", paper_curator),
    ORACLE: Contender("is told the student's exact gradient; greedy, to first order", _greedy_oracle),
}

_RIVALS: dict[str, Contender] = {
    "sec": Contender("SEC: softmax over groups of their mean absolute advantage", _plain("sec")),
    "dump": Contender("DUMP: softmax of an upper confidence bound on it", _plain("dump")),
    "tscl": Contender("TSCL: the group whose success changes fastest, epsilon-greedy", _plain("tscl")),
    "graves": Contender("Exp3.S over groups on progress, rescaled by its history", _plain("graves")),
    "e2h": Contender("E2H: groups from easy to hard on a cosine schedule, without feedback", _e2h),
    "mopps": Contender("MoPPS: Thompson sampling of success, the problems nearest one half", _plain("mopps")),
    "bots": Contender("BOTS: the same with implicit evidence; is told two reference students' pass rates", _bots),
    "learnability": Contender("the candidates with the highest p (1 - p)", _plain("learnability")),
    "sfl": Contender("SFL: half of the batch from the most learnable, half fresh", _plain("sfl")),
    "informative": Contender("the candidates whose rewards most probably differ", _plain("informative")),
    "spo": Contender("SPO: weights sqrt(p (1 - p)), forgetting by how far the policy moved", _plain("spo")),
    "procurl": Contender("ProCuRL: softmax of success times what is missing to one", _plain("procurl")),
    "adarft": Contender("AdaRFT: the difficulty that keeps success at one half", _plain("adarft")),
    "difficulty-pools": Contender("pools by the latest success", _plain("difficulty_pools")),
    "plr": Contender("PLR: ranks of the last mean absolute advantage, and staleness", _plain("plr")),
    "ads": Contender("ADS: clusters of features, a window of difficulty in each", _plain("ads")),
    "pcl": Contender("PCL: the candidates whose predicted value is nearest one half", _plain("pcl")),
}

_STAGES: dict[str, Contender] = {
    "uniform+zero-variance": Contender(
        "uniform, groups of equal rewards refilled as in DAPO", _before("ZeroVarianceFilter", _UNIFORM)
    ),
    "uniform+speed": Contender("uniform, a few rollouts first as in SPEED", _before("Screening", _UNIFORM)),
    "uniform+vcrl": Contender(
        "uniform, groups of little variance replaced from a memory as in VCRL",
        _before("VarianceThreshold", _UNIFORM),
    ),
    "uniform+greso": Contender("uniform, problems skipped by their past as in GRESO", _before("Greso", _UNIFORM)),
    "uniform+lilo": Contender(
        "uniform, the most learnable of many rolled out as in LILO", _before("TopLearnability", _UNIFORM)
    ),
    "actor-curator+zero-variance": Contender(
        "the neural curator, groups of equal rewards refilled", _before("ZeroVarianceFilter", curator)
    ),
}

_GRID_BANDITS: dict[str, dict[str, Any]] = {
    "osmd": {"arms": "groups"},
    "sec": {},
    "dump": {},
    "graves": {},
    "tscl": {},
}

# The temperatures of SEC and DUMP are in the unit of the signal, so all are brought to about that of the first.
_GRID_SIGNALS: dict[str, Signal] = {
    "absolute-advantage": signals.absolute_advantage,
    "improvement": partial(_times, signals.policy_improvement, IMPROVEMENT_UNIT),
    "variance": partial(_times, signals.reward_variance, 4.0),
    "tent": signals.tent,
}

_GRID: dict[str, Contender] = {
    f"grid/{bandit}/{name}": Contender(
        f"the bandit of {bandit} over groups, rewarded by {name.replace('-', ' ')}",
        _plain(bandit, signal=signal, **settings),
    )
    for bandit, settings in _GRID_BANDITS.items()
    for name, signal in _GRID_SIGNALS.items()
}
# Success itself is worth seeking only to those who seek its change.
_GRID["grid/tscl/success"] = Contender(
    "the bandit of tscl over groups, rewarded by success", _plain("tscl", signal=signals.success_rate)
)

_SWITCHES, _SIGNALS = (
    {name: Contender(f"the default preset, {what}", make) for name, (what, make) in some.items()}
    for some in (SWITCHES, SIGNALS)
)

#: Words for several methods, and the names that each stands for.
GROUPS: dict[str, tuple[str, ...]] = {
    name: tuple(some)
    for name, some in {
        "headline": _HEADLINE,
        "rivals": _RIVALS,
        "stages": _STAGES,
        "switches": _SWITCHES,
        "signals": _SIGNALS,
        "grid": _GRID,
    }.items()
}

#: Every method by name.
CONTENDERS: dict[str, Contender] = {**_HEADLINE, **_SWITCHES, **_SIGNALS, **_RIVALS, **_STAGES, **_GRID}

GROUPS["all"] = tuple(CONTENDERS)


def expanded(words: Iterable[str]) -> tuple[str, ...]:
    """Methods that words name.

    Args:
        words: Names, import paths, and words of `GROUPS`.

    Returns:
        Names and import paths, each once.

    >>> expanded(["uniform", "headline"])[:2]
    ('uniform', 'osmd-groups')
    """
    return tuple(dict.fromkeys(name for word in words for name in GROUPS.get(word, (word,))))


def find_contender(name: str) -> Contender:
    """The contender of a name or import path.

    Args:
        name: A name in `CONTENDERS`, or ``package.module:function``, called as ``function(bank, seed)`` for a
            curriculum, or a curriculum and a stage.

    Returns:
        The contender.

    Raises:
        ValueError: If there is none.
    """
    if name in CONTENDERS:
        return CONTENDERS[name]
    if is_import_path(name):
        function = import_function(name)
        summary = f"one's own, from this import path (source {source_digest(function)[:8] or 'unknown'})"
        return Contender(summary, lambda setting: function(setting.bank, setting.seed))
    raise ValueError(
        f"{name!r} is none of the methods; choose from {', '.join((*GROUPS, *CONTENDERS))}, or give "
        "package.module:function"
    )


def revision(name: str) -> int | str:
    """What changes when a method does, so that stored runs of the old one do not count.

    Args:
        name: Of a contender.

    Returns:
        Its revision; of a method of one's own a digest of the file it is in.
    """
    return CONTENDERS[name].revision if name in CONTENDERS else source_digest(import_function(name))
