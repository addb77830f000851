"""The dynamic bound: closed form, tuning, special cases, and the two inequalities its derivation leans on."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum_bandits import bounds


def test_the_closed_form():
    distance = math.log(20) + 0.5 * 6 * math.log(20 / 0.01)
    for plays, replacement, variance in [(1, False, 20), (4, False, 5), (4, True, 6), (40, True, 1.5)]:
        bound = bounds.dynamic_bound(
            1000, 20, path_length=6.0, plays=plays, replacement=replacement, floor=0.01, scale=3.0
        )
        tuned = 3.0 * math.sqrt(2 * distance * 1000 * variance) + 0.01 * 3.0 * 1000
        assert bound == pytest.approx(tuned, rel=1e-12)


def test_the_default_floor_is_one_over_the_horizon():
    assert bounds.dynamic_bound(500, 8, path_length=2.0) == bounds.dynamic_bound(500, 8, path_length=2.0, floor=1 / 500)
    assert bounds.dynamic_step(500, 8, path_length=2.0) == bounds.dynamic_step(500, 8, path_length=2.0, floor=1 / 500)


@pytest.mark.parametrize("settings", [{}, {"path_length": 10.0}, {"plays": 5}, {"plays": 5, "replacement": True}])
@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_the_tuned_step_minimises_the_bound(settings, scale):
    tuned = bounds.dynamic_step(2000, 10, scale=scale, **settings)
    least = bounds.dynamic_bound(2000, 10, scale=scale, **settings)
    assert bounds.dynamic_bound(2000, 10, step=tuned, scale=scale, **settings) == pytest.approx(least, rel=1e-12)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert bounds.dynamic_bound(2000, 10, step=factor * tuned, scale=scale, **settings) > least


@given(st.integers(2, 10**6), st.integers(2, 1000), st.floats(1e-3, 1e3))
def test_a_path_that_stands_still_is_exp3_and_the_floor(horizon, n_arms, scale):
    still = bounds.dynamic_bound(horizon, n_arms, scale=scale)
    assert still == pytest.approx(bounds.exp3_bound(horizon, n_arms, scale=scale) + scale, rel=1e-12)
    assert bounds.dynamic_step(horizon, n_arms, scale=scale) == pytest.approx(
        bounds.exp3_step(horizon, n_arms, scale=scale), rel=1e-12
    )


def test_with_plays_it_is_per_play_and_the_subset_theorem_knows_a_little_more():
    # The theorem for m-subsets starts from ln(K/m); ours from ln K, since it does not use the cap at the start.
    horizon, n_arms, plays = 10_000, 20, 5
    total = plays * (bounds.dynamic_bound(horizon, n_arms, plays=plays) - 1.0)
    ratio = math.sqrt(math.log(n_arms) / math.log(n_arms / plays))
    assert total == pytest.approx(ratio * bounds.osmd_entropy_bound(horizon, n_arms, plays), rel=1e-12)


def test_it_grows_with_the_path_and_shrinks_with_plays():
    values = [bounds.dynamic_bound(1000, 10, path_length=2.0 * switches) for switches in range(10)]
    assert values == sorted(values)
    values = [bounds.dynamic_bound(1000, 10, plays=plays) for plays in range(1, 11)]
    assert values == sorted(values, reverse=True)
    assert bounds.dynamic_bound(1000, 10, plays=3, replacement=True) > bounds.dynamic_bound(1000, 10, plays=3)


def test_the_variance_of_independent_draws_is_below_its_bound():
    # E sum_x p(x) (c_x / (m p(x)))^2 over all outcomes of m draws, against N/m + 1; without replacement at most N/m.
    p = np.array([0.6, 0.3, 0.1])
    for plays in (1, 2, 3):
        expected = 0.0
        for draws in itertools.product(range(3), repeat=plays):
            counts = np.bincount(draws, minlength=3)
            expected += np.prod(p[list(draws)]) * np.sum(p * (counts / (plays * p)) ** 2)
        assert expected == pytest.approx((3 - 1) / plays + 1)
        assert expected <= 3 / plays + 1


@given(st.integers(0, 10**6))
def test_moving_the_comparator_costs_at_most_half_the_distance_times_the_range(seed):
    rng = np.random.default_rng(seed)
    n_arms, alpha = 5, 0.1
    floored = [alpha / n_arms + (1 - alpha) * row for row in rng.dirichlet(np.full(n_arms, 0.3), size=3)]
    before, after, p = floored
    cost = np.sum((before - after) * np.log(p))
    assert cost <= 0.5 * np.sum(np.abs(after - before)) * math.log(n_arms / alpha) + 1e-12


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bounds.dynamic_bound(10, 4, path_length=-1.0), "path_length is -1.0"),
        (lambda: bounds.dynamic_bound(10, 4, path_length=19.0), "10 rounds allow no more than 18"),
        (lambda: bounds.dynamic_bound(10, 4, plays=5), "plays is 5 but there are 4 arms.*replacement=True"),
        (lambda: bounds.dynamic_bound(10, 4, floor=1.0), r"floor is 1.0; it must lie in \(0, 1\)"),
        (lambda: bounds.dynamic_bound(1, 4), "floor is 1.0.*needs two rounds"),
        (lambda: bounds.dynamic_step(10, 4, scale=0.0), "scale is 0.0"),
        (lambda: bounds.dynamic_bound(10, 4, step=-0.1), "step is -0.1"),
    ],
)
def test_errors_name_the_value_and_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
