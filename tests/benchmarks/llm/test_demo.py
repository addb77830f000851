"""The demo itself, made small: real bank, real model, real trainer, a few steps."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("trl")
pytest.importorskip("reasoning_gym")
pytest.importorskip("matplotlib")

from curriculum_bandits import cli
from curriculum_bandits.benchmarks.llm import demo_run
from curriculum_bandits.benchmarks.llm.demo import METHODS, DemoSettings, run_demo
from curriculum_bandits.benchmarks.llm.tiny_model import WarmUp

SMALL = WarmUp(hidden=32, feed_forward=64, layers=1, heads=2, steps=3, batch_size=8)
SETTINGS = DemoSettings(steps=4, problems=4, generations=4, evaluate_every=2)


def small_demo(tmp_path, output="out", **options):
    return run_demo(
        SETTINGS, output=tmp_path / output, cache=tmp_path / "cache", warm_up=SMALL, progress=False, **options
    )


def test_the_demo_trains_every_method_with_the_same_budget_and_writes_its_report(tmp_path, capsys):
    results = small_demo(tmp_path)
    assert tuple(results) == METHODS
    for result in results.values():
        assert result.steps == [0, 2, 4]
        assert (result.prompts, result.completions) == (16, 64)
        assert result.tokens > 64 * 4
        assert 0 < result.overhead_share < 1
        np.testing.assert_allclose(np.sum(list(result.drawn.values()), axis=0), 1.0)
    starts = [{name: curve[0] for name, curve in result.accuracy.items()} for result in results.values()]
    assert starts == [starts[0]] * len(METHODS)
    printed = capsys.readouterr().out
    for word in (
        "sorting",
        *(f" after {method}" for method in METHODS),
        "tokens",
        "informative groups",
        "ONE SEED PROVES NOTHING",
    ):
        assert word in printed
    assert (tmp_path / "out" / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "out" / "table.txt").read_text() in printed
    assert json.loads((tmp_path / "out" / "results.json").read_text())["settings"]["steps"] == 4


def test_an_interrupted_demo_goes_on_and_ends_as_one_that_was_not(tmp_path, monkeypatch):
    whole = small_demo(tmp_path, "whole")
    monkeypatch.setattr(demo_run, "CHECKPOINT_EVERY", 2)
    evaluate, calls = demo_run.held_out_accuracy, []

    def interrupted_in_the_curator_after_its_checkpoint(*arguments, **options):
        calls.append(1)
        if len(calls) == 9:  # uniform and osmd at 0, 2, 4; the curator at 0, 2, and now 4
            raise KeyboardInterrupt
        return evaluate(*arguments, **options)

    monkeypatch.setattr(demo_run, "held_out_accuracy", interrupted_in_the_curator_after_its_checkpoint)
    with pytest.raises(KeyboardInterrupt):
        small_demo(tmp_path, "broken")
    resumed = small_demo(tmp_path, "broken")
    assert len(calls) == 10  # nothing but the evaluation that was interrupted
    for method in METHODS:
        assert resumed[method].accuracy == whole[method].accuracy
        assert resumed[method].drawn == whole[method].drawn


def test_bad_settings_are_one_line(capsys):
    with pytest.raises(SystemExit, match="generations is 1; GRPO compares at least 2"):
        cli.main(["demo", "--generations", "1"])


def test_help_is_fast_to_reach_and_names_every_option():
    done = subprocess.run(
        [sys.executable, "-m", "curriculum_bandits", "demo", "--help"], capture_output=True, text=True, check=True
    )
    for option in ("--output", "--cache", "--seed", "--steps", "--problems", "--generations", "--learning-rate"):
        assert option in done.stdout
