"""What would train silently wrong is refused before the first step, with the value and the remedy."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from torch import nn

from curriculum_bandits import ProblemBank

__all__ = ["check_bank_fills_batch", "check_no_dropout", "check_refills", "check_reward_columns", "rows_by_id"]

# What TRL passes to a reward function besides the columns of the data set.
_FROM_TRAINER = {"prompts", "completions", "completion_ids", "trainer_state", "log_extra", "log_metric", "environments"}


def check_no_dropout(model: nn.Module) -> None:
    """Refuse a model with dropout: log-probabilities before and after would differ by noise, not by learning.

    Raises:
        ValueError: If a dropout probability above 0 is left after TRL removed what it can; names where it is.
    """
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0:
            _refuse_dropout(name or type(module).__name__, module.p)
        for attribute, value in vars(module).items():
            if "drop" in attribute and isinstance(value, float) and value > 0:
                _refuse_dropout(f"{name}.{attribute}", value)


def _refuse_dropout(where: str, probability: float) -> None:
    raise ValueError(
        f"the model has dropout {probability} at {where!r}; policy improvement compares log-probabilities before and "
        "after an update, which dropout drowns in noise. Set it to 0 in the model's config (such as "
        "attention_dropout=0.0) and keep disable_dropout=True in GRPOConfig"
    )


def check_bank_fills_batch(bank: ProblemBank, problems: int) -> None:
    """Refuse a bank smaller than the distinct problems of one generation batch, with which TRL would train for 0 steps.

    Raises:
        ValueError: If the bank is too small; names both numbers.
    """
    if len(bank) < problems:
        raise ValueError(
            f"one generation batch takes {problems} distinct problems but the bank has {len(bank)}; lower "
            "per_device_train_batch_size or steps_per_generation, raise num_generations, or give more problems"
        )


def check_refills(refills: int | None, trainer: Any) -> None:
    """Refuse a filter of groups that the settings of a `trl.GRPOTrainer` would make wrong.

    Raises:
        ValueError: If `refills` is negative, or advantages are normalised over the batch of a single generation.
    """
    if refills is None:
        return
    if refills < 0:
        raise ValueError(f"refills is {refills}; give how often to draw again at most, or None for no filter")
    if getattr(trainer, "multi_objective_aggregation", None) == "normalize_then_sum":
        raise ValueError(
            "refills drops problems whose rewards are all equal, which have advantages under "
            "multi_objective_aggregation='normalize_then_sum'; use 'sum_then_normalize' or leave refills out"
        )


def check_reward_columns(reward_funcs: Iterable[Any], columns: Sequence[str]) -> None:
    """Refuse a reward function that needs a column which the rows do not have; models are passed over.

    Raises:
        ValueError: If a parameter without default is neither a column nor passed by TRL itself.
    """
    for reward_func in reward_funcs:
        if isinstance(reward_func, nn.Module) or not callable(reward_func):
            continue
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        parameters = inspect.signature(reward_func).parameters.values()
        needed = {p.name for p in parameters if p.kind in kinds and p.default is inspect.Parameter.empty}
        unknown = sorted(needed - _FROM_TRAINER - set(columns))
        if unknown:
            name = getattr(reward_func, "__name__", type(reward_func).__name__)
            raise ValueError(
                f"the reward function {name!r} needs the columns {unknown}, but a row has {sorted(columns)}; add them "
                "to the bank (ProblemBank(columns=...)) or give the parameter a default"
            )


def rows_by_id(dataset: Any, bank: ProblemBank) -> np.ndarray:
    """Row of a user's own map-style data set, which has a column ``id``, for each problem of the bank: shape (N,).

    Raises:
        ValueError: If the data set is a stream, has no ``id`` column, or its ids are not those of the bank.
    """
    names = getattr(dataset, "column_names", None)
    or_leave_out = "or leave train_dataset out to train on the curriculum's own bank"
    if not hasattr(dataset, "__len__") or not isinstance(names, list):
        raise ValueError(
            f"train_dataset is a {type(dataset).__name__}; a curriculum picks rows, so give a map-style Dataset, "
            f"{or_leave_out}"
        )
    if "id" not in names:
        raise ValueError(f"train_dataset has the columns {names} but no 'id'; add the bank's ids, {or_leave_out}")
    position = {str(identity): row for row, identity in enumerate(dataset["id"])}
    known = set(bank.ids)
    missing = [identity for identity in bank.ids if identity not in position]
    unknown = [identity for identity in position if identity not in known]
    if missing or unknown or len(dataset) != len(bank):
        raise ValueError(
            f"train_dataset ({len(dataset)} rows) and the bank ({len(bank)} problems) hold different problems: it "
            f"lacks {missing[:3]} and adds {unknown[:3]}; build the bank with ProblemBank.from_dataset(train_dataset)"
        )
    return np.array([position[identity] for identity in bank.ids])
