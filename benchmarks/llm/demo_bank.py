"""The problems of the demo: five reasoning-gym families, each at five graded difficulties, written for a tiny model.

The shipped prompts are prose of hundreds of characters; a model that reads one character per token cannot afford them
on a CPU, so each family renders its own prompt from the item's metadata. Answers stay in the form reasoning-gym's own
verifiers accept, and those verifiers do all the scoring. The levels of a family ask for one skill at growing length:
what is learned at one level helps at the next, which is what gives a curriculum something to find.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import reasoning_gym
from reasoning_gym.dataset import ProceduralDataset

from curriculum_bandits.bank import ProblemBank

__all__ = [
    "FAMILIES",
    "GROUPS",
    "MAX_ANSWER_CHARACTERS",
    "Demonstration",
    "DistinctItems",
    "Family",
    "Group",
    "demo_banks",
    "demonstrations",
]

#: Longest prompt, in characters, which are tokens.
MAX_PROMPT_CHARACTERS = 48
#: Longest answer that any of the verifiers accepts here.
MAX_ANSWER_CHARACTERS = 11
TRAINING_PER_GROUP = 100
HELD_OUT_PER_GROUP = 25
ATTEMPTS_PER_ITEM = 20

# What a group's items are for. Item i of a reasoning-gym data set is made by Random(seed + i), so data sets with
# neighbouring seeds share items: seeds are hashed, never counted up.
_TRAINING, _HELD_OUT, _WARM_UP = range(3)


@dataclass(frozen=True)
class Family:
    """A reasoning-gym generator, its levels, and how an item is written for a character-level model.

    Attributes:
        name: Short name; groups are labelled ``name/level`` with levels counted from 1.
        generator: Name of the reasoning-gym data set.
        levels: Settings of the generator for each level, easiest first.
        render: Writes the prompt of an item.
        target: Writes one answer that the family's verifier accepts; only the supervised warm-up uses it.
        careless: Writes an answer without doing the work, the question's own material handed back, nearly always
            wrong; only the supervised warm-up uses it.
    """

    name: str
    generator: str
    levels: tuple[Mapping[str, Any], ...]
    render: Callable[[dict[str, Any]], str]
    target: Callable[[dict[str, Any]], str]
    careless: Callable[[dict[str, Any]], str]


@dataclass(frozen=True)
class Group:
    """One level of one family: the unit the demo's bandit pulls.

    Attributes:
        family: The family it belongs to.
        level: Position among the family's levels, from 1.
    """

    family: Family
    level: int

    @property
    def label(self) -> str:
        """Name of the group, such as ``sorting/3``."""
        return f"{self.family.name}/{self.level}"

    def dataset(self, seed: int, size: int) -> ProceduralDataset:
        """Return reasoning-gym's own data set for this level; its items are made when asked for."""
        settings = self.family.levels[self.level - 1]
        return reasoning_gym.create_dataset(self.family.generator, seed=seed, size=size, **settings)


class DistinctItems:
    """The first ``size`` items of a reasoning-gym data set whose prompts are new, scored by that data set.

    Generators repeat themselves at easy levels (there are only 200 ways to ask for two sorted digits).

    Args:
        source: The data set to draw from, in order.
        render: Writes the prompt that has to be new.
        size: How many items to keep.
        taken: Prompts that must not occur.

    Raises:
        ValueError: If the data set ends before ``size`` new prompts were found, or a prompt is too long.
    """

    def __init__(
        self,
        source: ProceduralDataset,
        render: Callable[[dict[str, Any]], str],
        size: int,
        taken: Collection[str] = (),
    ) -> None:
        self.source = source
        self.prompts: list[str] = []
        self.entries: list[dict[str, Any]] = []
        seen = set(taken)
        for entry in source:
            if len(self.entries) == size:
                break
            prompt = render(entry)
            if len(prompt) > MAX_PROMPT_CHARACTERS:
                raise ValueError(f"prompt {prompt!r} has {len(prompt)} characters, more than {MAX_PROMPT_CHARACTERS}")
            if prompt not in seen:
                seen.add(prompt)
                self.prompts.append(prompt)
                self.entries.append(entry)
        if len(self.entries) < size:
            raise ValueError(f"{source.config} gave {len(self.entries)} new prompts of the {size} asked for")

    def __len__(self) -> int:
        """Return the number of items kept."""
        return len(self.entries)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Return the item at ``index`` as reasoning-gym made it."""
        return self.entries[index]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Iterate over the items kept."""
        return iter(self.entries)

    def score_answer(self, answer: str | None, entry: dict[str, Any]) -> float:
        """Score ``answer`` with reasoning-gym's verifier."""
        return float(self.source.score_answer(answer, entry))


def _digits(numbers: Iterable[str]) -> list[str]:
    """Write reasoning-gym's numbers, such as ``7.0``, as integers."""
    return [str(int(float(number))) for number in numbers]


def _sorting_prompt(entry: dict[str, Any]) -> str:
    mark = "<" if entry["metadata"]["direction"] == "ascending" else ">"
    return f"{mark}{''.join(_digits(entry['metadata']['original_numbers']))}="


