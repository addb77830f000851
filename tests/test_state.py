"""Declared state: each kind of field takes what it should, refuses what it should, and a refusal changes nothing."""

import copy
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.state import Array, Count, Fixed, Flag, Part, Parts, Random, Real, Stateful, Text


class Inner(Stateful):
    STATE: ClassVar = {"_mean": Array(low=0.0)}

    def __init__(self):
        self._mean = np.array([1.0, 2.0])


class Foreign:
    """A part that is not declared, and checks while it loads."""

    def __init__(self):
        self.weights = 1

    def state_dict(self):
        return {"weights": self.weights}

    def load_state_dict(self, state):
        if state["weights"] < 0:
            raise ValueError("negative weights")
        self.weights = state["weights"]


class Outer(Stateful, kind="outermost"):
    STATE: ClassVar = {
        "n": Fixed("use n=2"),
        "_p": Array(distribution=True),
        "plays": Array(low=0, shape=lambda outer: (None, outer.n)),
        "seen": Array(),
        "limits": Array(finite=False),
        "maybe": Array(optional=True, shape=lambda outer: (outer.n,), dtype=float),
        "rounds": Count(low=1),
        "scale": Real(low=0.0, high=10.0, optional=True),
        "on": Flag(),
        "name": Text(),
        "_rng": Random(),
        "inner": Part(),
        "both": Parts(),
        "foreign": Part(),
        "absent": Part(optional=True),
    }

    def __init__(self):
        self.n, self._p, self.plays = 2, np.array([0.25, 0.75]), np.zeros((0, 2), dtype=np.int64)
        self.seen, self.limits, self.maybe = np.array([True, False]), np.array([-np.inf, 0.0]), None
        self.rounds, self.scale, self.on, self.name, self._rng = 3, None, True, "x", np.random.default_rng(0)
        self.inner, self.both, self.foreign, self.absent = Inner(), (Inner(), Inner()), Foreign(), None


def changed():
    outer = Outer()
    outer._p, outer.plays, outer.maybe = np.array([0.5, 0.5]), np.array([[1, 2], [3, 4]]), np.array([1.0, 2.0])
    outer.rounds, outer.scale, outer.on, outer.name = 9, 2.5, False, "y"
    outer._rng.random(7)
    outer.inner._mean[0], outer.both[1]._mean[1], outer.foreign.weights = 5.0, 6.0, 7
    return outer


def test_a_state_goes_through_a_file_and_continues_in_every_bit(tmp_path):
    original, twin = changed(), Outer()
    save_state(tmp_path / "state.npz", original.state_dict())
    inner = twin.inner
    twin.load_state_dict(load_state(tmp_path / "state.npz"))
    np.testing.assert_equal(twin.state_dict(), original.state_dict())
    assert twin.inner is inner
    assert twin._rng.random() == original._rng.random()
    assert twin.seen.dtype == bool


def test_a_state_shares_no_memory_either_way():
    original = changed()
    state = original.state_dict()
    original._p[:] = 0.0
    assert state["p"].tolist() == [0.5, 0.5]
    twin = Outer()
    twin.load_state_dict(state)
    state["p"][:] = 9.0
    state["both"][0]["mean"][:] = 9.0
    assert twin._p.tolist() == [0.5, 0.5]
    assert twin.both[0]._mean.tolist() == [1.0, 2.0]


