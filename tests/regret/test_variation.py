"""Path length and variation budget, by hand and by what bounds them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum_bandits.regret import arm_distribution, best_subset, path_length, switches, variation_budget


def test_the_variation_budget_by_hand():
    assert variation_budget([[0.3, 0.5, 0.9], [0.3, 0.2, 0.9], [0.3, 0.2, 0.1]]) == pytest.approx(0.3 + 0.8)
    assert variation_budget([[0.3, 0.5]]) == 0.0


def test_the_budget_of_a_sinusoid_is_its_way_up_and_down():
    t = np.arange(1, 10_001)
    means = 0.5 + 0.3 * np.sin(5 * np.pi * 3 * t / 30_000)[:, None] * np.array([1, -1])
    assert variation_budget(means) == pytest.approx(3.0, rel=1e-3)  # five half-waves, up and down 0.3 in each


def test_the_path_length_by_hand():
    assert path_length([[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]]) == 1.0
    assert path_length([[1.0, 0.0]]) == 0.0
    counts = best_subset([[3.0, 2.0, 1.0], [3.0, 1.0, 2.0]], plays=2)
    assert path_length(counts / 2) == 1.0


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_the_path_length_of_arms_is_twice_their_switches(arms):
    assert path_length(arm_distribution(arms, 4)) == 2 * switches(arms)


def test_leading_axes_are_runs():
    rng = np.random.default_rng(0)
    p, means = rng.dirichlet(np.ones(4), size=(3, 7)), rng.random((3, 7, 4))
    np.testing.assert_allclose(path_length(p), [path_length(run) for run in p])
    np.testing.assert_allclose(variation_budget(means), [variation_budget(run) for run in means])
    assert switches(rng.integers(0, 2, (3, 7))).shape == (3,)
    assert np.all(path_length(p) <= 2 * 6)


def test_errors_name_the_value():
    with pytest.raises(ValueError, match="arm 4 does not exist"):
        arm_distribution([4], 4)
    with pytest.raises(ValueError, match="the table holds nan"):
        variation_budget([[np.nan]])
