"""Every method by name: declared once, by ``@method`` above its constructor.

Commands, recipes, benchmarks, the table of the documentation, the conformance tests, `repr` and saved states read that
declaration. A module in this folder is found by itself; one elsewhere is found once it is imported.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import inspect
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ParamSpec

from curriculum_bandits import filters, signals
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.checkpoint import load_state
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.delayed import Delayed
from curriculum_bandits.filters import Filter
from curriculum_bandits.grammar import (
    Call,
    check_settings,
    find_name,
    import_function,
    is_import_path,
    parse_call,
    parse_calls,
    unknown_name,
    written,
)
from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.settings import Settings, restored
from curriculum_bandits.signals import Signal

__all__ = [
    "FILTERS",
    "Method",
    "NamedCurriculum",
    "declared",
    "find_method",
    "find_signal",
    "load",
    "method",
    "methods_table",
    "parse_curriculum",
    "signal_names",
]

P = ParamSpec("P")

#: Filters by the name that stands behind a plus sign.
FILTERS: Mapping[str, Callable[..., Filter]] = {
    "dapo": filters.ZeroVarianceFilter,
    "speed": filters.Screening,
    "vcrl": filters.VarianceThreshold,
    "greso": filters.Greso,
    "lilo": filters.TopLearnability,
}

_DELAYED = "delayed"
# Where value objects are found, the costlier to import the later.
_VALUE_MODULES = ("bandits", "bandits.curriculum.action_values", "neural.settings", "neural.losses", "neural.samplers")


@dataclass(frozen=True)
class Method:
    """The declaration of a method.

    Attributes:
        name: The constructor's.
        title: Its short name in tables, such as ``"SEC"``.
        make: The constructor, called as ``make(bank, seed=seed, **settings)``.
        paper: Where it is published.
        needs: What a bank must have: ``"groups"``, ``"difficulty"``, ``"features"``, or names of columns.
        arms: What is estimated or weighted.
        bandit: How estimates become a distribution.
        signal: What rewards it, where that is more than the default of its ``signal``.
        batch: How a distribution becomes a batch.
        switches: Import path of a dataclass whose fields are settings too.
        free: Settings that say where and how the work is done: not saved, and free to differ where a state is loaded.
        revision: To be raised when draws of the same seed change, so that stored results do not count.
        example: Settings for a bank of two dozen problems; must be given where the constructor requires some.
        laws: What the conformance suite must know of it; see `curriculum_bandits.testing.CurriculumConformance`.
    """

    name: str
    title: str
    make: Callable[..., Any]
    paper: str = ""
    needs: tuple[str, ...] = ()
    arms: str = "problems"
    bandit: str = ""
    signal: str = ""
    batch: str = ""
    switches: str = ""
    free: tuple[str, ...] = ()
    revision: int = 1
    example: Mapping[str, Any] = field(default_factory=dict)
    laws: Mapping[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        """The first line of the constructor's docstring."""
        return (inspect.getdoc(self.make) or "").partition("\n")[0]

    @property
    def required(self) -> tuple[str, ...]:
        """Settings without a default."""
        gathered = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
        return tuple(p.name for p in self._parameters() if p.default is p.empty and p.kind not in gathered)

    def check(self, settings: Iterable[str]) -> None:
        """Refuse the name of a setting that the method does not have.

        Raises:
            ValueError: For the first such name; has the nearest.
        """
        if self.switches:
            switches = dataclasses.fields(import_function(self.switches))  # type: ignore[arg-type]
            named = [each.name for each in self._parameters() if each.kind is not each.VAR_KEYWORD]
            check_settings(self.name, settings, [*named, *(each.name for each in switches)])
        else:
            check_settings(self.name, settings, self.make, given=["bank"])

    def _parameters(self) -> list[inspect.Parameter]:
        return [each for each in inspect.signature(self.make).parameters.values() if each.name not in ("bank", "seed")]


_DECLARED: dict[str, Method] = {}


def method(title: str, **declaration: Any) -> Callable[[Callable[P, Curriculum]], Callable[P, Curriculum]]:
    """Declare a constructor of curricula, under the name of the function.

    Its first parameter is ``bank``, and it has a ``seed``. A constructor that fills in an argument left open leaves
    what it chose in the curriculum's ``settings``, and that is what is saved and compared.

    Args:
        title: Short name in tables.
        **declaration: Further fields of `Method`.

    Raises:
        ValueError: If another constructor has the name.
    """

    def declare(function: Callable[P, Curriculum]) -> Callable[P, Curriculum]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def make(*args: P.args, **kwargs: P.kwargs) -> Curriculum:
            try:
                bound = signature.bind(*args, **kwargs)
            except TypeError as error:
                raise TypeError(f"{own.name}: {error}") from None
            bound.apply_defaults()
            bank = bound.arguments.get("bank")
            if bank is None or isinstance(bank, list | tuple | str):
                raise TypeError(f"{own.name} has a {type(bank).__name__} for a bank; give ProblemBank(prompts)")
            values = {name: value for name, value in bound.arguments.items() if name != "bank"}
            changed = {name: value for name, value in values.items() if _differs(value, signature.parameters[name])}
            for each in signature.parameters.values():
                if each.kind is each.VAR_KEYWORD:
                    changed |= changed.pop(each.name, {})
                    more = values.pop(each.name)
                    values |= {} if own.switches else more
            curriculum = function(*args, **kwargs)
            curriculum.name = own.name
            curriculum.settings = Settings({**values, **curriculum.settings}, changed, own.free)
            return curriculum

        own = Method(function.__name__, title, make, **declaration)
        before = _DECLARED.get(own.name)
        if before is not None and before.make.__module__ != function.__module__:
            raise ValueError(f"{before.make.__module__} has a method {own.name!r} already; choose another name")
        _DECLARED[own.name] = own
        return make

    return declare


