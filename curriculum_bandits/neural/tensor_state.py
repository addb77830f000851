"""Networks and their optimisers as arrays and back: saved without pickle, in every bit.

Settings and frozen weights belong to the constructor, so only what is trained is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from curriculum_bandits._typing import override
from curriculum_bandits.state import Field, Stateful

__all__ = ["Trained"]

_ADAM_REMEMBERS = ("step", "exp_avg", "exp_avg_sq")


class _Weights(Field):
    """Trained parameters of a module, by name."""

    @override
    def save(self, value: nn.Module) -> dict[str, Any]:
        return {name: _array(weight) for name, weight in _trained(value).items()}

    @override
    def checked(self, saved: Any, present: nn.Module, owner: Any) -> dict[str, Tensor]:
        needed = _trained(present)
        odd = sorted(set(_mapping(saved)) ^ set(needed))
        if odd:
            raise ValueError(f"differs in the weights {odd}; construct it as it was saved")
        weights = {name: _tensor(saved[name], weight, name) for name, weight in needed.items()}
        for name, weight in weights.items():
            if not bool(torch.isfinite(weight).all()):
                raise ValueError(f"has a weight in {name} that is not finite")
        return weights


class _Memory(Field):
    """What Adam remembers of each parameter that had a gradient, and the numbers of these parameters."""

    @override
    def save(self, value: torch.optim.Optimizer) -> dict[str, Any]:
        entries = value.state_dict()["state"]
        memory = {str(n): {name: _array(each) for name, each in entry.items()} for n, entry in entries.items()}
        return {"numbers": sorted(entries), "memory": memory}

    @override
    def checked(self, saved: Any, present: torch.optim.Optimizer, owner: Any) -> dict[int, dict[str, Tensor]]:
        parameters = {str(n): p for n, p in enumerate(p for group in present.param_groups for p in group["params"])}
        if set(_mapping(saved)) != {"numbers", "memory"}:
            raise ValueError(f"holds {sorted(saved)}, not memory and numbers")
        entries, numbers = _mapping(saved["memory"]), {str(number) for number in saved["numbers"]}
        if set(entries) != numbers or not numbers <= set(parameters):
            raise ValueError(f"knows the parameters {sorted(entries)} of {sorted(numbers)}, here are {len(parameters)}")
        memory: dict[int, dict[str, Tensor]] = {}
        for number, entry in entries.items():
            if set(_mapping(entry)) != set(_ADAM_REMEMBERS):
                raise ValueError(f"remembers {sorted(entry)} of a parameter, not {sorted(_ADAM_REMEMBERS)}")
            memory[int(number)] = kept = {}
            for name in _ADAM_REMEMBERS:
                like = torch.zeros((), dtype=torch.float32) if name == "step" else parameters[number]
                kept[name] = each = _tensor(entry[name], like, name)
                if bool(torch.isnan(each).any()) or (name != "exp_avg" and bool((each < 0).any())):
                    raise ValueError(f"has {name} of parameter {number} that is nan or below 0")
        return memory


class Trained(Stateful):
    """A network and the Adam that trains it, as one part of a state.

    Args:
        network: The network, whose frozen weights are not kept.
        optimizer: Over its trained parameters: Adam or AdamW.
    """

    STATE: ClassVar[Mapping[str, Field]] = {"network": _Weights(), "optimizer": _Memory()}

    def __init__(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        self.network, self.optimizer = network, optimizer

    @override
    def _put(self, values: Mapping[str, Any]) -> None:
        rest = dict(values)
        weights, memory = rest.pop("network"), rest.pop("optimizer")
        own = _trained(self.network)
        with torch.no_grad():
            for name, weight in weights.items():
                own[name].copy_(weight)
        self.optimizer.load_state_dict({"state": memory, "param_groups": self.optimizer.state_dict()["param_groups"]})
        super()._put(rest)


def _trained(module: nn.Module) -> dict[str, nn.Parameter]:
    return {name: weight for name, weight in module.named_parameters() if weight.requires_grad}


def _mapping(saved: Any) -> Mapping[str, Any]:
    if not isinstance(saved, Mapping):
        raise ValueError(f"is a {type(saved).__name__} where arrays by name are needed")
    return saved


def _array(value: Any) -> Any:
    tensor = torch.as_tensor(value).detach().cpu()
    if tensor.dtype == torch.bfloat16:  # which numpy lacks: its bits
        tensor = tensor.view(torch.int16)
    return tensor.numpy().copy()


def _tensor(saved: Any, like: Tensor, name: str) -> Tensor:
    dtype, shape = _array(torch.empty((), dtype=like.dtype)).dtype, tuple(like.shape)
    array = np.asarray(saved)
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"has {name} of {array.dtype} and shape {array.shape} where {dtype} and {shape} are needed")
    tensor = torch.from_numpy(array.copy())
    return (tensor.view(like.dtype) if like.dtype == torch.bfloat16 else tensor).to(like.device)
