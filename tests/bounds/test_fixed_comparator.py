"""Closed forms, hand-computed values, and steps that really minimise what they are tuned for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum_bandits import bounds

HORIZONS = st.integers(1, 10**7)
ARMS = st.integers(2, 10**5)
SCALES = st.floats(1e-4, 1e4)


@given(HORIZONS, ARMS, SCALES)
def test_the_closed_forms(horizon, n_arms, scale):
    root = math.sqrt(horizon * n_arms)
    near = {"rel": 1e-12}
    assert bounds.exp3_bound(horizon, n_arms, scale=scale) == pytest.approx(
        scale * root * math.sqrt(2 * math.log(n_arms)), **near
    )
    assert bounds.exp3_anytime_bound(horizon, n_arms, scale=scale) == pytest.approx(
        2 * scale * root * math.sqrt(math.log(n_arms)), **near
    )
    assert bounds.tsallis_inf_bound(horizon, n_arms, scale=scale) == pytest.approx(scale * (4 * root + 1), **near)


@given(HORIZONS, ARMS, st.floats(0.0, 1.0), SCALES)
def test_the_closed_forms_for_subsets(horizon, n_arms, share, scale):
    plays = max(1, round(share * n_arms))
    root = scale * math.sqrt(2 * plays * n_arms * horizon)
    entropy = bounds.osmd_entropy_bound(horizon, n_arms, plays, scale=scale)
    assert entropy == pytest.approx(root * math.sqrt(math.log(n_arms / plays)), rel=1e-9, abs=1e-9)
    assert bounds.osmd_tsallis_bound(horizon, n_arms, plays, scale=scale) == pytest.approx(2 * root, rel=1e-12)


def test_values_by_hand():
    assert bounds.exp3_bound(100, 2) == pytest.approx(math.sqrt(400 * 0.6931471805599453))  # 16.65
    assert bounds.exp3_step(100, 2) == pytest.approx(math.sqrt(0.6931471805599453 / 100))
    assert bounds.exp3_anytime_bound(100, 2) == pytest.approx(20 * math.sqrt(2 * 0.6931471805599453))
    assert bounds.tsallis_inf_bound(100, 4) == 81.0
    assert bounds.tsallis_inf_step(16) == 0.5
    assert bounds.osmd_tsallis_bound(50, 16, plays=4) == 160.0
    assert bounds.osmd_tsallis_step(50, 16, plays=4) == 0.8
    assert bounds.osmd_entropy_step(32, 8, plays=8) == 0.0
    assert bounds.osmd_entropy_bound(32, 8, plays=8) == 0.0


@given(HORIZONS, ARMS, SCALES)
def test_one_play_of_osmd_with_entropy_is_exp3(horizon, n_arms, scale):
    for osmd, exp3 in [
        (bounds.osmd_entropy_bound, bounds.exp3_bound),
        (bounds.osmd_entropy_step, bounds.exp3_step),
    ]:
        assert osmd(horizon, n_arms, scale=scale) == pytest.approx(exp3(horizon, n_arms, scale=scale), rel=1e-12)


TUNED = {
    "exp3": (bounds.exp3_bound, bounds.exp3_step, ()),
    "entropy": (bounds.osmd_entropy_bound, bounds.osmd_entropy_step, (5,)),
    "tsallis": (bounds.osmd_tsallis_bound, bounds.osmd_tsallis_step, (5,)),
}


@pytest.mark.parametrize(("bound", "step", "plays"), TUNED.values(), ids=TUNED)
@pytest.mark.parametrize("scale", [1.0, 0.01, 30.0])
def test_the_tuned_step_minimises_the_bound(bound, step, plays, scale):
    tuned = step(1000, 20, *plays, scale=scale)
    least = bound(1000, 20, *plays, scale=scale)
    assert bound(1000, 20, *plays, step=tuned, scale=scale) == pytest.approx(least, rel=1e-12)
    for factor in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0):
        assert bound(1000, 20, *plays, step=factor * tuned, scale=scale) > least


@pytest.mark.parametrize(
    "bound",
    [
        bounds.exp3_bound,
        bounds.exp3_anytime_bound,
        bounds.tsallis_inf_bound,
        lambda t, k, **scale: bounds.osmd_entropy_bound(t, k, 3, **scale),
        lambda t, k, **scale: bounds.osmd_tsallis_bound(t, k, 3, **scale),
    ],
)
def test_bounds_grow_with_horizon_arms_and_scale_and_sublinearly(bound):
    horizons = [bound(t, 10) for t in (10, 100, 1000, 10_000)]
    assert horizons == sorted(horizons)
    rates = [value / t for value, t in zip(horizons, (10, 100, 1000, 10_000), strict=True)]
    assert rates == sorted(rates, reverse=True)
    assert bound(100, 10) < bound(100, 11)
    assert bound(100, 10, scale=7.0) == pytest.approx(7.0 * bound(100, 10))


def test_the_steps_of_unknown_horizons_end_where_those_of_known_ones_are():
    assert bounds.exp3_anytime_step(500, 7) == pytest.approx(bounds.exp3_step(500, 7) / math.sqrt(2))
    assert bounds.tsallis_inf_step(500) == pytest.approx(bounds.osmd_tsallis_step(500, 7) / math.sqrt(2))


def test_the_anytime_bound_of_exp3_follows_from_its_steps():
    # The theorem's own sum: ln K / eta_T + (K / 2) sum_t eta_t.
    horizon, n_arms = 400, 6
    steps = [bounds.exp3_anytime_step(t, n_arms) for t in range(1, horizon + 1)]
    total = math.log(n_arms) / steps[-1] + n_arms / 2 * sum(steps)
    bound = bounds.exp3_anytime_bound(horizon, n_arms)
    assert 0.97 * bound < total <= bound


def test_the_bound_of_tsallis_inf_follows_from_its_steps():
    # 4 (sqrt K - 1) / eta_T from uniform to a vertex, and sqrt(K) eta_t / 2 a round.
    horizon, n_arms = 400, 6
    steps = [bounds.tsallis_inf_step(t) for t in range(1, horizon + 1)]
    total = 4 * (math.sqrt(n_arms) - 1) / steps[-1] + math.sqrt(n_arms) / 2 * sum(steps)
    assert 0.75 * bounds.tsallis_inf_bound(horizon, n_arms) < total <= bounds.tsallis_inf_bound(horizon, n_arms)


def test_both_normalisations_of_the_tsallis_step_make_the_same_move():
    # Bubeck & Cesa-Bianchi: F(x) = -2 sum sqrt(x) over x = m p, step sqrt(2 / T). Here: -4 sum sqrt(p) over p.
    horizon, plays = 50, 3
    p, loss = np.array([0.2, 0.3, 0.1, 0.4]), np.array([0.0, 2.0, 0.5, 0.0])
    theirs = ((plays * p) ** -0.5 + math.sqrt(2 / horizon) * loss) ** -2 / plays
    ours = (p**-0.5 + bounds.osmd_tsallis_step(horizon, 4, plays) / 2 * loss) ** -2
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bounds.exp3_bound(0, 2), "horizon is 0; give a whole number, 1 or more"),
        (lambda: bounds.exp3_bound(1.5, 2), "horizon is 1.5; give a whole number"),
        (lambda: bounds.exp3_bound(10, 0), "n_arms is 0"),
        (lambda: bounds.exp3_bound(10, 2, step=0.0), "step is 0.0; give a positive finite number"),
        (lambda: bounds.exp3_bound(10, 2, step=0.1, scale=-1.0), "scale is -1.0"),
        (lambda: bounds.exp3_step(10, 2, scale=float("nan")), "scale is nan"),
        (lambda: bounds.exp3_anytime_step(0, 2), "t is 0"),
        (lambda: bounds.tsallis_inf_step(0), "t is 0"),
        (lambda: bounds.osmd_entropy_bound(10, 4, 5), "plays is 5 but there are 4 arms"),
        (lambda: bounds.osmd_tsallis_step(10, 4, 5), "plays is 5 but there are 4 arms"),
    ],
)
def test_errors_name_the_value_and_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
