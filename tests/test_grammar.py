"""The grammar of names: what is read, how it is spelled, and what is said of that which cannot be read."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curriculum_bandits.bandits import ScaleFree
from curriculum_bandits.grammar import Call, find_name, import_function, parse_call, parse_calls, unknown_name, written
from curriculum_bandits.neural.samplers import Nucleus
from curriculum_bandits.signals import policy_improvement, tent


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("besson-1", "besson_1", {}),
        ("sec()", "sec", {}),
        ("osmd(share=0.01, step=1e-1, floor=-.5)", "osmd", {"share": 0.01, "step": 0.1, "floor": -0.5}),
        ("random-abrupt(n-arms=5)", "random_abrupt", {"n_arms": 5}),
        ("f(a=True, b=None, c=none, d=inf)", "f", {"a": True, "b": None, "c": "none", "d": math.inf}),
        ("f(a=\"x-y (z)+w\", b='q')", "f", {"a": "x-y (z)+w", "b": "q"}),
        ("f(a=(1, 2), b=[x, 'y'], c={'k': 1})", "f", {"a": (1, 2), "b": ["x", "y"], "c": {"k": 1}}),
        ("f(seed=range(3), other=range(2, 9))", "f", {"seed": range(3), "other": range(2, 9)}),
        ("f(a=G(0.1, b=H()))", "f", {"a": Call("G", {"b": Call("H")}, (0.1,))}),
        ("package.module:function", "package.module:function", {}),
        ("package.module:function(a=1)", "package.module:function", {"a": 1}),
        ("folder/a=1/my-means.csv", "folder/a=1/my-means.csv", {}),
        (" means.csv (noise=deterministic) ", "means.csv", {"noise": "deterministic"}),
    ],
)
def test_a_call_is_read(text, name, values):
    call = parse_call(text)
    assert (call.name, dict(call.settings)) == (name, values)
    assert parse_call(str(call)) == call


def test_calls_are_joined_by_plus_signs_outside_brackets_and_quotes():
    calls = parse_calls("sec(temperature=1e+1, signal='a+b') + dapo+delayed(steps=2)")
    assert [call.name for call in calls] == ["sec", "dapo", "delayed"]
    assert calls[0].settings == {"temperature": 10.0, "signal": "a+b"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("sec+", "'' cannot be read"),
        ("sec[temperature=0.2]", "cannot be read; write name or name(setting=value"),
        ("osmd:share=1", "cannot be read"),
        ("f(", "cannot be read"),
        ("f(a=)", "cannot be read"),
        ("f(a=1))", "cannot be read"),
        ("f(a=1) g(b=2)", "cannot be read"),
        ("f(a=1) or g(b=2)", "cannot be read"),
        ("f(**{'a': 1})", "cannot be read"),
        ("f(a=b.c)", "cannot be read"),
        ("f(a=b + c)", "cannot be read"),
        ("f(a=[x for x in y])", "cannot be read"),
        ("f(a=lambda: 1)", "cannot be read"),
        ("f(a=range('x'))", "cannot be read"),
        ("f(a=true)", "true is no value; write True"),
        ("f(share=1, share=2)", "gives share twice"),
        ("f(0.3)", "gives 0.3 without a name; write setting=value"),
    ],
)
def test_what_is_no_call_is_refused(text, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        parse_calls(text)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda parts: st.lists(parts, max_size=3) | st.lists(parts, max_size=3).map(tuple),
    max_leaves=5,
)


@settings(deadline=None, max_examples=200)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), values, max_size=3))
def test_whatever_is_written_is_read_again(given):
    import keyword

    call = Call("f", {name: value for name, value in given.items() if not keyword.iskeyword(name)})
    assert parse_calls(f"{call}+g") == (call, Call("g"))


def test_objects_are_written_with_what_differs_from_their_defaults():
    import functools

    assert written(ScaleFree()) == "ScaleFree()"
    assert written(ScaleFree(memory=5)) == "ScaleFree(memory=5)"
    assert written(Nucleus()) == "Nucleus()"
    assert written(tent) == "tent"
    assert written(functools.partial(policy_improvement, ratio="sequence")) == "policy_improvement(ratio=sequence)"
    assert written(np.float64(0.5)) == "0.5"
    assert written(np.zeros(3)) == "<array of shape (3,)>"
    assert written(object()) == "<object>"


def test_a_wrong_name_gets_the_nearest_and_never_a_long_list():
    many = [f"name_{i}" for i in range(80)]
    assert str(unknown_name("method", "name-7", many)).count("name_") == 3
    assert str(unknown_name("method", "xyz", many, "ask --list")) == "there is no method 'xyz'; ask --list"
    assert str(unknown_name("filter", "xyz", ["dapo", "lilo"])).endswith("; there are: dapo, lilo")
    assert find_name("learner", "frozen_lake", ["frozen-lake"]) == "frozen-lake"
    with pytest.raises(ValueError, match="there is no learner 'frozen_lak'; did you mean 'frozen-lake'"):
        find_name("learner", "frozen_lak", ["frozen-lake"])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("os.system", "no import path"),
        ("no_such_module:f", "No module named 'no_such_module'; give package.module:function"),
        ("json:dumpz", "no function in json 'dumpz'; did you mean .*'dumps'"),
        ("json:__name__", "is a str; give a function"),
    ],
)
def test_an_import_path_that_leads_nowhere_is_refused(path, message):
    with pytest.raises(ValueError, match=message):
        import_function(path)
