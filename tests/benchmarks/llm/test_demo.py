"""The demo made small: three real runs, their table and picture, and what the comparison of many seeds says beside."""

import csv
from dataclasses import replace
from importlib import resources

import pytest

pytest.importorskip("trl")
pytest.importorskip("reasoning_gym")
pytest.importorskip("matplotlib")

from curriculum_bandits import cli
from curriculum_bandits.benchmarks.llm import demo, headline, play
from curriculum_bandits.benchmarks.llm.setting import SETTINGS
from tests.benchmarks.llm.test_headline import TINY


@pytest.fixture
def words(tmp_path, monkeypatch):
    """A demo of a few tokens."""
    monkeypatch.setitem(SETTINGS, "arithmetic", replace(TINY, tokens=150, evaluations=1))
    return ["demo", "--tokens", "150", "--seed", "3", "--jobs", "1", "--output", str(tmp_path / "demo")]


def test_the_demo_is_the_headline_run_of_its_seed_and_a_finished_one_is_shown_again(
    words, tmp_path, monkeypatch, capsys
):
    words += ["--cache", str(tmp_path / "cache")]
    assert cli.main(words) == 0
    shown = capsys.readouterr()
    assert "ONE SEED PROVES NOTHING" in shown.out
    assert "450/450" in shown.err  # the bar counts the tokens of all three
    assert (tmp_path / "demo" / "demo.png").read_bytes().startswith(b"\x89PNG")
    table = (tmp_path / "demo" / "table.txt").read_text()
    assert table in shown.out
    with monkeypatch.context() as nothing_left_to_train:
        nothing_left_to_train.setattr(play, "CurriculumGRPOTrainer", None)
        assert cli.main(words) == 0
    again = capsys.readouterr()
    assert "all runs are finished, nothing is trained" in again.err
    assert table in again.out
    where = headline.LlmWhere(jobs=1, output=tmp_path / "demo", cache=tmp_path / "cache")
    (same,) = headline.compared([SETTINGS["arithmetic"]], demo.METHODS, [3], where, progress=False)
    with open(tmp_path / "demo" / "summary.csv", encoding="utf-8", newline="") as file:
        written = {row["method"]: float(row["best"]) for row in csv.DictReader(file)}
    assert written == {method: max(run.accuracy) for method, (run,) in same.results.items()}
    records = {path: path.stat().st_mtime_ns for path in tmp_path.glob("demo/runs/*/curriculum.jsonl")}
    assert len(records) == 3
    assert cli.main([*words, "--again"]) == 0
    assert all(path.stat().st_mtime_ns > before for path, before in records.items())


def test_many_seeds_stand_beside_one_where_they_are_of_its_setting():
    path = resources.files("curriculum_bandits.benchmarks.llm") / "results" / "primary" / "summary.csv"
    with path.open(encoding="utf-8") as file:
        rows = {row["method"]: row for row in csv.DictReader(file) if row["bank"] == "arithmetic"}
    many = demo._committed("arithmetic")
    for method in demo.METHODS:
        estimate = many[method]["speedup_in_tokens"]
        assert str(estimate.value) == rows[method]["speedup_in_tokens"]
        assert estimate.lower <= estimate.value <= estimate.upper


@pytest.mark.parametrize("word", [("--seed", "-1"), ("--tokens", "0")])
def test_numbers_that_cannot_work_are_wrong_use(word, capsys):
    with pytest.raises(SystemExit) as exit:
        cli.main(["demo", *word])
    assert exit.value.code == 2
    assert f"{word[0][2:]} is {word[1]}; it must be at least" in capsys.readouterr().err
