"""The methods that are compared, by name: a line each, and words that stand for several of them.

A contender is made for a setting: a learner, a budget and a seed. All but the oracle read nothing of the learner but
its bank; what a method needs and the bank lacks, the method itself says.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from curriculum_bandits import Curriculum, methods, signals
from curriculum_bandits.bandits import ScaleFree
from curriculum_bandits.draw import Feedback
from curriculum_bandits.environments import GreedyOracle, Student
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.signals import Signal

from ..regret.specs import import_function, is_import_path, source_digest
from .curators import SIGNALS, SWITCHES, curator, paper_curator
from .references import with_references
from .setting import Made, Setting
from .tuned import TUNED

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
    "settings_in_brackets",
]


@dataclass(frozen=True)
class Contender:
    """A named method.

    Attributes:
        summary: What it is, in one line.
        make: ``make(setting)`` returns the curriculum, or a curriculum and a stage.
        revision: Raise it when what the method learns or draws changes, as `make golden` tells; stored runs of another
            revision are not used.
        settle: ``settle(**settings)`` returns another `make`, with these settings; None where there are none.
    """

    summary: str
    make: Callable[[Setting], Made]
    revision: int = 1
    settle: Callable[..., Callable[[Setting], Made]] | None = None


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


def _listed(method: str, summary: str, **fixed: Any) -> Contender:
    """A method of `curriculum_bandits.methods` with its published settings, or others."""
    return Contender(
        summary, _plain(method, **fixed), settle=lambda **settings: _plain(method, **{**fixed, **settings})
    )


def _osmd(arms: str, memory: int | None = None, **settings: Any) -> Callable[[Setting], Curriculum]:
    step = {} if memory is None else {"step": ScaleFree(memory=memory)}
    return _plain("osmd", arms=arms, **step, **settings)


def _greedy_oracle(setting: Setting) -> Curriculum:
    if not isinstance(setting.learner, Student):
        raise ValueError(
            f"{ORACLE} is told the exact gradient, which only a simulated student knows; leave it out for a "
            f"{type(setting.learner).__name__}"
        )
    oracle = GreedyOracle(setting.learner)
    return Curriculum(setting.bank, oracle, signals.success_rate, name=ORACLE, seed=setting.seed)


def _e2h(setting: Setting, **settings: Any) -> Curriculum:
    return _plain("e2h", steps=setting.schedule_steps(), **settings)(setting)


def _bots(setting: Setting, **settings: Any) -> Curriculum:
    return methods.bots(with_references(setting.learner), seed=setting.seed, **settings)


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
    "osmd-groups": Contender(
        "mirror descent on policy improvement, a weight per group", _osmd("groups"), settle=partial(_osmd, "groups")
    ),
    "osmd-problems": Contender(
        "mirror descent on policy improvement, a weight per problem",
        _osmd("problems"),
        settle=partial(_osmd, "problems"),
    ),
    "actor-curator": Contender(
        "the neural curator, default preset", curator, 2, settle=lambda **settings: partial(curator, **settings)
    ),
    "actor-curator-paper": Contender("the neural curator, every switch but the network as in the paper", paper_curator),
    ORACLE: Contender("is told the student's exact gradient; greedy, to first order", _greedy_oracle),
}

_RIVALS: dict[str, Contender] = {
    "sec": _listed("sec", "SEC: softmax over groups of their mean absolute advantage"),
    "dump": _listed("dump", "DUMP: softmax of an upper confidence bound on it"),
    "tscl": _listed("tscl", "TSCL: the group whose success changes fastest, epsilon-greedy"),
    "graves": _listed("graves", "Exp3.S over groups on progress, rescaled by its history"),
    "e2h": Contender(
        "E2H: groups from easy to hard on a cosine schedule, without feedback",
        _e2h,
        settle=lambda **settings: partial(_e2h, **settings),
    ),
    "mopps": _listed("mopps", "MoPPS: Thompson sampling of success, the problems nearest one half"),
    "bots": Contender(
        "BOTS: the same with implicit evidence; is told two reference students' pass rates",
        _bots,
        settle=lambda **settings: partial(_bots, **settings),
    ),
    "learnability": _listed("learnability", "the candidates with the highest p (1 - p)"),
    "sfl": _listed("sfl", "SFL: half of the batch from the most learnable, half fresh"),
    "informative": _listed("informative", "the candidates whose rewards most probably differ"),
    "spo": _listed("spo", "SPO: weights sqrt(p (1 - p)), forgetting by how far the policy moved"),
    "procurl": _listed("procurl", "ProCuRL: softmax of success times what is missing to one"),
    "adarft": _listed("adarft", "AdaRFT: the difficulty that keeps success at one half"),
    "difficulty-pools": _listed("difficulty_pools", "pools by the latest success"),
    "plr": _listed("plr", "PLR: ranks of the last mean absolute advantage, and staleness"),
    "ads": _listed("ads", "ADS: clusters of features, a window of difficulty in each"),
    "pcl": _listed("pcl", "PCL: the candidates whose predicted value is nearest one half"),
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
GROUPS["tuned"] = tuple(f"{name}[{settings}]" for name, settings in TUNED.items() if settings)


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
        name: A name in `CONTENDERS`, with settings of its own in brackets if need be, such as
            ``sec[temperature=0.2, signal="tent"]``; or ``package.module:function``, called as ``function(bank, seed)``
            for a curriculum, or a curriculum and a stage.

    Returns:
        The contender.

    Raises:
        ValueError: If there is none.
    """
    if name in CONTENDERS:
        return CONTENDERS[name]
    bracketed = _BRACKETED.fullmatch(name)
    if bracketed and bracketed[1] in CONTENDERS:
        return _settled(CONTENDERS[bracketed[1]], *bracketed.groups())
    if is_import_path(name):
        function = import_function(name)
        summary = f"one's own, from this import path (source {source_digest(function)[:8] or 'unknown'})"
        return Contender(summary, lambda setting: function(setting.bank, setting.seed))
    raise ValueError(
        f"{name!r} is none of the methods; choose from {', '.join((*GROUPS, *CONTENDERS))}, or give "
        "package.module:function"
    )


