"""Sinusoids move by the variation they were given; walks have their step size and stay between the mirrors."""

import numpy as np
import pytest

from curriculum_bandits.environments import random_walk, sinusoid


@pytest.mark.parametrize(("variation", "amplitude"), [(3.0, 0.3), (9.6, 0.3), (2.5, 0.1)])
def test_each_arm_moves_by_the_variation(variation, amplitude):
    environment = sinusoid(20_000, variation, amplitude=amplitude)
    moved = np.abs(np.diff(environment.means, axis=0, prepend=0.5))
    assert np.sum(moved, axis=0) == pytest.approx(variation, abs=1e-3)
    assert np.sum(np.max(moved, axis=1)) == pytest.approx(variation, abs=1e-3)


def test_two_arms_mirror_each_other_and_many_share_the_wave():
    assert sinusoid(100, 3.0).means.sum(axis=1) == pytest.approx(1.0)
    many = sinusoid(1000, 3.0, n_arms=5)
    assert many.means.sum(axis=1) == pytest.approx(2.5)
    assert set(np.argmax(many.means, axis=1)) == set(range(5))


def test_without_variation_nothing_moves():
    assert sinusoid(10, 0.0).change_points.tolist() == []
    assert random_walk(2, 10, step=0.0, seed=0).change_points.tolist() == []


@pytest.mark.parametrize("change", [{"amplitude": 0.6}, {"amplitude": 0.0}, {"center": 0.2}, {"variation": -1.0}])
def test_a_wave_out_of_range_is_refused(change):
    with pytest.raises(ValueError, match="do not fit"):
        sinusoid(**{"horizon": 10, "variation": 1.0, **change})


def test_a_walk_has_its_step_size_and_stays_between_the_mirrors():
    walk = random_walk(n_arms=200, horizon=500, step=0.01, seed=0, low=0.2, high=0.7)
    assert walk.means.min() >= 0.2
    assert walk.means.max() <= 0.7
    assert np.diff(walk.means, axis=0).std() == pytest.approx(0.01, rel=0.02)
    assert np.abs(np.diff(walk.means, axis=0)).max() < 0.06  # a mirror, not a jump to the other side
    # Reflection keeps the uniform distribution.
    assert walk.means[-1].mean() == pytest.approx(0.45, abs=0.05)
    assert walk.means[-1].std() == pytest.approx(0.5 / np.sqrt(12), rel=0.15)


def test_walks_are_seeded():
    once, again, other = (random_walk(2, 50, 0.1, seed).means for seed in (0, 0, 1))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


@pytest.mark.parametrize("change", [{"low": 0.5, "high": 0.5}, {"high": 1.1}, {"low": -0.1}, {"step": -1.0}])
def test_a_walk_out_of_range_is_refused(change):
    with pytest.raises(ValueError, match="do not fit"):
        random_walk(**{"n_arms": 2, "horizon": 5, "step": 0.1, "seed": 0, **change})
