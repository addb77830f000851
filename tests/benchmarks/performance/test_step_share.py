"""The step-share experiment made tiny: real trainer, every kind of curriculum, and the large model's path on a CPU."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

pytest.importorskip("trl")
pytest.importorskip("tyro", reason="the benchmarks extra is not installed")

from curriculum_bandits.benchmarks.performance import step_share, step_share_run
from curriculum_bandits.benchmarks.performance.step_share_run import Setting, random_model
from curriculum_bandits.benchmarks.performance.step_share_settings import ENTRIES, PARTS, StepShareSettings
from curriculum_bandits.benchmarks.performance.timing import Place
from curriculum_bandits.neural import DEFAULT, PromptTokens, TransformerScorer

TINY = StepShareSettings(
    steps=2,
    skipped=1,
    repetitions=2,
    problems=2,
    n_rollouts=2,
    micro_batch=4,
    candidates=16,
    chunk=8,
    scorer_hidden=8,
    scorer_layers=1,
    prompt_tokens=12,
    completion_tokens=5,
    bank_size=24,
    layers=1,
    hidden=16,
    feed_forward=16,
    heads=2,
    key_value_heads=1,
)
#: What a large model on a device does beside that.
LARGE = replace(TINY, repetitions=1, steps=1, skipped=0, problems=4, micro_batch=2, bf16=True, vocabulary=300)
HALF_BILLION = Path(step_share.__file__).with_name("half-billion.yaml")


def test_shares_of_all_methods(tmp_path: Path) -> None:
    step_share._measure(TINY, Place(tmp_path))
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert tuple(results["runs"]) == TINY.entries == tuple(ENTRIES)
    for run in (run for runs in results["runs"].values() for run in runs):
        assert {len(run[part]) for part in (*PARTS, "step")} == {TINY.steps}
        assert run["lengths"] == [5.0, 5.0]  # the whole length: the end token cannot be drawn
        spent = np.sum([run[part] for part in PARTS], axis=0)
        assert np.all((spent > 0.0) & (spent < run["step"]))
    for name, row in results["summary"].items():
        own, again, everything = (np.array(row[f"{part}, %"]["repetitions"]) for part in ("ask + tell", "again", "all"))
        assert own + again == pytest.approx(everything)
        assert np.all((own > 0.0) & (everything < 100.0))
        assert np.all((again > 0.0) == (name == "osmd"))  # the only one that is rewarded by policy improvement
    table = (tmp_path / "table.txt").read_text(encoding="utf-8")
    for word in (*ENTRIES.values(), "bank of 24, 16 candidates", "prompts of 12, completions of 5 tokens"):
        assert word in " ".join(table.split()) or word in table
    assert str(tmp_path) not in table


def test_the_large_model_trains_in_bfloat16_with_accumulation(tmp_path: Path) -> None:
    config = step_share_run._config(LARGE, str(tmp_path), 0)
    assert (config.bf16, config.gradient_accumulation_steps, config.generation_batch_size) == (True, 4, 8)
    setting = Setting(LARGE)
    assert {parameter.dtype for parameter in setting.model.parameters()} == {step_share_run.torch.bfloat16}
    assert setting.model.get_input_embeddings().num_embeddings == 300
    assert step_share_run.measured_run("transformer", setting, 0)["lengths"] == [5.0]


def test_the_settings_of_half_a_billion_parameters() -> None:
    settings = replace(StepShareSettings(), **yaml.safe_load(HALF_BILLION.read_text(encoding="utf-8")))
    model = random_model(replace(settings, device="meta"), Setting(TINY).tokenizer)  # type: ignore[arg-type]
    assert 0.5e9 <= sum(parameter.numel() for parameter in model.parameters()) < 0.7e9
    assert (settings.problems, settings.n_rollouts) == (256, 8)
    assert (settings.prompt_tokens, settings.completion_tokens) == (256, 512)


@pytest.mark.parametrize(("problems", "asked", "scored"), [(2, 16, 16), (2, 2048, 32), (4, 2048, 64), (8, 100, 100)])
def test_the_candidates_that_are_named_are_those_of_the_default_preset(problems: int, asked: int, scored: int) -> None:
    settings = replace(TINY, problems=problems, candidates=asked, bank_size=120)
    assert Setting(settings).facts()["candidates"] == scored


def test_the_curricula_are_those_that_are_named() -> None:
    made = {name: Setting(TINY).curriculum(name) for name in ENTRIES}
    assert [each.name for each in made.values()] == ["uniform", "osmd", "actor_curator", "actor_curator"]
    curator: Any = made["transformer"].bandit
    assert isinstance(curator.scorer, TransformerScorer)
    assert isinstance(curator.inputs, PromptTokens)
    assert curator.settings == replace(DEFAULT, candidates=16, chunk=8, learning_rate=1e-4)


def test_a_device_is_waited_for_before_and_after_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []
    monkeypatch.setattr(step_share_run.torch.cuda, "synchronize", lambda: waited.append(1))
    trainer = object.__new__(step_share_run._Trainer)
    trainer.args = argparse.Namespace(device=argparse.Namespace(type="cuda"))
    trainer._seconds = {"ask": 0.0}
    with trainer._timed("ask"):
        assert len(waited) == 1
    assert len(waited) == 2
    assert trainer._seconds["ask"] > 0.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"n_rollouts": 1}, "n_rollouts is 1"),
        ({"entries": ("ucb",)}, r"entries has \['ucb'\]"),
        ({"micro_batch": 3}, "no multiple of a micro_batch of 3"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(TINY, **wrong)


@pytest.mark.skipif(step_share_run.torch.cuda.is_available(), reason="there is a device")
def test_a_device_that_is_not_there_is_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--settings", str(HALF_BILLION), "--micro-batch", "32", "--no-bf16", "--output", str(tmp_path / "output")]
    assert step_share.main(words) == 2
    assert "torch finds none; give --device cpu" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
