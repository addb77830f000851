"""The scale experiment measures what it says and leaves nothing behind; how fast anything is, is not tested."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the neural extra is not installed")
pytest.importorskip("tyro", reason="the benchmarks extra is not installed")

from curriculum_bandits.benchmarks.performance import scale
from curriculum_bandits.benchmarks.performance.scale import LazyPrompts, ScalePlace, ScaleSettings

TINY = ScaleSettings(
    problems=(40, 400), candidates=20, batch=5, columns=3, hidden=(4,), rounds=4, block=2, threads=1, seed=3
)


def features(folder: Path, n: int) -> Path:
    folder.mkdir(exist_ok=True)
    scale.write_random_features(folder / "features.npy", n, TINY)
    return folder / "features.npy"


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny run."""
    folder = tmp_path_factory.mktemp("output")
    scale._measure(TINY, ScalePlace(folder))
    return folder


def test_what_the_files_hold(output: Path) -> None:
    results = json.loads((output / "results.json").read_text(encoding="utf-8"))
    assert (output / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert [row["problems"] for row in results["times"]] == [row["problems"] for row in results["memory"]] == [40, 400]
    for row in results["times"]:
        times = 1000 * np.array(row["seconds"])
        assert times.shape == (2, 2, 2)  # blocks, rounds in each, ask and tell
        assert row["ask"]["median"] == pytest.approx(np.median(times[..., 0]), abs=1e-3)
        assert 0.0 < row["ask"]["median"] < row["both"]["median"] <= row["both"]["p90"] <= row["both"]["p99"]
    table = (output / "table.txt").read_text(encoding="utf-8")
    for word in ("ask", "tell", "both", "median, p90, p99", "400 problems over 40", "Command: python -m", "aim 10"):
        assert word in table


def test_features_are_kept_where_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(scale, "_times", interrupted)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    for place in (ScalePlace(tmp_path / "output"), ScalePlace(tmp_path / "output", tmp_path / "kept")):
        with pytest.raises(KeyboardInterrupt):
            scale._measure(TINY, place)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert (tmp_path / "kept" / "features-400.npy").exists()
    assert not (tmp_path / "output").exists()


def test_features_do_not_depend_on_how_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = np.load(features(tmp_path / "whole", 5000))
    monkeypatch.setattr(scale, "_ROWS_AT_ONCE", 700)
    np.testing.assert_array_equal(whole, np.load(features(tmp_path / "pieces", 5000)))
    np.testing.assert_array_equal(whole[:40], np.load(features(tmp_path / "small", 40)))
    assert abs(float(whole.astype(np.float64).std()) - 1.0) < 0.05


def test_the_bank_is_lazy_and_the_curator_is_the_default_one(tmp_path: Path) -> None:
    prompts = LazyPrompts(10**7)
    assert (len(prompts), prompts[-1], prompts[1:3]) == (10**7, "problem 9999999", ["problem 1", "problem 2"])
    bank = scale._Bank(features(tmp_path, 40), TINY)
    assert isinstance(bank.curriculum.bank.prompts, LazyPrompts)
    assert bank.curriculum.name == "actor_curator"
    candidates = bank.curriculum.ask(5).candidates
    assert candidates is not None
    assert len(candidates) == 20


def test_utilities_are_partly_a_function_of_the_features(tmp_path: Path) -> None:
    bank, items = scale._Bank(features(tmp_path, 400), TINY), np.arange(400)
    assert 0.1 < np.corrcoef(bank.utilities(items), bank.utilities(items))[0, 1] < 0.9


def test_growth_of_known_times() -> None:
    small, large = np.full((6, 10, 2), [0.001, 0.002]), np.full((6, 10, 2), [0.002, 0.003])
    growth = scale._growth({10: small, 1000: large, 100: small})
    assert growth["ask"] == (2.0, 2.0, 2.0)
    assert growth["both"][0] == pytest.approx(5 / 3)


def test_bytes_per_problem_are_a_difference_of_differences() -> None:
    rows = [{"problems": 10, "before": 100, "played": 300}, {"problems": 110, "before": 500, "played": 1700}]
    assert scale._bytes_per_problem(rows) == 10.0
    assert scale._bytes_per_problem(rows[:1]) is None
    unknown = {"problems": 10, "before": None, "played": None}
    assert scale._bytes_per_problem([unknown, {**unknown, "problems": 20}]) is None


@pytest.mark.skipif(scale.resident_bytes() is None, reason="the system does not tell memory of files apart")
def test_memory_of_arrays_counts_and_mapped_files_do_not(tmp_path: Path) -> None:
    size = 10_000_000  # 80 MB: more than the allocator ever takes from what was freed before
    np.save(tmp_path / "array.npy", np.ones(size))
    before = scale.resident_bytes() or 0
    total = np.load(tmp_path / "array.npy", mmap_mode="r").sum()
    middle = scale.resident_bytes() or 0
    own = np.full(size, total)
    assert middle - before < 4e6
    assert (scale.resident_bytes() or 0) - middle > 70e6
    assert own[0] == total


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
        replace(TINY, **wrong)
