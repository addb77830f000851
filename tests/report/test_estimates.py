"""Means, intervals and regret against what a pencil says, and against the truth where chance is in play."""

import numpy as np
import pytest
from scipy.stats import t as student

from curriculum_bandits.report.estimates import group_utility, most_and_least, ratio_interval, regret, regret_gaps
from curriculum_bandits.report.reading import read_record

from .conftest import begin, draw


def test_a_group_mean_divides_by_inclusion(write):
    first = draw(1, items=["a", "b"], group=["x", "x"], inclusion=[0.5, 0.1], utility=[1.0, 3.0])
    second = draw(2, items=["a", "c"], group=["x", "y"], inclusion=[0.25, 0.5], utility=[2.0, 7.0])
    estimate = group_utility(read_record(write(begin(), first, second)))
    assert estimate.weighted
    # (1/0.5 + 3/0.1 + 2/0.25) / (1/0.5 + 1/0.1 + 1/0.25)
    np.testing.assert_allclose(estimate.mean, [40 / 16, 7.0])
    # a = (32, 8), b = (12, 4), r = 2.5: residuals 2 and -2; T/(T-1) = 2; one degree of freedom
    np.testing.assert_allclose(estimate.half_width[0], student.ppf(0.975, 1) * np.sqrt(2 * 8) / 16)
    assert np.isnan(estimate.half_width[1])  # one draw has no spread


@pytest.mark.parametrize("inclusion", [None, "sometimes"])
def test_without_inclusion_everywhere_means_are_plain(write, inclusion):
    first = draw(1, group=["x", "x"], inclusion=None, utility=[1.0, 3.0])
    second = draw(2, inclusion=None if inclusion is None else [0.5, 0.5], utility=[2.0, 7.0])
    estimate = group_utility(read_record(write(begin(), first, second)))
    assert not estimate.weighted
    np.testing.assert_allclose(estimate.mean, [2.0, 7.0])


def test_a_missing_utility_is_not_a_zero(write):
    estimate = group_utility(read_record(write(begin(), draw(1, utility=[None, 5.0]), draw(2, utility=[3.0, None]))))
    np.testing.assert_allclose(estimate.mean, [3.0, 5.0])


def test_intervals_hold_as_often_as_they_say():
    rng = np.random.default_rng(0)
    b = rng.integers(1, 5, size=(2000, 30)).astype(float)
    a = b * 0.7 + rng.normal(size=b.shape)
    sums = [x.sum(axis=1) for x in (a, b, a * a, a * b, b * b)]
    ratio, half = ratio_interval(*sums, np.full(2000, 30.0))
    assert 0.93 < np.mean(np.abs(ratio - 0.7) < half) < 0.97


def test_regret_is_that_of_the_group_one_half_chose_in_the_other():
    value = (np.array([[6.0, 2.0, 9.0]]), np.array([[2.0, 10.0, 0.0]]))
    weight = (np.array([[2.0, 2.0, 1.0]]), np.array([[2.0, 2.0, 0.0]]))
    apart, together = regret_gaps(value, weight, np.array([1.5]))
    # The third group is not in both halves. Half 0 has means 3 and 1, half 1 has 1 and 5: each chooses what the other
    # values at 1. With all draws the means are 2, 3 and 9.
    np.testing.assert_allclose(apart, [1.0 - 1.5])
    np.testing.assert_allclose(together, [9.0 - 1.5])


def test_a_window_without_a_group_in_both_halves_is_unknown():
    value = (np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    apart, together = regret_gaps(value, value, np.array([0.5]))
    assert np.isnan(apart[0])
    np.testing.assert_allclose(together, [0.5])


def test_the_truth_lies_between_the_two_estimates_on_average():
    rng = np.random.default_rng(1)
    truth, n = np.array([0.3, 0.2, 0.2, 0.1]), 10.0
    noisy = [n * truth + np.sqrt(n) * rng.normal(size=(4000, 4)) for _ in range(2)]
    weight = (np.full((4000, 4), n),) * 2
    apart, together = regret_gaps((noisy[0], noisy[1]), weight, np.zeros(4000))
    assert apart.mean() < 0.3 < together.mean()


def test_regret_cumulates_gaps_times_steps(write):
    # Half the steps each; x is always worth 1 and y 0, and either is drawn once a step.
    lines = [draw(step, utility=[1.0, 0.0], inclusion=[0.5, 0.5]) for step in range(1, 41)]
    estimate = regret(read_record(write(begin(), *lines)))
    assert estimate is not None
    np.testing.assert_allclose(estimate.chosen_and_judged_apart, 0.5)
    np.testing.assert_allclose(estimate.chosen_and_judged_together, 0.5)
    assert estimate.cumulated(estimate.chosen_and_judged_apart)[-1] == pytest.approx(0.5 * 40)
    assert (estimate.edges[0], estimate.edges[-1]) == (1, 41)


def test_draws_of_one_step_are_in_the_same_half(write):
    lines = [draw(step, utility=[float(step % 2), 0.0]) for step in (1, 1, 1, 2, 3, 3)]
    totals = read_record(write(begin(), *lines))
    assert sorted(half["count"].sum() for half in totals.utility) == [2.0, 10.0]


def test_one_group_has_no_regret(write):
    assert regret(read_record(write(begin(groups=["x"]), draw(1, group=["x", "x"])))) is None


def test_who_taught_most_is_not_who_was_lucky_once(write):
    often = [draw(step, items=["often", "never"], utility=[0.9, 0.0]) for step in range(1, 21)]
    once = draw(21, items=["lucky", "never"], utility=[1.0, 0.0])
    totals = read_record(write(begin(), *often, once))
    most, least = most_and_least(totals, 10)
    assert [totals.problems.ids[row] for row in most] == ["often", "lucky"]
    assert [totals.problems.ids[row] for row in least] == ["never"]
