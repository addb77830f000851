"""The cost benchmark made tiny: real trainer, every kind of curriculum, and the path of the large model on a CPU."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trl")
pytest.importorskip("reasoning_gym")

from curriculum_bandits.benchmarks.llm import cost, cost_run
from curriculum_bandits.benchmarks.llm.cost import ENTRIES, PRESETS, CostSettings, cost_table, run_cost
from curriculum_bandits.benchmarks.llm.tiny_model import WarmUp
from curriculum_bandits.neural import DEFAULT, PromptTokens, TransformerScorer

SMALL = WarmUp(hidden=16, feed_forward=16, layers=1, heads=2, steps=2, batch_size=4)
TINY = CostSettings(
    steps=2,
    skipped=1,
    repetitions=2,
    problems=2,
    generations=2,
    micro_batch=4,
    candidates=16,
    chunk=8,
    scorer_hidden=8,
    scorer_layers=1,
)
#: What a large model on a device runs, with numbers for a CPU.
TINY_LARGE = replace(
    TINY,
    model="0.5b",
    steps=1,
    skipped=0,
    repetitions=1,
    problems=4,
    micro_batch=2,
    prompt_tokens=12,
    completion_tokens=5,
    bank_size=24,
    layers=1,
    hidden=16,
    feed_forward=16,
    heads=2,
    key_value_heads=1,
    vocabulary=300,
)


def assert_shares(document: dict[str, Any], settings: CostSettings) -> None:
    assert tuple(document["runs"]) == settings.entries
    for runs in document["runs"].values():
        assert len(runs) == settings.repetitions
        for run in runs:
            assert {len(run[part]) for part in ("ask", "tell", "rescore", "step")} == {settings.steps}
            spent = np.sum([run[part] for part in ("ask", "tell", "rescore")], axis=0)
            assert np.all((spent > 0.0) & (spent < run["step"]))
    for name, row in document["summary"].items():
        own, again, everything = (row[f"{part} share"]["mean"] for part in ("curriculum", "rescore", "all"))
        assert own + again == pytest.approx(everything)
        assert 0.0 < own <= everything < 1.0
        assert (again > 0.0) == (name == "osmd")  # the only one that is rewarded by policy improvement


def test_all_methods_in_the_setting_of_the_demo(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--steps", "2", "--output", str(tmp_path)]
    document = run_cost(TINY, output=tmp_path, cache=tmp_path / "cache", warm_up=SMALL, command=words, progress=False)
    assert_shares(document, TINY)
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8")) == document
    table = (tmp_path / "table.txt").read_text(encoding="utf-8")
    assert table in capsys.readouterr().out
    for word in (
        *ENTRIES.values(),
        "scoring the rollouts again",
        "ask + tell",
        "bank of 2,400, 16 candidates",
        "cost --steps 2",
    ):
        assert word in table
    assert str(tmp_path) not in table
    assert max(map(len, table.splitlines())) <= 130


def test_the_path_of_the_large_model(tmp_path: Path) -> None:
    settings = replace(TINY_LARGE, entries=("uniform", "transformer"))
    document = run_cost(settings, output=tmp_path, command=[], progress=False)
    assert_shares(document, settings)
    # Every completion has its full length: the end token cannot be drawn.
    assert [run["lengths"] for runs in document["runs"].values() for run in runs] == [[5.0], [5.0]]
    assert "Prompts of 12, completions of 5 tokens." in (tmp_path / "table.txt").read_text(encoding="utf-8")


def test_the_large_model_trains_in_bfloat16_with_accumulation(tmp_path: Path) -> None:
    settings = replace(TINY_LARGE, bf16=True)
    config = cost_run._config(settings, str(tmp_path), 0)
    assert (config.bf16, config.gradient_accumulation_steps, config.generation_batch_size) == (True, 4, 8)
    setting = cost_run.make_setting(settings, tmp_path, None, progress=False)
    assert {parameter.dtype for parameter in setting.model.parameters()} == {cost_run.torch.bfloat16}
    assert {len(prompt) for prompt in setting.bank.prompts} == {12}


def test_the_large_model_has_half_a_billion_parameters() -> None:
    settings = replace(CostSettings(), **{**PRESETS["0.5b"], "device": "meta"}, model="0.5b")
    model = cost_run._random_model(settings, cost_run.character_tokenizer())
    assert 0.5e9 <= sum(parameter.numel() for parameter in model.parameters()) < 0.7e9
    assert (settings.problems, settings.generations) == (256, 8)
    assert (settings.prompt_tokens, settings.completion_tokens) == (256, 512)


@pytest.mark.parametrize(("problems", "asked", "scored"), [(2, 16, 16), (2, 2048, 32), (4, 2048, 64), (8, 100, 100)])
def test_the_candidates_that_are_named_are_those_of_the_default_preset(problems, asked, scored, tmp_path) -> None:
    settings = replace(TINY_LARGE, problems=problems, candidates=asked, bank_size=120)
    assert cost_run.looked_at(cost_run.make_setting(settings, tmp_path, None, progress=False), settings) == scored


def test_the_curricula_are_those_that_are_named(tmp_path: Path) -> None:
    setting = cost_run.make_setting(TINY_LARGE, tmp_path, None, progress=False)
    made = {name: cost_run.make_curriculum(name, setting, TINY_LARGE) for name in ENTRIES}
    names = ["uniform", "osmd", "actor_curator", "actor_curator"]
    assert [curriculum.name for curriculum in made.values()] == names
    curator: Any = made["transformer"].bandit
    assert isinstance(curator.scorer, TransformerScorer)
    assert isinstance(curator.inputs, PromptTokens)
    assert curator.settings == replace(DEFAULT, candidates=16, chunk=8, learning_rate=1e-4)


def test_a_device_is_waited_for_before_and_after_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []
    monkeypatch.setattr(cost_run.torch.cuda, "synchronize", lambda: waited.append(1))
    trainer = object.__new__(cost_run._Trainer)
    trainer.args = argparse.Namespace(device=argparse.Namespace(type="cuda"))
    trainer._seconds = {"ask": 0.0}
    with trainer._timed("ask"):
        assert len(waited) == 1
    assert len(waited) == 2
    assert trainer._seconds["ask"] > 0.0


def test_one_repetition_has_no_spread() -> None:
    run = {"ask": [0.01], "tell": [0.02], "rescore": [0.07], "step": [1.0], "peak_gib": 3.0}
    document = {
        "date": "2026-01-01",
        "command": "",
        "settings": {**vars(CostSettings()), "repetitions": 1},
        "parameters": 1,
        "scorer_parameters": 1,
        "bank": 1,
        "candidates": 1,
        "machine": "",
        "versions": {"torch": "2"},
        "runs": {"uniform": [run]},
        "summary": {"uniform": cost._summary([run])},
    }
    table = cost_table(document)
    assert "±" not in table
    assert table.splitlines()[1].split() == ["uniform", "1.00", "10.0", "20.0", "3.00", "7.00", "10.0"]
    assert "GiB: uniform 3.0" in table


@pytest.mark.parametrize(
    ("value", "count", "shown"),
    [
        (3764.2, 3, "3,760"),
        (0.06, 2, "0.060"),
        (17.25, 3, "17.2"),
        (0.0, 2, "0"),
        (99.96, 3, "100"),
        (0.0099, 1, "0.01"),
    ],
)
def test_numbers_have_significant_digits(value: float, count: int, shown: str) -> None:
    assert cost._digits(value, count) == shown


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"generations": 1}, "generations is 1"),
        ({"model": "1b"}, "model is '1b'"),
        ({"entries": ("ucb",)}, r"entries has \['ucb'\]"),
        ({"micro_batch": 3}, "no multiple of a micro_batch of 3"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TINY, **wrong)


def test_options_change_the_preset_of_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[CostSettings] = []
    monkeypatch.setattr(cost, "run_cost", lambda settings, **_: seen.append(settings))
    parser = argparse.ArgumentParser()
    cost.add_arguments(parser)
    cost.main(parser.parse_args([]))
    cost.main(parser.parse_args(["--model", "0.5b", "--micro-batch", "32", "--no-bf16", "--entries", "osmd"]))
    large = replace(CostSettings(), **PRESETS["0.5b"], model="0.5b")
    assert seen == [CostSettings(), replace(large, micro_batch=32, bf16=False, entries=("osmd",))]
    with pytest.raises(SystemExit, match="cost: steps is 0"):
        cost.main(parser.parse_args(["--steps", "0"]))


def test_help() -> None:
    words = [sys.executable, "-m", "curriculum_bandits.benchmarks.llm.cost", "--help"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    for option in ("--output", "--steps", "--device", "--model", "--repetitions", "--micro-batch", "--bf16"):
        assert option in shown