def _differs(value: Any, parameter: inspect.Parameter) -> bool:
    default = {} if parameter.kind is parameter.VAR_KEYWORD else parameter.default
    return type(value) is not type(default) or bool(value != default) if not hasattr(value, "shape") else True


def declared() -> dict[str, Method]:
    """Every method that is declared so far, by name; those of this package are always among them."""
    return dict(sorted(_DECLARED.items()))


def find_method(name: str, own: Mapping[str, Method] = MappingProxyType({})) -> Method:
    """The method of a name.

    Args:
        name: Its name, or ``package.module:function`` for one's own, called as ``function(bank, seed=seed)``.
        own: Further methods by name.

    Raises:
        ValueError: If there is none; names the nearest.

    >>> find_method("difficulty-pools").name
    'difficulty_pools'
    """
    if not is_import_path(name):
        hint = "`curriculum-bandits compare --list` shows all, or give package.module:function"
        there = {**_DECLARED, **own}
        return there[find_name("method", name, there, hint)]
    function = import_function(name)
    known = _DECLARED.get(function.__name__)
    return known if known is not None and known.make is function else Method(name, name, function)


@dataclass(frozen=True)
class NamedCurriculum:
    """A method with settings, filters and delay, as a text of the grammar names it.

    Attributes:
        label: The text, in its one spelling.
        method: The method.
        settings: Its settings.
        filters: Filters behind it, in order.
        delay: Steps that its answers are late.
    """

    label: str
    method: Method
    settings: Mapping[str, Any]
    filters: tuple[Call, ...] = ()
    delay: int = 0

    def make(self, bank: ProblemBank, seed: int = 0, **given: Any) -> Any:
        """The curriculum; of a function by import path whatever it returns.

        Args:
            bank: The problems.
            seed: Seed of the draws.
            **given: Further settings, each used where the method requires it and the text does not say it.

        Raises:
            ValueError: If the method cannot work with the bank or the settings.
        """
        needed = {name: given[name] for name in self.open if name in given}
        made = self.method.make(bank, **{"seed": seed, **needed, **self.settings})
        if self.delay and not isinstance(made, Curriculum):
            raise ValueError(f"{self.label} is no curriculum but a {type(made).__name__}; leave out delayed")
        return Delayed(made, self.delay) if self.delay else made

    def filter(self) -> Filter | None:
        """The filter, new; None where there is none."""
        return next((FILTERS[call.name](**call.settings) for call in self.filters), None)

    @property
    def open(self) -> tuple[str, ...]:
        """Settings that the method requires and the text does not give."""
        return tuple(name for name in self.method.required if name not in self.settings)


def parse_curriculum(
    text: str, given: Sequence[str] = (), own: Mapping[str, Method] = MappingProxyType({})
) -> NamedCurriculum:
    """Read the name of a method with settings, and of what stands behind it.

    Args:
        text: Such as ``"sec(temperature=0.2)+dapo+delayed(steps=2)"``, or ``"my_module:my_curriculum(x=1)"``.
        given: Required settings that `NamedCurriculum.make` will be given.
        own: Further methods by name.

    Raises:
        ValueError: If it cannot be read, or a name in it does not exist; names the nearest.

    >>> named = parse_curriculum("sec(temperature=.2, signal=tent)+dapo(max_draws=4)+delayed(steps=2)")
    >>> named.label, named.delay
    ('sec(temperature=0.2, signal=tent)+dapo(max_draws=4)+delayed(steps=2)', 2)
    >>> named.settings["signal"] is signals.tent
    True
    """
    first, *behind = parse_calls(text)
    found = find_method(first.name, own)
    found.check(first.settings)
    settings = {name: _resolved(name, value) for name, value in first.settings.items()}
    filters, delay = [], 0
    for call in behind:
        name = find_name("filter", call.name, (*FILTERS, _DELAYED))
        if name == _DELAYED:
            check_settings("delayed", call.settings, ["steps"])
            steps = call.settings.get("steps")
            if not isinstance(steps, int) or steps < 0:
                raise ValueError(f"{call} says nothing of how late; write delayed(steps=2), or another number")
            delay += steps
        else:
            check_settings(name, call.settings, FILTERS[name])
            FILTERS[name](**call.settings)
            filters.append(call)
    if len(filters) > 1:
        raise ValueError(f"{text!r} has {len(filters)} filters; give at most one")
    named = NamedCurriculum("", found, settings, tuple(filters), delay)
    needed = [name for name in named.open if name not in given]
    if needed:
        raise ValueError(f"{found.name} needs {', '.join(needed)}; write {found.name}({needed[0]}=...)")
    label = "+".join(map(str, (Call(found.name, settings), *behind)))
    return dataclasses.replace(named, label=label)


