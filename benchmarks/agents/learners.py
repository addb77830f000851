"""The agents of ``curriculum-bandits compare``: an environment with graded tasks and a learner that trains in it.

Sizes and rates were fixed under uniform sampling with the seeds 100 to 103, before any comparison. Equal seeds are
equal tasks and equal first weights for every method.
"""

from __future__ import annotations

from .torch_loop import PPO, TorchLearner

__all__ = ["acrobot", "cart_pole", "frozen_lake", "minigrid_rooms"]

_HELD_OUT = 1_000_000  # added to a seed: tasks that no bank of the benchmark holds


def frozen_lake(problems: int, seed: int) -> TorchLearner:
    """An agent that walks on lakes of six sizes and three slips.

    Args:
        problems: Tasks in its bank.
        seed: Of tasks and agent.

    Returns:
        The agent, untrained.
    """
    from curriculum_bandits.adapters.gym.environments.frozen_lake import LakeEnv, lake_bank

    bank, held_out = lake_bank(problems, seed), lake_bank(360, seed + _HELD_OUT)
    return TorchLearner(bank, held_out, LakeEnv, ppo=PPO(learning_rate=7e-4), seed=seed)


def minigrid_rooms(problems: int, seed: int) -> TorchLearner:
    """An agent that looks for the goal behind one to four rooms of three sizes; arguments as for `frozen_lake`."""
    from curriculum_bandits.adapters.gym.environments.minigrid_rooms import RoomsEnv, rooms_bank

    bank, held_out = rooms_bank(problems, seed), rooms_bank(240, seed + _HELD_OUT)
    # Only the goal pays, and it pays at least a tenth.
    return TorchLearner(bank, held_out, RoomsEnv, success=0.05, ppo=PPO(learning_rate=1e-3), seed=seed)


def cart_pole(problems: int, seed: int) -> TorchLearner:
    """An agent that balances graded poles under graded pushes; arguments as for `frozen_lake`."""
    from curriculum_bandits.adapters.gym.environments.classic_control import GradedCartPole, cart_pole_bank

    bank, held_out = cart_pole_bank(problems, seed), cart_pole_bank(240, seed + _HELD_OUT)
    ppo, more = PPO(learning_rate=3e-4), {"n_rollouts": 2, "discount": 0.99}
    return TorchLearner(bank, held_out, GradedCartPole, success="survived", ppo=ppo, seed=seed, **more)


def acrobot(problems: int, seed: int) -> TorchLearner:
    """An agent that swings up acrobots of graded torque and mass; arguments as for `frozen_lake`."""
    from curriculum_bandits.adapters.gym.environments.classic_control import GradedAcrobot, acrobot_bank

    bank, held_out = acrobot_bank(problems, seed), acrobot_bank(240, seed + _HELD_OUT)
    ppo, more = PPO(learning_rate=1e-3), {"n_rollouts": 2, "discount": 0.99}
    return TorchLearner(bank, held_out, GradedAcrobot, ppo=ppo, seed=seed, **more)
