"""Tensors as arrays and back: what a curator's state is made of can be saved without pickle, in every bit.

Settings and frozen weights belong to the constructor, so only what is trained is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["arrays_of_optimizer", "arrays_of_weights", "checked_optimizer", "checked_weights", "restore_optimizer"]

Arrays = dict[str, Any]


def arrays_of_weights(module: nn.Module) -> Arrays:
    """Trained parameters of a module by name, as copies.

    Args:
        module: Any module.

    Returns:
        An array for each parameter that requires a gradient.
    """
    return {name: _array(weight) for name, weight in _trained(module)}


def checked_weights(module: nn.Module, arrays: Mapping[str, Any]) -> dict[str, Tensor]:
    """Saved parameters as tensors that fit a module; the module is not touched.

    Args:
        module: The module to be restored.
        arrays: What `arrays_of_weights` returned.

    Returns:
        A tensor for each trained parameter.

    Raises:
        ValueError: If names or shapes are not those of the module.
    """
    expected = dict(_trained(module))
    if set(arrays) != set(expected):
        odd = sorted(set(arrays) ^ set(expected))
        raise ValueError(f"the saved scorer and this one differ in the weights {odd}; construct it as it was saved")
    return {name: _tensor(arrays[name], weight, name) for name, weight in expected.items()}


def arrays_of_optimizer(optimizer: torch.optim.Optimizer) -> Arrays:
    """What an optimiser remembers of each parameter, by the parameter's number.

    Args:
        optimizer: Any optimiser whose memory is tensors.

    Returns:
        For each parameter that had a gradient a mapping of arrays, and the numbers of these parameters.
    """
    state = optimizer.state_dict()["state"]
    memory = {str(number): {name: _array(value) for name, value in entry.items()} for number, entry in state.items()}
    return {"numbers": sorted(state), "memory": memory}


def checked_optimizer(optimizer: torch.optim.Optimizer, arrays: Mapping[str, Any], names: tuple[str, ...]) -> Arrays:
    """A saved memory as tensors that fit an optimiser; the optimiser is not touched.

    Args:
        optimizer: The optimiser to be restored.
        arrays: What `arrays_of_optimizer` returned.
        names: What it remembers of each parameter, such as ``("step", "exp_avg", "exp_avg_sq")``.

    Returns:
        What `restore_optimizer` takes.

    Raises:
        ValueError: If parameters are missing, or something does not have the shape of its parameter.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    memory, numbers = arrays["memory"], [int(number) for number in arrays["numbers"]]
    if set(memory) != {str(number) for number in numbers} or not set(numbers) <= set(range(len(parameters))):
        raise ValueError(f"the saved optimiser knows the parameters {sorted(memory)}, this one has {len(parameters)}")
    checked: Arrays = {}
    for number in numbers:
        entry, parameter = memory[str(number)], parameters[number]
        if set(entry) != set(names):
            raise ValueError(f"the saved optimiser remembers {sorted(entry)} of a parameter, not {sorted(names)}")
        scalar = torch.zeros((), dtype=torch.float32)
        checked[str(number)] = {
            name: _tensor(entry[name], scalar if name == "step" else parameter, name) for name in names
        }
    return checked


def restore_optimizer(optimizer: torch.optim.Optimizer, checked: Arrays) -> None:
    """Put a checked memory in place.

    Args:
        optimizer: The optimiser.
        checked: What `checked_optimizer` returned.
    """
    own = optimizer.state_dict()
    state = {int(number): entry for number, entry in checked.items()}
    optimizer.load_state_dict({"state": state, "param_groups": own["param_groups"]})


def _trained(module: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, weight) for name, weight in module.named_parameters() if weight.requires_grad]


def _array(value: Any) -> Any:
    tensor = torch.as_tensor(value).detach().cpu()
    if tensor.dtype == torch.bfloat16:  # which numpy lacks: its bits
        tensor = tensor.view(torch.int16)
    return tensor.numpy().copy()


def _tensor(array: Any, like: Tensor, name: str) -> Tensor:
    values = np.array(array)
    if values.shape != tuple(like.shape):
        raise ValueError(f"the saved {name} has shape {values.shape}, here it has {tuple(like.shape)}")
    tensor = torch.from_numpy(values)
    if like.dtype == torch.bfloat16 and tensor.dtype == torch.int16:
        tensor = tensor.view(torch.bfloat16)
    if tensor.dtype != like.dtype:
        raise ValueError(f"the saved {name} is of {tensor.dtype}, here it is of {like.dtype}")
    return tensor.to(like.device)
