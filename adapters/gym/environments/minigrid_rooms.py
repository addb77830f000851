"""Rooms in a row, in MiniGrid: more rooms and larger ones are harder, and the goal is in the last.

The layout comes from the options of `reset`, so one environment plays all tasks. Walls and goal do not move, so the
view is cut from a picture that is made once per layout, several times faster than MiniGrid's own way to the same view.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np

from curriculum_bandits import ProblemBank
from curriculum_bandits.extras import require_extra

require_extra("minigrid", "minigrid")

from minigrid.core.constants import OBJECT_TO_IDX  # noqa: E402  (after the check, whose message is the kinder one)
from minigrid.core.grid import Grid  # noqa: E402
from minigrid.core.mission import MissionSpace  # noqa: E402
from minigrid.core.world_object import Goal  # noqa: E402
from minigrid.minigrid_env import MiniGridEnv  # noqa: E402

__all__ = ["RoomsEnv", "rooms_bank"]

_VIEW = 7
_MISSION = "get to the green goal square"


class RoomsEnv(MiniGridEnv):
    """Turn left, turn right and go forward through rooms in a row, to the goal in the last one.

    ``reset(options={"rooms": k, "size": s, "layout": seed})`` builds k rooms of s times s cells; the seed places the
    gaps between them, the goal, and where the agent starts in the first room. Reward as in MiniGrid: 1 - 0.9 t / limit
    at the goal, 0 without. What is seen: walls and goal in the 7 times 7 cells ahead, through walls too, and where the
    agent faces, 102 numbers.

    Args:
        time: An episode ends after `time` times (width + height) steps.
    """

    def __init__(self, *, time: float = 2.0) -> None:
        super().__init__(
            mission_space=MissionSpace(mission_func=_mission), width=5, height=5, see_through_walls=True, max_steps=1
        )
        self.time = time
        self.action_space = gymnasium.spaces.Discrete(3)
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (2 * _VIEW**2 + 4,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin in a layout; rooms have no luck of their own, so the seed changes nothing.

        Raises:
            ValueError: If an option is missing or too small.
        """
        self._rooms, self._size, layout = _checked(options)
        self._layout = np.random.default_rng(layout)
        self.width, self.height = self._rooms * (self._size + 1) + 1, self._size + 2
        self.max_steps = int(self.time * (self.width + self.height))
        return super().reset(seed=seed)

    def _gen_grid(self, width: int, height: int) -> None:
        rng, pitch = self._layout, self._size + 1
        self.mission = _MISSION
        self.grid = Grid(width, height)
        self.grid.wall_rect(0, 0, width, height)
        for room in range(1, self._rooms):
            self.grid.vert_wall(room * pitch, 0, height)
            self.grid.set(room * pitch, 1 + int(rng.integers(self._size)), None)
        cells = rng.permutation(self._size**2)[:2]  # so that in a single room start and goal differ
        (x, y), (goal_x, goal_y) = (divmod(int(cell), self._size) for cell in cells)
        self.put_obj(Goal(), width - 1 - pitch + 1 + goal_x, 1 + goal_y)
        self.agent_pos, self.agent_dir = (1 + x, 1 + y), int(rng.integers(4))
        kinds = self.grid.encode()[:, :, 0]
        padded = np.pad(kinds, _VIEW, constant_values=OBJECT_TO_IDX["wall"])
        self._picture = np.stack([padded == OBJECT_TO_IDX["wall"], padded == OBJECT_TO_IDX["goal"]]).astype(np.float32)

    def gen_obs(self) -> Any:
        """What the agent sees: walls, goal, and the direction it faces, shape (102,)."""
        left, top, right, bottom = self.get_view_exts()
        view = self._picture[:, left + _VIEW : right + _VIEW, top + _VIEW : bottom + _VIEW]
        for _ in range(self.agent_dir + 1):
            view = view.transpose(0, 2, 1)[:, :, ::-1]
        facing = np.zeros(4, dtype=np.float32)
        facing[self.agent_dir] = 1.0
        return np.concatenate([view.ravel(), facing])


def rooms_bank(
    problems: int, seed: int = 0, *, rooms: Sequence[int] = (1, 2, 3, 4), sizes: Sequence[int] = (3, 4, 5)
) -> ProblemBank:
    """Random layouts of graded number and size of rooms.

    Args:
        problems: Size of the bank.
        seed: Seed of the layouts.
        rooms: Numbers of rooms.
        sizes: Cells along a side of a room.

    Returns:
        A bank with the column ``options``, groups ``<k> rooms of <s>``, the difficulty k (s + 1), which is how far
        away the goal is, and k and s as features.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    kinds = [(k, size) for k in rooms for size in sizes]
    chosen = [kinds[number * len(kinds) // problems] for number in range(problems)]
    options = [{"rooms": k, "size": size, "layout": int(rng.integers(2**31))} for k, size in chosen]
    return ProblemBank(
        [f"{each['rooms']} rooms of {each['size']}, layout {each['layout']}" for each in options],
        ids=[f"rooms-{k}-{size}-{number}" for number, (k, size) in enumerate(chosen)],
        groups=[f"{k} rooms of {size}" for k, size in chosen],
        difficulty=[k * (size + 1) for k, size in chosen],
        features=[[k / 4, size / 5] for k, size in chosen],
        columns={"options": options},
    )


def _mission() -> str:
    return _MISSION


def _checked(options: Mapping[str, Any] | None) -> tuple[int, int, int]:
    wanted = ("rooms", "size", "layout")
    if options is None or any(name not in options for name in wanted):
        raise ValueError(f'the rooms need options={{"rooms": k, "size": s, "layout": seed}} at reset, not {options}')
    rooms, size, layout = (int(options[name]) for name in wanted)
    if rooms < 1 or size < 2 or layout < 0:
        raise ValueError(f"rooms is {rooms}, size {size}, layout {layout}; give at least 1, 2 and 0")
    return rooms, size, layout
