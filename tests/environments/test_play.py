"""Playing an environment: every round is answered with its own rewards, the same for every bandit."""

import numpy as np
import pytest

from curriculum_bandits.bandits import Oracle, Uniform, exp3_s
from curriculum_bandits.environments import besson_1, besson_2, play, random_abrupt, run_generator


class Listener(Uniform):
    def __init__(self, n_arms, runs=None):
        super().__init__(n_arms, runs=runs)
        self.heard = []

    def update(self, selection, values, **extra):
        self.heard.append(np.array(values))


@pytest.mark.parametrize("runs", [None, 3])
def test_every_round_is_answered_with_its_own_rewards(runs):
    world = besson_1(horizon=1500)  # longer than a block of rewards
    bandit = Listener(3, runs=runs)
    arms = play(bandit, world, runs=runs, plays=2, seed=4)
    table = np.concatenate(list(world.reward_blocks(4, 1 if runs is None else runs)), axis=1)
    expected = np.take_along_axis(table[0] if runs is None else table, arms, axis=-1)
    np.testing.assert_array_equal(np.stack(bandit.heard, axis=-2), expected)
    assert 0.2 < np.mean(expected) < 0.8


def test_bandits_with_the_same_seed_meet_the_same_rewards_whatever_they_play():
    world = besson_2(horizon=200)
    heard = []
    for bandit in (Listener(3, runs=2), Listener(3, runs=2)):
        play(bandit, world, runs=2, plays=3, seed=7)  # all arms: the whole table, in the order they were played
        heard.append(np.sort(np.stack(bandit.heard), axis=-1))
    np.testing.assert_array_equal(heard[0], heard[1])


def test_the_oracle_follows_the_means():
    world = besson_1(horizon=50)
    np.testing.assert_array_equal(play(Oracle(world.means), world)[:, 0], np.argmax(world.means, axis=1))


def test_another_number_of_arms_is_refused():
    with pytest.raises(ValueError, match="the bandit has 2 arms, the environment 3"):
        play(Uniform(2), besson_1(horizon=5))


def test_a_split_of_runs_is_played_the_same_wherever_it_is_played():
    world = random_abrupt(3, horizon=1200, changes=2, seed=0)
    again = [play(exp3_s(3, 1200, 3, runs=4), world, runs=range(8, 12), seed=5) for _ in range(2)]
    np.testing.assert_array_equal(*again)
    other = play(exp3_s(3, 1200, 3, runs=4), world, runs=range(4, 8), seed=5)
    assert np.any(other != again[0])


def test_numbered_runs_meet_their_own_rewards():
    world, seen = besson_1(horizon=30), []

    class Watching(Uniform):
        def update(self, selection, values, **extra):
            seen.append(values[np.arange(2)[:, None], np.argsort(selection.arms, axis=-1)])

    play(Watching(3, runs=2), world, runs=range(6, 8), plays=3, seed=1)
    expected = [world.rewards(run_generator(1, run)) for run in (6, 7)]
    np.testing.assert_array_equal(np.stack(seen, axis=1), expected)
