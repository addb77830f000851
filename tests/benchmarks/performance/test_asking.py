"""Asking and telling of every method is timed."""

import json

import pytest

pytest.importorskip("tabulate", reason="the benchmarks extra is not installed")
pytest.importorskip("tyro", reason="the benchmarks extra is not installed")

from curriculum_bandits.benchmarks.performance.asking import METHODS, AskingSettings, main
from curriculum_bandits.methods.registry import declared


def test_methods_are_timed_and_written(tmp_path):
    # One that begins from pass rates of earlier evaluations, and one with a schedule over the steps.
    words = ["--methods", "uniform", "bots", "e2h", "sec(temperature=.2)", "--problems", "300", "--batch", "8"]
    assert main([*words, "--rounds", "3", "--skipped", "1", "--output", str(tmp_path)]) == 0
    times = json.loads((tmp_path / "results.json").read_text())["milliseconds"]
    assert list(times) == ["uniform", "bots", "e2h", "sec(temperature=0.2)"]
    assert all(0 < parts["ask"]["median"] < parts["both"]["median"] for parts in times.values())
    assert "N = 300" in (tmp_path / "table.txt").read_text()


def test_every_declared_method_is_among_them():
    ours = {name for name, each in declared().items() if each.make.__module__.startswith("curriculum_bandits.")}
    assert ours <= set(METHODS)  # another test may have declared one of its own
    assert AskingSettings().methods == METHODS


@pytest.mark.parametrize(
    "wrong", [{"methods": ()}, {"methods": ("sec", "sec")}, {"methods": ("sec+dapo",)}, {"rounds": 0}]
)
def test_wrong_settings_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        AskingSettings(**wrong)
