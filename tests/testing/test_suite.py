"""The machinery of the suites: every law is tried, none hides another, and what does not apply says why."""

import subprocess
import sys
import unittest

import numpy as np
import pytest

from curriculum_bandits.bandits import Osmd
from curriculum_bandits.testing import BanditConformance, Conformance, ConformanceError, check_bandit
from curriculum_bandits.testing import _assertions as assertions


class Mixed(Conformance):
    def test_holds(self):
        pass

    def test_is_broken(self):
        raise AssertionError("two is not three")

    def test_stumbles(self):
        raise KeyError("weights")

    def test_does_not_apply(self):
        raise unittest.SkipTest("there is nothing to see")


class MoreMixed(Mixed):
    def test_comes_last(self):
        pass

    def test_is_broken(self):
        pass


def test_every_broken_law_is_named_with_what_went_wrong():
    with pytest.raises(ConformanceError) as caught:
        Mixed().check()
    assert caught.value.failures == {"is_broken": "two is not three", "stumbles": "KeyError: 'weights'"}
    assert str(caught.value) == "2 laws are broken:\n- is_broken: two is not three\n- stumbles: KeyError: 'weights'"
    assert isinstance(caught.value, AssertionError)


def test_laws_that_do_not_apply_come_with_the_reason():
    assert Mixed().check(["holds", "does_not_apply"]) == {"does_not_apply": "there is nothing to see"}


def test_laws_are_inherited_in_the_order_they_are_written():
    assert MoreMixed.laws() == ("holds", "is_broken", "stumbles", "does_not_apply", "comes_last")
    with pytest.raises(ConformanceError, match="1 law is broken"):
        MoreMixed().check()


def test_an_unknown_attribute_is_named():
    with pytest.raises(TypeError, match="no attribute 'play'; it has bounded, draws, "):
        check_bandit(lambda runs=None: Osmd(3, runs=runs), play=2)


def test_a_suite_without_make_says_what_to_write():
    with pytest.raises(ConformanceError, match="write make"):
        BanditConformance().check()


def test_pytest_is_not_needed():
    code = "import sys, curriculum_bandits.testing; sys.exit('pytest' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestMixed(Conformance):
    """Collected as any suite is: pytest must report the second law as skipped, or this is an error."""

    def test_holds(self):
        pass

    def test_does_not_apply(self):
        assertions.not_applicable("an example of a law that does not apply")


# The assertions


@pytest.mark.parametrize(
    ("one", "other", "place"),
    [
        ({"a": np.zeros(2)}, {"a": np.zeros(2)}, None),
        ({"a": np.array([np.nan])}, {"a": np.array([np.nan])}, None),
        ({"a": [1, {"b": 2.0}]}, {"a": (1, {"b": 2.0})}, None),
        ({"a": float("nan")}, {"a": float("nan")}, None),
        ({"a": np.zeros(2)}, {"a": np.zeros(3)}, "state['a']"),
        ({"a": np.zeros(2)}, {"a": np.zeros(2, dtype=int)}, "state['a']"),
        ({"a": np.array([1.0])}, {"a": np.array([1.0 + 2e-16])}, "state['a']"),
        ({"a": 1}, {"b": 1}, "the entries of state"),
        ({"a": [1]}, {"a": [1, 2]}, "the length of state['a']"),
        ({"a": [1, {"b": 2.0}]}, {"a": [1, {"b": 3.0}]}, "state['a'][1]['b']"),
        ({"a": None}, {"a": np.zeros(1)}, "state['a']"),
    ],
)
def test_states_differ_where_a_bit_does(one, other, place):
    assert assertions.difference(one, other) == place


def draws(inclusion, size, rng, n=20_000):
    """Draws with replacement of `size` items, with what is claimed about them."""
    p = np.array([0.5, 0.3, 0.15, 0.05])
    items = rng.choice(4, size=(n, size), p=p)
    return items, np.asarray(inclusion)[items]


def test_the_number_to_divide_by_passes_and_one_that_is_off_by_a_tenth_does_not():
    right = 2 * np.array([0.5, 0.3, 0.15, 0.05])
    for seed in range(20):
        assertions.expect_unbiased(*draws(right, 2, np.random.default_rng(seed)), 4, "item")
        with pytest.raises(AssertionError, match="sum 1/inclusion of item 1 "):
            assertions.expect_unbiased(*draws(right * [1, 1.1, 1, 1], 2, np.random.default_rng(seed)), 4, "item")


def test_items_too_rare_to_be_counted_raise_no_alarm():
    p = np.array([0.9998, 1e-4, 1e-4, 0.0])
    for seed in range(200):
        items = np.random.default_rng(seed).choice(4, size=(3000, 1), p=p)
        assertions.expect_unbiased(items, p[items], 4, "item")
        assertions.expect_expected_counts(items, p)


def test_counts_that_are_off_by_a_tenth_are_found():
    p = np.array([0.5, 0.3, 0.15, 0.05])
    for seed in range(20):
        items, _ = draws(p, 2, np.random.default_rng(seed))
        assertions.expect_expected_counts(items, 2 * p)
        with pytest.raises(AssertionError, match="arm"):
            assertions.expect_expected_counts(items, 2 * np.array([0.45, 0.35, 0.15, 0.05]))
