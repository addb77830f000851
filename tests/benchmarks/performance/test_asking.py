"""What is timed is asking and telling of every method, and the table says so."""

import csv

import numpy as np

from curriculum_bandits.benchmarks.curricula import speed


def test_every_method_is_timed_and_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(speed, "METHODS", ("uniform", "sec"))
    speed.main(["--problems", "300", "--batch", "8", "--rounds", "3", "--output", str(tmp_path)])
    with open(tmp_path / "table.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["uniform", "sec"]
    assert all(float(row["ask_ms"]) > 0 for row in rows)
    text = (tmp_path / "table.txt").read_text(encoding="utf-8")
    assert text.rstrip("\n") == capsys.readouterr().out.rstrip("\n")
    assert "N = 300" in text


def test_both_is_the_sum_of_the_two_round_by_round():
    seconds = {"uniform": {"ask": np.array([0.001, 0.005, 0.001]), "tell": np.array([0.003, 0.001, 0.002])}}
    (row,) = speed.table(seconds)
    assert (row["ask_ms"], row["tell_ms"], row["both_ms"]) == ("1.00", "2.00", "4.00")
