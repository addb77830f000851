"""Settings: the paper's, value by value, and what is refused."""

import math
from dataclasses import fields, replace

import pytest

from curriculum_bandits.neural import DEFAULT, PAPER, CuratorSettings, Proximal, Unclipped
from curriculum_bandits.neural.samplers import Nucleus, exact

# What the method's description says of the paper's curator, and for switches of ours the value that turns them off.
PAPER_VALUES = {
    "candidates": 2048,
    "candidates_per_problem": None,
    "proposal": "shuffled",
    "sampler": Nucleus(0.9),
    "dormant": 20,
    "warm_up": 5,
    "temperature": 1.0,
    "floor": 0.0,
    "loss": Proximal(clip=0.2, weights="equal"),
    "baseline": "none",
    "window": 10,
    "gain": 1000.0,
    "gradient_steps": 1,
    "learning_rate": 1e-6,
    "weight_decay": 0.01,
    "max_gradient_norm": 1.0,
    "schedule": None,
    "chunk": 32,  # ours: a language model cannot score 2048 prompts at once
}
WITHOUT_EFFECT = {"prediction_weight", "memory"}  # of a second head, of no gain


def test_every_value_of_the_papers_preset_is_the_papers():
    for name, value in PAPER_VALUES.items():
        assert getattr(PAPER, name) == value, name


def test_every_other_switch_is_off_in_the_papers_preset():
    rest = {field.name for field in fields(CuratorSettings)} - set(PAPER_VALUES) - WITHOUT_EFFECT
    assert {name: getattr(PAPER, name) for name in rest} == dict.fromkeys(rest, 0.0)


def test_the_default_states_an_inclusion_and_starves_nobody():
    assert DEFAULT.sampler is exact
    assert DEFAULT.loss.needs_inclusion
    assert 0.0 < DEFAULT.floor < 1.0
    assert DEFAULT.gain is None


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("candidates", [0, -1]),
        ("candidates_per_problem", [0, -1]),
        ("window", [0]),
        ("memory", [0]),
        ("gradient_steps", [0]),
        ("dormant", [-1]),
        ("warm_up", [-1]),
        ("chunk", [0]),
        ("floor", [-0.1, 1.0, math.nan]),
        ("temperature", [0.0, -1.0, math.inf, math.nan]),
        ("learning_rate", [0.0, math.nan]),
        ("prediction_weight", [-1.0, math.nan]),
        ("weight_decay", [-1e-3, math.inf]),
        ("gain", [0.0, -2.0, math.inf, math.nan]),
        ("max_gradient_norm", [0.0, math.nan]),
        ("proposal", ["sorted"]),
        ("loss", ["proximal", None]),
        ("baseline", ["median"]),
    ],
)
def test_a_setting_out_of_range_is_refused_by_its_name(name, values):
    for value in values:
        with pytest.raises(ValueError, match=rf"^{name} is {value!r}; it must"):
            replace(DEFAULT, **{name: value})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampler": Nucleus(0.9)}, "must state an inclusion"),
        ({"sampler": Nucleus(0.9), "loss": Unclipped()}, "must state an inclusion"),
        ({"loss": Proximal(weights="equal"), "baseline": "predicted"}, "weights='equal'"),
    ],
)
def test_switches_that_contradict_each_other_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        replace(DEFAULT, **changes)
