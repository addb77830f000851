"""The KL projection against solvers that share nothing with it, and against its own laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize

from curriculum_bandits import projection
from curriculum_bandits.projection import kl_projection, rescaled_into


def by_slsqp(weights, low, high):
    """The minimiser of KL(p || w) over the box inside the simplex, by a general solver."""
    result = minimize(
        lambda p: np.sum(p * np.log(p / weights)),
        np.clip(np.full(len(weights), 1 / len(weights)), low, high),
        jac=lambda p: np.log(p / weights) + 1,
        bounds=[(max(lo, 1e-12), hi) for lo, hi in zip(low, high, strict=True)],
        constraints={"type": "eq", "fun": lambda p: np.sum(p) - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    assert result.success, result.message
    return result.x


def by_root_finding(log_weights, low, high):
    """clip(exp(theta + log w), low, high) with theta from Brent's method."""

    def clipped(theta):
        return np.clip(np.exp(np.minimum(theta + log_weights, 50.0)), low, high)

    span = np.max(np.abs(log_weights)) + 100.0
    return clipped(brentq(lambda theta: np.sum(clipped(theta)) - 1.0, -span, span, xtol=1e-14, rtol=1e-15))


def random_problem(rng, size):
    log_weights = rng.normal(scale=rng.choice([0.1, 2.0, 8.0]), size=size)
    middle = rng.dirichlet(np.ones(size))  # lies in the set, so the set is never empty
    return log_weights, middle * rng.uniform(0, 1, size), middle + (1 - middle) * rng.uniform(0, 0.5, size)


@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_minimiser_of_the_divergence(seed):
    log_weights, low, high = random_problem(np.random.default_rng(seed), 6)
    ours, theirs = kl_projection(log_weights, low, high), by_slsqp(np.exp(log_weights), low, high)
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


@pytest.mark.parametrize("seed", range(50))
def test_it_agrees_with_root_finding(seed):
    rng = np.random.default_rng(seed)
    log_weights, low, high = random_problem(rng, int(rng.integers(2, 40)))
    np.testing.assert_allclose(
        kl_projection(log_weights, low, high), by_root_finding(log_weights, low, high), rtol=1e-9, atol=1e-12
    )


def test_floor_and_cap_may_bind_together():
    weights = np.array([100.0, 10.0, 1.0, 0.01, 0.001])
    p = kl_projection(np.log(weights), floor=0.05, cap=0.4)
    # 0.4 at the cap, twice 0.05 at the floor, and the remaining half shared 10 : 1, which the cap cuts to 0.4 : 0.1.
    np.testing.assert_allclose(p, [0.4, 0.4, 0.1, 0.05, 0.05], rtol=1e-13)
    np.testing.assert_allclose(p, by_slsqp(weights, np.full(5, 0.05), np.full(5, 0.4)), atol=2e-5)


def test_within_the_bounds_it_only_normalises():
    np.testing.assert_allclose(kl_projection(np.log([2.0, 1.0, 1.0]), 0.0, 1.0), [0.5, 0.25, 0.25], rtol=1e-15)


def test_a_weight_of_zero_stays_at_its_floor():
    p = kl_projection(np.array([0.0, -np.inf, 0.0, -np.inf]), floor=[0.1, 0.1, 0.1, 0.0], cap=0.5)
    np.testing.assert_allclose(p, [0.45, 0.1, 0.45, 0.0], rtol=1e-14)


def test_a_cap_may_be_infinite():
    np.testing.assert_allclose(kl_projection(np.log([9.0, 1.0]), [0.0, 0.2], np.inf), [0.8, 0.2], rtol=1e-14)


def test_a_set_of_one_point_is_that_point():
    np.testing.assert_allclose(kl_projection([0.0, -7.0, 3.0, 1.0], 0.0, 0.25), np.full(4, 0.25), rtol=1e-14)
    np.testing.assert_allclose(kl_projection([0.0, -7.0, 3.0, 1.0], 0.25, 1.0), np.full(4, 0.25), rtol=1e-14)


@pytest.mark.parametrize("size", [2, 3, 10, 100, 1000])
def test_caps_force_mass_into_weights_of_any_smallness(size):
    log_weights = np.linspace(-1e5, 0.0, size)
    cap = 1.0 / (size - 0.5)  # all but the smallest at their cap, the smallest takes the half that is left
    p = kl_projection(log_weights, 0.0, cap)
    np.testing.assert_allclose(p, np.r_[0.5 * cap, np.full(size - 1, cap)], rtol=1e-11)
    assert abs(np.sum(p) - 1.0) < 1e-12


def test_two_tiny_weights_share_what_the_caps_leave():
    p = kl_projection(np.array([0.0, 0.0, -1e5, -1e5 + np.log(3.0)]), 0.0, 0.4)
    np.testing.assert_allclose(p, [0.4, 0.4, 0.05, 0.15], rtol=1e-9)