_BRACKETED = re.compile(r"([^\[\]]+)\[(.+)\]")


def settings_in_brackets(name: str, settings: str) -> dict[str, Any]:
    """Settings as they are written in brackets behind a name: Python's literals, and signals by name.

    Args:
        name: Of the method; for the message.
        settings: What the brackets hold.

    Returns:
        Values by name.

    Raises:
        ValueError: If they are no settings, or a signal is unknown.

    >>> settings_in_brackets("sec", "temperature=0.2")
    {'temperature': 0.2}
    """
    try:
        call = ast.parse(f"f({settings})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args or any(each.arg is None for each in call.keywords):
            raise SyntaxError
        values = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    except (SyntaxError, ValueError):
        raise ValueError(
            f'{settings!r} are no settings of {name}; write them as in {name}[temperature=0.2, signal="tent"]'
        ) from None
    if isinstance(values.get("signal"), str):
        if values["signal"] not in signals.__all__:
            raise ValueError(f"signal={values['signal']!r} is none of curriculum_bandits.signals")
        values["signal"] = getattr(signals, values["signal"])
    return values


def _settled(contender: Contender, name: str, settings: str) -> Contender:
    if contender.settle is None:
        raise ValueError(f"{name!r} has no settings; leave out the brackets")
    values = settings_in_brackets(name, settings)
    return Contender(f"{contender.summary}; {settings}", contender.settle(**values), contender.revision)


def revision(name: str) -> int | str:
    """Revision of a method, part of the name of a stored run.

    Args:
        name: Of a contender.

    Returns:
        Its revision; for a method given by its import path, a digest of the file that defines it.
    """
    return find_contender(name).revision if not is_import_path(name) else source_digest(import_function(name))
