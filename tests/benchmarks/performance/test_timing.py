"""Turns alternate, ratios are taken within a repetition, numbers are shown with significant digits."""

import json
import os
from dataclasses import dataclass

import numpy as np
import pytest

pytest.importorskip("tabulate", reason="the benchmarks extra is not installed")

from curriculum_bandits.benchmarks.performance.timing import (
    Report,
    Spread,
    combined,
    interleaved,
    one_core,
    quantiles,
    significant,
    table,
    verdict,
)


def test_every_candidate_has_a_turn_in_each_repetition_and_every_second_goes_backwards():
    turns = list(interleaved(["a", "b", "c"], 3, progress=False))
    assert turns == [(0, "a"), (0, "b"), (0, "c"), (1, "c"), (1, "b"), (1, "a"), (2, "a"), (2, "b"), (2, "c")]


def test_ratios_are_taken_within_a_repetition():
    ratio = combined(lambda a, b: a / b, Spread((2.0, 12.0, 9.0)), Spread((1.0, 4.0, 1.0)))
    assert (ratio.repetitions, ratio.median, ratio.ends) == ((2.0, 3.0, 9.0), 3.0, (2.0, 9.0))
    assert str(ratio) == "3.00 (2.00 to 9.00)"
    with pytest.raises(ValueError, match="argument 2"):
        combined(max, Spread((1.0,)), Spread((1.0, 2.0)))


def test_one_repetition_has_no_spread():
    assert str(Spread((0.0123,))) == "0.0123"


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [
        (3764.2, 3, "3,760"),
        (0.06, 2, "0.060"),
        (17.25, 3, "17.2"),
        (0.0, 2, "0"),
        (99.96, 3, "100"),
        (0.0099, 1, "0.01"),
    ],
)
def test_numbers_have_significant_digits(value, digits, shown):
    assert significant(value, digits) == shown


def test_both_is_the_sum_of_the_two_round_by_round():
    levels = quantiles(np.array([[0.001, 0.003], [0.005, 0.001], [0.001, 0.002]]))
    assert {part: level["median"] for part, level in levels.items()} == pytest.approx({"ask": 1, "tell": 2, "both": 4})
    assert levels["both"]["median"] < levels["both"]["p90"] < levels["both"]["p99"] < 6


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system does not pin processes")
def test_one_core_is_given_back():
    before = os.sched_getaffinity(0)
    with one_core() as pinned:
        assert pinned
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("value", "said"), [(9.9, "met: it 9.90, aim"), (10.1, "NOT MET: it 10.1"), (None, "NOT MEAS")]
)
def test_aims_are_judged_by_what_was_measured(value, said):
    assert verdict("it", value, 10.0).startswith(said)


@dataclass(frozen=True)
class Settings:
    rounds: int = 3


def test_a_report_has_numbers_table_machine_and_command(tmp_path, capsys):
    report = Report("some", Settings(rounds=2), tmp_path)
    report.write({"speed": Spread((1.0, 2.0))}, table([{"method": "a", "speed": Spread((1.0, 2.0))}]), "A note.")
    assert json.loads((tmp_path / "results.json").read_text())["speed"] == {
        "repetitions": [1.0, 2.0],
        "median": 1.5,
        "least": 1.0,
        "most": 2.0,
    }
    text = (tmp_path / "table.txt").read_text()
    assert capsys.readouterr().out == text
    assert "1.50 (1.00 to 2.00)" in text
    assert "A note." in text
    assert text.endswith("Command: python -m curriculum_bandits.benchmarks.performance.some --rounds 2\n")
    assert json.loads((tmp_path / "settings.json").read_text())["settings"] == {"rounds": 2}
