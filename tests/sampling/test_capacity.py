"""What a batch can hold of each arm."""

import numpy as np
import pytest

from curriculum_bandits.bandits.arrays import play_distinct
from curriculum_bandits.sampling.simplex import Capacity


def test_what_an_arm_cannot_take_goes_to_the_others_in_proportion():
    p = Capacity(3, [3, 9, 9]).projected(np.log([0.8, 0.15, 0.05]), plays=8)
    np.testing.assert_allclose(p, [3 / 8, 0.75 * 5 / 8, 0.25 * 5 / 8], rtol=1e-12)


def test_nothing_changes_where_a_batch_fits():
    p = np.array([0.5, 0.3, 0.2])
    np.testing.assert_allclose(Capacity(3, [4, 9, 9]).projected(np.log(p), plays=8), p, rtol=1e-12)
    np.testing.assert_allclose(Capacity(3).projected(np.log(p), plays=1), p, rtol=1e-12)


def test_a_batch_of_everything_is_everything():
    capacity = Capacity(3, [3, 40, 1])
    p = capacity.projected(np.array([-1e4, 0.0, -3.0]), plays=44)
    np.testing.assert_allclose(44 * p, [3, 40, 1], rtol=1e-9)
    assert np.bincount(play_distinct(p, 44, np.random.default_rng(0), capacity.each).arms).tolist() == [3, 40, 1]


def test_the_capacity_given_is_copied():
    given = np.array([1.0, 2.0])
    capacity = Capacity(2, given)
    given[:] = 50.0
    with pytest.raises(ValueError, match="can be played 3 times"):
        capacity.check(4)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="n_arms is 0"):
        Capacity(0)
    with pytest.raises(ValueError, match=r"a capacity is 0\.5"):
        Capacity(2, [1, 0.5])
