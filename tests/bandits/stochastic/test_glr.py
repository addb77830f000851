"""The change detector: its statistic against brute force, its false alarms and its detections on streams."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum_bandits.bandits import GlrKlUcb, Selection, SinceChange, glr_kl_ucb
from curriculum_bandits.bandits.stochastic.glr import bernoulli_glr, practical_threshold, proved_threshold
from curriculum_bandits.bandits.stochastic.index import bernoulli_kl


def record(statistics, arm, gains):
    """One gain a round of one arm in every run; gains have shape (rounds, runs)."""
    for gain in gains:
        statistics.record(np.full((len(gain), 1), arm), np.asarray(gain, dtype=float)[:, None])


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=30))
def test_the_statistic_is_the_weighted_divergence_at_every_split(gains):
    x, n = np.array(gains), len(gains)
    s = np.arange(1, n)
    fast = bernoulli_glr(np.cumsum(x)[:-1], s, np.cumsum(x)[-1], n)
    for split in s:
        before, after, mean = np.mean(x[:split]), np.mean(x[split:]), np.clip(np.mean(x), 1e-12, 1.0 - 1e-12)
        slow = split * bernoulli_kl(before, mean) + (n - split) * bernoulli_kl(after, mean)
        assert fast[split - 1] == pytest.approx(slow, abs=1e-6)


def test_a_stream_without_a_change_has_no_evidence_of_one():
    assert bernoulli_glr(3.0, 4.0, 6.0, 8.0) == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_array_equal(bernoulli_glr([0.0, 2.0], 2, [0.0, 4.0], 4), 0.0)


def test_sums_that_leave_the_unit_interval_by_rounding_are_no_evidence():
    for before, total in ((0.3 + 1e-17, 0.3), (0.9 * 3 + 1e-15, 0.9 * 3), (0.0, 1.0 + 1e-15), (3.0, 4.0 + 1e-15)):
        assert np.isfinite(bernoulli_glr(before, 3, total, 4))
    x = np.full(200, 0.1)
    assert np.all(bernoulli_glr(np.cumsum(x)[:-1], np.arange(1, 200), np.cumsum(x)[-1], 200) < 1e-9)
    zeros_after = np.concatenate([np.full(7, 0.1), np.zeros(5)])
    sums = np.cumsum(zeros_after)
    assert np.all(bernoulli_glr(sums[:-1], np.arange(1, 12), sums[-1] - 1e-17, 12) < 2.0)
    assert np.all(bernoulli_glr([0.7 + 2e-16], 7, 0.7, 12) < 2.0)


def test_the_thresholds():
    n = np.array([1.0, 10.0, 1000.0])
    np.testing.assert_allclose(practical_threshold(n, 0.01), np.log(n**1.5 / 0.01))
    np.testing.assert_array_less(practical_threshold(n, 0.01), proved_threshold(n, 0.01))
    x = 0.5 * np.log(3 * n**1.5 / 1e-12)  # T(x) is about x + 4 ln(1 + x + sqrt(2x)) for x of 5 and more
    about = 2 * (x + 4 * np.log(1 + x + np.sqrt(2 * x))) + 6 * np.log(1 + np.log(n))
    np.testing.assert_allclose(proved_threshold(n, 1e-12), about, rtol=0.03)


def test_the_proved_threshold_has_no_step_at_its_knee():
    delta = np.exp(-np.linspace(0.0, 3.0, 400)) * 0.9
    values = np.array([float(proved_threshold(np.array(2.0), d)) for d in delta])
    assert np.all(np.diff(values) > 0.0)
    assert np.max(np.diff(values)) < 3 * np.median(np.diff(values))


@pytest.mark.parametrize("mean", [0.1, 0.5])
def test_false_alarms_are_as_rare_as_they_should_be(mean):
    runs, delta = 1000, 0.05
    statistics = SinceChange(2, delta=delta, test_every=1, split_every=1, runs=runs)
    record(statistics, 1, np.random.default_rng(0).random((200, runs)) < mean)
    share = np.mean(statistics.restarts > 0)
    assert share <= delta + 3 * math.sqrt(delta / runs)


@pytest.mark.parametrize("restart", ["local", "global"])
def test_a_change_is_found_and_restarts_its_arm_or_all(restart):
    runs, rng = 200, np.random.default_rng(1)
    statistics = SinceChange(3, delta=0.01, restart=restart, runs=runs)
    record(statistics, 0, rng.random((60, runs)) < 0.5)
    record(statistics, 2, rng.random((100, runs)) < 0.1)
    assert np.mean(statistics.restarts) < 0.05
    record(statistics, 2, rng.random((60, runs)) < 0.8)
    found = statistics.restarts > 0
    assert np.mean(found) > 0.99
    once = statistics.restarts == 1
    assert np.all(statistics.counts[once, 2] < 60)
    assert np.all(statistics.counts[once, 0] == (0 if restart == "global" else 60))
    # Time counts the rounds since an arm's own restart.
    np.testing.assert_array_equal(statistics.time[once, 2], statistics.counts[once, 2])
    np.testing.assert_array_equal(
        statistics.time[once, 0], statistics.counts[once, 2] if restart == "global" else 220.0
    )


def test_the_detection_is_that_of_brute_force():
    rng, delta = np.random.default_rng(2), 0.05
    gains = np.concatenate([rng.beta(1, 4, 40), rng.beta(4, 1, 40)])
    for test_every, split_every in ((1, 1), (3, 2), (10, 5)):
        statistics = SinceChange(1, delta=delta, test_every=test_every, split_every=split_every)
        found = []
        for t, gain in enumerate(gains, start=1):
            statistics.record(np.array([0]), np.array([gain]))
            if statistics.restarts > len(found):
                found.append(t)
        x = []
        expected = []
        for t, gain in enumerate(gains, start=1):
            x.append(gain)
            n = len(x)
            if n % test_every:
                continue
            splits = range(split_every, n, split_every)
            ratios = [
                s * bernoulli_kl(np.mean(x[:s]), np.mean(x)) + (n - s) * bernoulli_kl(np.mean(x[s:]), np.mean(x))
                for s in splits
            ]
            if ratios and max(ratios) >= math.log(n**1.5 / delta):
                expected.append(t)
                x = []
        assert found == expected
        assert len(found) == 1


def test_arms_are_played_in_turn_as_often_as_asked():
    rng = np.random.default_rng(3)
    statistics = SinceChange(3, delta=0.01, runs=2)
    bandit = GlrKlUcb(statistics, exploration=0.06)
    played = np.zeros(3)
    for t in range(500):
        selection = bandit.select(1, rng)
        if t % 50 < 3:
            assert np.all(selection.arms == t % 50)
        played += np.bincount(selection.arms[:, 0], minlength=3)
        bandit.update(selection, np.where(selection.arms == 2, 1.0, 0.0))
    assert np.all(played >= 20)


def test_turns_come_more_often_with_every_change_found():
    bandit = GlrKlUcb(SinceChange(2, delta=0.01, runs=2), exploration=0.1, growing=True)
    bandit.statistics.restarts[:] = [0, 3]
    bandit.statistics.rounds = 10  # every 20 rounds, and every 10 with alpha doubled
    assert (bandit.scores(np.random.default_rng(0)) == 3.0).tolist() == [[False, False], [True, False]]


def test_with_many_plays_the_arm_whose_turn_it_is_comes_first():
    bandit, rng = glr_kl_ucb(4, 100), np.random.default_rng(0)
    for _ in range(3):
        bandit.update(Selection([0, 1, 2, 3], None, None), [0.9, 0.8, 0.1, 0.1])
    assert bandit.select(2, rng).arms.tolist() == [3, 0]
    bandit.update(Selection([0], None, None), [0.9])
    assert set(bandit.select(2, rng).arms.tolist()) == {0, 1}


def test_a_restart_leaves_nothing_that_a_saved_state_would_not_hold():
    original, twin = (SinceChange(2, delta=0.05, test_every=1, split_every=1, runs=1) for _ in range(2))
    record(original, 0, [[float(t >= 30)] for t in range(38)])
    assert original.restarts == 1
    twin.load_state_dict(original.state_dict())
    for statistics in (original, twin):
        record(statistics, 1, [[0.5]] * 60)  # as many splits as arm 0 once had
    np.testing.assert_equal(original.state_dict(), twin.state_dict())
