"""The n-th pull pays the same whoever pulls, and the best total is that of the best current arm."""

import itertools

import numpy as np
import pytest

from curriculum_bandits.environments import Environment, RottingEnvironment, abrupt_rotting, power_rotting


def test_a_step_follows_each_arms_own_table():
    arms = power_rotting([0.9, 0.6], [0.5, 0.1], horizon=6)
    table = arms.curves.rewards(np.random.default_rng(0), runs=3)
    play = arms.start(table)
    rng = np.random.default_rng(1)
    pulls = np.zeros((3, 2), dtype=int)
    for _ in range(3):
        chosen = rng.integers(2, size=(3, 2))
        rewards = play.step(chosen)
        for run, j in itertools.product(range(3), range(2)):
            arm = chosen[run, j]
            assert rewards[run, j] == table[run, pulls[run, arm], arm]
            pulls[run, arm] += 1
    np.testing.assert_array_equal(play.pulls, pulls)
    np.testing.assert_array_equal(arms.start(table).pulls, 0)


def test_means_are_those_of_the_next_pull():
    arms = abrupt_rotting([0.9, 0.5], [0.2, 0.5], pulls=[2, 9], horizon=3)
    play = arms.start(arms.curves.means)
    seen = []
    for _ in range(3):
        seen.append(play.means.tolist())
        assert play.step([0]) == [seen[-1][0]]
    assert seen == [[0.9, 0.5], [0.9, 0.5], [0.2, 0.5]]
    assert play.means.tolist() == [0.0, 0.5]


def test_a_curve_that_ends_is_an_error_that_pulls_nothing():
    arms = power_rotting([0.9, 0.6], [0.5, 0.1], horizon=2)
    play = arms.start(arms.curves.means)
    with pytest.raises(ValueError, match="more than 2 times"):
        play.step([1, 0, 0, 0])
    assert play.pulls.tolist() == [0, 0]


def test_the_best_total_is_the_best_of_all_sequences_and_that_of_the_greedy_oracle():
    arms = power_rotting([0.9, 0.8, 0.5], [1.0, 0.5, 0.0], horizon=5)
    totals = []
    for sequence in itertools.product(range(3), repeat=5):
        play = arms.start(arms.curves.means)
        totals.append(sum(play.step([arm])[0] for arm in sequence))
    assert arms.best_total(5) == pytest.approx(max(totals))
    play = arms.start(arms.curves.means)
    greedy = sum(play.step([int(np.argmax(play.means))])[0] for _ in range(5))
    assert greedy == pytest.approx(max(totals))
    assert arms.best_total(0) == 0.0
    with pytest.raises(ValueError, match="6 rounds"):
        arms.best_total(6)


@pytest.mark.parametrize("arms", [[0, 0, 0], [[[0]]], [[0], [1], [2]]])
def test_arms_of_a_wrong_shape_are_refused(arms):
    environment = power_rotting([0.9, 0.6], [0.5, 0.1], horizon=4)
    play = environment.start(environment.curves.rewards(np.random.default_rng(0), runs=2))
    with pytest.raises(ValueError, match="arms has shape"):
        play.step(arms)


def test_what_does_not_rot_or_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="arm 1 rises after pull 0"):
        RottingEnvironment(Environment([[0.5, 0.2], [0.4, 0.3]], name="rising"))
    arms = power_rotting([0.9, 0.6], [0.5, 0.1], horizon=4)
    with pytest.raises(ValueError, match="rewards has shape"):
        arms.start(np.ones((3, 2)))
    with pytest.raises(ValueError, match=r"outside 0\.\.1"):
        arms.start(arms.curves.means).step([2])
