"""What each bank of the headline benchmark is played with; the same for every method.

Chosen by what uniform sampling does on tuning seed 1000, which is never reported; ``tried.md`` has all that was tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..harness.command import check_least
from .warm_up import WarmUp

__all__ = ["SETTINGS", "Setting"]


@dataclass(frozen=True)
class Setting:
    """Bank, model, trainer and budget.

    Attributes:
        bank: Name in `banks.BANKS`.
        training: Problems of each group to train on.
        held_out: Problems of each group to be judged on, each answered once per evaluation.
        warm_up: The model and its supervised warm-up.
        problems: Problems per step.
        n_rollouts: Rollouts per problem.
        learning_rate: Of GRPO, constant after a linear rise.
        warmup_steps: Steps of that rise.
        adam_beta2: Of AdamW.
        loss_type: TRL's.
        scale_rewards: TRL's.
        max_completion: Longest answer in tokens, the end included.
        tokens: Budget: a run ends with the first step after which so many tokens, prompts and completions of all
            rollouts, have been spent.
        evaluations: How many evaluations the budget is divided into; there is one more before the first step.
    """

    bank: str
    training: int = 60
    held_out: int = 12
    warm_up: WarmUp = field(default_factory=WarmUp)
    problems: int = 8
    n_rollouts: int = 8
    learning_rate: float = 1e-4
    warmup_steps: int = 20
    adam_beta2: float = 0.99
    loss_type: str = "dapo"
    scale_rewards: str = "group"
    max_completion: int = 14
    tokens: int = 200_000
    evaluations: int = 12

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        check_least(
            self, dict.fromkeys(("training", "held_out", "problems", "max_completion", "tokens", "evaluations"), 1)
        )
        if self.n_rollouts < 2:
            raise ValueError(f"n_rollouts is {self.n_rollouts}; GRPO compares at least 2 rollouts of a problem")


#: The setting of each bank.
SETTINGS: Mapping[str, Setting] = {
    "arithmetic": Setting("arithmetic"),
    "arc_1d": Setting("arc_1d", warm_up=WarmUp(steps=900, careless_steps=200), max_completion=16),
}