@st.composite
def problems(draw):
    size = draw(st.integers(1, 12))
    log_weights = draw(st.lists(st.floats(-300.0, 300.0), min_size=size, max_size=size))
    floor = draw(st.floats(0.0, 1.0)) / size
    cap = 1.0 / size + draw(st.floats(0.0, 1.0))
    return np.array(log_weights), floor, cap


@settings(max_examples=300)
@given(problems())
def test_the_projection_lies_in_the_set_and_keeps_the_order(problem):
    log_weights, floor, cap = problem
    p = kl_projection(log_weights, floor, cap)
    assert abs(np.sum(p) - 1.0) < 1e-9
    assert np.all(p >= floor)
    assert np.all(p <= cap)
    order = np.argsort(log_weights, kind="stable")
    assert np.all(np.diff(p[order]) >= -1e-12)


@settings(max_examples=200)
@given(problems())
def test_projecting_again_changes_nothing(problem):
    log_weights, floor, cap = problem
    once = kl_projection(log_weights, floor, cap)
    with np.errstate(divide="ignore"):
        twice = kl_projection(np.log(once), floor, cap)
    np.testing.assert_allclose(twice, once, atol=1e-9)


@settings(max_examples=100)
@given(problems(), st.floats(-1e5, 1e5))
def test_a_common_factor_of_the_weights_does_not_matter(problem, shift):
    log_weights, floor, cap = problem
    np.testing.assert_allclose(
        kl_projection(log_weights + shift, floor, cap), kl_projection(log_weights, floor, cap), atol=1e-8
    )


def test_all_rows_at_once_equal_row_by_row():
    rng = np.random.default_rng(0)
    log_weights = rng.normal(scale=rng.choice([0.01, 3.0, 1e3], size=(40, 1)), size=(40, 7))  # some rows need nothing
    low, high = np.full(7, 0.02), np.array([0.2, 0.2, 0.2, 0.5, 0.5, 1.0, 1.0])
    rows = [kl_projection(row, low, high) for row in log_weights]
    np.testing.assert_allclose(kl_projection(log_weights, low, high), rows, rtol=1e-12, atol=1e-15)
    cube = kl_projection(log_weights.reshape(4, 10, 7), low, high)
    np.testing.assert_allclose(cube.reshape(40, 7), rows, rtol=1e-12, atol=1e-15)


@settings(max_examples=200)
@given(problems())
def test_the_fast_way_and_the_safe_way_meet(problem):
    log_weights, floor, cap = problem
    logits = log_weights - np.max(log_weights)
    low, high = (np.broadcast_to(bound, logits.shape) for bound in (floor, cap))
    fast, settled = rescaled_into(np.exp(logits), low, high)
    if settled:
        np.testing.assert_allclose(fast, projection._in_log_domain(logits, low, high), rtol=1e-9, atol=1e-12)


def test_the_fast_way_says_where_it_is_lost_and_settles_the_rest():
    weights = np.array([[1.0, 1e-320, 1e-322], [0.7, 0.2, 0.1], [1.0, 0.0, 0.0]])
    fast, settled = rescaled_into(weights, 0.0, np.full(3, 0.5))
    np.testing.assert_array_equal(settled, [False, True, False])
    np.testing.assert_allclose(fast[1], [0.5, 1 / 3, 1 / 6], rtol=1e-14)


def test_weights_that_vanish_beside_the_largest_keep_their_proportions():
    # The cap leaves half to two weights that are zero as numbers, 10 : 1.
    log_weights = np.array([0.0, -2000.0, -2000.0 - np.log(10.0)])
    np.testing.assert_allclose(kl_projection(log_weights, 0.0, 0.5), [0.5, 5 / 11, 0.5 / 11], rtol=1e-12)


def test_bounds_may_differ_from_row_to_row():
    log_weights, cap = np.log([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1]]), np.array([[0.5], [0.6]])
    np.testing.assert_allclose(kl_projection(log_weights, 0.0, cap), [[0.5, 1 / 3, 1 / 6], [0.6, 4 / 15, 2 / 15]])


@pytest.mark.parametrize(
    ("log_weights", "floor", "cap", "message"),
    [
        ([0.0, 0.0], 0.6, 1.0, "floors sum to 1.2 > 1"),
        ([0.0, 0.0], 0.0, 0.4, "caps sum to 0.8 < 1"),
        ([0.0, -np.inf], 0.1, 0.6, "caps sum to 0.7 < 1"),
        ([0.0, 0.0], 0.5, 0.4, "at most the cap"),
        ([0.0, 0.0], -0.1, 1.0, "non-negative"),
        ([[0.0, 0.0], [0.0, -np.inf]], 0.0, 0.6, "caps sum to 0.6 < 1"),
    ],
)
def test_an_empty_set_is_an_error(log_weights, floor, cap, message):
    with pytest.raises(ValueError, match=message):
        kl_projection(log_weights, floor, cap)
