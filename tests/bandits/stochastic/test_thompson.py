"""Thompson sampling: its draws are those of the posterior, discounted or not."""

import numpy as np
import pytest
from scipy import stats

from curriculum_bandits.bandits import Cumulative, Selection, ThompsonSampling, discounted_thompson, thompson

DRAWS = 20_000


def test_the_draws_have_the_mean_and_spread_of_the_posterior():
    bandit = ThompsonSampling(Cumulative(3, runs=DRAWS), prior=(2.0, 0.5))
    for gain in (1.0, 0.25, 0.75):
        bandit.update(Selection(np.full((DRAWS, 1), 1), None, None), np.full((DRAWS, 1), gain))
    draws = bandit.scores(np.random.default_rng(0))
    for arm, posterior in enumerate([stats.beta(2.0, 0.5), stats.beta(4.0, 1.5), stats.beta(2.0, 0.5)]):
        z = (np.mean(draws[:, arm]) - posterior.mean()) / (posterior.std() / np.sqrt(DRAWS))
        assert abs(z) < 4.5
        assert stats.kstest(draws[:, arm], posterior.cdf).pvalue > 1e-4


def test_arms_are_played_as_often_as_they_are_drawn_best():
    bandit = thompson(2, runs=DRAWS)
    bandit.update(Selection(np.full((DRAWS, 1), 1), None, None), np.ones((DRAWS, 1)))
    played = np.mean(bandit.select(1, np.random.default_rng(1)).arms)
    assert abs(played - 2 / 3) < 4.5 * np.sqrt(2 / 9 / DRAWS)  # Beta(2, 1) beats a uniform number with chance 2/3


def test_pseudo_counts_are_discounted_for_all_arms_but_the_prior_is_not():
    bandit, (successes, failures) = discounted_thompson(3, gamma=0.8), np.zeros((2, 3))
    rng = np.random.default_rng(2)
    for _ in range(60):
        arm, gain = rng.integers(2), rng.random()
        successes, failures = 0.8 * successes, 0.8 * failures
        successes[arm] += gain
        failures[arm] += 1.0 - gain
        bandit.update(Selection([arm], None, None), [gain])
    statistics = bandit.statistics
    np.testing.assert_allclose(statistics.sums, successes, atol=1e-12)
    np.testing.assert_allclose(statistics.counts - statistics.sums, failures, atol=1e-12)
    assert np.all(statistics.counts - statistics.sums >= 0.0)
    for _ in range(1000):
        bandit.update(Selection([0], None, None), [1.0])
    expected = np.random.default_rng(3).beta(1.0 + statistics.sums, 1.0 + (statistics.counts - statistics.sums))
    np.testing.assert_array_equal(bandit.scores(np.random.default_rng(3)), expected)
    np.testing.assert_allclose(statistics.counts[1:], 0.0, atol=1e-60)


def test_what_was_good_is_forgotten_with_a_discount_only():
    rng = np.random.default_rng(4)
    for bandit, best in ((thompson(2, runs=50), 0), (discounted_thompson(2, runs=50), 1)):
        for t in range(400):
            gains = [1.0, 0.0] if t < 300 else [0.0, 1.0]
            bandit.update(Selection(np.tile([0, 1], (50, 1)), None, None), np.tile(gains, (50, 1)))
        assert np.mean(bandit.select(1, rng).arms == best) > 0.9


def test_a_prior_out_of_range_is_named():
    with pytest.raises(ValueError, match=r"prior is \(1.0, 0.0\)"):
        ThompsonSampling(Cumulative(2), prior=(1.0, 0.0))