#: The families, each with its levels.
FAMILIES = (
    Family(
        "backward",
        "spell_backward",
        tuple({"min_word_len": n, "max_word_len": n} for n in (3, 4, 5, 6, 7, 8)),
        render=lambda entry: f"~{entry['metadata']['word'].lower()}=",
        target=lambda entry: entry["answer"].lower(),
        careless=lambda entry: entry["metadata"]["word"].lower(),
    ),
    Family(
        "sorting",
        "number_sorting",
        tuple(
            {
                "min_numbers": n,
                "max_numbers": n,
                "min_decimals": 0,
                "max_decimals": 0,
                "min_value": 0,
                "max_value": 9,
            }
            for n in (2, 3, 4, 5)
        ),
        render=_sorting_prompt,
        target=lambda entry: f"[{','.join(_digits(entry['metadata']['sorted_numbers']))}]",
        careless=lambda entry: f"[{','.join(_digits(entry['metadata']['original_numbers']))}]",
    ),
    Family(
        "palindrome",
        "palindrome_generation",
        tuple({"min_length": n, "max_length": n} for n in (3, 4, 5, 6, 7, 8)),
        render=lambda entry: f"|{''.join(entry['metadata']['letters'])}=",
        target=lambda entry: entry["metadata"]["generated_palindrome"],
        careless=lambda entry: "".join(entry["metadata"]["letters"]),
    ),
    # Plus and minus only: the verifier hands the answer to sympy, which would sit on 9**9**9 for ever.
    Family(
        "countdown",
        "countdown",
        tuple(
            {
                "min_numbers": n,
                "max_numbers": n,
                "min_value": 1,
                "max_value": 9,
                "min_target": 1,
                "max_target": 20,
                "operators": ("+", "-"),
            }
            for n in (2, 3, 4, 5)
        ),
        render=lambda entry: f"{''.join(map(str, entry['metadata']['numbers']))}={entry['metadata']['target']}?",
        target=lambda entry: entry["metadata"]["expression"].replace(" ", ""),
        careless=lambda entry: "+".join(map(str, entry["metadata"]["numbers"])),
    ),
    Family(
        "sum",
        "chain_sum",
        (
            {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1},
            {"min_terms": 3, "max_terms": 3, "min_digits": 1, "max_digits": 1},
            {"min_terms": 2, "max_terms": 2, "min_digits": 2, "max_digits": 2},
            {"min_terms": 3, "max_terms": 3, "min_digits": 2, "max_digits": 2},
        ),
        render=lambda entry: f"{entry['metadata']['expression'].replace(' ', '')}=",
        target=lambda entry: entry["answer"],
        careless=lambda entry: entry["metadata"]["expression"].split()[0],
    ),
)

#: Every level of every family, in the order of the bank.
GROUPS = tuple(Group(family, level) for family in FAMILIES for level in range(1, len(family.levels) + 1))


def demo_banks(seed: int) -> tuple[ProblemBank, ProblemBank]:
    """Build the training bank and the held-out bank of the demo.

    Both hold every group in equal numbers (``TRAINING_PER_GROUP`` and ``HELD_OUT_PER_GROUP``); no held-out prompt
    occurs in training.

    Args:
        seed: Seed of both banks; the same seed gives the same problems.

    Returns:
        The training bank and the held-out bank.
    """
    training, held_out = _split(seed)
    return _bank(training), _bank(held_out)


@dataclass(frozen=True)
class Demonstration:
    """A prompt of the supervised warm-up with a right answer and a careless one."""

    prompt: str
    right: str
    careless: str


def demonstrations(seed: int, items_per_level: Mapping[int, int]) -> dict[int, list[Demonstration]]:
    """Make fresh problems with answers, for the supervised warm-up.

    No prompt of the held-out bank of the same seed occurs, so held-out problems are new to the warmed-up model too.

    Args:
        seed: The seed given to `demo_banks`.
        items_per_level: How many items of each level of every family to draw, before held-out prompts are removed.

    Returns:
        The demonstrations of each level.
    """
    _, held_out = _split(seed)
    made: dict[int, list[Demonstration]] = {level: [] for level in items_per_level}
    for group in GROUPS:
        if group.level in made:
            family, taken = group.family, set(held_out[group.label].prompts)
            drawn = group.dataset(_group_seed(seed, _WARM_UP, group), items_per_level[group.level])
            fresh = (entry for entry in drawn if family.render(entry) not in taken)
            made[group.level].extend(
                Demonstration(family.render(entry), family.target(entry), family.careless(entry)) for entry in fresh
            )
    return made


def _split(seed: int) -> tuple[dict[str, DistinctItems], dict[str, DistinctItems]]:
    """Return the training items and the held-out items of every group."""
    training, held_out = {}, {}
    for group in GROUPS:
        known = training[group.label] = _distinct_items(group, seed, _TRAINING, TRAINING_PER_GROUP)
        held_out[group.label] = _distinct_items(group, seed, _HELD_OUT, HELD_OUT_PER_GROUP, taken=known.prompts)
    return training, held_out


def _distinct_items(group: Group, seed: int, purpose: int, size: int, taken: Collection[str] = ()) -> DistinctItems:
    source = group.dataset(_group_seed(seed, purpose, group), ATTEMPTS_PER_ITEM * size)
    return DistinctItems(source, group.family.render, size, taken)


def _group_seed(seed: int, purpose: int, group: Group) -> int:
    """Hash everything an item must depend on into one reasoning-gym seed."""
    position = [other.label for other in GROUPS].index(group.label)
    return int(np.random.SeedSequence([seed, purpose, position]).generate_state(1)[0])


def _bank(items: Mapping[str, DistinctItems]) -> ProblemBank:
    return ProblemBank.from_reasoning_gym(
        dict(items),
        render={group.label: group.family.render for group in GROUPS},
        difficulty={group.label: float(group.level) for group in GROUPS},
    )
