"""The methods that are compared, by name: those of `curriculum_bandits.methods`, and what the trainer does beside.

``sec[temperature=0.1]`` is a method with settings of its own, ``actor_curator[crowding=0.0]`` the curator's default
preset with a switch changed, ``uniform+filter`` a method with DAPO's filter behind it, and ``sec+delay=4`` one that
hears of each step four steps late.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from curriculum_bandits import Curriculum, Delayed, ProblemBank, methods, neural

from ...curricula.contenders import settings_in_brackets
from ...curricula.curators import PAPER_LEARNING_RATE
from ...gym.command import find_method, method_names

__all__ = ["BASELINE", "DELAY", "FILTER", "HEADLINE", "REFILLS", "REVISIONS", "Contender", "find_contender"]

#: What every method is compared with; always played.
BASELINE = "uniform"

#: Behind a method's name: problems whose rollouts all earn the same are replaced by new draws.
FILTER = "+filter"

#: Behind a method's name, with a number of steps: it is told of a step only so many steps later.
DELAY = "+delay="

#: How often such problems are replaced per step, at most.
REFILLS = 3

#: Methods that are played unless others are named.
HEADLINE = ("uniform", "uniform+filter", "osmd", "actor_curator")

#: Revisions of methods above the first. Raise one when what the method learns or draws changes, as `make golden` tells;
#: runs of another revision are refused.
REVISIONS: Mapping[str, int] = {}


@dataclass(frozen=True)
class Contender:
    """A named method.

    Attributes:
        name: As it was asked for.
        make: ``make(bank, seed)`` returns the curriculum.
        refills: What the trainer is told; None leaves it alone.
        revision: Of the method, see `REVISIONS`.
    """

    name: str
    make: Callable[[ProblemBank, int], Curriculum]
    refills: int | None = None
    revision: int = 1


def find_contender(name: str) -> Contender:
    """The contender of a name.

    Args:
        name: A method of `curriculum_bandits.methods`, ``actor_curator_paper``, or an import path
            ``package.module:function``, called as ``function(bank, seed=seed)``; then settings in brackets, if need be;
            then ``+filter``, then ``+delay=`` and a number of steps, if wanted.

    Returns:
        The contender.

    Raises:
        ValueError: If there is no such method, or it cannot have these settings.

    >>> contender = find_contender("sec[temperature=0.1]+filter+delay=4")
    >>> contender.refills
    3
    """
    delayed = _DELAYED.fullmatch(name)
    before, delay = (delayed[1], int(delayed[2])) if delayed else (name, 0)
    plain, refills = (before.removesuffix(FILTER), REFILLS) if before.endswith(FILTER) else (before, None)
    bracketed = _BRACKETED.fullmatch(plain)
    method, settings = (bracketed[1], settings_in_brackets(bracketed[1], bracketed[2])) if bracketed else (plain, {})
    if method != _PAPER and method not in method_names() and ":" not in method:
        raise ValueError(
            f"{name!r} is none of the methods; choose from {', '.join((*method_names(), _PAPER))}, with settings in "
            f"brackets, {FILTER} and {DELAY}STEPS behind if need be, or give package.module:function"
        )
    function = _paper_curator if method == _PAPER else find_method(method)
    parameters = inspect.signature(function).parameters
    switches = [field.name for field in dataclasses.fields(neural.CuratorSettings)] if method == _CURATOR else []
    for setting in settings:
        if setting not in parameters and setting not in switches:
            known = ", ".join(dict.fromkeys([*list(parameters)[1:], *switches]))
            raise ValueError(f"{method} has no setting {setting!r}; it has {known}")
    given = {name: value for name, value in settings.items() if name not in switches}
    if len(given) < len(settings):
        changed = {name: value for name, value in settings.items() if name in switches}
        given["settings"] = dataclasses.replace(neural.DEFAULT, **changed)
    needed = [
        parameter.name
        for parameter in list(parameters.values())[1:]
        if parameter.default is inspect.Parameter.empty
        and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        and parameter.name not in ("seed", *given)
    ]
    if needed:
        raise ValueError(f"{method} needs {', '.join(needed)}; write {method}[{needed[0]}=...]")

    def make(bank: ProblemBank, seed: int) -> Curriculum:
        curriculum = function(bank, seed=seed, **given)
        return Delayed(curriculum, delay) if delay else curriculum

    return Contender(name, make, refills, REVISIONS.get(method, 1))


_CURATOR = "actor_curator"
_PAPER = "actor_curator_paper"
_DELAYED = re.compile(r"(.+)" + re.escape(DELAY) + r"(\d+)")
_BRACKETED = re.compile(r"([^\[\]]+)\[(.+)\]")


def _paper_curator(bank: ProblemBank, seed: int = 0, *, learning_rate: float = PAPER_LEARNING_RATE) -> Curriculum:
    """The paper's preset over text features, with a small network in the place of its language model of 0.6B."""
    own = methods.actor_curator(bank, seed=seed).bandit
    assert isinstance(own, neural.NeuralCurator)
    assert isinstance(own.inputs, neural.FeatureRows)
    scorer = neural.MlpScorer(own.inputs.columns, heads=1, seed=seed)
    settings = dataclasses.replace(neural.PAPER, learning_rate=learning_rate, chunk=None)
    return methods.actor_curator(bank, "paper", seed=seed, inputs=own.inputs, scorer=scorer, settings=settings)
