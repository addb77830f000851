"""A bank from reasoning-gym, and which texts its verifiers may be given.

Some of its verifiers read the model's text as a formula, by Python's own `eval` or by sympy, which evaluates as well. A
text such as ``9**9**9**9`` would then never come back, and others could run code. So for these families a text is let
through only if it is made of what an answer can be made of; otherwise it is wrong. Families whose answers need more
than that are refused. The list is of reasoning-gym 0.1.25; every other family compares texts or reads plain numbers.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from curriculum_bandits.bank import ProblemBank

__all__ = ["REFUSED", "SCREENED", "check_entry", "check_family", "may_be_scored", "safe_score"]

Entry = dict[str, Any]
Render = Callable[[Entry], str]

logger = logging.getLogger(__name__)

#: Families whose verifier evaluates free formulas, with no safe subset of them that is an answer.
REFUSED = {
    "simple_integration": "its verifier evaluates the answer as code, and simplifies it without limit",
    "intermediate_integration": "its verifier evaluates the answer as code, and simplifies it without limit",
}

_LIST = re.compile(r"[\[\]0-9,\s'\"Q_]*")

#: Families whose verifier evaluates the answer or can hang on it, and the form that is let through.
SCREENED = {
    "countdown": re.compile(r"[0-9+\-*/() ]{1,200}"),
    "puzzle24": re.compile(r"[0-9+\-*/() ]{1,200}"),
    "polynomial_multiplication": re.compile(r"[0-9a-zA-Z+\-*() ]{1,1000}"),
    "binary_matrix": _LIST,
    "n_queens": _LIST,
    "spiral_matrix": _LIST,
    "string_insertion": re.compile(r"[A-Ea-e\[\],'\" ]*"),
    # Not evaluated, but a move is repeated as often as the number after it says, and R999999999 fills the memory.
    "rubiks_cube": re.compile(r"(?:[FBRLUDMESXYZfbrludmesxyz]w?[0-9]?'? ?\n?){0,500}"),
}

# Read by Fraction or Decimal, for which 1e999999999 is a number with a billion digits.
_EXACT_NUMBERS = ("coin_flip", "decimal_arithmetic", "decimal_chain_sum", "power_function", "fraction_simplification")
_EXPONENT = re.compile(r"[eE][+\-]?[0-9_]{4,}")

# What their verifiers evaluate of the problem itself; a file could have been changed since it was generated.
_EVALUATED_ENTRIES = {
    "bitwise_arithmetic": re.compile(r"[0-9a-fx()+\-*<>&|^~ ]{1,2000}"),
    "number_sorting": re.compile(r"[0-9eE.,'\"\[\]+\- ]*"),
    "polynomial_multiplication": re.compile(r"[0-9a-zA-Z+\-*() ]*"),
}

_LONGEST = 20_000
_LONG_NUMBER = re.compile(r"[0-9]{12,}")
_FORMULAS = ("countdown", "puzzle24")
_WORD = re.compile(r"[a-zA-Z]{2,}|[a-zA-Z][0-9]|[0-9][a-zA-Z]")


def check_family(family: str) -> None:
    """Refuse a family, by the name of its generator, whose verifier would run what the model writes.

    Raises:
        ValueError: If it is one of `REFUSED`, or a mixture whose families are not known here.
    """
    if family == "composite":
        raise ValueError("the bank names the family 'composite'; name the families it is made of instead")
    if family in REFUSED:
        raise ValueError(f"the family {family!r} cannot be used: {REFUSED[family]}. Take another family")


def check_entry(family: str, entry: Entry) -> None:
    """Refuse a stored problem that its verifier would evaluate, unless it is made of what such a problem is made of.

    Raises:
        ValueError: If it is not; names the text.
    """
    allowed = _EVALUATED_ENTRIES.get(family)
    if allowed is None:
        return
    text = str(entry["metadata"]["problem"] if family == "bitwise_arithmetic" else entry["answer"])
    too_large = family == "bitwise_arithmetic" and ("**" in text or re.search(r"<<\s*0x[0-9a-f]{3,}", text))
    if too_large or allowed.fullmatch(text) is None:
        raise ValueError(f"a stored problem of {family!r} holds {text[:80]!r}, which its verifier would evaluate")


def may_be_scored(family: str, text: str) -> bool:
    """False for an answer that could hang the family's verifier or run code, which then counts as wrong.

    >>> may_be_scored("countdown", "(3 + 4) * 5"), may_be_scored("countdown", "9**9**9")
    (True, False)
    """
    if len(text) > _LONGEST:
        return False
    if family in _EXACT_NUMBERS and _EXPONENT.search(text):
        return False
    allowed = SCREENED.get(family)
    if allowed is None:
        return True
    if allowed.fullmatch(text) is None:
        return False
    if family in _FORMULAS:
        return "**" not in text and "//" not in text and _LONG_NUMBER.search(text) is None
    if family == "polynomial_multiplication":
        return _is_polynomial(text)
    return True


def _is_polynomial(text: str) -> bool:
    """Sums and products of whole numbers and single letters, each raised to at most two digits."""
    if _WORD.search(text) or _LONG_NUMBER.search(text):
        return False
    # Only letters are raised, by one or two digits; so no power of a number or of a power can grow without bound.
    rest = re.sub(r"(?<![a-zA-Z0-9])[a-zA-Z] ?\*\* ?[0-9]{1,2}(?![0-9])(?! ?\*\*)", "", text)
    return "**" not in rest and "(" not in re.sub(r"(?<![a-zA-Z0-9)])\s*\(", "", text)


def safe_score(dataset: Any, family: str, text: str, entry: Entry) -> float:
    """A family's own verdict on a text, in [0, 1].

    Args:
        dataset: The generator, whose settings some verifiers read.
        family: Its name.
        text: The answer.
        entry: The problem as it was generated.

    Returns:
        The score. Texts that are not let through, and texts that the verifier cannot read, score 0. A score above 1,
        which some verifiers give to answers that are not right, is just below 1, unless the text is the answer itself.
    """
    if not may_be_scored(family, text):
        return 0.0
    try:
        score = float(dataset.score_answer(answer=text, entry=entry))
    except Exception as error:  # whatever a text does to somebody else's verifier, it is not a right answer
        logger.debug("the verifier of %s failed on %r: %s", family, text[:200], error)
        return 0.0
    if not math.isfinite(score):
        return 0.0
    if score > 1.0:
        return 1.0 if text.strip() == str(entry["answer"]).strip() else math.nextafter(1.0, 0.0)
    return max(score, 0.0)


def build_bank(
    make: type[ProblemBank],
    datasets: Any,
    *,
    render: Render | Mapping[str, Render] | None,
    difficulty: Mapping[str, float] | Callable[[Entry], float] | None,
    threshold: float | None,
) -> ProblemBank:
    """Build a bank; `ProblemBank.from_reasoning_gym` says how."""
    sources: dict[str, Any] = dict(datasets) if isinstance(datasets, Mapping) else {_family(datasets): datasets}
    for name, mapping in (("render", render), ("difficulty", difficulty)):
        missing = [label for label in sources if isinstance(mapping, Mapping) and label not in mapping]
        if missing:
            raise ValueError(f"{name} has no entry for {missing}; give one for each of {list(sources)}")
    for source in sources.values():
        check_family(_family(source))
    entries = [(label, i, entry) for label, source in sources.items() for i, entry in enumerate(source)]

    def prompt(label: str, entry: Entry) -> str:
        write = render[label] if isinstance(render, Mapping) else render
        return str(entry["question"]) if write is None else write(entry)

    def level(label: str, entry: Entry) -> float:
        return float(difficulty(entry) if callable(difficulty) else (difficulty or {})[label])

    def verifier(item: int, text: str) -> float:
        label, _, entry = entries[item]
        score = safe_score(sources[label], _family_of(entry, sources[label]), text.strip(), entry)
        return score if threshold is None else float(score >= threshold)

    return make(
        [prompt(label, entry) for label, _, entry in entries],
        ids=[f"{label}#{i}" for label, i, _ in entries],
        answers=[entry["answer"] for _, _, entry in entries],
        groups=[label for label, _, _ in entries],
        difficulty=None if difficulty is None else [level(label, entry) for label, _, entry in entries],
        verifier=verifier,
    )


def _family(dataset: Any) -> str:
    return _family_of(dataset[0], dataset)


def _family_of(entry: Mapping[str, Any], dataset: Any) -> str:
    return str(entry.get("metadata", {}).get("source_dataset", type(dataset).__name__))
