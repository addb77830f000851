"""The groups of a bank as arms, or one clear error where it has none."""

from __future__ import annotations

from curriculum_bandits.arms import Arms, Within
from curriculum_bandits.bank import ProblemBank

__all__ = ["group_arms"]


def group_arms(bank: ProblemBank, within: Within = "iid", *, otherwise: str = "take a method over problems") -> Arms:
    """One arm per group.

    Args:
        bank: The problems.
        within: How problems of a group are chosen; see `Arms`.
        otherwise: What else the user can do, for the error.

    Returns:
        The arms, in the order of ``bank.group_names``.

    Raises:
        ValueError: If the bank has no groups.

    >>> group_arms(ProblemBank(["1+1=", "3*4=", "12*34="], groups=["add", "mul", "mul"])).sizes.tolist()
    [1, 2]
    """
    if bank.groups is None:
        raise ValueError(f"the bank has no groups; give ProblemBank groups=, or {otherwise}")
    return Arms(bank.groups, within)
