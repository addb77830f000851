"""What a method needs of a bank."""

import pytest

from curriculum_bandits import ProblemBank
from curriculum_bandits.methods.needs import group_partition


def test_there_is_an_arm_per_group():
    arms = group_partition(ProblemBank(["a", "b", "c"], groups=["x", "y", "x"]), "epochs")
    assert (arms.sizes.tolist(), arms.within) == ([2, 1], "epochs")
    assert group_partition(ProblemBank(["a"], groups=["x"])).within == "iid"


def test_a_bank_without_groups_is_refused_with_what_else_to_do():
    bank = ProblemBank(["a", "b", "c"])
    with pytest.raises(ValueError, match="the bank has no groups; give ProblemBank groups=, or take a method over"):
        group_partition(bank)
    with pytest.raises(ValueError, match="give ProblemBank groups=, or wait"):
        group_partition(bank, otherwise="wait")
