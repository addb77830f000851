"""The dynamic program against every sequence there is."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curriculum_bandits.regret import (
    dynamic_regret,
    earned_by_arms,
    external_regret,
    switches,
    switching_regret,
)

TABLES = arrays(
    float, st.tuples(st.integers(1, 6), st.integers(1, 3)), elements=st.floats(-1, 1).map(lambda x: round(x, 2))
)


def best_by_enumeration(table, allowed):
    sequences = itertools.product(range(table.shape[1]), repeat=len(table))
    return max(np.sum(earned_by_arms(table, np.array(s))) for s in sequences if switches(np.array(s)) <= allowed)


@given(TABLES, st.integers(0, 6))
def test_every_point_of_the_curve_by_enumeration(table, allowed):
    curve, comparator = switching_regret(table, np.zeros(len(table)), allowed)
    for t in range(len(table)):
        assert curve[t] == pytest.approx(best_by_enumeration(table[: t + 1], allowed), abs=1e-12)
    assert switches(comparator) <= allowed
    assert np.sum(earned_by_arms(table, comparator)) == pytest.approx(curve[-1], abs=1e-12)


@given(TABLES, st.integers(0, 10**6))
def test_no_switch_is_external_and_all_switches_dynamic_regret(table, seed):
    earned = np.random.default_rng(seed).normal(size=len(table))
    np.testing.assert_allclose(switching_regret(table, earned, 0).curve, external_regret(table, earned), atol=1e-12)
    for allowed in (len(table) - 1, len(table) + 3):
        np.testing.assert_allclose(
            switching_regret(table, earned, allowed).curve, dynamic_regret(table, earned), atol=1e-12
        )


@given(TABLES)
def test_it_grows_with_the_switches(table):
    totals = [switching_regret(table, np.zeros(len(table)), allowed).curve[-1] for allowed in range(len(table))]
    assert np.all(np.diff(totals) >= -1e-12)


def test_piecewise_stationary_means_are_followed_exactly():
    means = np.repeat([[0.3, 0.5, 0.9], [0.3, 0.2, 0.9], [0.3, 0.2, 0.1], [0.7, 0.2, 0.1], [0.7, 0.5, 0.1]], 20, axis=0)
    best = np.argmax(means, axis=1)
    assert switches(best) == 1
    regret = switching_regret(means, earned_by_arms(means, np.zeros(100, dtype=int)), 1)
    assert np.array_equal(regret.comparator, best)
    assert regret.curve[-1] == pytest.approx(40 * 0.6)
    wasteful = switching_regret(means, np.zeros(100), 50)
    assert np.array_equal(wasteful.comparator, best)  # switches only where it gains


def test_leading_axes_are_runs():
    rng = np.random.default_rng(0)
    tables, earned = rng.random((2, 3, 9, 4)), rng.random((2, 3, 9))
    together = switching_regret(tables, earned, 2)
    for run in np.ndindex(2, 3):
        alone = switching_regret(tables[run], earned[run], 2)
        np.testing.assert_allclose(together.curve[run], alone.curve, atol=1e-12)
        assert np.array_equal(together.comparator[run], alone.comparator)
    shared = switching_regret(tables[0, 0], earned, 2)
    assert shared.curve.shape == (2, 3, 9)
    assert shared.comparator.shape == (9,)


def test_a_long_table_is_quick():
    rng = np.random.default_rng(1)
    table = rng.random((5000, 10))
    regret = switching_regret(table, np.zeros(5000), 20)
    assert switches(regret.comparator) == 20
    assert np.sum(earned_by_arms(table, regret.comparator)) == pytest.approx(regret.curve[-1], rel=1e-12)


def test_a_negative_number_of_switches_is_refused():
    with pytest.raises(ValueError, match=r"switches is -1; give 0 \(a fixed arm\) or more"):
        switching_regret([[1.0]], [1.0], -1)
