"""Measures with known answers: closed forms, a method that is uniform, and one that never gets there."""

import math
import time

import numpy as np
import pytest

from curriculum_bandits.benchmarks.harness.statistics import (
    Estimate,
    finals,
    improvement_over_pairs,
    interquartile_mean,
    isotonic,
    on_axis,
    oracle_share,
    probability_of_improvement,
    speedup,
    target,
    time_to_threshold,
)

BUDGETS = np.arange(11) * 100.0


def lines(slopes, noise=0.0, seed=0, budgets=BUDGETS):
    """A curve per seed that rises at its slope per 100, with noise."""
    curves = np.multiply.outer(np.asarray(slopes, dtype=float), budgets / 100.0)
    return curves + noise * np.random.default_rng(seed).normal(size=curves.shape)


def test_the_isotonic_fit_is_scikit_learns():
    sklearn = pytest.importorskip("sklearn.isotonic")
    rng = np.random.default_rng(0)
    curves = np.cumsum(rng.normal(0.05, 1.0, size=(40, 30)), axis=1)
    curves[:5] = np.round(curves[:5])  # ties
    for curve, fitted in zip(curves, isotonic(curves), strict=True):
        expected = sklearn.IsotonicRegression().fit_transform(np.arange(30), curve)
        np.testing.assert_allclose(fitted, expected, atol=1e-12)


def test_the_isotonic_fit_of_many_curves_is_that_of_each():
    curves = np.random.default_rng(1).normal(size=(3000, 2, 40))
    fitted = isotonic(curves)  # more than one part
    np.testing.assert_array_equal(fitted[2999, 1], isotonic(curves[2999, 1]))
    assert isotonic([0.3]).tolist() == [0.3]
    assert isotonic([3.0, 2.0, 1.0]).tolist() == [2.0, 2.0, 2.0]


def test_the_target_is_the_mean_of_uniforms_last_three_evaluations():
    curves = np.array([[9.0, 0.1, 0.2, 0.3], [9.0, 0.3, 0.4, 0.5]])
    assert finals(curves) == pytest.approx([0.2, 0.4])
    assert target(curves) == pytest.approx(0.3)
    assert target([[0.1, 0.3]]) == pytest.approx(0.2)  # fewer than three


@pytest.mark.parametrize(
    ("curve", "aim", "expected"),
    [
        ([0.0, 0.5, 1.0], 0.75, 15.0),
        ([0.0, 0.5, 1.0], 0.5, 10.0),
        ([0.0, 0.5, 1.0], 0.0, 0.0),
        ([0.4, 0.5, 1.0], 0.3, 0.0),  # it begins above
        ([0.0, 0.5, 1.0], 1.01, math.inf),
        ([0.0, 0.8, 0.2, 1.0], 0.5, 10.0),  # the fit is 0, .5, .5, 1
        ([0.0, 0.8, 0.2, 1.0], 0.25, 5.0),
        ([0.0, 0.0, 0.0], 0.0, 0.0),
    ],
)
def test_crossings_are_read_on_the_fit_between_evaluations(curve, aim, expected):
    assert time_to_threshold(np.arange(len(curve)) * 10.0, curve, aim) == pytest.approx(expected)


def test_a_crossing_needs_a_budget_for_each_evaluation():
    with pytest.raises(ValueError, match="2 budgets for 3 evaluations"):
        time_to_threshold([0.0, 1.0], [0.0, 0.5, 1.0], 0.5)


def test_a_method_that_rises_twice_as_steeply_is_twice_as_fast():
    uniform = lines([0.08, 0.1, 0.12])
    found = speedup(BUDGETS, uniform, 2.0 * uniform)
    assert found.target == pytest.approx(0.9)  # evaluations at 800, 900, 1000 of slope 0.1
    assert found.baseline_budget == pytest.approx(900.0)
    assert found.budget.value == pytest.approx(450.0)
    assert found.reached == 1.0
    assert (found.ratio.value, found.ratio.lower, found.ratio.upper) == pytest.approx((2.0, 2.0, 2.0))


@pytest.mark.parametrize("noise", [0.0, 0.3, 5.0])
def test_a_method_that_is_uniform_has_ratio_1_exactly(noise):
    uniform = lines([0.1] * 8, noise=noise)
    found = speedup(BUDGETS, uniform, uniform.copy())
    assert found.ratio == Estimate(1.0, 1.0, 1.0)
    assert found.reached == 1.0
    assert probability_of_improvement(finals(uniform), finals(uniform)) == Estimate(0.5, 0.5, 0.5)


def test_uniform_reaches_its_own_target_even_where_it_ends_in_a_decline():
    curve = np.array([[0.0, 0.1, 0.7, 0.1 + 0.2, 0.1]] * 2)
    found = speedup(np.arange(5.0), curve, curve)
    assert np.isfinite(found.baseline_budget)
    assert found.ratio.value == 1.0


