"""Exp3.S and fixed share: closed forms, tunings, and how they stand to bounds against a fixed arm."""

import itertools
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


def entropy(x):
    return -sum(part * math.log(part) for part in (x, 1 - x) if part > 0)


@given(st.integers(2, 10**6), st.integers(2, 100), st.integers(1, 50), st.floats(1e-3, 1e3))
def test_the_closed_form_of_fixed_share_wherever_it_says_something(horizon, n_arms, segments, scale):
    segments = min(segments, horizon)
    distance = segments * math.log(n_arms) + (horizon - 1) * entropy((segments - 1) / (horizon - 1))
    bound = bounds.fixed_share_bound(horizon, n_arms, segments, scale=scale)
    if bounds.fixed_share_share(horizon, segments) < 0.5:
        assert bound == pytest.approx(scale * math.sqrt(2 * n_arms * horizon * distance), rel=1e-9)
    else:  # nobody can lose more than U a round
        assert bound > scale * horizon


def test_fixed_share_by_hand():
    # T = 5, K = 2, S = 2: alpha = 1/4, and the sequence weighs 1/2 (1/8) (3/4)^3 = 27/1024 at least.
    distance = math.log(1024 / 27)
    assert bounds.fixed_share_share(5, 2) == 0.25
    assert bounds.fixed_share_step(5, 2, 2) == pytest.approx(math.sqrt(2 * distance / 10))
    assert bounds.fixed_share_step(5, 2, 2, scale=10.0) == pytest.approx(math.sqrt(2 * distance / 10) / 10)
    assert bounds.fixed_share_bound(5, 2, 2) == pytest.approx(math.sqrt(20 * distance))
    # share 1/2: 1/2 (1/4) (1/2)^3 = 1/64; at step 1 and range 3 the trade-off is ln 64 + 9 * 10 / 2
    assert bounds.fixed_share_bound(5, 2, 2, share=0.5, step=1.0, scale=3.0) == pytest.approx(math.log(64) + 45)


def test_fixed_share_with_one_segment_is_exp3():
    assert bounds.fixed_share_share(1000, 1) == 0.0
    assert bounds.fixed_share_step(1000, 7, 1, scale=2.0) == pytest.approx(bounds.exp3_step(1000, 7, scale=2.0))
    assert bounds.fixed_share_bound(1000, 7, 1, scale=2.0) == pytest.approx(bounds.exp3_bound(1000, 7, scale=2.0))
    assert bounds.fixed_share_bound(1, 1, 1) == bounds.fixed_share_step(1, 1, 1) == 0.0


@pytest.mark.parametrize("share", [None, 0.1, 0.5])
@pytest.mark.parametrize("segments", [2, 3, 5, 6])
def test_no_sequence_of_so_many_segments_weighs_less_in_the_prior(segments, share):
    horizon, arms = 6, 3
    alpha = bounds.fixed_share_share(horizon, segments) if share is None else share
    weights = {}
    for sequence in itertools.product(range(arms), repeat=horizon):
        moved = [now != then for then, now in itertools.pairwise(sequence)]
        weights[sequence] = math.prod([1 / arms, *(alpha / arms + (not move) * (1 - alpha) for move in moved)])
        if sum(moved) < segments:
            least = math.exp(
                -(bounds.fixed_share_bound(horizon, arms, segments, share=share) ** 2) / (2 * arms * horizon)
            )
            assert weights[sequence] >= least * (1 - 1e-12)
    assert math.fsum(weights.values()) == pytest.approx(1.0)


def test_the_tuned_share_and_step_minimise_the_bound():
    share, step = bounds.fixed_share_share(50_000, 4), bounds.fixed_share_step(50_000, 5, 4)
    least = bounds.fixed_share_bound(50_000, 5, 4)
    assert bounds.fixed_share_bound(50_000, 5, 4, share=share, step=step) == pytest.approx(least, rel=1e-12)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert bounds.fixed_share_bound(50_000, 5, 4, step=factor * step) > least
        assert bounds.fixed_share_bound(50_000, 5, 4, share=factor * share) > least
        at_share = bounds.fixed_share_step(50_000, 5, 4, share=factor * share)
        assert bounds.fixed_share_bound(50_000, 5, 4, share=factor * share, step=1.1 * at_share) > least


def test_fixed_share_grows_with_segments_and_its_bound_is_below_that_of_exp3_s():
    values = [bounds.fixed_share_bound(100, 2, segments) for segments in range(1, 101)]
    assert values == sorted(values)
    for segments in range(1, 20):
        assert bounds.fixed_share_bound(10_000, 5, segments) < bounds.exp3_s_bound(10_000, 5, segments)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bounds.exp3_s_bound(10, 2, 0), "segments is 0; give a whole number, 1 or more"),
        (lambda: bounds.exp3_s_bound(10, 2, 11), "segments is 11 but there are 10 rounds"),
        (lambda: bounds.exp3_s_bound(10, 2, 1, exploration=0.0), r"exploration is 0.0, outside .*above 0"),
        (lambda: bounds.exp3_s_bound(10, 2, 1, exploration=1.1), "exploration is 1.1"),
        (lambda: bounds.exp3_s_share(0), "horizon is 0"),
        (lambda: bounds.fixed_share_bound(10, 2, 11), "segments is 11 but there are 10 rounds"),
        (lambda: bounds.fixed_share_bound(10, 0, 1), "n_arms is 0"),
        (lambda: bounds.fixed_share_bound(10, 2, 2, share=0.0), r"share is 0.0, outside .*a switch possible"),
        (lambda: bounds.fixed_share_bound(10, 2, 2, share=0.6), r"share is 0.6, outside .*likelier than any move"),
        (lambda: bounds.fixed_share_bound(10, 2, 2, step=0.0), "step is 0.0; give a positive"),
        (lambda: bounds.fixed_share_bound(10, 2, 2, scale=-1.0), "scale is -1.0"),
        (lambda: bounds.fixed_share_step(10, 2, 2, scale=0.0), "scale is 0.0"),
        (lambda: bounds.fixed_share_share(0, 1), "horizon is 0"),
        (lambda: bounds.fixed_share_share(10, 0), "segments is 0"),
    ],
)
def test_errors_name_the_value_and_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
