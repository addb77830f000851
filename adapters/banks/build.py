"""From what a recipe says of a bank to the bank, with problems held out for evaluation.

A bank is a word, the name of a mixture, or a mapping with one key, its kind: ``reasoning_gym``, ``jsonl``, ``dataset``
or ``math``. Everything is checked before anything is generated or read.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from curriculum_bandits import ProblemBank
from curriculum_bandits.grammar import check_names, import_function, unknown_name

from .answers import answer_in
from .files import ROLES, file_bank, read_rows
from .generated import Mixture, mixture_bank
from .mixtures import MIXTURES

__all__ = ["HELD_OUT", "BankSpec", "Banks", "build_banks"]

logger = logging.getLogger(__name__)

#: What a recipe writes for the bank of evaluation to hold problems of the training bank out.
HELD_OUT = "held_out"

_MIXTURE = ("size", "seed")
_PUT = ("answer_form", "template", "chat", "system")
_GENERATED = (*_MIXTURE, *_PUT, "threshold", "held_out")
_READ = ("path", "name", "split", *ROLES, *_PUT, "held_out")
_KINDS = {
    "reasoning_gym": _GENERATED,
    "jsonl": tuple(name for name in (*_READ, "verifier") if name not in ("name", "split")),
    "dataset": (*_READ, "verifier"),
    "math": (*_READ, "seconds"),
}
_MOST_HELD_OUT = 512


@dataclass(frozen=True)
class BankSpec:
    """A bank as a recipe describes it, checked.

    Attributes:
        kind: ``reasoning_gym``, ``jsonl``, ``dataset`` or ``math``.
        settings: Of that kind; for ``reasoning_gym`` without the families.
        mixture: What is generated; None for banks that are read.
    """

    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    mixture: Mixture | None = None

    @classmethod
    def parse(cls, bank: Any, settings: Mapping[str, Any] | None = None) -> BankSpec:
        """Read and check what a recipe says.

        Args:
            bank: Name of a mixture, or a mapping from a kind to its settings.
            settings: Further settings, which win.

        Raises:
            ValueError: If a name is unknown (the message has the nearest) or a value makes no sense.

        >>> BankSpec.parse("countdown", {"size": 100}).mixture.size
        100
        """
        kind, own = _kind_of(bank)
        own |= settings or {}
        allowed = _KINDS[kind]
        families = {
            name: value for name, value in own.items() if kind == "reasoning_gym" and isinstance(value, Mapping)
        }
        rest = {name: value for name, value in own.items() if name not in families}
        check_names(f"setting of a {kind} bank", rest, allowed)
        answer_in("", str(rest.get("answer_form", "whole")))
        held_out = rest.get("held_out", _MOST_HELD_OUT)
        if not isinstance(held_out, int) or held_out < 1:
            raise ValueError(f"held_out is {held_out!r}; give the number of problems to hold out")
        if "verifier" in rest:
            import_function(str(rest["verifier"]))
        if kind != "reasoning_gym":
            if not rest.get("path"):
                raise ValueError(f"a {kind} bank needs a path; give {{{kind}: {{path: ...}}}}")
            return cls(kind, rest)
        mixture = Mixture(
            {family: _levels(family, value) for family, value in families.items()},
            **{name: rest.pop(name) for name in _MIXTURE if name in rest},
        )
        return cls(kind, rest, mixture)

    def build(self, cache: str | os.PathLike[str] | None = None, *, progress: bool, wait: bool = False) -> ProblemBank:
        """Generate or read the bank; arguments and errors as of `generate` and `read_rows`."""
        settings = {name: value for name, value in self.settings.items() if name != "held_out"}
        if self.mixture is not None:
            return mixture_bank(self.mixture, cache, progress=progress, wait=wait, **settings)
        rows = read_rows(str(settings.pop("path")), name=settings.pop("name", None), split=settings.pop("split", None))
        if self.kind == "math":
            if rows and "prompt" not in settings and "prompt" not in rows[0]:
                settings["prompt"] = "problem" if "problem" in rows[0] else "question"
            settings = {"answer_form": "boxed", **settings, "mathematics": True}
        return file_bank(rows, **settings)


@dataclass(frozen=True)
class Banks:
    """What is trained on, and the held-out problems that are evaluated on, if any; they share no prompt."""

    train: ProblemBank
    evaluation: ProblemBank | None

    def verify(self, identity: str, text: str) -> float:
        """Reward of a completion for the problem of either bank with this id; KeyError if neither has it."""
        held_out = self._held_out.get(identity)
        if self.evaluation is not None and held_out is not None:
            return self.evaluation.verify(held_out, text)
        return self.train.verify(self.train.index(identity), text)

    @cached_property
    def _held_out(self) -> dict[str, int]:
        ids = () if self.evaluation is None else self.evaluation.ids
        return {identity: item for item, identity in enumerate(ids)}


def build_banks(
    train: BankSpec,
    evaluation: BankSpec | str | None,
    cache: str | os.PathLike[str] | None = None,
    *,
    progress: bool = True,
    wait: bool = False,
) -> Banks:
    """Build both banks, and take out of training what is evaluated on.

    `evaluation` is another bank, `HELD_OUT`, or None; the other arguments are those of `generate`. Of a generated bank
    other problems are held out, of the same levels; of one that is read, those whose prompts have the lowest hashes.

    Raises:
        ValueError: If nothing is left to train on.
    """
    bank = train.build(cache, progress=progress, wait=wait)
    if evaluation is None:
        return Banks(bank, None)
    count = int(train.settings.get("held_out", _MOST_HELD_OUT))
    if isinstance(evaluation, BankSpec):
        held = _renamed(evaluation.build(cache, progress=progress, wait=wait), "evaluation:")
    elif train.mixture is not None:
        size = max(count, len(train.mixture.cells))
        spec = replace(train, mixture=replace(train.mixture, size=size, split=HELD_OUT))
        held = spec.build(cache, progress=progress, wait=wait)
    else:
        order = sorted(range(len(bank)), key=lambda item: _prompt_hash(bank.prompts[item]))
        if count >= len(bank):
            raise ValueError(f"held_out is {count}, the bank has {len(bank)} problems; hold out fewer")
        held = _renamed(bank[sorted(order[:count])], "evaluation:")
    hashes = {_prompt_hash(prompt) for prompt in held.prompts}
    kept = [item for item in range(len(bank)) if _prompt_hash(bank.prompts[item]) not in hashes]
    if not kept:
        raise ValueError("every problem of the bank is evaluated on; give another eval_bank")
    if len(kept) < len(bank):
        logger.warning("%d problems that are evaluated on are left out of training", len(bank) - len(kept))
        bank = bank[kept]
    return Banks(bank, held)


def _kind_of(bank: Any) -> tuple[str, dict[str, Any]]:
    if isinstance(bank, str):
        if bank in MIXTURES:
            return "reasoning_gym", {family: {"levels": levels} for family, levels in MIXTURES[bank].items()}
        if bank in _KINDS:
            return bank, {}
        raise unknown_name("bank", bank, [*MIXTURES, *_KINDS])
    if not isinstance(bank, Mapping) or len(bank) != 1:
        raise ValueError(f"bank is {bank!r}; give the name of a mixture, or {{kind: settings}} with one of {[*_KINDS]}")
    ((kind, own),) = bank.items()
    if kind in MIXTURES and isinstance(own, Mapping | None):
        _, families = _kind_of(kind)
        return "reasoning_gym", {**families, **(own or {})}
    if kind not in _KINDS:
        raise unknown_name("bank", str(kind), [*MIXTURES, *_KINDS])
    if not isinstance(own, Mapping):
        raise ValueError(f"the {kind} bank is {own!r}; give a mapping of settings")
    return str(kind), dict(own)


def _levels(family: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by level, those beside ``levels`` being common to all."""
    common = {name: setting for name, setting in value.items() if name != "levels"}
    levels = value.get("levels", {"all": {}})
    if not isinstance(levels, Mapping) or not all(isinstance(level, Mapping) for level in levels.values()):
        raise ValueError(f"levels of {family} are {levels!r}; give {{name: {{setting: value}}}}")
    return {str(name): {**common, **settings} for name, settings in levels.items()}


def _prompt_hash(prompt: Any) -> str:
    return hashlib.sha256(repr(prompt).encode()).hexdigest()


def _renamed(bank: ProblemBank, start: str) -> ProblemBank:
    """The same bank with other ids, so that those of two banks cannot be confused."""
    verify: Callable[[int, str], float] = bank.verify
    return ProblemBank(
        bank.prompts,
        ids=[start + identity for identity in bank.ids],
        answers=bank.answers,
        groups=None if bank.groups is None else [bank.group_names[group] for group in bank.groups],
        difficulty=bank.difficulty,
        columns=bank.columns,
        verifier=verify,
    )