def test_a_method_that_never_gets_there_is_censored():
    uniform = lines([0.1, 0.1])
    found = speedup(BUDGETS, uniform, 0.5 * uniform)
    assert found.budget.value == math.inf
    assert found.reached == 0.0
    # All that is known of the ratio: between 0 and 900 / 1000.
    assert (found.ratio.value, found.ratio.lower) == (0.0, 0.0)
    assert found.ratio.upper == pytest.approx(0.9)


def test_beside_a_rival_the_target_stays_uniforms():
    uniform = lines([0.08, 0.1, 0.12])
    found = speedup(BUDGETS, uniform, 2.0 * uniform, rival=1.5 * uniform)
    assert found.target == pytest.approx(0.9)
    assert (found.baseline_budget, found.budget.value) == pytest.approx((600.0, 450.0))
    assert found.ratio.value == pytest.approx(4 / 3)
    assert speedup(BUDGETS, uniform, 2.0 * uniform, rival=uniform) == speedup(BUDGETS, uniform, 2.0 * uniform)


def test_a_rival_that_never_gets_there_counts_as_if_it_had_at_the_end():
    uniform = lines([0.1, 0.1])
    found = speedup(BUDGETS, uniform, 2.0 * uniform, rival=0.5 * uniform)
    assert found.baseline_budget == 1000.0
    assert found.ratio.value == pytest.approx(1000 / 450)


def test_resamples_that_do_not_get_there_widen_the_interval():
    uniform, method = lines([0.1] * 10), lines([0.11] * 5 + [0.095] * 5)  # on average 0.1025, at times below 0.09
    method[0] = lines([0.0])
    method[1] = lines([0.3])
    found = speedup(BUDGETS, uniform, method)
    assert 0.0 < found.reached < 1.0
    assert found.ratio.lower == 0.0
    assert found.ratio.upper > found.ratio.value > 1.0
    assert found.ratio.value == pytest.approx(np.mean(method[:, -1]) / np.mean(uniform[:, -1]))


def test_there_is_no_speedup_where_uniform_begins_at_its_target():
    falling = 1.0 - lines([0.05, 0.06])
    found = speedup(BUDGETS, falling, lines([0.1, 0.1]))
    assert all(math.isnan(number) for number in (found.ratio.value, found.ratio.lower, found.ratio.upper))


def test_a_method_that_begins_above_the_target_is_infinitely_fast():
    found = speedup(BUDGETS, lines([0.05, 0.06]), np.ones((2, 11)))
    assert (found.budget.value, found.ratio.value) == (0.0, math.inf)


def test_seeds_are_paired_in_the_bootstrap():
    levels = np.linspace(0.05, 0.2, 12)  # seeds differ much, the methods alike
    found = speedup(BUDGETS, lines(levels), lines(1.25 * levels))
    assert found.ratio.upper - found.ratio.lower < 1e-9
    unpaired = speedup(BUDGETS, lines(levels), lines(1.25 * levels[::-1]))
    assert unpaired.ratio.upper - unpaired.ratio.lower > 0.2


def test_the_interval_of_the_speedup_holds_the_truth_about_as_often_as_it_says():
    held = 0
    for trial in range(100):
        slopes = 0.1 + 0.01 * np.random.default_rng(1000 + trial).normal(size=(2, 20))
        found = speedup(BUDGETS, lines(slopes[0]), lines(1.3 * slopes[1]), resamples=200)
        held += found.ratio.lower <= 1.3 <= found.ratio.upper
    assert held >= 85


def test_twenty_seeds_and_fifty_evaluations_take_less_than_two_seconds():
    budgets = np.arange(50) * 10.0
    curves = lines([0.1] * 20, noise=0.3, budgets=budgets)
    begin = time.perf_counter()
    speedup(budgets, curves, 1.1 * curves)
    assert time.perf_counter() - begin < 2.0


def test_a_single_seed_has_no_interval():
    found = speedup(BUDGETS, lines([0.1]), lines([0.2])).ratio
    share = oracle_share([0.1], [0.2], [0.3])
    for estimate in (found, interquartile_mean([0.1]), probability_of_improvement([0.1], [0.2]), share):
        assert not math.isnan(estimate.value)
        assert math.isnan(estimate.lower)
        assert math.isnan(estimate.upper)


def test_the_interquartile_mean_is_the_mean_of_the_middle_half():
    stats = pytest.importorskip("scipy.stats")
    for count in (4, 5, 7, 8, 20):
        values = np.random.default_rng(count).normal(size=count)
        found = interquartile_mean(values)
        assert found.value == pytest.approx(stats.trim_mean(values, 0.25))
        assert found.lower < found.value < found.upper
    assert interquartile_mean([0.3] * 6) == Estimate(*[pytest.approx(0.3)] * 3)


