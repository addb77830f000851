"""Tables are read-only; rewards are the same for everybody, however they are cut into runs and blocks."""

import dataclasses

import numpy as np
import pytest

from curriculum_bandits.environments import ClippedGaussian, Environment, random_walk, run_generator

WALK = random_walk(n_arms=3, horizon=250, step=0.05, seed=0)


def test_it_is_read_only_and_keeps_a_copy():
    table = np.full((4, 2), 0.5)
    environment = Environment(table, name="coins")
    table[:] = 0.9
    assert np.all(environment.means == 0.5)
    with pytest.raises(ValueError, match="read-only"):
        environment.means[0, 0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        environment.name = "other"


@pytest.mark.parametrize(
    ("means", "message"),
    [
        (np.ones(3), "shape"),
        (np.ones((0, 3)), "shape"),
        ([[0.5, 1.2]], "arm 1 in row 0 is 1.2"),
        ([[0.5], [np.nan]], "row 1 is nan"),
    ],
)
def test_what_is_no_table_of_means_is_refused(means, message):
    with pytest.raises(ValueError, match=message):
        Environment(means, name="wrong")


def test_change_points():
    means = [[0.1, 0.2], [0.1, 0.2], [0.1, 0.3], [0.1, 0.3], [0.2, 0.3]]
    assert Environment(means, name="two changes").change_points.tolist() == [2, 4]
    assert Environment([[0.1]], name="one round").change_points.tolist() == []


def test_rewards_have_the_means():
    rewards = WALK.rewards(np.random.default_rng(1), runs=2000)
    assert rewards.shape == (2000, 250, 3)
    z = (rewards.mean(axis=0) - WALK.means) / np.sqrt(np.maximum(WALK.means * (1 - WALK.means), 1e-4) / 2000)
    assert np.abs(z).max() < 5
    assert np.mean(z**2) == pytest.approx(1.0, abs=0.2)


def test_the_same_generator_gives_the_same_rewards():
    once, again = (WALK.rewards(np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert once.shape == (250, 3)


@pytest.mark.parametrize("noise", [WALK.noise, ClippedGaussian(0.2)], ids=["bernoulli", "gaussian"])
@pytest.mark.parametrize("rounds", [1, 7, 250, 1000])
def test_blocks_make_the_table_of_each_run(noise, rounds):
    environment = dataclasses.replace(WALK, noise=noise)
    blocks = list(environment.reward_blocks(seed=3, runs=2, rounds=rounds))
    assert all(block.shape[1] == rounds for block in blocks[:-1])
    whole = np.concatenate(blocks, axis=1)
    for run in range(2):
        np.testing.assert_array_equal(whole[run], environment.rewards(run_generator(3, run)))


def test_runs_can_be_split_among_processes():
    (whole,) = WALK.reward_blocks(seed=0, runs=6)
    (part,) = WALK.reward_blocks(seed=0, runs=range(4, 6))
    (listed,) = WALK.reward_blocks(seed=0, runs=[5, 1])
    np.testing.assert_array_equal(part, whole[4:])
    np.testing.assert_array_equal(listed, whole[[5, 1]])
    assert not np.array_equal(whole[0], whole[1])
    (other,) = WALK.reward_blocks(seed=1, runs=6)
    assert not np.array_equal(whole, other)


@pytest.mark.parametrize("arguments", [{"runs": 0}, {"runs": []}, {"runs": 2, "rounds": 0}])
def test_nothing_to_draw_is_refused_at_once(arguments):
    with pytest.raises(ValueError, match="at least one"):
        WALK.reward_blocks(0, **arguments)


def test_no_runs_are_refused():
    with pytest.raises(ValueError, match="runs is 0"):
        WALK.rewards(np.random.default_rng(0), runs=0)
