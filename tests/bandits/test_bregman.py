"""The projection against a general solver, for every regulariser, with floors and caps that bind."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from curriculum_bandits.bandits import LogBarrier, NegativeEntropy, Tsallis
from curriculum_bandits.bandits.bregman import bregman_projection
from curriculum_bandits.projection import kl_projection

EACH = [NegativeEntropy(), Tsallis(0.25), Tsallis(0.5), Tsallis(0.9), LogBarrier()]


def brute_force(dual, low, high, regularizer):
    bounds = [(max(lo, 1e-9), hi) for lo, hi in zip(low, high, strict=True)]
    start = np.clip(np.full(len(dual), 1 / len(dual)), low, high)
    result = minimize(
        lambda p: regularizer.value(p) - dual @ p,
        start,
        jac=lambda p: regularizer.dual(p) + (1.0 if isinstance(regularizer, NegativeEntropy) else 0.0) - dual,
        bounds=bounds,
        constraints={"type": "eq", "fun": lambda p: np.sum(p) - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    assert result.success, result.message
    return result.x


@pytest.mark.parametrize("regularizer", EACH, ids=repr)
@pytest.mark.parametrize(
    ("floor", "cap"),
    [(0.0, 1.0), (0.05, 0.4), (0.0, 0.3), ([0.3, 0.01, 0.01, 0.01], 1.0), (0.1, [0.2, 0.3, 0.9, 0.3])],
    ids=["free", "both", "cap", "one high floor", "uneven caps"],
)
def test_it_is_the_maximiser_over_the_set(regularizer, floor, cap):
    dual = np.array([-1.0, -4.0, -0.5, -2.0])
    low, high = np.broadcast_to(floor, 4).astype(float), np.broadcast_to(cap, 4).astype(float)
    expected = brute_force(dual, low, high, regularizer)
    got = bregman_projection(dual, floor, cap, regularizer)
    np.testing.assert_allclose(got, expected, atol=2e-5)
    assert np.sum(got) == pytest.approx(1.0, abs=1e-12)


@settings(max_examples=60)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8),
    st.sampled_from(EACH),
    st.floats(0.0, 0.9),
    st.floats(0.0, 1.0),
)
def test_it_lies_in_the_set_and_keeps_the_order(duals, regularizer, floor, slack):
    dual, size = np.array(duals), len(duals)
    low, high = floor / size, 1 / size + slack * (1 - 1 / size)
    p = bregman_projection(dual, low, high, regularizer)
    assert np.sum(p) == pytest.approx(1.0, abs=1e-9)
    assert np.all(p >= low - 1e-12)
    assert np.all(p <= high + 1e-12)
    assert np.all(np.diff(p[np.argsort(dual)]) >= -1e-12)


@settings(max_examples=100)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=8),
    st.sampled_from(EACH),
    st.sampled_from([(0.0, 1.0), (0.05, 1.0), (0.0, 0.5), (0.05, 0.6)]),
    st.floats(-1e7, 1e7),
)
def test_a_guess_changes_nothing_but_rounding(duals, regularizer, bounds, start):
    without = bregman_projection(duals, *bounds, regularizer)
    np.testing.assert_allclose(bregman_projection(duals, *bounds, regularizer, start=start), without, atol=1e-9)


@pytest.mark.parametrize("regularizer", EACH, ids=repr)
def test_each_run_may_have_a_guess_of_its_own(regularizer):
    duals = np.random.default_rng(1).normal(size=(3, 5))
    start = np.array([[-2.0], [0.0], [3.0]])
    without = bregman_projection(duals, 0.0, 1.0, regularizer)
    np.testing.assert_allclose(bregman_projection(duals, 0.0, 1.0, regularizer, start=start), without, rtol=1e-11)


@pytest.mark.parametrize("regularizer", EACH, ids=repr)
def test_bounds_that_cannot_bind_may_be_left_out_of_the_work(regularizer):
    duals = np.random.default_rng(2).normal(size=(50, 6)) * np.logspace(-3, 5, 50)[:, None]
    written_out = bregman_projection(duals, np.zeros(6), np.ones(6), regularizer)
    np.testing.assert_allclose(bregman_projection(duals, 0.0, 1.0, regularizer), written_out, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("regularizer", EACH, ids=repr)
def test_a_distribution_in_the_set_is_its_own_projection(regularizer):
    p = np.array([0.5, 0.3, 0.15, 0.05])
    np.testing.assert_allclose(bregman_projection(regularizer.dual(p), 0.01, 0.9, regularizer), p, rtol=1e-9)


@pytest.mark.parametrize("regularizer", EACH, ids=repr)
def test_runs_at_once_equal_runs_alone(regularizer):
    duals = np.random.default_rng(0).normal(size=(7, 5)) * np.array([1e-3, 1, 10, 1e3, 1e4, 2, 5])[:, None]
    together = bregman_projection(duals, 0.02, 0.5, regularizer)
    for row, dual in zip(together, duals, strict=True):
        np.testing.assert_allclose(row, bregman_projection(dual, 0.02, 0.5, regularizer), rtol=1e-9)


def test_entropy_takes_the_form_of_its_own():
    dual = np.array([0.0, -3.0, 2.0])
    np.testing.assert_array_equal(bregman_projection(dual, 0.1, 0.6, NegativeEntropy()), kl_projection(dual, 0.1, 0.6))


@pytest.mark.parametrize(("floor", "cap"), [(0.6, 1.0), (0.0, 0.2), (0.4, 0.3)])
def test_an_empty_set_is_refused(floor, cap):
    with pytest.raises(ValueError, match="no distribution"):
        bregman_projection(np.zeros(3), floor, cap, Tsallis(0.5))


@pytest.mark.parametrize("regularizer", [Tsallis(0.5), Tsallis(0.8), LogBarrier()])
def test_duals_of_any_range_give_a_distribution_within_the_bounds(regularizer):
    rng = np.random.default_rng(7)
    for _ in range(200):
        arms = int(rng.integers(2, 40))
        dual = -(10.0 ** rng.uniform(-3.0, 70.0, arms)) * rng.integers(0, 2, arms)
        floor, cap = rng.uniform(0.0, 0.9) / arms, max(1.05 / arms, rng.random())
        p = bregman_projection(dual, floor, cap, regularizer)
        assert abs(np.sum(p) - 1.0) < 1e-9
        assert np.all((p >= floor) & (p <= cap))