def signal_names() -> list[str]:
    """Names of the signals in `curriculum_bandits.signals`: whatever there judges rollouts."""
    first = {
        name: [*inspect.signature(getattr(signals, name)).parameters.values()][:1]
        for name in signals.__all__
        if inspect.isfunction(getattr(signals, name))
    }
    return [
        name for name, parameter in first.items() if parameter and parameter[0].annotation in (Rollouts, "Rollouts")
    ]


def find_signal(name: str | Call) -> Signal:
    """The signal of a name, or a partial of it where there are settings.

    Args:
        name: Such as ``"tent"``, ``"policy_improvement(ratio=sequence)"``, or ``"my_module:my_signal"``.

    Raises:
        ValueError: If there is none, or it does not take a setting; names the nearest.

    >>> find_signal("policy-improvement(holdout=True)").keywords
    {'holdout': True}
    """
    call = parse_call(name) if isinstance(name, str) else name
    if is_import_path(call.name):
        function = import_function(call.name)
    else:
        function = getattr(signals, find_name("signal", call.name, signal_names(), ", ".join(signal_names())))
    check_settings(call.name, call.settings, function, given=["rollouts"])
    settings = {each: _resolved(each, value) for each, value in call.settings.items()}
    return functools.partial(function, **settings) if settings else function


def _resolved(setting: str, value: Any) -> Any:
    """A value as the constructor wants it."""
    if setting == "signal" and isinstance(value, str | Call):
        return find_signal(value)
    if setting == "sampler" and isinstance(value, str):
        return _value_object(value)
    if isinstance(value, Call):
        fields = {name: _resolved(name, part) for name, part in value.settings.items()}
        kind = _value_object(value.name)
        return kind(*(_resolved("", part) for part in value.positional), **fields)
    return value


def _value_object(name: str) -> Any:
    known: list[str] = []
    for path in _VALUE_MODULES:
        module = importlib.import_module(f"curriculum_bandits.{path}")
        if name in module.__all__:
            return getattr(module, name)
        known += [each for each in module.__all__ if each[:1].isupper()]
    raise unknown_name("value object", name, known)


def load(path: str | os.PathLike[str], bank: ProblemBank, **objects: Any) -> Curriculum:
    """Rebuild a curriculum from a file of `Curriculum.save`, with its method, its settings and its state, bit for bit.

    Args:
        path: The file.
        bank: The problems, the same as there.
        **objects: Settings that a file cannot hold, such as a scorer or a signal of one's own, and others that may
            differ, such as a device.

    Raises:
        ValueError: If the method is not declared, if a setting that a file cannot hold is not given, or if bank or
            settings are others.

    >>> import tempfile, curriculum_bandits as cb
    >>> bank = cb.ProblemBank(["1+1=", "12*34="], groups=["add", "mul"])
    >>> path = tempfile.mktemp()
    >>> cb.methods.sec(bank, temperature=0.2).save(path)
    >>> cb.load(path, bank)
    sec(bank, temperature=0.2)
    """
    return _loaded(load_state(path), os.fspath(path), bank, objects)


def _loaded(state: Mapping[str, Any], path: str, bank: ProblemBank, objects: Mapping[str, Any]) -> Curriculum:
    if state.get("kind") == Delayed.KIND:
        late = Delayed(_loaded(state["curriculum"], path, bank, objects), state["steps"])
        late.load_state_dict(state)
        return late
    name, saved = str(state.get("name")), state.get("settings")
    if name not in _DECLARED or not isinstance(saved, Mapping):
        raise ValueError(
            f"{path} holds a curriculum {name!r}, which no declared method makes; import the module whose "
            "@method makes it, or make it yourself and give load_state_dict the state of load_state"
        )
    found = _DECLARED[name]
    found.check(objects)
    curriculum: Curriculum = found.make(bank, **restored(saved, objects))
    curriculum.load_state_dict(state)
    return curriculum


def methods_table() -> str:
    """Every method and its four choices, as a Markdown table with links to the API pages."""
    rows = ["| constructor | arms | bandit | signal | batch | the bank needs | source |", "|---" * 7 + "|"]
    for each in declared().values():
        default = inspect.signature(each.make).parameters["signal"].default
        signal = each.signal or written(default).replace("_", " ")
        link = f"{{py:func}}`~{each.make.__module__}.{each.name}` ({each.title})"
        needs = ", ".join(f"`{need}`" for need in each.needs) or "nothing"
        rows.append(f"| {link} | {each.arms} | {each.bandit} | {signal} | {each.batch} | {needs} | {each.paper} |")
    return "\n".join(rows)
