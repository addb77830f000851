"""What a method needs of a bank, or one clear error that says where it should come from."""

from __future__ import annotations

import numpy as np

from curriculum_bandits.bandits.contract import FloatArray
from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.sampling.partition import Partition, Within

__all__ = ["group_partition", "number_column"]


def group_partition(
    bank: ProblemBank, within: Within = "iid", *, otherwise: str = "take a method over problems"
) -> Partition:
    """One arm per group, in the order of ``bank.group_names``.

    Args:
        bank: The problems.
        within: How problems of a group are chosen; see `Partition`.
        otherwise: What else the user can do, for the error.

    Raises:
        ValueError: If the bank has no groups.

    >>> group_partition(ProblemBank(["1+1=", "3*4=", "12*34="], groups=["add", "mul", "mul"])).sizes.tolist()
    [1, 2]
    """
    if bank.groups is None:
        raise ValueError(f"the bank has no groups; give ProblemBank groups=, or {otherwise}")
    return Partition(bank.groups, within)


def number_column(bank: ProblemBank, name: str, argument: str, what: str) -> FloatArray:
    """A column of the bank as numbers, shape (N,).

    Args:
        bank: The problems.
        name: Of the column.
        argument: The method's argument that names it, for the error.
        what: What the column must hold, for the error.

    Raises:
        ValueError: If the bank has no such column, or it holds something else than numbers.
    """
    if name not in bank.columns:
        have = ", ".join(map(repr, bank.columns)) or "none"
        raise ValueError(
            f"the bank has no column {name!r}, {what}; give ProblemBank columns={{{name!r}: [...]}}, or name another "
            f"column by {argument}= (it has {have})"
        )
    try:
        return np.array(list(bank.columns[name]), dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"column {name!r} holds something else than numbers; it must be {what}") from None
