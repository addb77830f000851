"""CartPole and Acrobot whose physics comes with the task, and banks of graded physics.

The agent sees the physics beside the state, so that one policy can be right for all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.envs.classic_control.acrobot import AcrobotEnv
from gymnasium.envs.classic_control.cartpole import CartPoleEnv

from curriculum_bandits import ProblemBank

__all__ = ["GradedAcrobot", "GradedCartPole", "acrobot_bank", "cart_pole_bank"]


class _Graded(gymnasium.Env):
    """Physics from the options of `reset`, which is seen beside the state, and a limit of time."""

    observation_space: gymnasium.spaces.Box
    _usual: ClassVar[dict[str, float]]

    def __init__(self, *, steps: int = 100) -> None:
        super().__init__()
        self._limit = steps
        high = np.concatenate([self.observation_space.high, np.full(len(self._usual), 10.0, dtype=np.float32)])
        self.observation_space = gymnasium.spaces.Box(-high, high, dtype=np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin with this physics; the seed is of the first state.

        Raises:
            ValueError: If a name is unknown or a number not positive.
        """
        unknown = sorted(set(options or {}) - set(self._usual))
        if unknown:
            raise ValueError(f"unknown physics {unknown}; choose from {list(self._usual)}")
        physics = {name: float((options or {}).get(name, value)) for name, value in self._usual.items()}
        for name, value in physics.items():
            if not 0.0 < value < np.inf:
                raise ValueError(f"{name} is {value}; give a positive number")
        self._set(**physics)
        self._relative = np.array([physics[name] / usual for name, usual in self._usual.items()], dtype=np.float32)
        self._step = 0
        state, info = super().reset(seed=seed)
        return self._seen(state), info

    def _set(self, **physics: float) -> None:
        raise NotImplementedError

    def _stepped(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        state, reward, terminated, _, info = super().step(action)
        self._step += 1
        ended = bool(terminated)
        return self._seen(state), float(reward), ended, self._step >= self._limit and not ended, info

    def _seen(self, state: Any) -> Any:
        return np.concatenate([state, self._relative]).astype(np.float32)


class GradedCartPole(_Graded, CartPoleEnv):
    """Gymnasium's CartPole with its physics in the options of `reset`, for a limited time.

    ``reset(options={"gravity": g, "length": l, "masspole": m, "force_mag": f})``; what is not given is as in gymnasium.
    ``info["survived"]`` is the share of the time survived so far.

    Args:
        steps: Steps to survive.
    """

    _usual: ClassVar = {"gravity": 9.8, "length": 0.5, "masspole": 0.1, "force_mag": 10.0}

    def _set(self, **physics: float) -> None:
        self.__dict__.update(physics)
        self.total_mass = self.masspole + self.masscart
        self.polemass_length = self.masspole * self.length

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Push the cart: 0 left, 1 right; as gymnasium's, with ``survived`` in the info."""
        state, reward, ended, late, info = self._stepped(action)
        # The step in which the pole falls is not survived.
        return state, reward, ended, late, {**info, "survived": (self._step - ended) / self._limit}


class GradedAcrobot(_Graded, AcrobotEnv):
    """Gymnasium's Acrobot with its torque and the mass of its lower link in the options of `reset`.

    ``reset(options={"torque": t, "mass": m})``; what is not given is as in gymnasium, where both are 1.
    ``info["is_success"]`` says whether it swung up.

    Args:
        steps: An episode ends after so many.
    """

    _usual: ClassVar = {"torque": 1.0, "mass": 1.0}

    def _set(self, **physics: float) -> None:
        self.AVAIL_TORQUE = [-physics["torque"], 0.0, physics["torque"]]
        self.LINK_MASS_2 = physics["mass"]

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Apply a torque: 0 negative, 1 none, 2 positive; as gymnasium's, with ``is_success`` in the info."""
        state, reward, ended, late, info = self._stepped(action)
        return state, reward, ended, late, {**info, "is_success": float(ended)}


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
    kinds = {
        f"length {length} force {force}": {"length": length, "force_mag": force, "gravity": 9.8}
        for length in lengths
        for force in forces
    }
    return _bank("cart", problems, seed, kinds, 0.2, lambda o: np.log2(o["force_mag"] / o["length"]))


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
    kinds = {f"torque {torque} mass {mass}": {"torque": torque, "mass": mass} for torque in torques for mass in masses}
    return _bank("acrobot", problems, seed, kinds, 0.1, lambda o: np.log2(o["mass"] / o["torque"]))


def _bank(
    name: str,
    problems: int,
    seed: int,
    kinds: Mapping[str, Mapping[str, float]],
    jitter: float,
    difficulty: Callable[[Mapping[str, float]], float],
) -> ProblemBank:
    """Each group equally often, its physics times up to exp(jitter) either way; features are the logarithms."""
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    groups = [list(kinds)[number * len(kinds) // problems] for number in range(problems)]
    options = []
    for group in groups:
        factors = np.exp(rng.uniform(-jitter, jitter, size=len(kinds[group])))
        options.append({key: float(value * by) for (key, value), by in zip(kinds[group].items(), factors, strict=True)})
    return ProblemBank(
        [f"{group} {each}" for group, each in zip(groups, options, strict=True)],
        ids=[f"{name}-{number}" for number in range(problems)],
        groups=groups,
        difficulty=[float(difficulty(each)) for each in options],
        features=np.log([list(each.values()) for each in options]),
        columns={"options": options},
    )
