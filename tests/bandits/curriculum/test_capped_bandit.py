"""Distributions with no entry above 1/m: the cap, what it leaves over, and exact inclusion."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum_bandits.bandits.curriculum.capped_bandit import CappedBandit
from curriculum_bandits.sampling.simplex import capped


class Fixed(CappedBandit):
    def __init__(self, weights):
        super().__init__(len(weights))
        self.weights = np.array(weights, dtype=float)

    def _distribution(self, plays):
        return capped(self.weights, 1.0 / plays)


def test_what_the_cap_takes_goes_to_the_others_in_proportion():
    np.testing.assert_allclose(capped(np.array([7.0, 2.0, 1.0]), 0.5), [0.5, 1 / 3, 1 / 6], atol=1e-14)


def test_weights_of_zero_get_only_what_the_caps_leave_over():
    np.testing.assert_allclose(capped(np.array([1.0, 1.0, 0.0]), 0.6), [0.5, 0.5, 0.0], atol=1e-14)
    np.testing.assert_allclose(capped(np.array([1.0, 0.0, 0.0]), 0.5), [0.5, 0.25, 0.25], atol=1e-12)


@given(st.lists(st.floats(1e-12, 1e12), min_size=2, max_size=12), st.integers(1, 12))
def test_it_is_a_distribution_that_keeps_the_order(weights, plays):
    w = np.array(weights)
    p = capped(w, 1.0 / min(plays, len(w)))
    assert abs(p.sum() - 1.0) < 1e-9
    assert p.max() <= 1.0 / min(plays, len(w)) + 1e-12
    assert np.all(np.diff(p[np.argsort(w)]) >= -1e-12)


def test_a_batch_is_distinct_and_drawn_with_the_inclusion_it_states():
    bandit, rng, counts = Fixed([4.0, 3.0, 2.0, 1.0, 0.0]), np.random.default_rng(0), np.zeros(5)
    for _ in range(4000):
        drawn = bandit.select(3, rng)
        assert len(set(drawn.arms)) == 3
        np.testing.assert_allclose(drawn.inclusion, 3 * bandit.probabilities()[drawn.arms])
        counts[drawn.arms] += 1
    expected = 3 * bandit.probabilities()
    error = np.sqrt(np.maximum(expected * (1 - expected), 0) / 4000)
    assert np.all(np.abs(counts / 4000 - expected) <= 4 * error + 1e-9)


def test_probabilities_are_those_of_the_batch_last_asked_for():
    bandit = Fixed([8.0, 1.0, 1.0])
    assert bandit.probabilities()[0] == pytest.approx(0.8)
    bandit.select(2, np.random.default_rng(0))
    assert bandit.probabilities()[0] == pytest.approx(0.5)


def test_an_impossible_batch_is_refused():
    bandit = Fixed([1.0, 1.0])
    for size in (0, 3):
        with pytest.raises(ValueError, match=f"{size} plays are asked for"):
            bandit.select(size, np.random.default_rng(0))
    with pytest.raises(ValueError, match="3 plays are asked for"):
        bandit.load_state_dict({**bandit.state_dict(), "plays": 3})
    with pytest.raises(ValueError, match="Fixed draws from all arms"):
        bandit.select(1, np.random.default_rng(0), np.array([0]))
    with pytest.raises(ValueError, match="n_arms is 0"):
        Fixed([])
