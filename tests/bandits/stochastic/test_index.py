"""Indices by hand, and the kl-UCB index against a root finder."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from curriculum_bandits.bandits.stochastic.index import (
    bernoulli_kl,
    kl_ucb_index,
    kl_upper_bound,
    mean_index,
    ucb_index,
)

MEANS = [0.0, 1e-12, 1e-6, 0.01, 0.3, 0.5, 0.9, 0.999, 1.0 - 1e-9, 1.0]
LEVELS = [0.0, 1e-12, 1e-6, 1e-3, 0.05, 0.5, 3.0, 20.0, 500.0]


def by_root_finding(mean, level):
    """The upper confidence bound, found in the scale of ln(1 - q), where bounds near 1 can be told apart."""
    if mean == 1.0:
        return 1.0

    def excess(log_rest):
        q = -math.expm1(log_rest)
        kept = mean * math.log(mean / q) if mean > 0.0 else 0.0
        return kept + (1.0 - mean) * (math.log1p(-mean) - log_rest) - level

    top = math.log1p(-mean)
    if mean == 0.0:
        return -math.expm1(-level)
    if level == 0.0:
        return mean
    low = top - (level + 1.0) / (1.0 - mean)
    return -math.expm1(brentq(excess, low, top, xtol=1e-14, rtol=1e-15, maxiter=500))


def test_the_divergence_of_bernoulli_means():
    assert bernoulli_kl(0.25, 0.5) == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))
    np.testing.assert_array_equal(bernoulli_kl([0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]), [0.0, 0.0, np.inf, np.inf])
    np.testing.assert_allclose(bernoulli_kl(0.0, 0.3), -math.log(0.7))


def test_the_bound_is_the_root():
    means, levels = np.meshgrid(MEANS, LEVELS)
    expected = np.vectorize(by_root_finding)(means, levels)
    np.testing.assert_allclose(kl_upper_bound(means, levels), expected, rtol=0.0, atol=1e-9)


def test_the_bound_is_the_root_at_random_places():
    rng = np.random.default_rng(0)
    means, levels = rng.beta(0.5, 0.5, 400), np.exp(rng.uniform(-12, 4, 400))
    expected = np.vectorize(by_root_finding)(means, levels)
    np.testing.assert_allclose(kl_upper_bound(means, levels), expected, rtol=0.0, atol=1e-9)


@given(st.floats(0.0, 1.0), st.floats(0.0, 50.0), st.floats(0.0, 50.0))
def test_the_bound_is_above_the_mean_below_one_and_grows_with_the_level(mean, one, other):
    low, high = kl_upper_bound(mean, np.sort([one, other]))
    assert mean <= low <= high + 1e-9
    assert high <= 1.0
    assert low <= mean + math.sqrt(min(one, other) / 2.0) + 1e-9


@given(st.floats(0.0, 1.0), st.integers(1, 1000), st.integers(2, 10**6))
def test_the_index_falls_as_plays_add_up(mean, plays, time):
    counts = np.array([plays, plays + 1.0])
    for index in (kl_ucb_index, ucb_index):
        first, second = index(counts, mean * counts, float(time))
        assert first >= second - 1e-9
        assert second >= mean - 1e-9


def test_the_kl_ucb_index_solves_its_equation():
    counts, sums, time = np.array([4.0, 10.0, 2.5]), np.array([1.0, 9.0, 0.0]), 100.0
    for c in (0.0, 3.0):
        budget = math.log(time) + c * math.log(math.log(time))
        index = kl_ucb_index(counts, sums, time, c=c)
        np.testing.assert_allclose(counts * bernoulli_kl(sums / counts, index), budget, rtol=1e-6)


def test_early_rounds_have_no_negative_budget():
    for time in (0.0, 1.0, 2.0):
        index = kl_ucb_index(np.array([2.0, 0.0]), np.array([1.0, 0.0]), time, c=3.0)
        assert 0.5 <= index[0] <= 1.0
        assert np.isinf(index[1])


def test_the_paddings_are_those_of_the_papers():
    counts, sums, n = np.array([2.0, 8.0]), np.array([1.0, 2.0]), 20.0
    xi = 0.5
    np.testing.assert_allclose(ucb_index(counts, sums, n), sums / counts + np.sqrt(2 * np.log(n) / counts))
    discounted = ucb_index(counts, sums, n, width=4 * xi)
    np.testing.assert_allclose(discounted, sums / counts + 2 * np.sqrt(xi * np.log(n) / counts))


def test_a_time_for_each_arm_is_taken():
    counts, sums = np.array([3.0, 3.0]), np.array([1.0, 1.0])
    each = kl_ucb_index(counts, sums, np.array([10.0, 1000.0]))
    assert each[0] == pytest.approx(kl_ucb_index(counts, sums, 10.0)[0])
    assert each[1] == pytest.approx(kl_ucb_index(counts, sums, 1000.0)[1])


@pytest.mark.parametrize("index", [ucb_index, kl_ucb_index, mean_index])
@pytest.mark.parametrize("forgotten", [0.0, 1e-200, 5e-324])
def test_an_arm_never_played_or_long_forgotten_comes_first(index, forgotten):
    counts = np.array([[5.0, forgotten]])
    assert np.isinf(index(counts, 0.5 * counts, 100.0)).tolist() == [[False, True]]
