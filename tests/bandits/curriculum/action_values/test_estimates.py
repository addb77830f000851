"""Values of arms: the published recursions by hand, and slopes against a library's."""

import numpy as np
import pytest

from curriculum_bandits.bandits.curriculum.action_values import (
    ExponentialAverage,
    LearningProgress,
    RolloutWindow,
    ScoreSlope,
)

KINDS = [ExponentialAverage, RolloutWindow, LearningProgress, ScoreSlope]


def tell(estimate, arms, utilities, rollouts=None):
    rollouts = np.ones(len(arms)) if rollouts is None else np.array(rollouts, dtype=float)
    estimate.learn(np.array(arms), np.array(utilities, dtype=float), rollouts)


def test_the_average_of_drawn_arms_moves_and_of_the_others_stays():
    estimate = ExponentialAverage(3, rate=0.5)
    tell(estimate, [0, 1], [0.8, 0.4])
    tell(estimate, [0], [0.2])
    np.testing.assert_allclose(estimate.values, [0.5 * 0.4 + 0.5 * 0.2, 0.2, 0.0], rtol=1e-12)


def test_the_average_of_the_others_decays_where_that_is_asked_for():
    estimate = ExponentialAverage(3, rate=0.25, start=1.0, unheard="decay")
    tell(estimate, [0, 1], [0.8, 0.4])
    tell(estimate, [0], [0.2])
    first = 0.75 * np.ones(3) + 0.25 * np.array([0.8, 0.4, 0.0])
    np.testing.assert_allclose(estimate.values, 0.75 * first + 0.25 * np.array([0.2, 0.0, 0.0]), rtol=1e-12)


@pytest.mark.parametrize("kind", [ExponentialAverage, LearningProgress])
def test_an_arm_played_several_times_pays_the_mean_over_its_rollouts(kind):
    together, split = kind(2, rate=0.5), kind(2, rate=0.5)
    tell(together, [1, 0, 1], [1.0, 0.3, 0.5], [6, 8, 2])
    tell(split, [1, 0], [(6 * 1.0 + 2 * 0.5) / 8, 0.3], [8, 8])
    np.testing.assert_allclose(together.values, split.values, rtol=1e-12)


def test_the_window_is_the_mean_over_its_latest_rollouts():
    estimate = RolloutWindow(2, window=300)
    rng = np.random.default_rng(0)
    seen = {0: [], 1: []}
    for _ in range(40):
        arms, counts = rng.integers(2, size=5), rng.integers(1, 9, size=5)
        utilities = rng.random(5)
        tell(estimate, arms, utilities, counts)
        for arm, utility, count in zip(arms, utilities, counts, strict=True):
            seen[int(arm)] += [utility] * int(count)
    assert min(len(rollouts) for rollouts in seen.values()) > 300
    np.testing.assert_allclose(estimate.values, [np.mean(seen[arm][-300:]) for arm in (0, 1)], rtol=1e-12)


def test_the_window_drops_the_oldest_and_what_one_batch_brings_too_many():
    estimate = RolloutWindow(1, window=300)
    tell(estimate, [0], [5.0], [8])
    assert estimate.values.tolist() == [5.0]
    tell(estimate, [0] * 38, np.ones(38), [8] * 38)
    assert estimate.values.tolist() == [1.0]
    tell(estimate, [0], [0.0], [296])
    np.testing.assert_allclose(estimate.values, [4 / 300], rtol=1e-12)
    tell(estimate, [0], [7.0], [1000])
    assert estimate.values.tolist() == [7.0]


def test_progress_follows_its_recursion_and_starts_from_a_score_of_nothing():
    estimate = LearningProgress(2, rate=0.1)
    q, x = np.zeros(2), np.zeros(2)
    for arm, score in ((0, 0.4), (1, 0.1), (0, 0.9), (0, 0.0), (1, 0.1)):
        tell(estimate, [arm], [score])
        q[arm] += 0.1 * (score - x[arm] - q[arm])
        x[arm] = score
        np.testing.assert_allclose(estimate.values, q, rtol=1e-12)
    assert 0.0 < q[1] < 0.01


def test_the_slope_is_that_of_least_squares_over_the_latest_scores():
    estimate, rng = ScoreSlope(3, length=10), np.random.default_rng(1)
    scores, times = {0: [], 1: []}, {0: [], 1: []}
    for time in range(40):
        arms = np.flatnonzero(rng.random(2) < 0.6)
        utilities = rng.random(len(arms))
        if len(arms):
            tell(estimate, arms, utilities)
        else:
            tell(estimate, [2], [0.5])
        for arm, utility in zip(arms, utilities, strict=True):
            scores[int(arm)].append(utility)
            times[int(arm)].append(time)
    fitted = [np.polyfit(times[arm][-10:], scores[arm][-10:], 1)[0] for arm in (0, 1)]
    np.testing.assert_allclose(estimate.values[:2], fitted, rtol=1e-9)


def test_an_arm_without_two_scores_has_the_slope_it_starts_with():
    estimate = ScoreSlope(2, start=0.7)
    tell(estimate, [0], [0.9])
    assert estimate.values.tolist() == [0.7, 0.7]
    tell(estimate, [0], [0.4])
    np.testing.assert_allclose(estimate.values, [-0.5, 0.7], rtol=1e-12)


@pytest.mark.parametrize("kind", [ExponentialAverage, RolloutWindow])
def test_an_average_starts_where_it_is_told(kind):
    assert kind(2, start=0.3).values.tolist() == [0.3, 0.3]


@pytest.mark.parametrize("kind", KINDS)
def test_values_are_copies(kind):
    estimate = kind(2)
    tell(estimate, [0], [0.5])
    kept = estimate.values
    estimate.values[:] = 9.0
    np.testing.assert_array_equal(estimate.values, kept)


def test_windows_of_another_length_are_refused():
    with pytest.raises(ValueError, match="shape"):
        RolloutWindow(2, window=5).load_state_dict(RolloutWindow(2, window=6).state_dict())
    with pytest.raises(ValueError, match="shape"):
        ScoreSlope(2, length=5).load_state_dict(ScoreSlope(2, length=6).state_dict())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ExponentialAverage(2, rate=0.0), "rate is 0.0"),
        (lambda: ExponentialAverage(2, start=np.inf), "start is inf"),
        (lambda: ExponentialAverage(2, unheard="forget"), "unheard='forget'"),
        (lambda: RolloutWindow(2, window=0), "window is 0"),
        (lambda: RolloutWindow(2, start=np.nan), "start is nan"),
        (lambda: LearningProgress(2, rate=1.5), "rate is 1.5"),
        (lambda: ScoreSlope(2, length=1), "length is 1"),
        (lambda: ScoreSlope(2, start=-np.inf), "start is -inf"),
    ],
)
def test_a_setting_out_of_range_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
