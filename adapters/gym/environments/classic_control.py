"""CartPole and Acrobot whose physics comes with the task, and banks of graded physics.

The agent sees the physics beside the state, so that one policy can be right for all of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.classic_control.acrobot import AcrobotEnv
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

from curriculum_bandits import ProblemBank

__all__ = ["GradedAcrobot", "GradedCartPole", "acrobot_bank", "cart_pole_bank"]

_CART_POLE = {"gravity": 9.8, "length": 0.5, "masspole": 0.1, "force_mag": 10.0}
_ACROBOT = {"torque": 1.0, "mass": 1.0}


class GradedCartPole(CartPoleEnv):
    """Gymnasium's CartPole with its physics in the options of `reset`, for a limited time.

    ``reset(options={"gravity": g, "length": l, "masspole": m, "force_mag": f})``; what is not given is as in gymnasium.
    ``info["survived"]`` is the share of the time survived so far.

    Args:
        steps: Steps to survive.
    """

    observation_space: gymnasium.spaces.Box

    def __init__(self, *, steps: int = 100) -> None:
        super().__init__()
        self._limit = steps
        high = np.concatenate([self.observation_space.high, np.full(4, 10.0, dtype=np.float32)])
        self.observation_space = gymnasium.spaces.Box(-high, high, dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin with this physics; the seed is of the first state.

        Raises:
            ValueError: If a name is unknown or a number not positive.
        """
        physics = _physics(options, _CART_POLE)
        for name, value in physics.items():
            setattr(self, name, value)
        self.total_mass = self.masspole + self.masscart
        self.polemass_length = self.masspole * self.length
        self._relative = np.array([physics[name] / usual for name, usual in _CART_POLE.items()], dtype=np.float32)
        self._step = 0
        state, info = super().reset(seed=seed)
        return self._seen(state), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Push the cart: 0 left, 1 right; as gymnasium's, with ``survived`` in the info."""
        state, reward, terminated, _, info = super().step(action)
        self._step += 1
        # The step in which the pole falls is not survived.
        survived = (self._step - terminated) / self._limit
        return (
            self._seen(state),
            float(reward),
            terminated,
            self._step >= self._limit and not terminated,
            {**info, "survived": survived},
        )

    def _seen(self, state: Any) -> Any:
        return np.concatenate([state, self._relative]).astype(np.float32)


class GradedAcrobot(AcrobotEnv):
    """Gymnasium's Acrobot with its torque and the mass of its lower link in the options of `reset`.

    ``reset(options={"torque": t, "mass": m})``; what is not given is as in gymnasium, where both are 1.
    ``info["is_success"]`` says whether it swung up.

    Args:
        steps: An episode ends after so many.
    """

    observation_space: gymnasium.spaces.Box

    def __init__(self, *, steps: int = 100) -> None:
        super().__init__()
        self._limit = steps
        high = np.concatenate([self.observation_space.high, np.full(2, 10.0, dtype=np.float32)])
        self.observation_space = gymnasium.spaces.Box(-high, high, dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin with this physics; the seed is of the first state.

        Raises:
            ValueError: If a name is unknown or a number not positive.
        """
        physics = _physics(options, _ACROBOT)
        self.AVAIL_TORQUE = [-physics["torque"], 0.0, physics["torque"]]
        self.LINK_MASS_2 = physics["mass"]
        self._relative = np.array(list(physics.values()), dtype=np.float32)
        self._step = 0
        state, info = super().reset(seed=seed)
        return self._seen(state), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Apply a torque: 0 negative, 1 none, 2 positive; as gymnasium's, with ``is_success`` in the info."""
        state, reward, terminated, _, info = super().step(action)
        self._step += 1
        ended = bool(terminated)
        late = self._step >= self._limit and not ended
        return self._seen(state), float(reward), ended, late, {**info, "is_success": float(ended)}

    def _seen(self, state: Any) -> Any:
        return np.concatenate([state, self._relative]).astype(np.float32)


def cart_pole_bank(
    problems: int,
    seed: int = 0,
    *,
    lengths: Sequence[float] = (1.0, 0.5, 0.25, 0.12, 0.06),
    forces: Sequence[float] = (10.0, 20.0, 40.0),
) -> ProblemBank:
    """Carts with poles of graded length (short ones fall fast) and graded pushes (strong ones are hard to dose).

    Args:
        problems: Size of the bank.
        seed: Seed of the physics within a group.
        lengths: Half the length of the pole, in metres.
        forces: Newton.

    Returns:
        A bank with the column ``options``, groups ``length <l> force <f>``, the difficulty log2(force / length), and
        the logarithms of length, force and gravity as features.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    kinds = [(length, force) for length in lengths for force in forces]
    rows = []
    for number in range(problems):
        length, force = kinds[number * len(kinds) // problems]
        jitter = np.exp(rng.uniform(-0.2, 0.2, size=3))
        options = {
            "length": float(length * jitter[0]),
            "force_mag": float(force * jitter[1]),
            "gravity": float(9.8 * jitter[2]),
        }
        rows.append((f"length {length} force {force}", options))
    return _bank("cart", rows, lambda o: np.log2(o["force_mag"] / o["length"]))


def acrobot_bank(
    problems: int,
    seed: int = 0,
    *,
    torques: Sequence[float] = (6.0, 4.0, 2.5, 1.5, 1.0),
    masses: Sequence[float] = (0.5, 1.0, 2.0),
) -> ProblemBank:
    """Acrobots of graded torque and graded mass of the lower link; weak and heavy ones must swing many times.

    Args:
        problems: Size of the bank.
        seed: Seed of the physics within a group.
        torques: In gymnasium's unit, where 1 is usual.
        masses: In gymnasium's unit.

    Returns:
        A bank with the column ``options``, groups ``torque <t> mass <m>``, the difficulty log2(mass / torque), and the
        logarithms of both as features.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    kinds = [(torque, mass) for torque in torques for mass in masses]
    rows = []
    for number in range(problems):
        torque, mass = kinds[number * len(kinds) // problems]
        jitter = np.exp(rng.uniform(-0.1, 0.1, size=2))
        options = {"torque": float(torque * jitter[0]), "mass": float(mass * jitter[1])}
        rows.append((f"torque {torque} mass {mass}", options))
    return _bank("acrobot", rows, lambda o: np.log2(o["mass"] / o["torque"]))


def _bank(name: str, rows: list[tuple[str, dict[str, float]]], difficulty: Any) -> ProblemBank:
    return ProblemBank(
        [f"{group} {options}" for group, options in rows],
        ids=[f"{name}-{number}" for number in range(len(rows))],
        groups=[group for group, _ in rows],
        difficulty=[float(difficulty(options)) for _, options in rows],
        features=np.log([list(options.values()) for _, options in rows]),
        columns={"options": [options for _, options in rows]},
    )


def _physics(options: Mapping[str, Any] | None, usual: Mapping[str, float]) -> dict[str, float]:
    unknown = sorted(set(options or {}) - set(usual))
    if unknown:
        raise ValueError(f"unknown physics {unknown}; choose from {list(usual)}")
    physics = {name: float((options or {}).get(name, value)) for name, value in usual.items()}
    for name, value in physics.items():
        if not 0.0 < value < np.inf:
            raise ValueError(f"{name} is {value}; give a positive number")
    return physics
