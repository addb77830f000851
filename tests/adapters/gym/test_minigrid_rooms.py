"""Rooms look as MiniGrid says they do, only faster, and the layout is the task's."""

import numpy as np
import pytest

pytest.importorskip("minigrid")

from minigrid.core.constants import OBJECT_TO_IDX
from minigrid.minigrid_env import MiniGridEnv

from curriculum_bandits.adapters.gym.environments.minigrid_rooms import RoomsEnv, rooms_bank


def test_the_view_is_that_of_minigrid():
    env, rng = RoomsEnv(), np.random.default_rng(0)
    for layout in range(6):
        seen, _ = env.reset(options={"rooms": 1 + layout % 3, "size": 2 + layout % 4, "layout": layout})
        over = False
        while not over:
            theirs = MiniGridEnv.gen_obs(env)
            walls, goal = seen[:98].reshape(2, 7, 7)
            np.testing.assert_array_equal(walls, theirs["image"][:, :, 0] == OBJECT_TO_IDX["wall"])
            np.testing.assert_array_equal(goal, theirs["image"][:, :, 0] == OBJECT_TO_IDX["goal"])
            assert seen[98:].tolist() == [float(i == theirs["direction"]) for i in range(4)]
            assert env.observation_space.contains(seen)
            seen, _, terminated, truncated, _ = env.step(int(rng.integers(3)))
            over = terminated or truncated


def test_every_goal_can_be_reached_and_pays_as_in_minigrid():
    env = RoomsEnv()
    for layout in range(20):
        env.reset(options={"rooms": 3, "size": 3, "layout": layout})
        free = {(x, y) for x in range(env.width) for y in range(env.height) if _enterable(env, x, y)}
        front, seen = {tuple(env.agent_pos)}, set()
        while front:
            seen |= front
            front = {(x + dx, y + dy) for x, y in front for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))} & free - seen
        goals = [cell for cell in free if getattr(env.grid.get(*cell), "type", None) == "goal"]
        assert len(goals) == 1
        assert goals[0] in seen
        assert goals[0][0] > 2 * 4  # in the last room
    env.agent_pos, env.agent_dir = (goals[0][0] - 1, goals[0][1]), 0
    if env.grid.get(*env.agent_pos) is None:
        _, reward, terminated, _, _ = env.step(2)
        assert terminated
        assert reward == pytest.approx(1 - 0.9 / env.max_steps)


def _enterable(env, x, y):
    cell = env.grid.get(x, y)
    return cell is None or cell.can_overlap()


def test_a_layout_is_always_the_same_and_time_ends_it():
    env = RoomsEnv(time=1.0)
    options = {"rooms": 2, "size": 4, "layout": 5}
    first, _ = env.reset(seed=0, options=options)
    second, _ = env.reset(seed=1, options=options)
    np.testing.assert_array_equal(first, second)
    ends = [env.step(0)[2:4] for _ in range(env.max_steps)]
    assert env.max_steps == 11 + 6
    assert ends[-1] == (False, True)
    assert not any(truncated for _, truncated in ends[:-1])


def test_the_bank_is_graded():
    bank = rooms_bank(24, seed=1)
    assert bank.group_names[0] == "1 rooms of 3"
    assert len(bank.group_names) == 12
    assert np.all(np.diff(bank.difficulty[::2].reshape(4, 3), axis=0) > 0)
    assert bank.fingerprint == rooms_bank(24, seed=1).fingerprint
    assert bank.fingerprint != rooms_bank(24, seed=2).fingerprint


@pytest.mark.parametrize(
    ("options", "message"), [(None, "need options="), ({"rooms": 0, "size": 3, "layout": 1}, "rooms is 0")]
)
def test_senseless_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RoomsEnv().reset(options=options)