WRONG = [
    ("kind", "inner", "belongs to a 'inner', not to a 'outermost'"),
    ("n", 3, "the saved n of outermost is 3, and 2 here; use n=2"),
    ("p", np.array([0.5, 0.6]), "the saved p of outermost sums to 1.1, not to 1"),
    ("p", np.array([-0.5, 1.5]), "the saved p of outermost holds -0.5; at least 0 is needed"),
    ("p", np.array([0.5, np.nan]), "the saved p of outermost holds nan"),
    ("p", np.array([0.2, 0.3, 0.5]), r"the saved p of outermost has shape \(3,\) where \(2,\) is needed"),
    ("p", np.array([[0.5, 0.5]]), r"has shape \(1, 2\)"),
    ("p", "half", "the saved p of outermost is 'half' where an array is needed"),
    ("p", None, "is None where an array is needed"),
    ("p", np.array([0.5j, 0.5]), "holds complex128 where float64 is needed"),
    ("plays", np.zeros((3, 1), dtype=int), r"has shape \(3, 1\) where \(any, 2\) is needed"),
    ("plays", np.zeros((3, 2)), "holds float64 where int64 is needed"),
    ("plays", np.array([[-1, 0]]), "holds -1; at least 0 is needed"),
    ("seen", np.array([0.5, 1.0]), "holds float64 where bool is needed"),
    ("maybe", np.array([np.inf, 0.0]), "holds inf; finite numbers are needed"),
    ("rounds", 0, "the saved rounds of outermost is 0; at least 1 is needed"),
    ("rounds", 2.0, "is 2.0 where a whole number is needed"),
    ("rounds", True, "is True where a whole number is needed"),
    ("rounds", None, "is None where a whole number is needed"),
    ("scale", 11.0, "is 11.0; 0 to 10 is needed"),
    ("scale", float("nan"), "is nan; 0 to 10 is needed"),
    ("scale", "2", "is '2' where a number is needed"),
    ("on", 1, "is 1 where True or False is needed"),
    ("name", 5, "is 5 where a text is needed"),
    ("rng", {"bit_generator": "PCG64"}, "the saved rng of outermost is no state of a random generator"),
    ("rng", None, "is no state of a random generator"),
    ("inner", {"kind": "inner", "mean": np.array([-1.0, 0.0])}, "the saved mean of inner holds -1.0"),
    ("inner", {"kind": "inner"}, "the state of inner lacks mean"),
    ("inner", None, "is None where a Inner is needed"),
    ("both", [], "is a list where a list of 2 states is needed"),
    ("both", [Inner().state_dict(), {**Inner().state_dict(), "kind": "x"}], "belongs to a 'x', not to a 'inner'"),
    ("foreign", {"weights": -1}, "negative weights"),
    ("absent", {"kind": "inner"}, "where None is needed"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG)
def test_a_damaged_state_is_refused_and_changes_nothing(name, value, message):
    outer, state = changed(), Outer().state_dict()
    before = copy.deepcopy(outer.state_dict())
    with pytest.raises(ValueError, match=message):
        outer.load_state_dict({**state, name: value})
    np.testing.assert_equal(outer.state_dict(), before)


def test_a_state_with_too_little_or_too_much_is_refused():
    state = Outer().state_dict()
    del state["rounds"], state["name"]
    with pytest.raises(ValueError, match="the state of outermost lacks name, rounds and has also later"):
        Outer().load_state_dict({**state, "later": 1})
    with pytest.raises(ValueError, match="the state of outermost is a list"):
        Outer().load_state_dict([])


def test_foreign_parts_are_all_loaded_or_none():
    class Two(Stateful):
        STATE: ClassVar = {"first": Part(), "second": Part()}

        def __init__(self):
            self.first, self.second = Foreign(), Foreign()

    two = Two()
    state = {**two.state_dict(), "first": {"weights": 5}, "second": {"weights": -1}}
    with pytest.raises(ValueError, match="negative weights"):
        two.load_state_dict(state)
    assert two.first.weights == 1


def test_a_subclass_adds_fields_to_those_of_its_bases():
    class Child(Inner):
        STATE: ClassVar = {"extra": Count()}

        def __init__(self):
            super().__init__()
            self.extra = 4

    assert list(Child().state_dict()) == ["kind", "mean", "extra"]
    assert Child.KIND == "child"
    assert list(Inner().state_dict()) == ["kind", "mean"]


@given(arrays.arrays(np.float64, st.tuples(st.integers(0, 3), st.integers(0, 3))))
def test_an_array_is_taken_exactly_where_its_shape_and_content_fit(array):
    class Holder(Stateful):
        STATE: ClassVar = {"values": Array(low=-1.0, high=1.0)}

        def __init__(self):
            self.values = np.zeros((2, 2))

    fits = array.shape == (2, 2) and bool(np.all((array >= -1) & (array <= 1)))
    holder = Holder()
    if fits:
        holder.load_state_dict({"kind": "holder", "values": array})
        np.testing.assert_array_equal(holder.values, array)
    else:
        with pytest.raises(ValueError, match="the saved values of holder"):
            holder.load_state_dict({"kind": "holder", "values": array})


def test_a_fixed_setting_may_be_a_numpy_number_on_either_side():
    for saved, present in ((2, np.int64(2)), (np.int64(2), 2), (np.float64(0.5), 0.5), (np.int64(2), np.int32(2))):
        assert Fixed().checked(saved, present, None) is present
    for saved, present in ((3, np.int64(2)), (True, 1), (np.bool_(True), 1)):
        with pytest.raises(ValueError, match="here; make the object"):
            Fixed().checked(saved, present, None)


@pytest.mark.parametrize("saved", [None, {}, {"bit_generator": "PCG64", "state": np.zeros(1)}])
def test_what_is_no_random_state_is_a_value_error(saved):
    with pytest.raises(ValueError, match="no state of a random generator"):
        Random().checked(saved, np.random.default_rng(0), None)
