"""Means stand still and then jump, where they were told to."""

import numpy as np
import pytest

from curriculum_bandits.environments import flipping, piecewise_stationary, random_abrupt


def test_equal_segments_cover_the_horizon():
    environment = piecewise_stationary([[0.1], [0.2], [0.3]], horizon=10)
    assert environment.means[:, 0].tolist() == [0.1] * 3 + [0.2] * 3 + [0.3] * 4


@pytest.mark.parametrize("starts", [[1, 3], [0, 0], [0, 5], [0], [0, 3, 2], [0, -1]])
def test_starts_that_leave_a_segment_empty_are_refused(starts):
    with pytest.raises(ValueError, match="starts is"):
        piecewise_stationary([[0.1], [0.2]], horizon=5, starts=starts)


def test_more_segments_than_rounds_are_refused():
    with pytest.raises(ValueError, match="3 segments in 2 rounds"):
        piecewise_stationary([[0.1], [0.2], [0.3]], horizon=2)


def test_flipping_flips_at_the_thirds():
    environment = flipping(horizon=900, gap=0.02)
    assert environment.change_points.tolist() == [300, 600]
    assert environment.means[[0, 450, 899]].tolist() == [[0.8, 0.5], [0.48, 0.5], [0.8, 0.5]]
    assert np.argmax(environment.means, axis=1)[[0, 450, 899]].tolist() == [0, 1, 0]
    with pytest.raises(ValueError, match=r"gap is 0\.6"):
        flipping(gap=0.6)


@pytest.mark.parametrize("seed", range(20))
def test_every_random_change_brings_another_best_arm_by_a_gap(seed):
    environment = random_abrupt(n_arms=5, horizon=500, changes=6, seed=seed, gap=0.2, shortest=30)
    changes = environment.change_points
    assert len(changes) == 6
    assert np.diff(changes, prepend=0, append=500).min() >= 30
    starts = np.array([0, *changes])
    assert np.all(np.diff(np.argmax(environment.means[starts], axis=1)) != 0)
    ordered = np.sort(environment.means[starts], axis=1)
    assert np.all(ordered[:, -1] - ordered[:, -2] >= 0.2 - 1e-12)


def test_random_instances_are_seeded_and_may_fill_the_horizon():
    settings = {"n_arms": 3, "horizon": 12, "changes": 3, "shortest": 3}
    once, again, other = (random_abrupt(seed=seed, **settings) for seed in (0, 0, 1))
    np.testing.assert_array_equal(once.means, again.means)
    assert not np.array_equal(once.means, other.means)
    assert once.change_points.tolist() == [3, 6, 9]
    assert random_abrupt(n_arms=2, horizon=5, changes=0, seed=0).change_points.tolist() == []


def test_change_points_are_uniform_among_those_that_fit():
    """Two changes in 6 rounds, segments of at least 1: ten pairs, equally likely."""
    seeds = range(2000)
    pairs = [tuple(random_abrupt(n_arms=2, horizon=6, changes=2, seed=s).change_points) for s in seeds]
    counts = np.array([pairs.count(pair) for pair in set(pairs)])
    assert len(counts) == 10
    assert np.all(np.abs(counts - 200) < 4.5 * np.sqrt(2000 * 0.1 * 0.9))


@pytest.mark.parametrize("change", [{"n_arms": 1}, {"changes": 5}, {"shortest": 0}, {"gap": 1.5}, {"changes": -1}])
def test_a_random_instance_that_does_not_fit_is_refused(change):
    with pytest.raises(ValueError, match="do not fit"):
        random_abrupt(**{"n_arms": 2, "horizon": 5, "changes": 1, "seed": 0, **change})
