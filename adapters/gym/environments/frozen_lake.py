"""FrozenLake of any size and slipperiness, one environment for all maps, and a bank of graded maps.

Gymnasium's own lake takes its map when it is made. This one takes it at reset, moves by the same rules, and shows what
lies around the walker, so that one policy can learn from all maps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium.envs.toy_text.frozen_lake import generate_random_map
from scipy.sparse.csgraph import shortest_path

from curriculum_bandits import ProblemBank

__all__ = ["LakeEnv", "lake_bank", "shortest_way"]

IntArray = npt.NDArray[np.int64]

_LARGEST = 16
_MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))  # left, down, right, up, as gymnasium numbers them


class LakeEnv(gymnasium.Env):
    """Walk from S to G over F without falling into H; the ice carries a step sideways now and then.

    ``reset(options={"map": [...], "slip": p})`` chooses the map, a list of equally long rows, and the probability p
    that a step goes to one of the two sides instead. Gymnasium's ``is_slippery=True`` is a slip of 2/3.

    Args:
        view: Cells seen in each direction, and the direction of the goal; 0 observes the number of the cell, row times
            16 plus column, for tables.
        time: An episode ends after `time` times (rows + columns) steps.
    """

    metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  (gymnasium declares it so)

    def __init__(self, *, view: int = 2, time: float = 2.0) -> None:
        self.view, self.time = view, time
        self.action_space = gymnasium.spaces.Discrete(4)
        if view:
            width = 2 * (2 * view + 1) ** 2 + 5
            self.observation_space = gymnasium.spaces.Box(-1.0, 1.0, (width,), np.float32)
        else:
            self.observation_space = gymnasium.spaces.Discrete(_LARGEST**2)
        self._table: Any = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin on a map; the seed is of the slips.

        Raises:
            ValueError: If there is no map, it is misshapen, or the slip is no probability.
        """
        super().reset(seed=seed)
        rows, slip = _checked(options)
        self._slip, self._rows = slip, len(rows)
        self._cells, self._next, self._table = _lake(rows, slip, self.view)
        self._cell, self._step = _cell_of(rows, "S"), 0
        self._limit = int(self.time * (len(rows) + len(rows[0])))
        return self._table[self._cell], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One step on the ice: 0 left, 1 down, 2 right, 3 up; reward 1 at the goal, ``is_success`` in the info."""
        direction = int(action)
        if self._slip > 0.0:
            luck = self.np_random.random()
            if luck < self._slip:
                direction = (direction + (1 if luck < self._slip / 2 else 3)) % 4
        self._cell = self._next[self._cell][direction]
        self._step += 1
        kind = self._cells[self._cell]
        reached = kind == "G"
        ended = reached or kind == "H"
        late = not ended and self._step >= self._limit
        return self._table[self._cell], float(reached), ended, late, {"is_success": float(reached)}


def lake_bank(
    problems: int,
    seed: int = 0,
    *,
    sizes: Sequence[int] = (3, 4, 6, 8, 10, 12),
    slips: Sequence[float] = (0.0, 0.2, 0.4),
    frozen: float = 0.75,
) -> ProblemBank:
    """Random maps of graded size and slipperiness that all have a way to the goal.

    Args:
        problems: Size of the bank.
        seed: Seed of the maps.
        sizes: Rows (and columns) of the maps.
        slips: Probabilities of a step to the side.
        frozen: Share of cells that carry.

    Returns:
        A bank with the column ``options``, groups ``<size>x<size> slip <p>``, the difficulty (steps of the shortest
        way, times 1 + slip) and the features size, slip, length of the shortest way and share of holes.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    kinds = [(size, slip) for size in sizes for slip in slips]
    rows: list[dict[str, Any]] = []
    for number in range(problems):
        # Every kind of lake equally often, give or take one.
        size, slip = kinds[number * len(kinds) // problems]
        lake = generate_random_map(size, frozen, seed=int(rng.integers(2**31)))
        way, holes = shortest_way(lake), sum(row.count("H") for row in lake) / size**2
        rows.append({"map": lake, "slip": slip, "size": size, "way": way, "holes": holes})
    return ProblemBank(
        ["\n".join(row["map"]) for row in rows],
        ids=[f"lake-{row['size']}-{row['slip']}-{number}" for number, row in enumerate(rows)],
        groups=[f"{row['size']}x{row['size']} slip {row['slip']}" for row in rows],
        difficulty=[row["way"] * (1.0 + row["slip"]) for row in rows],
        features=[[row["size"] / 12, row["slip"], row["way"] / 24, row["holes"]] for row in rows],
        columns={"options": [{"map": row["map"], "slip": row["slip"]} for row in rows]},
    )


def shortest_way(rows: Sequence[str]) -> int:
    """Steps of the shortest way from S to G on a map; -1 where there is none."""
    cells = "".join(rows)
    ways = np.zeros((len(cells), len(cells)), dtype=bool)
    for cell, following in enumerate(_neighbours(tuple(rows))):
        ways[cell, following] = cells[cell] != "H"
    steps = shortest_path(ways, unweighted=True, indices=_cell_of(rows, "S"))[_cell_of(rows, "G")]
    return int(steps) if np.isfinite(steps) else -1


def _cell_of(rows: Sequence[str], letter: str) -> int:
    """Number of the first cell with a letter, row after row."""
    return "".join(rows).index(letter)


def _checked(options: Mapping[str, Any] | None) -> tuple[tuple[str, ...], float]:
    if options is None or "map" not in options:
        raise ValueError(f'the lake needs options={{"map": [...], "slip": p}} at reset, not {options}')
    rows, slip = tuple(options["map"]), float(options.get("slip", 0.0))
    letters = "".join(rows)
    if not rows or len({len(row) for row in rows}) != 1 or max(len(rows), len(rows[0])) > _LARGEST:
        raise ValueError(f"the map {list(rows)} must have equally long rows, at most {_LARGEST} of at most {_LARGEST}")
    if set(letters) - set("SFHG") or letters.count("S") != 1 or "G" not in letters:
        raise ValueError(f"the map {list(rows)} must be made of S, F, H and G, with one S and a G")
    if not 0.0 <= slip <= 1.0:
        raise ValueError(f"the slip is {slip}; it is a probability")
    return rows, slip


def _neighbours(rows: tuple[str, ...]) -> list[list[int]]:
    height, width = len(rows), len(rows[0])
    return [
        [min(max(y + dy, 0), height - 1) * width + min(max(x + dx, 0), width - 1) for dy, dx in _MOVES]
        for y in range(height)
        for x in range(width)
    ]


@lru_cache(maxsize=4096)
def _lake(rows: tuple[str, ...], slip: float, view: int) -> tuple[str, list[list[int]], Any]:
    """Letters of the cells, where each move leads, and what is seen from each cell."""
    height, width = len(rows), len(rows[0])
    cells = "".join(rows)
    if view == 0:
        numbers = [y * _LARGEST + x for y in range(height) for x in range(width)]
        return cells, _neighbours(rows), numbers
    hole = np.ones((height + 2 * view, width + 2 * view), dtype=np.float32)  # beyond the shore nothing is gained
    shore = np.ones_like(hole)
    letters = np.array([list(row) for row in rows])
    inside = (slice(view, view + height), slice(view, view + width))
    hole[inside], shore[inside] = letters == "H", 0.0
    hole -= shore
    goal_y, goal_x = divmod(_cell_of(rows, "G"), width)
    table = []
    for y in range(height):
        for x in range(width):
            window = (slice(y, y + 2 * view + 1), slice(x, x + 2 * view + 1))
            dy, dx = goal_y - y, goal_x - x
            compass = [np.sign(dy), np.sign(dx), dy / _LARGEST, dx / _LARGEST, slip]
            seen = np.concatenate([hole[window].ravel(), shore[window].ravel(), compass])
            table.append(seen.astype(np.float32))
    return cells, _neighbours(rows), table
