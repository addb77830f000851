"""The two banks of the headline benchmark: ARC-1D and an arithmetic mixture, each in graded levels.

A level asks for the same skill at another length, so what is learned at one brings the next into reach: the problems
worth training on move while a model learns, and at any time most are solved or hopeless. reasoning-gym makes the items
and judges the answers; prompts and answers are only written more compactly, one character per token.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import reasoning_gym

from curriculum_bandits.bank import ProblemBank

__all__ = ["BANKS", "Demonstration", "Family", "Group", "demonstrations", "groups_of", "headline_banks"]

# What a group's items are for. Item i of a reasoning-gym data set is made by Random(seed + i), so data sets with
# neighbouring seeds share items: seeds are hashed, never counted up.
_TRAINING, _HELD_OUT, _WARM_UP = range(3)

Entry = dict[str, Any]


@dataclass(frozen=True)
class Family:
    """A reasoning-gym generator, its levels, and how an item is written for a character-level model.

    Attributes:
        name: Short name; groups are labelled ``name/level``.
        generator: Name of the reasoning-gym data set.
        levels: Settings of the generator by level, easiest first.
        render: Writes the prompt of an item.
        target: Writes one answer that is accepted; only the supervised warm-up uses it.
        spelled: Writes an answer out as the verifier reads it; None for one that is wrong whatever the verifier says.
        belongs: True for an item of this family.
        taught: True if the warm-up shows it. Others are hopeless for the model and stay so, as part of any large bank.
        tasks: Of a generator that draws a task for each item, those to draw from; all of them where empty.
    """

    name: str
    generator: str
    levels: Mapping[int, Mapping[str, Any]]
    render: Callable[[Entry], str]
    target: Callable[[Entry], str]
    spelled: Callable[[str, Entry], str | None] = field(default_factory=lambda: lambda text, entry: text)
    belongs: Callable[[Entry], bool] = field(default_factory=lambda: lambda entry: True)
    taught: bool = True
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Demonstration:
    """A prompt of the supervised warm-up with a right answer and a careless one: the question handed back."""

    prompt: str
    right: str
    careless: str


@dataclass(frozen=True, eq=False)
class Group:
    """One level of one family: the length of the problem, and its rank among the family's, from 0."""

    family: Family
    level: int
    rank: int

    @property
    def label(self) -> str:
        """Name of the group, such as ``sorting/3``."""
        return f"{self.family.name}/{self.level}"


def _length(n: int, *names: str, **fixed: Any) -> dict[str, Any]:
    return {**{f"{end}_{name}": n for name in names for end in ("min", "max")}, **fixed}


def _digits(numbers: Collection[str]) -> str:
    """Write reasoning-gym's one-digit numbers, such as ``7.0``, next to each other."""
    return "".join(str(int(float(number))) for number in numbers)


def _listed(text: str, entry: Entry) -> str | None:
    """The verifier forgives numbers that are off by one; here an answer has to use the digits of the question."""
    same = Counter(text) == Counter(_digits(entry["metadata"]["original_numbers"]))
    return f"[{','.join(text)}]" if same else None


def _sorting(name: str, direction: str, mark: str) -> Family:
    return Family(
        name,
        "number_sorting",
        {n: _length(n, "numbers", min_decimals=0, max_decimals=0, min_value=0, max_value=9) for n in range(3, 13)},
        render=lambda entry: f"{mark}{_digits(entry['metadata']['original_numbers'])}=",
        target=lambda entry: _digits(entry["metadata"]["sorted_numbers"]),
        spelled=_listed,
        belongs=lambda entry: entry["metadata"]["direction"] == direction,
    )


def _calculation(name: str, generator: str, levels: Mapping[int, Mapping[str, Any]]) -> Family:
    """Sums and products of long numbers, which the model was never taught."""
    return Family(
        name,
        generator,
        levels,
        render=lambda entry: f"{entry['metadata']['expression'].replace(' ', '').replace('*', 'x')}=",
        target=lambda entry: entry["answer"],
        taught=False,
    )


def _terms(digits: int) -> dict[int, dict[str, Any]]:
    """By the length of the question, as everywhere."""
    return {n * (digits + 1) - 1: _length(n, "terms") | _length(digits, "digits") for n in range(2, 9)}


# One letter for each rule, in the place of its examples; what grows is the grid.
_RULES = {
    "move": {"move_2pix_solid_right": "a", "move_1pix_colorful_wrapped_right": "c"},
    "shift": {"move_1pix_solid_left": "e", "move_3pix_solid_right": "f"},
    "fill": {"two_points_and_fill": "g", "fill_from_pixel": "i"},
    "sort": {"sort_blocks_by_size": "j", "sort_complete_sequence": "k"},
    "paint": {"recolor_blocks_by_size": "l", "paint_biggest_block": "m"},
    "reflect": {"reflect_block_random": "n", "reflect_block_with_border_pixel": "o"},
}


def _arc(name: str, rules: Mapping[str, str]) -> Family:
    def render(entry: Entry) -> str:
        cells = "".join(str(cell) for cell in entry["metadata"]["test_example"]["input"])
        return f"{rules[entry['metadata']['task_name']]}{cells}="

    return Family(
        name,
        "arc_1d",
        {n: {"min_size": n, "max_size": n, "num_train": 1} for n in range(8, 16)},
        render=render,
        target=lambda entry: entry["answer"].replace(" ", ""),
        spelled=lambda text, entry: " ".join(text),
        tasks=tuple(rules),
        taught=name in ("move", "shift", "fill"),
    )