def test_strata_are_resampled_apart():
    strata = np.array([[0.0] * 10, [1.0] * 10])
    assert interquartile_mean(strata) == Estimate(0.5, 0.5, 0.5)  # resampled together, their shares would vary
    assert interquartile_mean(strata.ravel()).upper > 0.6


def test_the_chance_of_improvement_counts_pairs_and_halves_ties():
    found = probability_of_improvement([0.1, 0.2, 0.3, 0.4], [0.2, 0.2, 0.4, 0.3])
    assert found.value == 0.625
    assert found.lower < 0.625 < found.upper
    assert probability_of_improvement([0.1, 0.5], [0.2, 0.6]) == Estimate(1.0, 1.0, 1.0)
    assert probability_of_improvement([0.2, 0.6], [0.1, 0.5]) == Estimate(0.0, 0.0, 0.0)


def test_the_share_of_the_oracles_gain():
    uniform, oracle = np.array([0.1, 0.2, 0.3]), np.array([0.2, 0.4, 0.6])
    halfway = oracle_share(uniform, (uniform + oracle) / 2, oracle)
    assert (halfway.value, halfway.lower, halfway.upper) == pytest.approx((0.5, 0.5, 0.5))
    assert oracle_share(uniform, uniform, oracle) == Estimate(0.0, 0.0, 0.0)
    assert oracle_share(uniform, oracle, oracle) == Estimate(1.0, 1.0, 1.0)
    assert oracle_share(uniform, uniform - 0.1, oracle).value < 0.0
    assert oracle_share(uniform, oracle + 0.2, oracle).value == pytest.approx(2.0)


def test_an_oracle_that_is_no_better_tells_nothing():
    assert math.isnan(oracle_share([0.2, 0.3], [0.3, 0.4], [0.1, 0.2]).value)
    doubtful = oracle_share([0.2, 0.2, 0.2], [0.3, 0.3, 0.3], [0.1, 0.5, 0.2])
    assert math.isfinite(doubtful.value)
    assert (doubtful.lower, doubtful.upper) == (-math.inf, math.inf)


def test_what_is_not_paired_is_refused():
    with pytest.raises(ValueError, match=r"shapes are \(2, 11\) and \(3, 11\); give the same seeds"):
        speedup(BUDGETS, lines([0.1] * 2), lines([0.1] * 3))
    with pytest.raises(ValueError, match="at least one"):
        probability_of_improvement([], [])


def test_the_bootstrap_repeats_itself():
    uniform, method = lines([0.1] * 9, noise=0.1), lines([0.12] * 9, noise=0.1, seed=1)
    assert speedup(BUDGETS, uniform, method) == speedup(BUDGETS, uniform, method)
    assert speedup(BUDGETS, uniform, method) != speedup(BUDGETS, uniform, method, seed=1)


def test_the_improvement_over_pairs_is_the_mann_whitney_statistic():
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(0)
    uniform, method = rng.normal(size=(2, 3, 8)).round(1)
    expected = [stats.mannwhitneyu(y, x).statistic / 64 for x, y in zip(uniform, method, strict=True)]
    found = improvement_over_pairs(uniform, method)
    assert found.value == pytest.approx(np.mean(expected))
    assert found.lower < found.value < found.upper
    assert improvement_over_pairs(uniform, uniform + 100.0) == Estimate(1.0, 1.0, 1.0)
    assert improvement_over_pairs(method, uniform).value == pytest.approx(1.0 - found.value)


def test_pairs_of_seeds_see_what_all_pairs_do_not():
    uniform = np.arange(10.0)
    assert probability_of_improvement(uniform, uniform + 0.1).lower == pytest.approx(1.0)
    assert improvement_over_pairs(uniform, uniform + 0.1).value == pytest.approx(0.55)


def test_the_improvement_over_strata_is_the_mean_of_each():
    uniform, method = np.zeros((2, 6)), np.array([[1.0] * 6, [-1.0] * 6])
    for found in (probability_of_improvement(uniform, method), improvement_over_pairs(uniform, method)):
        # Resampled together they would vary.
        assert (found.value, found.lower, found.upper) == pytest.approx((0.5, 0.5, 0.5))


def test_the_interval_of_the_budget_ends_where_resamples_do_not_get_there():
    uniform, method = lines([0.1] * 10), lines([0.11] * 5 + [0.095] * 5)
    found = speedup(BUDGETS, uniform, 2.0 * uniform).budget
    assert (found.value, found.lower, found.upper) == pytest.approx((450.0, 450.0, 450.0))
    method[0] = lines([0.0])
    censored = speedup(BUDGETS, uniform, method).budget
    assert censored.upper == math.inf


def test_a_curve_is_read_between_its_evaluations():
    assert on_axis([0.0, 5.0, 10.0, 30.0], [0.0, 10.0, 20.0], [0.0, 1.0, 3.0]).tolist() == [0.0, 0.5, 1.0, 3.0]
