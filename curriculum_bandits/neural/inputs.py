"""What a scorer reads about problems: rows of features, or the tokens of the prompts.

A curator knows items and nothing else; an `Inputs` turns items into what its scorer's ``forward`` takes, for those
items alone, so that neither time nor memory grows with the bank.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch

from curriculum_bandits._typing import override
from curriculum_bandits.bandits.contract import IntArray
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.neural.prompts import prompt_tokens

__all__ = ["FeatureRows", "Inputs", "PromptTokens", "RowTable", "SideBySide", "Tokens"]


class Inputs(Protocol):
    """Turns items, out of ``len`` of them, into what a scorer reads."""

    def __len__(self) -> int: ...

    def __call__(self, items: IntArray, device: torch.device) -> Any:
        """What the scorer's ``forward`` takes: a row for each of the items (m,), in their order, on the device."""
        ...


class RowTable(Protocol):
    """Features of N problems, a row each, from memory, from disk or computed when asked for."""

    def __len__(self) -> int: ...

    @property
    def columns(self) -> int:
        """Number of features, d."""
        ...

    def rows(self, items: IntArray) -> npt.NDArray[np.float32]:
        """Features of the problems ``items``, shape (m,), as a new array of shape (m, d)."""
        ...


class SideBySide(RowTable):
    """Several tables as one: the features of a problem in each, one after the other.

    Args:
        tables: At least one, all of the same problems in the same order.

    Raises:
        ValueError: If there is none, or they have not the same number of rows.
    """

    def __init__(self, *tables: RowTable) -> None:
        lengths = [len(table) for table in tables]
        if not tables or len(set(lengths)) > 1:
            raise ValueError(f"the tables have {lengths} rows; give at least one, each with a row per problem")
        self._tables = tables

    @override
    def __len__(self) -> int:
        return len(self._tables[0])

    @property
    @override
    def columns(self) -> int:
        return sum(table.columns for table in self._tables)

    @override
    def rows(self, items: IntArray) -> npt.NDArray[np.float32]:
        return np.concatenate([np.asarray(table.rows(items), dtype=np.float32) for table in self._tables], axis=1)


class FeatureRows(Inputs):
    """Inputs of the scorers over features: the rows of a table.

    Args:
        table: The features; only the rows that are asked for are read.
    """

    def __init__(self, table: RowTable) -> None:
        self._table = table

    @override
    def __len__(self) -> int:
        return len(self._table)

    @property
    def columns(self) -> int:
        """Number of features, d: the `columns` of the scorer that reads them."""
        return self._table.columns

    @override
    def __call__(self, items: IntArray, device: torch.device) -> torch.Tensor:
        rows = np.ascontiguousarray(self._table.rows(items), dtype=np.float32)
        # A view of a file opened for reading would be a tensor that must never be written to.
        return torch.from_numpy(rows if rows.flags.writeable else rows.copy()).to(device)


class Tokens(NamedTuple):
    """Tokenised prompts.

    Attributes:
        ids: Token ids, int64, shape (m, longest).
        mask: 1 where a token is, 0 where padding is, int64, shape (m, longest).
    """

    ids: torch.Tensor
    mask: torch.Tensor


class PromptTokens(Inputs):
    """Inputs of the scorers that read prompts: their tokens, padded on the right.

    Nothing is cached: a shuffled epoch asks for a problem again only after all others, so a cache smaller than the bank
    would never be of use, and tokenising costs little beside a transformer.

    Args:
        bank: The problems.
        tokenizer: A Hugging Face tokenizer. Its chat template renders prompts that are lists of messages; its own
            settings of padding and truncation neither matter nor change.
        max_length: Tokens a prompt has at most; a longer one loses its beginning, since the question is at its end.

    Raises:
        ValueError: If `max_length` is not positive; when called, if a prompt has no token.
    """

    def __init__(self, bank: ProblemBank, tokenizer: Any, *, max_length: int = 1024) -> None:
        if max_length < 1:
            raise ValueError(f"max_length is {max_length}; a prompt needs at least one token")
        self._bank, self._tokenizer, self._max_length = bank, tokenizer, max_length
        known = (tokenizer.pad_token_id, tokenizer.eos_token_id, 0)  # which id is no matter: the mask hides it
        self._padding = next(int(token) for token in known if token is not None)

    @override
    def __len__(self) -> int:
        return len(self._bank)

    @override
    def __call__(self, items: IntArray, device: torch.device) -> Tokens:
        rows = prompt_tokens([self._bank.prompts[item] for item in items], self._tokenizer, self._max_length)
        for item, row in zip(items, rows, strict=True):
            if not row:
                raise ValueError(f"the prompt of problem {item} has no token; a scorer has nothing to read: remove it")
        longest = max(map(len, rows), default=0)
        ids = np.full((len(rows), longest), self._padding, dtype=np.int64)
        mask = np.zeros_like(ids)
        for place, row in enumerate(rows):
            ids[place, : len(row)] = row
            mask[place, : len(row)] = 1
        return Tokens(torch.from_numpy(ids).to(device), torch.from_numpy(mask).to(device))