#: The families of each bank.
BANKS: Mapping[str, tuple[Family, ...]] = {
    "arc_1d": tuple(_arc(name, rules) for name, rules in _RULES.items()),
    "arithmetic": (
        _sorting("ascending", "ascending", "<"),
        _sorting("descending", "descending", ">"),
        Family(
            "backward",
            "spell_backward",
            {n: _length(n, "word_len") for n in range(5, 11)},
            render=lambda entry: f"~{entry['metadata']['word'].lower()}=",
            target=lambda entry: entry["answer"].lower(),
        ),
        _calculation("sum", "chain_sum", _terms(3)),
        _calculation("long-sum", "chain_sum", _terms(4)),
        _calculation(
            "product", "products", {2 * n + 1: _length(2, "terms") | _length(n, "digits") for n in range(2, 6)}
        ),
    ),
}
_NUMBERS = {"arc_1d": 1, "arithmetic": 2}  # 0 was countdown, which so small a model does not learn (tried.md)


@cache
def groups_of(bank: str) -> tuple[Group, ...]:
    """Every level of every family of a bank, in its order."""
    return tuple(Group(family, level, rank) for family in BANKS[bank] for rank, level in enumerate(family.levels))


def headline_banks(bank: str, *, seed: int, training: int, held_out: int) -> tuple[ProblemBank, ProblemBank]:
    """Make the bank to train on and the one to be judged on; no prompt is in both.

    Args:
        bank: Name in `BANKS`.
        seed: The same seed gives the same problems.
        training: Problems of each group to train on.
        held_out: Problems of each group to be judged on.

    Returns:
        The training bank and the held-out bank.
    """
    judged = {group: _held_out(bank, group, seed, held_out) for group in groups_of(bank)}
    trained = {}
    for group, found in judged.items():
        taken = {prompt for prompt, _ in found}
        trained[group] = _distinct(group, _source(bank, group, seed, _TRAINING), training, taken)
    return _problem_bank(bank, trained), _problem_bank(bank, judged)


def demonstrations(
    bank: str, *, seed: int, per_group: Mapping[int, int], held_out: int
) -> dict[Group, list[Demonstration]]:
    """Fresh problems with an answer, for the supervised warm-up.

    Args:
        bank: Name in `BANKS`.
        seed: That of `headline_banks`, whose held-out prompts do not occur.
        per_group: How many of each rank of level.
        held_out: As given to `headline_banks`.

    Returns:
        Prompts with a right and a careless answer, by group.
    """
    made = {}
    for group in groups_of(bank):
        family = group.family
        if family.taught and per_group.get(group.rank, 0):
            taken = {prompt for prompt, _ in _held_out(bank, group, seed, held_out)}
            shown = (
                Demonstration(family.render(entry), family.target(entry), family.render(entry)[1:-1])
                for entry in _source(bank, group, seed, _WARM_UP)
                if family.belongs(entry) and family.render(entry) not in taken
            )
            made[group] = list(islice(shown, per_group[group.rank]))
    return made


_ATTEMPTS = 10_000_000  # items of a generator, which are made when they are asked for


def _source(bank: str, group: Group, seed: int, purpose: int) -> Any:
    """Items of a group; item i is made by Random(a hash of all that they depend on + i)."""
    place = groups_of(bank).index(group)
    source = copy.copy(_generator(group.family.generator, tuple(sorted(group.family.levels[group.level].items()))))
    source.seed = int(np.random.SeedSequence([seed, purpose, _NUMBERS[bank], place]).generate_state(1)[0])
    if group.family.tasks:
        source.task_names = list(group.family.tasks)
    return source


@cache
def _generator(name: str, settings: tuple[tuple[str, Any], ...]) -> Any:
    """Some read a dictionary when they are made, so each is made once."""
    return reasoning_gym.create_dataset(name, seed=0, size=_ATTEMPTS, **dict(settings))


def _held_out(bank: str, group: Group, seed: int, size: int) -> list[tuple[str, Entry]]:
    return _distinct(group, _source(bank, group, seed, _HELD_OUT), size, set())


def _distinct(group: Group, source: Any, size: int, taken: set[str]) -> list[tuple[str, Entry]]:
    """The first items with new prompts; generators repeat themselves at easy levels."""
    found: list[tuple[str, Entry]] = []
    seen, misses = set(taken), 0
    for entry in source:
        if len(found) == size:
            return found
        prompt = group.family.render(entry) if group.family.belongs(entry) else None
        if prompt is None or prompt in seen:
            misses += 1
            if misses > 1000 * (size + 1):
                raise ValueError(f"{group.label} has {len(found)} different prompts, fewer than the {size} asked for")
            continue
        seen.add(prompt)
        found.append((prompt, entry))
    return found


def _problem_bank(bank: str, items: Mapping[Group, list[tuple[str, Entry]]]) -> ProblemBank:
    rows = [(group, prompt, entry) for group, found in items.items() for prompt, entry in found]
    judges = {
        family.generator: _generator(family.generator, tuple(sorted(next(iter(family.levels.values())).items())))
        for family in BANKS[bank]
    }

    def verify(item: int, text: str) -> float:
        group, _, entry = rows[item]
        spelled = group.family.spelled(text, entry)
        right = spelled is not None and judges[group.family.generator].score_answer(spelled, entry) >= 1.0
        return float(right)

    return ProblemBank(
        [prompt for _, prompt, _ in rows],
        groups=[group.label for group, _, _ in rows],
        difficulty=[float(group.level) for group, _, _ in rows],
        verifier=verify,
    )
