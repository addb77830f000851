"""Trials: the cells of a grid of entries, settings and seeds, and the names under which results are stored."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

__all__ = ["Trial", "grid", "parse_seeds", "seed_words", "slug"]


@dataclass(frozen=True)
class Trial:
    """One cell of a grid.

    Attributes:
        entry: What is compared, in its one spelling.
        setting: On what: a frozen dataclass of plain values.
        seed: Equal seeds are equal circumstances for all entries.
        revision: All else that results depend on, as plain values: revisions of the entry and of what it is played on,
            or digests of the files of one's own that define them. Results of another revision are not used.
    """

    entry: str
    setting: Any
    seed: int
    revision: tuple[Any, ...] = ()

    def digest(self) -> str:
        """A name made of everything above: equal trials have equal names, others other ones."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        identity = [self.entry, type(self.setting).__name__, asdict(self.setting), self.seed, self.revision]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]

    @property
    def label(self) -> str:
        """The entry and the seed, for people."""
        return f"{self.entry}, seed {self.seed}"

    @property
    def file_name(self) -> str:
        """The name of its file or folder: readable, and as unique as the digest."""
        return f"{slug(self.entry)[:60]}-{self.seed}-{self._digest[:12]}"


def grid(
    entries: Iterable[str], settings: Iterable[Any], seeds: Sequence[int], revision: Any = lambda entry, setting: ()
) -> list[Trial]:
    """Every combination, seed after seed: an interrupted experiment is complete for some seeds.

    Args:
        entries: What is compared.
        settings: On what.
        seeds: Of each combination.
        revision: ``revision(entry, setting)`` returns `Trial.revision`.

    Returns:
        The trials.
    """
    entries, settings = list(entries), list(settings)
    return [
        Trial(entry, setting, seed, tuple(revision(entry, setting)))
        for seed in seeds
        for setting in settings
        for entry in entries
    ]


def slug(text: str) -> str:
    """A text as part of a file's name.

    >>> slug("sec(temperature=0.2)+dapo")
    'sec-temperature-0.2-+dapo'
    """
    return re.sub(r"[^A-Za-z0-9.+]+", "-", text).strip("-")


def parse_seeds(words: Iterable[str | int]) -> tuple[int, ...]:
    """Seeds as people write them.

    Args:
        words: Numbers, and ranges of which both ends count.

    Returns:
        The seeds in the order given.

    Raises:
        ValueError: If a word is neither, or a seed is given twice, or there is none.

    >>> parse_seeds(["0..3", 7])
    (0, 1, 2, 3, 7)
    """
    seeds: list[int] = []
    for word in words:
        match = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", str(word))
        if match is None or (match[2] is not None and int(match[2]) < int(match[1])):
            raise ValueError(f"{word!r} is no seed; give a number such as 3, or a range such as 0..19")
        seeds += range(int(match[1]), int(match[2] or match[1]) + 1)
    if not seeds or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds are {seeds}; give at least one, and each once")
    return tuple(seeds)


def seed_words(seeds: Sequence[int]) -> list[str]:
    """Shortest words that `parse_seeds` reads as these seeds.

    >>> seed_words([0, 1, 2, 7])
    ['0..2', '7']
    """
    words: list[list[int]] = []
    for seed in seeds:
        if words and seed == words[-1][-1] + 1:
            words[-1].append(seed)
        else:
            words.append([seed])
    return [str(some[0]) if len(some) == 1 else f"{some[0]}..{some[-1]}" for some in words]
