"""The lake moves as gymnasium's own does, and its bank is what it says."""

import numpy as np
import pytest

pytest.importorskip("gymnasium")

from gymnasium.envs.toy_text.frozen_lake import FrozenLakeEnv

from curriculum_bandits.adapters.gym.environments.frozen_lake import LakeEnv, lake_bank, shortest_way

LAKE = ["SFHF", "FFFF", "HFFH", "FFFG"]


def test_a_lake_that_does_not_slip_moves_as_that_of_gymnasium():
    ours, theirs = LakeEnv(view=0, time=100), FrozenLakeEnv(desc=LAKE, is_slippery=False)
    rng = np.random.default_rng(0)
    for _ in range(30):
        cell, _ = ours.reset(options={"map": LAKE, "slip": 0.0})
        theirs.reset(seed=0)
        over = False
        while not over:
            action = int(rng.integers(4))
            cell, reward, over, truncated, info = ours.step(action)
            other, other_reward, other_over, _, _ = theirs.step(action)
            assert (cell // 16 * 4 + cell % 16, reward, over) == (other, other_reward, other_over)
            assert info["is_success"] == reward
            assert not truncated


@pytest.mark.parametrize("slip", [0.3, 2 / 3])
def test_a_slip_has_the_probabilities_of_gymnasium(slip):
    chance = {}
    if slip != 2 / 3:  # which is the only one before gymnasium 1.2
        pytest.importorskip("gymnasium", minversion="1.2")
        chance = {"success_rate": 1 - slip}
    theirs = FrozenLakeEnv(desc=LAKE, is_slippery=True, **chance)
    env, draws = LakeEnv(view=0, time=100), 4000
    for action in range(4):
        counts = np.zeros(16)
        for trial in range(draws):
            env.reset(seed=trial if trial == 0 else None, options={"map": LAKE, "slip": slip})
            env._cell = 5
            cell, *_ = env.step(action)
            counts[cell // 16 * 4 + cell % 16] += 1
        expected = np.zeros(16)
        for probability, state, _, _ in theirs.P[5][action]:
            expected[state] += probability
        assert np.all(counts[expected == 0] == 0)
        error = np.sqrt(expected * (1 - expected) / draws)
        assert np.all(np.abs(counts / draws - expected)[expected > 0] < 4.5 * error[expected > 0])


def test_time_ends_an_episode_without_success():
    env = LakeEnv(time=2.0)
    env.reset(options={"map": LAKE})
    ends = [env.step(0)[2:4] for _ in range(16)]
    assert ends[-1] == (False, True)
    assert not any(truncated for _, truncated in ends[:-1])


def test_what_is_seen_from_a_cell():
    env = LakeEnv(view=1)
    seen, _ = env.reset(options={"map": LAKE, "slip": 0.25})
    hole, shore, compass = seen[:9].reshape(3, 3), seen[9:18].reshape(3, 3), seen[18:]
    assert hole.tolist() == [[0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert shore.tolist() == [[1, 1, 1], [1, 0, 0], [1, 0, 0]]
    np.testing.assert_allclose(compass, [1, 1, 3 / 16, 3 / 16, 0.25])
    env.reset(options={"map": LAKE, "slip": 0.0})
    seen, *_ = env.step(2)
    assert seen[:9].reshape(3, 3).tolist() == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]
    assert env.observation_space.contains(seen)


def test_the_environment_keeps_to_the_rules_of_gymnasium():
    env = LakeEnv()
    observation, _ = env.reset(seed=1, options={"map": LAKE, "slip": 0.5})
    assert env.observation_space.contains(observation)
    first = [env.step(1)[1] for _ in range(3)]
    env.reset(seed=1, options={"map": LAKE, "slip": 0.5})
    assert first == [env.step(1)[1] for _ in range(3)]


def test_the_shortest_way():
    assert shortest_way(LAKE) == 6
    assert shortest_way(["SHG", "FFF"]) == 4
    assert shortest_way(["SHG"]) == -1


def test_the_bank_is_graded_and_depends_on_its_seed_only():
    bank, same, other = lake_bank(90, seed=3), lake_bank(90, seed=3), lake_bank(90, seed=4)
    assert bank.fingerprint == same.fingerprint != other.fingerprint
    assert len(bank.group_names) == 18
    assert np.bincount(bank.groups).tolist() == [5] * 18
    assert bank.features.shape == (90, 4)
    assert bank.difficulty[0] < 10 < bank.difficulty[-1]
    for item in range(0, 90, 7):
        lake = bank.row(item)["options"]["map"]
        assert shortest_way(lake) >= 2 * (len(lake) - 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (None, "needs options="),
        ({"map": ["SF", "G"]}, "equally long rows"),
        ({"map": ["SF", "FF"]}, "one S and a G"),
        ({"map": ["SG"], "slip": 1.5}, "the slip is 1.5"),
    ],
)
def test_senseless_maps_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LakeEnv().reset(options=options)
