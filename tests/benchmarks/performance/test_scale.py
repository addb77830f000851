"""The scale benchmark measures what it says and leaves nothing behind; how fast anything is, is not tested."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")
pytest.importorskip("matplotlib", reason="the plot extra is not installed")

from curriculum_bandits.benchmarks.scale import command
from curriculum_bandits.benchmarks.scale.memory import bytes_per_problem, measure_memory, resident_bytes
from curriculum_bandits.benchmarks.scale.problems import (
    LazyPrompts,
    ScaleSettings,
    bank_curriculum,
    feature_file,
    make_features,
    utilities_of,
)
from curriculum_bandits.benchmarks.scale.report import aims, scale_table
from curriculum_bandits.benchmarks.scale.timing import PARTS, growth, summary

TINY = ScaleSettings(
    problems=(40, 400), candidates=20, batch=5, columns=3, hidden=(4,), rounds=4, block=2, threads=1, seed=3
)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path, Path]:
    """A tiny benchmark, its output, and the folder its features were in."""
    output, folder = tmp_path_factory.mktemp("output"), tmp_path_factory.mktemp("features")
    words = ["--output", str(output), "--rounds", "4", f"--folder={folder}"]
    document = command.run_scale(TINY, output=output, folder=folder, command=words, progress=False)
    return document, output, folder


def test_what_the_files_hold(measured: tuple[dict[str, Any], Path, Path]) -> None:
    document, output, folder = measured
    assert json.loads((output / "results.json").read_text(encoding="utf-8")) == document
    assert (output / "scale.png").read_bytes().startswith(b"\x89PNG")
    assert [row["problems"] for row in document["times"]] == [40, 400]
    for row in document["times"]:
        for part in ("ask", "tell"):
            times = np.array(row["milliseconds"][part])
            assert times.shape == (2, 2)  # blocks, rounds in each
            assert row[part]["median"] == pytest.approx(np.median(times), abs=1e-3)
        assert all(0.0 < row[part]["median"] <= row[part]["p90"] <= row[part]["p99"] for part in PARTS)
        assert row["both"]["median"] > row["ask"]["median"]
    assert document["command"] == "python -m curriculum_bandits.benchmarks.scale.command --rounds 4"
    assert set(document["machine"]) == {"cpu", "cores", "system"}
    assert list(folder.iterdir()) == []  # no features are left behind


def test_the_table_says_all_of_it(measured: tuple[dict[str, Any], Path, Path]) -> None:
    _, output, _ = measured
    table = (output / "table.txt").read_text(encoding="utf-8")
    for word in ("ask", "tell", "both", "median", "p90", "p99", "40", "400", "Command: python -m", "at most 10 ms"):
        assert word in table
    assert max(map(len, table.splitlines())) <= 120


@pytest.mark.parametrize(("median", "ratio", "per_problem"), [(9.9, 1.29, 19.9), (10.1, 1.31, 20.0), (1.0, 1.0, None)])
def test_aims_are_judged_by_what_was_measured(
    measured: tuple[dict[str, Any], Path, Path], median: float, ratio: float, per_problem: float | None
) -> None:
    document = json.loads(json.dumps(measured[0]))
    document["times"][-1]["both"]["median"] = median
    document["growth"]["both"]["ratio"] = ratio
    document["bytes_per_problem"] = per_problem
    expected = [median <= 10.0, ratio <= 1.3, None if per_problem is None else per_problem < 20.0]
    assert [aim["met"] for aim in aims(document)] == expected
    table = scale_table(document)
    assert table.count("\nmet: ") == sum(met is True for met in expected)
    assert table.count("\nNOT MET: ") == sum(met is False for met in expected)
    assert table.count("\nNOT MEASURED: ") == sum(met is None for met in expected)


def test_features_do_not_depend_on_how_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = make_features(tmp_path / "whole", 5000, TINY, progress=False)
    monkeypatch.setattr("curriculum_bandits.benchmarks.scale.problems._ROWS_AT_ONCE", 700)
    pieces = make_features(tmp_path / "pieces", 5000, TINY, progress=False)
    np.testing.assert_array_equal(whole.raw, pieces.raw)
    assert abs(float(whole.raw.astype(np.float64).std()) - 1.0) < 0.05
    small = make_features(tmp_path / "small", 40, TINY, progress=False)
    np.testing.assert_array_equal(small.raw, whole.raw[:40])


def test_the_bank_is_lazy_and_the_curator_is_the_default_one(tmp_path: Path) -> None:
    prompts = LazyPrompts(10**7)
    assert prompts[-1] == "problem 9999999"
    table = make_features(tmp_path, 40, TINY, progress=False)
    curriculum = bank_curriculum(table, TINY)
    assert isinstance(curriculum.bank.prompts, LazyPrompts)
    assert curriculum.name == "actor_curator"
    draw = curriculum.ask(5)
    assert len(draw.candidates) == 20
    curriculum.tell(draw, utilities_of(table, 0)(draw.items))


def test_utilities_are_partly_a_function_of_the_features(tmp_path: Path) -> None:
    table = make_features(tmp_path, 400, TINY, progress=False)
    items, utilities = np.arange(400), utilities_of(table, 0)
    first, second = utilities(items), utilities(items)
    assert 0.1 < np.corrcoef(first, second)[0, 1] < 0.9


def test_summary_and_growth_of_known_times() -> None:
    small = np.full((6, 10, 2), [0.001, 0.002])
    large = np.full((6, 10, 2), [0.002, 0.003])
    assert summary(small)["both"] == {"median": 3.0, "p90": 3.0, "p99": 3.0}
    result = growth({10: small, 1000: large, 100: small}, resamples=20)
    assert (result["from"], result["to"]) == (10, 1000)
    assert result["ask"] == {"ratio": 2.0, "low": 2.0, "high": 2.0}
    assert result["both"]["ratio"] == pytest.approx(5 / 3)


def test_bytes_per_problem_are_a_difference_of_differences() -> None:
    def row(n: int, before: int, played: int) -> dict[str, Any]:
        return {"problems": n, "before": {"RssAnon": before}, "played": {"RssAnon": played}}

    assert bytes_per_problem([row(10, 100, 300), row(110, 500, 1700)]) == 10.0
    assert bytes_per_problem([row(10, 100, 300)]) is None
    unknown = {"problems": 10, "before": None, "played": None}
    assert bytes_per_problem([unknown, {**unknown, "problems": 20}]) is None


@pytest.mark.skipif(resident_bytes() is None, reason="the system does not tell memory of files apart")
def test_memory_of_arrays_counts_and_mapped_files_do_not(tmp_path: Path) -> None:
    size = 10_000_000  # 80 MB: more than the allocator ever takes from what was freed before
    np.save(tmp_path / "array.npy", np.ones(size))
    before = resident_bytes()
    mapped = np.load(tmp_path / "array.npy", mmap_mode="r")
    total = mapped.sum()
    middle = resident_bytes()
    own = np.full(size, total)
    after = resident_bytes()
    assert before is not None
    assert middle is not None
    assert after is not None
    assert middle["RssAnon"] - before["RssAnon"] < 4e6
    assert middle["RssFile"] - before["RssFile"] > 70e6
    assert after["RssAnon"] - middle["RssAnon"] > 70e6
    assert own[0] == total


def test_a_failing_process_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"measuring the memory of none.npy failed with status 1: .*no file"):
        measure_memory(tmp_path / "none.npy", TINY)


def test_features_are_kept_where_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "measure_memory", lambda path, settings: pytest.fail("not reached"))
    monkeypatch.setattr(command, "measure_times", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    (tmp_path / "other.npy").touch()
    for keep in (True, False):
        with pytest.raises(KeyboardInterrupt):
            command.run_scale(TINY, output=tmp_path / "output", folder=tmp_path, keep=keep, progress=False)
        assert feature_file(tmp_path, 400).exists() == keep
    assert [path.name for path in tmp_path.iterdir()] == ["other.npy"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rounds": 0}, "rounds is 0"),
        ({"problems": (400, 40)}, r"problems is \(400, 40\)"),
        ({"candidates": 50}, "50 candidates of a bank of 40"),
        ({"batch": 21}, "a batch of 21"),
    ],
)
def test_wrong_settings_are_named(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ScaleSettings(**{**vars(TINY), **wrong})


def test_options_become_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(command, "run_scale", lambda settings, **rest: seen.update(settings=settings, **rest))
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.main(parser.parse_args(["--output", str(tmp_path), "--problems", "3000", "4000", "--hidden"]))
    assert seen["settings"] == ScaleSettings(problems=(3000, 4000), hidden=())
    with pytest.raises(SystemExit, match="scale: rounds is 0"):
        command.main(parser.parse_args(["--rounds", "0"]))
    with pytest.raises(SystemExit, match="--keep is given without --folder"):
        command.main(parser.parse_args(["--keep"]))


def test_help() -> None:
    words = [sys.executable, "-m", "curriculum_bandits.benchmarks.scale.command", "--help"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    for option in ("--output", "--folder", "--keep", "--problems", "--candidates", "--batch", "--columns", "--rounds"):
        assert option in shown
