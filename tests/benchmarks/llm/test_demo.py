"""The demo itself, made small: real bank, real model, real trainer, a few steps."""

import contextlib
import io
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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of both demos, which start from one cached model."""
    return tmp_path_factory.mktemp("demo")


def small_demo(folder, output):
    return run_demo(SETTINGS, output=folder / output, cache=folder / "cache", warm_up=SMALL, progress=False)


@pytest.fixture(scope="module")
def whole(folder):
    """Results and printed report of the demo that nothing interrupts."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        return small_demo(folder, "whole"), printed


def test_the_demo_trains_every_method_with_the_same_budget_and_writes_its_report(folder, whole):
    results, printed = whole[0], whole[1].getvalue()
    assert tuple(results) == METHODS
    for result in results.values():
        assert result.steps == [0, 2, 4]
        assert (result.prompts, result.completions) == (16, 64)
        assert result.tokens > 64 * 4
        assert 0 < result.overhead_share < 1
        np.testing.assert_allclose(np.sum(list(result.drawn.values()), axis=0), 1.0)
    starts = [{name: curve[0] for name, curve in result.accuracy.items()} for result in results.values()]
    assert starts == [starts[0]] * len(METHODS)
    for word in (
        "sorting",
        *(f" after {method}" for method in METHODS),
        "tokens",
        "informative groups",
        "ONE SEED PROVES NOTHING",
    ):
        assert word in printed
    assert (folder / "whole" / "demo.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "whole" / "table.txt").read_text() in printed
    assert json.loads((folder / "whole" / "results.json").read_text())["settings"]["steps"] == 4


def test_an_interrupted_demo_goes_on_and_ends_as_one_that_was_not(folder, whole, monkeypatch):
    monkeypatch.setattr(demo_run, "CHECKPOINT_EVERY", 2)
    evaluate, calls = demo_run.held_out_accuracy, []

    def interrupted_in_the_curator_after_its_checkpoint(*arguments, **options):
        calls.append(1)
        if len(calls) == 9:  # uniform and osmd at 0, 2, 4; the curator at 0, 2, and now 4
            raise KeyboardInterrupt
        return evaluate(*arguments, **options)

    monkeypatch.setattr(demo_run, "held_out_accuracy", interrupted_in_the_curator_after_its_checkpoint)
    with pytest.raises(KeyboardInterrupt):
        small_demo(folder, "broken")
    resumed = small_demo(folder, "broken")
    assert len(calls) == 10  # nothing but the evaluation that was interrupted
    for method in METHODS:
        assert resumed[method].accuracy == whole[0][method].accuracy
        assert resumed[method].drawn == whole[0][method].drawn


def test_bad_settings_are_one_line(capsys):
    with pytest.raises(SystemExit, match="generations is 1; GRPO compares at least 2"):
        cli.main(["demo", "--generations", "1"])


def test_help_is_fast_to_reach_and_names_every_option():
    done = subprocess.run(
        [sys.executable, "-m", "curriculum_bandits", "demo", "--help"], capture_output=True, text=True, check=True
    )
    for option in ("--output", "--cache", "--seed", "--steps", "--problems", "--generations", "--learning-rate"):
        assert option in done.stdout
