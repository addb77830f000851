"""DAPO's filter on TRL's tensors: groups that can teach are trained on, the others are replaced by new draws.

TRL generates and pads each draw on its own. What is kept of several draws is put together here, and shared out anew
among the processes, each of which must get equally many rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch.nn.utils.rnn import pad_sequence

from .generation_batch import ROW, loss_mask

__all__ = ["groups_kept", "merged", "refill_size"]

# How TRL pads: prompts on the left, what belongs to completions on the right. None: the id of the padding token.
_LEFT: dict[str, float | None] = {"prompt_ids": None, "prompt_mask": 0}
_RIGHT: dict[str, float | None] = {
    "completion_ids": None,
    "completion_mask": 0,
    "tool_mask": 1,
    "old_per_token_logps": 0.0,
    "ref_per_token_logps": 0.0,
    "sampling_per_token_logps": 0.0,
    "importance_sampling_ratio": 1.0,
}
_BY_ROW = ("advantages", ROW)
_TOTAL = "num_items_in_batch"


def refill_size(missing: int, generations: int, processes: int) -> int:
    """How many problems to draw for missing groups, so that every process generates equally many rows.

    Args:
        missing: Groups that are missing, 1 or more.
        generations: Rollouts per problem.
        processes: Number of processes.

    Returns:
        At most `missing` where that can be shared out, else the least number that can.
    """
    unit = processes // math.gcd(generations, processes)
    return max(missing // unit, 1) * unit


def groups_kept(informative: Sequence[np.ndarray], wanted: int) -> list[tuple[int, int]]:
    """Which groups are trained on: the first that can teach, filled up with others where these are too few.

    A group whose rewards are all equal has advantages of zero: filling up with it changes no direction of the update.

    Args:
        informative: Of each draw, which of its groups can teach, shape (m,).
        wanted: Groups to train on.

    Returns:
        Number of the draw and of the group in it, for each.
    """
    groups = [(not t, number, group) for number, of in enumerate(informative) for group, t in enumerate(of.tolist())]
    return sorted((number, group) for _, number, group in sorted(groups)[:wanted])


def merged(
    outputs: list[dict[str, Any]], rows: list[int], accelerator: Accelerator, padding_token: int
) -> dict[str, Any]:
    """One batch of the chosen rows of several, of which this process gets its share.

    Args:
        outputs: TRL's tensors of each draw, the rows of this process.
        rows: The rows to keep, by their places in the generation batch, in order; equal on all processes.
        accelerator: Gathers the rows of all processes.
        padding_token: Id of the padding token.

    Raises:
        ValueError: If there are tensors that are not rows of text, such as images.
    """
    unknown = sorted({name for output in outputs for name in output} - {*_LEFT, *_RIGHT, *_BY_ROW, _TOTAL})
    if unknown:
        raise ValueError(f"refills cannot put together batches that hold {unknown}; leave refills out for this model")
    gathered = [_of_all_processes(output, accelerator, padding_token) for output in outputs]
    whole = {name: _stacked([output[name] for output in gathered], name, padding_token) for name in gathered[0]}
    position = {row: place for place, row in enumerate(whole[ROW].tolist())}
    chosen = torch.tensor([position[row] for row in rows], device=whole[ROW].device)
    batch = {name: values[chosen] for name, values in whole.items()}
    total = loss_mask(batch).sum()
    share = len(rows) // accelerator.num_processes
    first = accelerator.process_index * share
    batch = {name: values[first : first + share] for name, values in batch.items()}
    kind = outputs[0][_TOTAL]
    batch[_TOTAL] = total.to(kind.dtype) if isinstance(kind, torch.Tensor) else total
    return batch


def _of_all_processes(output: dict[str, Any], accelerator: Accelerator, padding_token: int) -> dict[str, Any]:
    rows = {name: values for name, values in output.items() if name != _TOTAL and values is not None}
    if accelerator.num_processes == 1:
        return rows
    gathered = {}
    for name, values in rows.items():
        if values.dim() == 2:
            filling = _filling(name, padding_token)
            values = accelerator.pad_across_processes(values, dim=1, pad_index=filling, pad_first=name in _LEFT)
        gathered[name] = accelerator.gather(values.contiguous())
    return gathered


def _stacked(parts: list[torch.Tensor], name: str, padding_token: int) -> torch.Tensor:
    if parts[0].dim() == 1:
        return torch.cat(parts)
    rows, filling = [row for part in parts for row in part], _filling(name, padding_token)
    return pad_sequence(
        rows, batch_first=True, padding_value=filling, padding_side="left" if name in _LEFT else "right"
    )


def _filling(name: str, padding_token: int) -> float:
    value = {**_LEFT, **_RIGHT}[name]
    return padding_token if value is None else value
