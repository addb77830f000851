"""Epsilon-greedy: the inclusion it states is the one it has, and schedules run with the rounds."""

import numpy as np
import pytest

from curriculum_bandits.bandits import InverseTime, Selection, epsilon_greedy

DRAWS = 20_000


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_inclusion_is_the_one_it_has(size):
    bandit = epsilon_greedy(5, epsilon=0.3, plays=size, runs=DRAWS)
    everything = Selection(np.tile(np.arange(5), (DRAWS, 1)), None, None)
    bandit.update(everything, np.tile([0.1, 0.9, 0.2, 0.8, 0.5], (DRAWS, 1)))
    selection = bandit.select(size, np.random.default_rng(0))
    expected = np.full(5, 0.3 * size / 5)
    expected[[1, 3, 4][:size]] += 0.7
    np.testing.assert_allclose(size * bandit.probabilities()[0], expected)
    np.testing.assert_allclose(selection.inclusion, expected[selection.arms])
    np.testing.assert_allclose(selection.probability, expected[selection.arms] / size)
    assert np.all(np.diff(np.sort(selection.arms, axis=-1), axis=-1) > 0)
    shares = np.bincount(selection.arms.ravel(), minlength=5) / DRAWS
    assert np.all(np.abs(shares - expected) < 4.5 * np.sqrt(expected * (1 - expected) / DRAWS) + 1e-12)


def test_without_exploration_it_tries_every_arm_and_then_plays_the_best():
    bandit, rng, gains = epsilon_greedy(3, epsilon=0.0), np.random.default_rng(0), np.array([0.2, 0.7, 0.4])
    played = []
    for _ in range(6):
        selection = bandit.select(1, rng)
        bandit.update(selection, gains[selection.arms])
        played.append(int(selection.arms[0]))
    assert played == [0, 1, 2, 1, 1, 1]


def test_a_schedule_runs_with_the_updates():
    bandit, rng = epsilon_greedy(4, epsilon=InverseTime(2.0)), np.random.default_rng(0)
    told = []
    for _ in range(5):
        told.append(bandit.epsilon)
        for _ in range(3):  # draws do not count
            bandit.select(1, rng)
        bandit.update(Selection([0], None, None), [1.0])
    assert told == pytest.approx([1.0, 1.0, 2 / 3, 1 / 2, 2 / 5])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"epsilon": 1.1}, "epsilon is 1.1"), ({"epsilon": -0.1}, "epsilon is -0.1"), ({"plays": 5}, "plays is 5")],
)
def test_a_setting_out_of_range_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        epsilon_greedy(4, **settings)


def test_a_schedule_that_leaves_its_range_is_refused():
    bandit = epsilon_greedy(3, epsilon=InverseTime(-1.0))
    with pytest.raises(ValueError, match="epsilon in round 1 is -1"):
        bandit.select(1, np.random.default_rng(0))
