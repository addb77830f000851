"""Weights and optimisers as arrays and back: every bit returns, and what does not fit is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.neural.tensor_state import (
    arrays_of_optimizer,
    arrays_of_weights,
    checked_optimizer,
    checked_weights,
    restore_optimizer,
)

NAMES = ("step", "exp_avg", "exp_avg_sq")
TYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


def a_module(dtype=torch.float32, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).to(dtype)
    module[0].bias.requires_grad_(False)
    return module


def trained(module, steps=3):
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=0.01)
    for number in range(steps):
        for parameter in parameters:
            parameter.grad = torch.full_like(parameter, 0.1 + number)
        optimizer.step()
    return optimizer


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_every_bit_returns_through_a_file(dtype, tmp_path):
    module, twin = a_module(dtype), a_module(dtype, seed=1)
    optimizer, other = trained(module), trained(twin, steps=1)
    state = {"weights": arrays_of_weights(module), "optimizer": arrays_of_optimizer(optimizer)}
    save_state(tmp_path / "state.npz", state)
    state = load_state(tmp_path / "state.npz")
    weights = checked_weights(twin, state["weights"])
    memory = checked_optimizer(other, state["optimizer"], NAMES)
    restore_optimizer(other, memory)
    own = dict(twin.named_parameters())
    with torch.no_grad():
        for name, value in weights.items():
            own[name].copy_(value)
    for name, value in module.named_parameters():
        assert value.requires_grad == torch.equal(own[name], value), name
    theirs, mine = other.state_dict()["state"], optimizer.state_dict()["state"]
    assert theirs.keys() == mine.keys()
    for number, entry in mine.items():
        for name, value in entry.items():
            assert theirs[number][name].dtype == value.dtype
            assert torch.equal(theirs[number][name], value)


def test_what_is_frozen_is_not_kept():
    assert set(arrays_of_weights(a_module())) == {"0.weight", "1.weight", "1.bias"}


def test_an_optimizer_before_its_first_step_remembers_nothing():
    module = a_module()
    optimizer, worked = trained(module, steps=0), trained(module, steps=2)
    arrays = arrays_of_optimizer(optimizer)
    assert arrays == {"numbers": [], "memory": {}}
    restore_optimizer(worked, checked_optimizer(worked, arrays, NAMES))
    assert worked.state_dict()["state"] == {}


def test_arrays_are_copies():
    module = a_module()
    arrays = arrays_of_weights(module)
    kept = arrays["0.weight"].copy()
    with torch.no_grad():
        module[0].weight.fill_(7.0)
    np.testing.assert_array_equal(arrays["0.weight"], kept)
    tensors = checked_weights(module, arrays)
    arrays["0.weight"][:] = 9.0
    np.testing.assert_array_equal(tensors["0.weight"].numpy(), kept)


def good_state():
    module = a_module()
    optimizer = trained(module)
    return module, optimizer, arrays_of_weights(module), arrays_of_optimizer(optimizer)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("1.bias"), r"differ in the weights \['1.bias'\]"),
        (lambda w: w.update(other=np.zeros(2)), r"differ in the weights \['other'\]"),
        (lambda w: w.update({"1.bias": np.zeros(3, np.float32)}), r"1.bias has shape \(3,\), here it has \(2,\)"),
        (lambda w: w.update({"1.bias": np.zeros(2)}), "1.bias is of torch.float64, here it is of torch.float32"),
        (lambda w: w.update({"1.bias": np.zeros(2, np.uint16)}), "1.bias is of torch.uint16"),
    ],
)
def test_weights_that_do_not_fit_are_refused(change, message):
    module, _, weights, _ = good_state()
    change(weights)
    with pytest.raises(ValueError, match=message):
        checked_weights(module, weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda o: o["memory"].pop("1"), r"knows the parameters \['0', '2'\], this one has 3"),
        (lambda o: o["memory"].update({"3": o["memory"]["0"]}), "this one has 3"),
        (lambda o: o.update(numbers=[0, 1, 3], memory={"3": 0, "0": 0, "1": 0}), "this one has 3"),
        (lambda o: o["memory"]["1"].pop("exp_avg"), "remembers"),
        (lambda o: o["memory"]["1"].update(max_exp_avg_sq=o["memory"]["1"]["exp_avg"]), "remembers"),
        (lambda o: o["memory"]["1"].update(exp_avg=np.zeros(2, np.float32)), "saved exp_avg has shape"),
        (lambda o: o["memory"]["1"].update(step=np.ones(2, np.float32)), "saved step has shape"),
    ],
)
def test_a_memory_that_does_not_fit_is_refused(change, message):
    _, optimizer, _, memory = good_state()
    change(memory)
    with pytest.raises(ValueError, match=message):
        checked_optimizer(optimizer, memory, NAMES)
