"""Tables and figures of made-up runs: losers stay, what is not reached is said, what is no number is left out."""

import csv
import io
import json
import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from curriculum_bandits.benchmarks.curricula.figures import curves_figure, drawn_figure
from curriculum_bandits.benchmarks.curricula.play import Result
from curriculum_bandits.benchmarks.curricula.report import Comparison, csv_table, json_document, text_table


def result(slope, effective=50.0):
    steps = tuple(float(step) for step in range(0, 101, 10))
    return Result(
        steps=steps,
        rollouts=tuple(8.0 * step for step in steps),
        accuracy=tuple(slope * step / 100 for step in steps),
        bank_success=tuple(slope * step / 100 for step in steps),
        informative=(0.25,) * 10,
        effective=(effective,) * 10,
        drawn=((0.1,) * 10,) * 10,
        distinct=77,
        ask=0.001,
        learn=0.1,
        tell=0.002,
        code="abc",
    )


def comparison(seeds=6, **slopes):
    names = {"uniform": "uniform", "fast": "osmd-problems", "slow": "osmd-groups", "oracle": "greedy-oracle"}
    results = {
        names[name]: [result(slope + 0.01 * seed, math.nan if name == "oracle" else 50.0) for seed in range(seeds)]
        for name, slope in slopes.items()
    }
    return Comparison("half-hopeless-skill", 1000, range(seeds), results)


FULL = comparison(uniform=0.5, fast=0.7, slow=0.1, oracle=0.9)


def test_losing_cells_stay_and_the_target_that_is_not_reached_is_said():
    text = text_table([FULL], "the caption")
    table = {line.split()[0]: line for line in text.splitlines() if line}
    order = [word for word in table if word in FULL.results]
    assert order == ["greedy-oracle", "osmd-problems", "uniform", "osmd-groups"]
    assert "not reached (at most 0.90)" in table["osmd-groups"]
    assert "0.00 [0.00, 0.00]" in table["osmd-groups"]
    assert text.rstrip().endswith("the caption")
    assert "nan" not in text
    assert "-0.00" not in text


def test_rows_hold_the_measures():
    rows = {row.method: row for row in FULL.rows()}
    assert rows["uniform"].speed.ratio.value == 1.0
    assert rows["osmd-problems"].speed.ratio.value == pytest.approx(0.725 / 0.525, rel=1e-6)
    assert rows["greedy-oracle"].oracle_share.value == pytest.approx(1.0)
    assert rows["osmd-problems"].oracle_share.value == pytest.approx(0.5)
    assert rows["osmd-groups"].improvement.value == 0.0
    assert rows["uniform"].cost == pytest.approx(0.003)


def test_without_an_oracle_or_with_one_seed_cells_are_empty():
    lone = comparison(seeds=1, uniform=0.5, slow=0.1)
    text = text_table([lone], "")
    assert "nan" not in text
    assert "[" not in text
    rows = list(csv.DictReader(io.StringIO(csv_table([lone]))))
    assert [row["oracle_share"] for row in rows] == ["", ""]
    assert rows[1]["rollouts_to_target"] == "inf"
    assert rows[0]["final_accuracy_lower"] == ""


def test_the_csv_has_a_line_per_student_and_method():
    rows = list(csv.DictReader(io.StringIO(csv_table([FULL, FULL]))))
    assert len(rows) == 8
    assert {row["seeds"] for row in rows} == {"6"}
    assert float(rows[1]["speed_ratio"]) == pytest.approx(0.725 / 0.525)


def test_the_json_holds_every_seed():
    document = json.loads(json_document([FULL], {"command": "x"}))
    student = document["students"][0]
    assert document["command"] == "x"
    assert [(run["method"], run["seed"]) for run in student["runs"][:6]] == [("uniform", seed) for seed in range(6)]
    assert len(student["runs"]) == 24
    assert student["rows"][-1]["rollouts_to_target"] is None
    assert student["runs"][0]["accuracy"][-1] == 0.5


@pytest.mark.parametrize("shown", [FULL, comparison(seeds=1, uniform=0.5), comparison(uniform=0.5, slow=0.1)])
def test_figures_show_every_method(shown):
    curves, drawn = curves_figure(shown, "a note"), drawn_figure(shown, "a note")
    words = [text.get_text() for text in curves.legends[0].get_texts()]
    assert len(words) == len(shown.results) + 1
    assert words[-1].startswith("target 0.")
    titles = {axes.get_title() for axes in drawn.axes}
    assert set(shown.results) <= titles
    for figure in (curves, drawn):
        figure.savefig(io.BytesIO())
    base = curves.axes[1].lines[[row.method for row in shown.rows()].index("uniform")]
    np.testing.assert_array_equal(base.get_ydata(), 0.0)
