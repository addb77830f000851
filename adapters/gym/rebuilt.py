"""Environments that take their task when they are made, turned into ones that take it at reset.

Most environments do: maps, levels and sizes are arguments of their constructors. Here the options of `reset` are those
arguments, and the environment is made anew when they change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import gymnasium

__all__ = ["Rebuilt"]


class Rebuilt(gymnasium.Env):
    """Makes an environment from the options of `reset`: ``build(**options)``.

    Args:
        build: Makes the environment, such as a function that calls `gymnasium.make` with these arguments.
        example: Options for the first, from which the spaces are taken; every other must have the same spaces.

    >>> env = Rebuilt(lambda size: gymnasium.make("FrozenLake-v1", map_name=size), {"size": "4x4"})
    >>> observation, info = env.reset(seed=0, options={"size": "4x4"})
    """

    def __init__(self, build: Callable[..., gymnasium.Env], example: Mapping[str, Any]) -> None:
        self._build = build
        self._options: dict[str, Any] = dict(example)
        self.env = build(**self._options)
        self.observation_space, self.action_space = self.env.observation_space, self.env.action_space
        self.metadata, self.render_mode = self.env.metadata, self.env.render_mode

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode in the environment that these options, arguments of `build`, make; None keeps the last one.

        Without a seed the random numbers of before go on, and an environment made anew gets its seed from them.

        Raises:
            ValueError: If the spaces are not those of the example.
        """
        if options is not None and dict(options) != self._options:
            env = self._build(**options)
            spaces = (self.observation_space, self.action_space)
            if (env.observation_space, env.action_space) != spaces:
                env.close()
                raise ValueError(
                    f"with these options the spaces are {env.observation_space} and {env.action_space}, with the "
                    f"example {spaces[0]} and {spaces[1]}; one policy needs the same for every task"
                )
            self.env.close()
            self.env, self._options = env, dict(options)
            if seed is None:
                # Left to itself, a new environment would seed itself from the clock of the machine.
                return self.env.reset(seed=int(self.np_random.integers(2**31)))
        super().reset(seed=seed)
        return self.env.reset(seed=seed)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """One step in the present environment."""
        return self.env.step(action)

    def render(self) -> Any:
        """A picture of the present environment."""
        return self.env.render()

    def close(self) -> None:
        """Close the present environment."""
        self.env.close()
