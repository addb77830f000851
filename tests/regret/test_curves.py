"""External and dynamic regret, m plays, the score: by hand, by enumeration, and by what must not change them."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from curriculum_bandits.regret import (
    best_subset,
    best_subset_value,
    dynamic_regret,
    earned_by_arms,
    earned_by_batches,
    earned_by_distribution,
    external_regret,
    normalised_score,
)

UTILITIES = st.floats(-1, 1).map(lambda x: round(x, 3))
TABLES = arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 5)), elements=UTILITIES)


def random_plays(table, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(0, table.shape[1], len(table))


def every_batch(n_arms, plays, capacity):
    """All multisets of plays that respect the capacities."""
    for batch in itertools.combinations_with_replacement(range(n_arms), plays):
        if np.all(np.bincount(batch, minlength=n_arms) <= capacity):
            yield list(batch)


# What was earned


def test_earnings_by_hand():
    table = [[1.0, 2.0, 4.0], [0.5, 0.25, 0.0]]
    assert earned_by_arms(table, [2, 0]).tolist() == [4.0, 0.5]
    assert earned_by_batches(table, [[2, 2], [0, 1]]).tolist() == [8.0, 0.75]
    assert earned_by_distribution(table, [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0]]).tolist() == [1.5, 0.0]
    assert earned_by_distribution(table, [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]], plays=4).tolist() == [6.0, 1.0]


def test_earnings_broadcast_over_runs_on_either_side():
    rng = np.random.default_rng(0)
    tables, arms = rng.random((3, 7, 4)), rng.integers(0, 4, (3, 7))
    shared = earned_by_arms(tables[0], arms)
    assert shared.shape == (3, 7)
    for run in range(3):
        assert np.array_equal(shared[run], earned_by_arms(tables[0], arms[run]))
        assert np.array_equal(earned_by_arms(tables, arms)[run], earned_by_arms(tables[run], arms[run]))
        assert np.array_equal(earned_by_arms(tables, arms[0])[run], earned_by_arms(tables[run], arms[0]))
    batches = rng.integers(0, 4, (3, 7, 2))
    assert np.array_equal(earned_by_batches(tables, batches)[1], earned_by_batches(tables[1], batches[1]))


def test_expected_earnings_are_the_mean_of_those_of_draws():
    rng = np.random.default_rng(1)
    table, p = rng.random((3, 4)), rng.dirichlet(np.ones(4), size=3)
    expected = np.zeros(3)
    for arms in itertools.product(range(4), repeat=3):
        chance = np.prod(p[np.arange(3), arms])
        expected += chance * earned_by_arms(table, np.array(arms))
    np.testing.assert_allclose(earned_by_distribution(table, p), expected, rtol=1e-12)


# External and dynamic regret


def test_curves_by_hand():
    table = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    earned = earned_by_arms(table, [0, 0, 1])
    assert external_regret(table, earned).tolist() == [0.0, 0.0, 0.0]
    assert dynamic_regret(table, earned).tolist() == [0.0, 1.0, 1.0]
    assert external_regret(table, earned_by_arms(table, [1, 0, 0])).tolist() == [1.0, 1.0, 2.0]


@given(TABLES, st.integers(0, 10**6))
def test_external_regret_is_that_of_the_best_arm_after_every_round(table, seed):
    earned = earned_by_arms(table, random_plays(table, seed))
    curve = external_regret(table, earned)
    for t in range(len(table)):
        best = max(sum(table[: t + 1, arm]) for arm in range(table.shape[1]))
        assert curve[t] == pytest.approx(best - sum(earned[: t + 1]), abs=1e-12)


@given(TABLES, st.integers(0, 10**6))
def test_dynamic_regret_grows_and_is_at_least_external(table, seed):
    earned = earned_by_arms(table, random_plays(table, seed))
    dynamic = dynamic_regret(table, earned)
    assert np.all(np.diff(dynamic, prepend=0.0) >= -1e-12)
    assert np.all(dynamic >= external_regret(table, earned) - 1e-12)


@given(TABLES, st.integers(0, 10**6), st.floats(0.1, 10), st.floats(-2, 2))
def test_an_offset_changes_nothing_a_scale_scales_and_names_of_arms_do_not_matter(table, seed, scale, offset):
    arms = random_plays(table, seed)
    order = np.random.default_rng(seed).permutation(table.shape[1])
    for regret in (external_regret, dynamic_regret):
        base = regret(table, earned_by_arms(table, arms))
        moved = scale * table + offset * np.arange(1, len(table) + 1)[:, None]
        np.testing.assert_allclose(regret(moved, earned_by_arms(moved, arms)), scale * base, atol=1e-9)
        renamed = regret(table[:, order], earned_by_arms(table[:, order], np.argsort(order)[arms]))
        np.testing.assert_allclose(renamed, base, atol=1e-12)


def test_leading_axes_are_runs():
    rng = np.random.default_rng(2)
    tables, earned = rng.random((2, 3, 8, 4)), rng.random((2, 3, 8))
    for regret in (external_regret, dynamic_regret):
        for settings in ({}, {"plays": 2}, {"plays": 3, "capacity": [2, 1, 1, 5]}):
            together = regret(tables, earned, **settings)
            assert together.shape == (2, 3, 8)
            np.testing.assert_allclose(together[1, 2], regret(tables[1, 2], earned[1, 2], **settings), atol=1e-12)
            shared = regret(tables[0, 0], earned, **settings)
            np.testing.assert_allclose(shared[1, 2], regret(tables[0, 0], earned[1, 2], **settings), atol=1e-12)


# Several plays


@pytest.mark.parametrize("plays", [1, 2, 3, 4])
@pytest.mark.parametrize("capacity", [1.0, 2.0, [1, 3, 2, 1], [4, 1, np.inf, 1]])
def test_the_best_subset_by_enumeration(plays, capacity):
    limits = np.broadcast_to(capacity, 4)
    for seed in range(20):
        values = np.round(np.random.default_rng(seed).normal(size=4), 1)  # ties, and negative values
        counts = best_subset(values, plays=plays, capacity=capacity)
        assert np.sum(counts) == plays
        assert np.all(counts <= limits)
        best = max(np.sum(values[batch]) for batch in every_batch(4, plays, limits))
        assert np.sum(counts * values) == pytest.approx(best)
        assert best_subset_value(values, plays=plays, capacity=capacity) == pytest.approx(best)


@pytest.mark.parametrize("capacity", [1.0, [2, 1, 3], np.inf])
def test_regret_of_batches_by_enumeration(capacity):
    rng = np.random.default_rng(3)
    table = rng.normal(size=(5, 3))
    limits = np.broadcast_to(capacity, 3)
    batches = list(every_batch(3, 2, limits))
    earned = earned_by_batches(table, rng.integers(0, 3, (5, 2)))
    external = external_regret(table, earned, plays=2, capacity=capacity)
    dynamic = dynamic_regret(table, earned, plays=2, capacity=capacity)
    for t in range(5):
        fixed = max(np.sum(table[: t + 1][:, batch]) for batch in batches)
        moving = sum(max(np.sum(table[s, batch]) for batch in batches) for s in range(t + 1))
        assert external[t] == pytest.approx(fixed - np.sum(earned[: t + 1]))
        assert dynamic[t] == pytest.approx(moving - np.sum(earned[: t + 1]))


def test_all_arms_in_every_round_leave_nothing_to_regret():
    table = np.random.default_rng(4).random((6, 3))
    earned = earned_by_batches(table, np.tile([0, 1, 2], (6, 1)))
    np.testing.assert_allclose(external_regret(table, earned, plays=3), 0.0, atol=1e-12)
    np.testing.assert_allclose(dynamic_regret(table, earned, plays=3), 0.0, atol=1e-12)


# The score


@pytest.mark.parametrize(("plays", "capacity"), [(1, 1.0), (2, 1.0), (3, [1, 2, 4])])
def test_the_score_is_0_for_the_oracle_and_1_for_uniform_play(plays, capacity):
    table = np.random.default_rng(5).random((9, 3))
    oracle = np.stack([best_subset(row, plays=plays, capacity=capacity) for row in table]) / plays
    share = np.broadcast_to(capacity, 3) / np.sum(np.broadcast_to(capacity, 3))
    for p, score in [(oracle, 0.0), (np.tile(share, (9, 1)), 1.0), (0.5 * (oracle + share), 0.5)]:
        earned = earned_by_distribution(table, p, plays=plays)
        assert normalised_score(table, earned, plays=plays, capacity=capacity) == pytest.approx(score, abs=1e-12)
    worst = earned_by_distribution(table, np.eye(3)[np.argmin(table, axis=1)], plays=plays)
    assert normalised_score(table, worst, plays=plays, capacity=capacity) > 1.0


@given(st.floats(0.1, 10), st.floats(-3, 3))
def test_the_score_does_not_know_units(scale, offset):
    table = np.random.default_rng(6).random((9, 4))
    arms = random_plays(table, 7)
    moved = scale * table + offset
    assert normalised_score(moved, earned_by_arms(moved, arms)) == pytest.approx(
        float(normalised_score(table, earned_by_arms(table, arms))), abs=1e-9
    )


def test_the_score_is_nan_where_nothing_tells_policies_apart():
    scores = normalised_score([[[0.5, 0.5]], [[0.5, 0.0]]], [[0.5], [0.25]])
    assert np.isnan(scores[0])
    assert scores[1] == 1.0


# Errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: external_regret([1.0, 2.0], [1.0, 2.0]), r"shape \(2,\); it must be \(..., rounds, arms\)"),
        (lambda: external_regret([[1.0, np.nan]], [1.0]), r"the table holds nan at \(0, 1\)"),
        (lambda: external_regret([[1.0, 2.0]], [1.0, 2.0]), r"earned has shape \(2,\) where the table has 1 rounds"),
        (lambda: dynamic_regret([[1.0, 2.0]], [np.inf]), "earned holds inf"),
        (lambda: dynamic_regret([[1.0, 2.0]], [1.0], plays=3), "plays is 3, but all arms together can be played 2"),
        (lambda: dynamic_regret([[1.0, 2.0]], [1.0], plays=0), "plays is 0; give at least 1"),
        (lambda: best_subset([1.0, 2.0], capacity=0.5), "a capacity is 0.5; give whole numbers"),
        (lambda: best_subset([1.0, 2.0], capacity=[1, 2, 3]), r"capacity has shape \(3,\)"),
        (lambda: best_subset(1.0), r"values have shape \(\); the last axis holds the arms"),
        (lambda: earned_by_arms([[1.0, 2.0]], [2]), r"arm 2 does not exist; the table has arms 0..1"),
        (lambda: earned_by_arms([[1.0, 2.0]], [0.5]), "arms have dtype float64; give whole numbers"),
        (lambda: earned_by_arms([[1.0, 2.0]], [0, 1]), "arms have 2 rounds where the table has 1"),
        (lambda: earned_by_batches([[1.0, 2.0]], [0]), "arms have 0 rounds.*need earned_by_batches"),
        (lambda: earned_by_distribution([[1.0, 2.0]], [[0.5, 0.4]]), "does not sum to 1; normalise it"),
        (lambda: earned_by_distribution([[1.0, 2.0]], [[1.5, -0.5]]), "negative entry"),
        (lambda: earned_by_distribution([[1.0, 2.0]], [1.0]), r"shape \(1,\) where the table has \(1, 2\)"),
        (lambda: earned_by_distribution([[1.0, 2.0]], [[1.0, 0.0]], plays=0), "plays is 0"),
    ],
)
def test_errors_name_the_value_and_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
