"""The order of the lower bound, and the constants of restarted Exp3 that were derived here, step by step."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curriculum_bandits import bounds
from curriculum_bandits.regret import variation_budget

SETTINGS = [(1000, 2, 1.0), (5000, 3, 2.5), (100_000, 10, 30.0), (20_000, 2, 0.5)]


@given(arrays(float, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.floats(0, 1)))
def test_the_best_arm_of_the_middle_round_loses_at_most_the_batch_times_its_variation(means):
    # Step (2) of the derivation of rexp3_bound, on one batch.
    batch = len(means)
    middle = batch // 2
    lost = np.sum(np.max(means, axis=1) - means[:, np.argmax(means[middle])])
    assert lost <= 2 * (batch // 2) * variation_budget(means) + 1e-12


@pytest.mark.parametrize(("horizon", "n_arms", "variation"), SETTINGS)
def test_rexp3_is_the_sum_of_its_batches_and_the_drift(horizon, n_arms, variation):
    batch = bounds.rexp3_batch(horizon, n_arms, variation)
    gamma = bounds.rexp3_exploration(batch, n_arms)
    per_batch = [min(batch, horizon - start) for start in range(0, horizon, batch)]
    inside = sum((math.e - 1) * gamma * n + n_arms * math.log(n_arms) / gamma for n in per_batch)
    assert bounds.rexp3_bound(horizon, n_arms, variation) == pytest.approx(inside + batch * variation, rel=1e-12)


@pytest.mark.parametrize(("horizon", "n_arms", "variation"), SETTINGS)
def test_restarted_exp3_is_the_sum_of_its_batches_and_the_drift(horizon, n_arms, variation):
    batch = bounds.restarted_exp3_batch(horizon, n_arms, variation)
    step = bounds.exp3_step(batch, n_arms)
    per_batch = [min(batch, horizon - start) for start in range(0, horizon, batch)]
    inside = sum(bounds.exp3_bound(n, n_arms, step=step) for n in per_batch)
    bound = bounds.restarted_exp3_bound(horizon, n_arms, variation)
    assert bound == pytest.approx(inside + batch * variation, rel=1e-12)


@pytest.mark.parametrize(("horizon", "n_arms", "variation"), SETTINGS)
def test_the_constants_of_the_docstrings(horizon, n_arms, variation):
    difficulty = n_arms * math.log(n_arms)
    order = (difficulty * variation) ** (1 / 3) * horizon ** (2 / 3)
    batch = bounds.rexp3_batch(horizon, n_arms, variation)
    rounding = variation + math.sqrt((math.e - 1) * batch * difficulty)
    leading = (2 * math.sqrt(math.e - 1) + 1) * order
    bound = bounds.rexp3_bound(horizon, n_arms, variation)
    assert bound <= leading + rounding
    assert bound >= leading - variation
    batch = bounds.restarted_exp3_batch(horizon, n_arms, variation)
    leading = 3 * 2 ** (-1 / 3) * order
    bound = bounds.restarted_exp3_bound(horizon, n_arms, variation)
    assert leading - 1e-9 <= bound <= leading + variation + math.sqrt(batch * difficulty / 2)


@pytest.mark.parametrize(("bound", "slack"), [(bounds.restarted_exp3_bound, 1.04), (bounds.rexp3_bound, 1.05)])
@pytest.mark.parametrize(("horizon", "n_arms", "variation"), SETTINGS)
def test_the_tuned_and_the_published_batch_are_about_the_best_of_our_bounds(horizon, n_arms, variation, bound, slack):
    batches = np.unique(np.geomspace(1, horizon, 400).astype(int))
    least = min(bound(horizon, n_arms, variation, batch=int(batch)) for batch in batches)
    assert bound(horizon, n_arms, variation) <= slack * least


def test_values_by_hand():
    assert bounds.variation_lower_bound_order(1000, 2, 4.0) == pytest.approx(200.0)
    difficulty = 2 * math.log(2)
    assert bounds.rexp3_batch(8000, 2, 8.0) == math.ceil(difficulty ** (1 / 3) * 100)
    assert bounds.restarted_exp3_batch(8000, 2, 8.0) == math.ceil((difficulty / 2) ** (1 / 3) * 100)
    assert bounds.rexp3_exploration(1, 2) == pytest.approx(math.sqrt(difficulty / (math.e - 1)))
    assert bounds.rexp3_exploration(1, 50) == 1.0


def test_without_variation_nothing_is_restarted():
    assert bounds.rexp3_batch(1000, 4, 0.0) == 1000
    assert bounds.restarted_exp3_batch(1000, 4, 0.0) == 1000
    assert bounds.restarted_exp3_bound(1000, 4, 0.0) == pytest.approx(bounds.exp3_bound(1000, 4), rel=1e-12)
    assert bounds.rexp3_bound(1000, 4, 0.0) == pytest.approx(
        2 * math.sqrt((math.e - 1) * 1000 * 4 * math.log(4)), rel=1e-12
    )


@pytest.mark.parametrize("bound", [bounds.rexp3_bound, bounds.restarted_exp3_bound, bounds.variation_lower_bound_order])
def test_bounds_grow_with_everything_and_scale_with_the_unit(bound):
    base = bound(10_000, 5, 2.0)
    assert base < bound(11_000, 5, 2.0)
    assert base < bound(10_000, 6, 2.0)
    assert base < bound(10_000, 5, 2.5)
    assert bound(10_000, 5, 14.0, scale=7.0) == pytest.approx(7.0 * base, rel=1e-12)


@pytest.mark.parametrize(("horizon", "n_arms", "variation"), SETTINGS)
def test_the_upper_bounds_have_the_order_of_the_lower_one_up_to_the_logarithm(horizon, n_arms, variation):
    order = bounds.variation_lower_bound_order(horizon, n_arms, variation) * math.log(n_arms) ** (1 / 3)
    assert order < bounds.restarted_exp3_bound(horizon, n_arms, variation) < 4 * order
    assert order < bounds.rexp3_bound(horizon, n_arms, variation) < 5 * order


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bounds.variation_lower_bound_order(100, 4, 0.1), "outside .*the theorem holds for V/U"),
        (lambda: bounds.variation_lower_bound_order(100, 4, 26.0), "outside .*the theorem holds for V/U"),
        (lambda: bounds.variation_lower_bound_order(100, 1, 1.0), "n_arms is 1; give a whole number, 2 or more"),
        (lambda: bounds.rexp3_bound(100, 4, -1.0), "variation is -1.0; give a finite number, 0 or more"),
        (lambda: bounds.rexp3_bound(100, 4, 1.0, batch=101), "batch is 101 but there are 100 rounds"),
        (lambda: bounds.restarted_exp3_bound(100, 4, 1.0, batch=0), "batch is 0"),
        (lambda: bounds.rexp3_exploration(0, 4), "batch is 0"),
    ],
)
def test_errors_name_the_value_and_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
