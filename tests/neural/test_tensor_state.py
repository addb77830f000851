"""Weights and optimisers as arrays and back: every bit returns, and what does not fit is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.neural.tensor_state import Trained

TYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16]


def a_module(dtype=torch.float32, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).to(dtype)
    module[0].bias.requires_grad_(False)
    return module


def trained(dtype=torch.float32, seed=0, steps=3):
    module = a_module(dtype, seed)
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=0.01)
    for number in range(steps):
        for parameter in parameters:
            parameter.grad = torch.full_like(parameter, 0.1 + number)
        optimizer.step()
    return Trained(module, optimizer)


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_every_bit_returns_through_a_file(dtype, tmp_path):
    original, twin = trained(dtype), trained(dtype, seed=1, steps=1)
    save_state(tmp_path / "state.npz", original.state_dict())
    twin.load_state_dict(load_state(tmp_path / "state.npz"))
    own = dict(twin.network.named_parameters())
    for name, value in original.network.named_parameters():
        assert value.requires_grad == torch.equal(own[name], value), name
    theirs, mine = twin.optimizer.state_dict()["state"], original.optimizer.state_dict()["state"]
    assert theirs.keys() == mine.keys()
    for number, entry in mine.items():
        for name, value in entry.items():
            assert theirs[number][name].dtype == value.dtype
            assert torch.equal(theirs[number][name], value)


def test_what_is_frozen_is_not_kept():
    assert set(trained().state_dict()["network"]) == {"0.weight", "1.weight", "1.bias"}


def test_an_optimizer_before_its_first_step_remembers_nothing():
    fresh, worked = trained(steps=0), trained(steps=2)
    assert fresh.state_dict()["optimizer"] == {"numbers": [], "memory": {}}
    worked.load_state_dict(fresh.state_dict())
    assert worked.optimizer.state_dict()["state"] == {}


def test_arrays_are_copies():
    one, twin = trained(), trained(seed=1)
    state = one.state_dict()
    kept = state["network"]["0.weight"].copy()
    with torch.no_grad():
        one.network[0].weight.fill_(7.0)
    np.testing.assert_array_equal(state["network"]["0.weight"], kept)
    twin.load_state_dict(state)
    state["network"]["0.weight"][:] = 9.0
    np.testing.assert_array_equal(twin.network[0].weight.detach().numpy(), kept)


ONE = np.ones(2, np.float32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w, o: w.pop("1.bias"), r"network of trained differs in the weights \['1.bias'\]"),
        (lambda w, o: w.update(other=np.zeros(2)), r"differs in the weights \['other'\]"),
        (lambda w, o: w.update({"1.bias": np.zeros(3, np.float32)}), r"1.bias of float32 and shape \(3,\) where"),
        (lambda w, o: w.update({"1.bias": np.zeros(2)}), "1.bias of float64 and shape .* where float32"),
        (lambda w, o: w.update({"1.bias": np.zeros(2, np.uint16)}), "1.bias of uint16"),
        (lambda w, o: w.update({"1.bias": "two"}), "1.bias of <U3"),
        (lambda w, o: w.update({"1.bias": np.inf * ONE}), "a weight in 1.bias that is not finite"),
        (
            lambda w, o: o["memory"].update({"3": o["memory"]["0"]}),
            r"knows the parameters .*'3'\] of \['0', '1', '2'\]",
        ),
        (lambda w, o: o["memory"].pop("1"), r"knows the parameters \['0', '2'\] of \['0', '1', '2'\], here are 3"),
        (lambda w, o: o.update(numbers=[0, 3], memory={"3": 0, "0": 0}), "here are 3"),
        (lambda w, o: o.pop("numbers"), r"holds \['memory'\]"),
        (lambda w, o: o["memory"]["1"].pop("exp_avg"), "remembers"),
        (lambda w, o: o["memory"]["1"].update(max_exp_avg_sq=ONE), "remembers"),
        (lambda w, o: o["memory"].update({"1": 0}), "is a int where arrays by name are needed"),
        (lambda w, o: o["memory"]["1"].update(exp_avg=ONE), "has exp_avg of float32 and shape"),
        (lambda w, o: o["memory"]["1"].update(step=ONE), "has step of float32 and shape"),
        (lambda w, o: o["memory"]["2"].update(exp_avg=np.nan * ONE), "exp_avg of parameter 2 that is nan"),
        (lambda w, o: o["memory"]["2"].update(exp_avg_sq=-ONE), "exp_avg_sq of parameter 2 that is nan or below 0"),
    ],
)
def test_what_does_not_fit_is_refused_without_a_trace(change, message):
    state, one = trained(seed=1).state_dict(), trained()
    change(state["network"], state["optimizer"])
    before = one.state_dict()
    with pytest.raises(ValueError, match=message):
        one.load_state_dict(state)
    np.testing.assert_equal(one.state_dict(), before)
