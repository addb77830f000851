"""A bank's groups as features of a curator: one column each, and what is refused."""

import pickle

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from curriculum_bandits import ProblemBank, methods
from curriculum_bandits.neural import MlpScorer
from curriculum_bandits.neural.default_scorer import MOST_GROUPS
from curriculum_bandits.neural.features import GroupColumns


def test_a_row_is_its_group_and_has_a_mean_square_of_one():
    groups = np.array([2, 0, 1, 1, 4])
    table = GroupColumns(groups, 6)
    rows = table.rows([4, 0, 0, 3])
    assert (len(table), table.columns, rows.dtype) == (5, 6, np.float32)
    assert rows.argmax(axis=1).tolist() == [4, 2, 2, 1]
    np.testing.assert_array_equal(np.count_nonzero(rows, axis=1), 1)
    np.testing.assert_allclose((rows**2).mean(axis=1), 1.0, rtol=1e-6)
    assert GroupColumns(groups).columns == 5
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(table)).rows([4, 0, 0, 3]), rows)
    assert table.rows([]).shape == (0, 6)


@pytest.mark.parametrize(("groups", "count"), [([], None), ([0.5], None), ([[0]], None), ([0, 3], 3), ([-1], 2)])
def test_what_is_no_group_is_refused(groups, count):
    with pytest.raises(ValueError, match="group"):
        GroupColumns(groups, count)


def a_bank(size, groups, **changes):
    return ProblemBank([f"{a}+{a % 7}=" for a in range(size)], groups=groups, **changes)


def test_the_default_network_reads_them_beside_text_and_a_network_of_ones_own_does_not():
    groups = [f"g{i % 3}" for i in range(36)]
    for method in (methods.actor_curator, methods.pcl):
        without = method(a_bank(36, None)).bandit.inputs.columns
        inputs = method(a_bank(36, groups, difficulty=np.arange(36))).bandit.inputs
        assert inputs.columns == without + 3 + 1
        rows = inputs(np.array([7, 3]), torch.device("cpu")).numpy()
        np.testing.assert_allclose(rows[:, without : without + 3], np.sqrt(3) * np.eye(3)[[1, 0]], rtol=1e-6)
    scorer = MlpScorer(without, heads=2)
    assert methods.actor_curator(a_bank(36, groups), scorer=scorer).bandit.inputs.columns == without


def test_features_of_ones_own_stand_alone():
    features = np.random.default_rng(0).normal(size=(36, 5))
    bank = a_bank(36, [i % 3 for i in range(36)], features=features)
    assert methods.actor_curator(bank).bandit.inputs.columns == 5


@pytest.mark.parametrize(("count", "more"), [(1, 0), (2, 2), (MOST_GROUPS, MOST_GROUPS), (MOST_GROUPS + 1, 0)])
def test_one_group_or_very_many_are_left_out(count, more):
    size = MOST_GROUPS + 1
    without = methods.actor_curator(a_bank(size, None)).bandit.inputs.columns
    assert methods.actor_curator(a_bank(size, [i % count for i in range(size)])).bandit.inputs.columns == without + more
