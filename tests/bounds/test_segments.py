"""Exp3.S: closed form, tuning, and how it stands to bounds against a fixed arm."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum_bandits import bounds


@given(st.integers(1, 10**6), st.integers(1, 100), st.integers(1, 50), st.floats(1e-3, 1e3))
def test_the_closed_form_wherever_it_says_something(horizon, n_arms, segments, scale):
    segments = min(segments, horizon)
    closed = (
        2
        * scale
        * math.sqrt(math.e - 1)
        * math.sqrt(n_arms * horizon * (segments * math.log(n_arms * horizon) + math.e))
    )
    bound = bounds.exp3_s_bound(horizon, n_arms, segments, scale=scale)
    if bounds.exp3_s_exploration(horizon, n_arms, segments) < 1:
        assert bound == pytest.approx(closed, rel=1e-12)
    else:  # nobody can lose more than U a round
        assert min(bound, closed) > scale * horizon


def test_values_by_hand():
    # K T = 10,000, S = 2: inside = 2 ln 10^4 + e = 21.139
    inside = 2 * 9.210340371976184 + 2.718281828459045
    assert bounds.exp3_s_bound(1000, 10, 2) == pytest.approx(2 * math.sqrt(1.718281828459045 * 10_000 * inside))
    assert bounds.exp3_s_exploration(1000, 10, 2) == pytest.approx(math.sqrt(10 * inside / 1718.281828459045))
    assert bounds.exp3_s_share(1000) == 0.001


def test_the_tuned_exploration_minimises_the_bound():
    tuned = bounds.exp3_s_exploration(50_000, 5, 4)
    least = bounds.exp3_s_bound(50_000, 5, 4)
    assert bounds.exp3_s_bound(50_000, 5, 4, exploration=tuned) == pytest.approx(least, rel=1e-12)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert bounds.exp3_s_bound(50_000, 5, 4, exploration=factor * tuned) > least


def test_it_grows_with_segments_and_one_segment_costs_more_than_a_fixed_arm_algorithm():
    values = [bounds.exp3_s_bound(10_000, 5, segments) for segments in range(1, 20)]
    assert values == sorted(values)
    assert values[0] > bounds.exp3_anytime_bound(10_000, 5) > bounds.exp3_bound(10_000, 5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bounds.exp3_s_bound(10, 2, 0), "segments is 0; give a whole number, 1 or more"),
        (lambda: bounds.exp3_s_bound(10, 2, 11), "segments is 11 but there are 10 rounds"),
        (lambda: bounds.exp3_s_bound(10, 2, 1, exploration=0.0), r"exploration is 0.0, outside .*above 0"),
        (lambda: bounds.exp3_s_bound(10, 2, 1, exploration=1.1), "exploration is 1.1"),
        (lambda: bounds.exp3_s_share(0), "horizon is 0"),
    ],
)
def test_errors_name_the_value_and_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
