"""The problems one may train on, and how an answer is checked.

A bank is rows with a prompt and a stable id, and whatever else is known: a reference answer, a group, a difficulty,
features, further columns. Everything refers to a problem by its index here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, overload

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.reasoning_gym import Render, build_bank

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["ColumnRoles", "ProblemBank", "Verifier"]


Verifier = Callable[[int, str], float]
"""Judges a text as the answer to the problem at an index; returns its reward."""

_RESERVED = ("prompt", "id", "answer", "group", "difficulty")


class ColumnRoles(TypedDict, total=False):
    """Columns of a table by the part they play; the keyword arguments of `ProblemBank.from_records`."""

    prompt: str
    id: str | None
    answer: str | None
    group: str | None
    difficulty: str | None
    verifier: Verifier | None


class _Numbers(Sequence[str]):
    """The ids of problems that were given none: their indices, made when they are asked for."""

    def __init__(self, count: int) -> None:
        self._range = range(count)

    def __len__(self) -> int:
        return len(self._range)

    @overload
    def __getitem__(self, item: int) -> str: ...

    @overload
    def __getitem__(self, item: slice) -> list[str]: ...

    def __getitem__(self, item: int | slice) -> str | list[str]:
        chosen = self._range[item]
        return [str(i) for i in chosen] if isinstance(chosen, range) else str(chosen)

    def __eq__(self, other: object) -> bool:
        return list(self) == other

    __hash__ = None  # type: ignore[assignment]

    def get(self, identity: str) -> int | None:
        """Index of an id, as from a dictionary."""
        known = identity.isascii() and identity.isdecimal() and str(int(identity)) == identity
        return int(identity) if known and int(identity) < len(self) else None


def read_jsonl(path: str | PathLike[str]) -> list[dict[str, Any]]:
    """Rows of a file with one JSON object per line; a ValueError names the line that is none."""
    rows = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number} is not JSON ({error}); write one object per line") from None
        if not isinstance(row, dict):
            raise ValueError(f"{path}, line {number} is a {type(row).__name__}; write one object per line")
        rows.append(row)
    return rows


class ProblemBank:
    """N problems, indexed 0..N-1.

    Prompts, answers and columns that come as lists or tuples are copied. Any other `Sequence`, such as a column of a
    dataset on disk, is kept and read row by row where it is needed, so that a bank can be larger than the memory.

    Args:
        prompts: Prompts, strings or lists of chat messages.
        ids: Stable identities, unique; by default the index as a string.
        answers: Reference answers.
        features: One row per problem, shape (N, d).
        groups: Label of each problem's group.
        difficulty: A number per problem, larger is harder.
        columns: Further columns by name, such as what a reward function needs.
        verifier: Judges an answer: ``verifier(item, text) -> reward``. By default an answer is right (1.0) when it
            equals the reference answer after stripping white space, else 0.0.

    Raises:
        ValueError: If the bank is empty, lengths differ, ids repeat, or a column has a reserved name.

    >>> bank = ProblemBank(["1+1=", "2+3="], answers=["2", "5"], groups=["easy", "easy"])
    >>> len(bank), bank.verify(1, " 5"), bank.row(0)["id"]
    (2, 1.0, '0')
    """

    def __init__(
        self,
        prompts: Sequence[Any],
        *,
        ids: Sequence[str | int] | None = None,
        answers: Sequence[Any] | None = None,
        features: npt.ArrayLike | None = None,
        groups: Sequence[str | int] | None = None,
        difficulty: npt.ArrayLike | None = None,
        columns: Mapping[str, Sequence[Any]] | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        if isinstance(prompts, str):
            raise TypeError(f"prompts is the text {prompts[:40]!r}; give a sequence of prompts, such as [text]")
        self.prompts = _kept(prompts)
        if not len(self.prompts):
            raise ValueError("the bank is empty; give at least one problem")
        self.ids: Sequence[str] = _Numbers(len(self)) if ids is None else [str(i) for i in ids]
        self.answers = None if answers is None else _kept(answers)
        self.features = None if features is None else np.asarray(features)
        self.difficulty: FloatArray | None = None if difficulty is None else np.asarray(difficulty, dtype=np.float64)
        self.columns = {name: _kept(column) for name, column in (columns or {}).items()}
        self.group_names: list[str] = []
        self.groups: IntArray | None = None
        labels = None if groups is None else [str(label) for label in groups]
        parts = {"ids": self.ids, "answers": self.answers, "features": self.features, "groups": labels}
        self._check_lengths({**parts, "difficulty": self.difficulty})
        self._check_lengths(self.columns)
        self._check_unique_ids()
        if labels is not None:
            self.group_names = list(dict.fromkeys(labels))
            code = {name: i for i, name in enumerate(self.group_names)}
            self.groups = np.array([code[label] for label in labels], dtype=np.int64)
        for name in self.columns:
            if name in _RESERVED:
                raise ValueError(
                    f"the column {name!r} has a reserved name; rename it (reserved: {', '.join(_RESERVED)})"
                )
        self._verifier = verifier

    def __len__(self) -> int:
        """Number of problems, N."""
        return len(self.prompts)

    def row(self, item: int) -> dict[str, Any]:
        """The problem of an index: prompt, id, and answer, group, difficulty and columns where the bank has them.

        The dictionary is new, with the same keys for every problem of the bank.
        """
        row = {"prompt": self.prompts[item], "id": self.ids[item]}
        if self.answers is not None:
            row["answer"] = self.answers[item]
        if self.groups is not None:
            row["group"] = self.group_names[self.groups[item]]
        if self.difficulty is not None:
            row["difficulty"] = float(self.difficulty[item])
        return {**row, **{name: column[item] for name, column in self.columns.items()}}

    def verify(self, item: int, text: str) -> float:
        """Reward of a text as the answer to the problem of an index, 1.0 or 0.0 unless the bank's verifier differs.

        Raises:
            ValueError: If the bank has neither a verifier nor reference answers.
        """
        if self._verifier is not None:
            return float(self._verifier(int(item), text))
        if self.answers is None:
            raise ValueError("this bank cannot verify: it has no reference answers; give answers= or verifier=")
        return float(text.strip() == str(self.answers[item]).strip())

    def index(self, identity: str | int) -> int:
        """Index of the problem with an id.

        Raises:
            KeyError: If no problem has it.
        """
        item = self._index.get(str(identity))
        if item is None:
            raise KeyError(f"no problem has the id {str(identity)!r}; the bank's ids begin {list(self.ids[:3])}")
        return item

    def __getitem__(self, items: npt.ArrayLike | slice) -> ProblemBank:
        """A bank of some of the problems, in that order: indices of shape (n,), a mask of shape (N,), or a slice.

        Raises:
            TypeError: If it is a single index; ``bank.prompts[item]`` is the prompt of one problem.
        """
        where = items if isinstance(items, slice) else np.array(items, dtype=None if np.size(items) else np.int64)
        chosen = np.arange(len(self))[where]
        if np.ndim(chosen) != 1:
            raise TypeError(f"a bank is indexed by an array of items, a mask or a slice, not by {items!r}")

        def take(values: Any) -> Any:
            return None if values is None else [values[i] for i in chosen]

        verifier = self._verifier
        return ProblemBank(
            take(self.prompts),
            ids=take(self.ids),
            answers=take(self.answers),
            features=None if self.features is None else self.features[chosen],
            groups=None if self.groups is None else [self.group_names[g] for g in self.groups[chosen]],
            difficulty=None if self.difficulty is None else self.difficulty[chosen],
            columns={name: take(column) for name, column in self.columns.items()},
            verifier=None if verifier is None else lambda item, text: verifier(int(chosen[item]), text),
        )

    @cached_property
    def fingerprint(self) -> str:
        """A hash of ids, prompts and groups; a state saved with one bank is refused by another."""
        digest = hashlib.sha256()
        for item in range(len(self)):
            group = None if self.groups is None else self.group_names[self.groups[item]]
            line = json.dumps([self.ids[item], self.prompts[item], group], ensure_ascii=False, default=str)
            digest.update(line.encode() + b"\n")
        return digest.hexdigest()[:16]

    @classmethod
    def from_records(
        cls,
        records: Iterable[Mapping[str, Any]],
        *,
        prompt: str = "prompt",
        id: str | None = None,
        answer: str | None = None,
        group: str | None = None,
        difficulty: str | None = None,
        verifier: Verifier | None = None,
    ) -> ProblemBank:
        """A bank from rows, naming which column plays which part.

        A part that is not named is taken from the column of that name if there is one. All other columns are kept.

        Args:
            records: Rows with the same keys.
            prompt: Column of the prompts.
            id: Column of the ids.
            answer: Column of the reference answers.
            group: Column of the group labels.
            difficulty: Column of the difficulties.
            verifier: As in the constructor.

        Raises:
            ValueError: If there is no row, a named column does not exist, or a row lacks a column others have.
        """
        rows = [dict(record) for record in records]
        if not rows:
            raise ValueError("the bank is empty; give at least one row")
        names = list(rows[0])
        for number, row in enumerate(rows):
            if set(row) != set(names):
                odd = sorted(set(row) ^ set(names))
                raise ValueError(f"row {number} and row 0 differ in the columns {odd}; give every row the same columns")
        parts = {"prompt": prompt, "id": id, "answer": answer, "group": group, "difficulty": difficulty}
        used: dict[str, str] = {}
        for part, column in parts.items():
            wanted = part if column is None else column
            if wanted in names:
                used[part] = wanted
            elif column is not None:
                raise ValueError(f"there is no column {column!r} for the {part}; the columns are {names}")

        def column_of(part: str) -> list[Any] | None:
            return [row[used[part]] for row in rows] if part in used else None

        rest = [name for name in names if name not in used.values()]
        return cls(
            [row[used["prompt"]] for row in rows],
            ids=column_of("id"),
            answers=column_of("answer"),
            groups=column_of("group"),
            difficulty=column_of("difficulty"),
            columns={name: [row[name] for row in rows] for name in rest},
            verifier=verifier,
        )

    @classmethod
    def from_jsonl(cls, path: str | PathLike[str], **roles: Unpack[ColumnRoles]) -> ProblemBank:
        """A bank from a file with one JSON object per line.

        Args:
            path: The file.
            **roles: `prompt`, `id`, `answer`, `group`, `difficulty`, `verifier` as in `from_records`.

        Raises:
            ValueError: If a line is not a JSON object (the message names it), or as `from_records`.
        """
        return cls.from_records(read_jsonl(path), **roles)

    @classmethod
    def from_dataset(cls, dataset: Iterable[Mapping[str, Any]], **roles: Unpack[ColumnRoles]) -> ProblemBank:
        """A bank from a Hugging Face dataset (one split of it), or anything that yields rows; roles as `from_records`.

        Raises:
            ValueError: If several splits are given, or as `from_records`.
        """
        if isinstance(dataset, Mapping):
            raise ValueError(f"this is a set of splits, {list(dataset)}; choose one, such as dataset['train']")
        return cls.from_records(dataset, **roles)

    @classmethod
    def from_reasoning_gym(
        cls,
        datasets: Any,
        *,
        render: Render | Mapping[str, Render] | None = None,
        difficulty: Mapping[str, float] | Callable[[dict[str, Any]], float] | None = None,
        threshold: float | None = 1.0,
    ) -> ProblemBank:
        """A bank from reasoning-gym data sets, judged by their own verifiers.

        Texts that a verifier would evaluate, or hang on, are wrong without being shown to it (see `reasoning_gym`).

        Args:
            datasets: A reasoning-gym data set, or a mapping from group label to data set.
            render: Writes the prompt from an entry (question, answer, metadata), one function or one per label; by
                default the entry's own question.
            difficulty: Difficulty of each label, or a function of an entry.
            threshold: A score of at least this is a reward of 1, less a reward of 0 (many verifiers give partial credit
                for form alone); None keeps the score.

        Returns:
            A bank with the labels as groups; ids are ``label#index``.

        Raises:
            ValueError: If a label has no render function or no difficulty, or a verifier would run what the model
                writes as code.
        """
        return build_bank(cls, datasets, render=render, difficulty=difficulty, threshold=threshold)

    @cached_property
    def _index(self) -> dict[str, int] | _Numbers:
        return self.ids if isinstance(self.ids, _Numbers) else {identity: i for i, identity in enumerate(self.ids)}

    def _check_lengths(self, parts: Mapping[str, Any]) -> None:
        for name, values in parts.items():
            if values is not None and len(values) != len(self):
                raise ValueError(f"{name} has {len(values)} entries for {len(self)} prompts; give one per problem")

    def _check_unique_ids(self) -> None:
        if len(self._index) == len(self):
            return
        for item, identity in enumerate(self.ids):
            last = self._index.get(identity)
            if last != item:
                raise ValueError(f"problems {item} and {last} share the id {identity!r}; ids must be unique")


def _kept(values: Iterable[Any]) -> Sequence[Any]:
    return values if isinstance(values, Sequence) and not isinstance(values, list | tuple | str) else list(values)
