"""The numbers that every loop logs, each by hand."""

import math

import numpy as np
import pytest

from curriculum_bandits import Feedback, ProblemBank, Rollouts
from curriculum_bandits.tracking.metrics import batch_metrics, drawn_by_group


def test_every_number_by_hand():
    rollouts = Rollouts(
        rewards=[[1, 0, None], [1, 1, 1], [None, None, 1], [0, 0, 1]],
        log_ratio=[[0.1, -0.3, 9.0], [0.0, 0.0, 0.0], [9.0, 9.0, 0.2], [0.0, 0.0, 9.0]],
        lengths=[[2, 2, 2], [2, 2, 2], [2, 2, 2], [2, 2, 0]],
    )
    metrics = batch_metrics(rollouts, Feedback([0.2, 0.0, np.nan, -0.1], [2, 3, 0, 2]))
    moved = [0.1, -0.3, 0.0, 0.0, 0.0, 0.2, 0.0, 0.0]
    assert metrics == pytest.approx(
        {
            "reward": 5 / 8,
            "informative_share": 1 / 3,  # the third was not judged; the last is all zeros but for an empty rollout
            "answered_share": 3 / 4,
            "missing_rollouts": 4.0,
            "utility_mean": 0.1 / 3,
            "utility_std": np.std([0.2, 0.0, -0.1]),
            "log_ratio_mean": np.mean(moved),
            "log_ratio_std": np.std(moved),
            "log_ratio_max_abs": 0.3,
        }
    )


def test_without_log_ratios_there_are_no_statistics_of_them():
    assert not [k for k in batch_metrics(Rollouts([[1, 0]]), Feedback([0.1], [2])) if k.startswith("log_ratio")]


def test_a_mean_over_nothing_is_nan():
    metrics = batch_metrics(Rollouts([[None, None]], log_ratio=[[0.0, 0.0]]), Feedback([np.nan], [0]))
    assert metrics.pop("answered_share") == 0.0
    assert metrics.pop("missing_rollouts") == 2.0
    assert all(math.isnan(value) for value in metrics.values())


def test_values_are_plain_floats():
    metrics = batch_metrics(Rollouts([[1, 0]], log_ratio=[[0.1, 0.2]]), Feedback([0.1], [2]))
    assert {type(value) for value in metrics.values()} == {float}


def test_shares_of_groups_name_every_group_and_sum_to_one():
    bank = ProblemBank(list("abcde"), groups=["x", "y", "y", "z", "x"])
    assert drawn_by_group(bank, np.array([1, 2, 0, 4])) == {"x": 0.5, "y": 0.5, "z": 0.0}
    assert drawn_by_group(ProblemBank(["a"]), np.array([0])) == {}
