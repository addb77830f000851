"""Tables and figures of made-up runs: losers stay, what is not reached is said, what is no number is left out."""

import csv
import dataclasses
import io
import json
import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from curriculum_bandits.benchmarks.curricula.entries import groups
from curriculum_bandits.benchmarks.curricula.figures import (
    curves_figure,
    drawn_figure,
    measures_figure,
    overall_figure,
)
from curriculum_bandits.benchmarks.curricula.play import Result
from curriculum_bandits.benchmarks.curricula.report import (
    Comparison,
    csv_table,
    curves_table,
    json_document,
    overall,
    overall_table,
    overhead_share,
    text_table,
)


def result(slope, effective=50.0, cost=8.0):
    steps = tuple(float(step) for step in range(0, 101, 10))
    return Result(
        steps=steps,
        rollouts=tuple(cost * step for step in steps),
        tokens=tuple(10.0 * cost * step for step in steps),
        accuracy=tuple(slope * step / 100 for step in steps),
        informative=(0.25,) * 10,
        effective=(effective,) * 10,
        drawn=((0.1,) * 10,) * 10,
        parts=tuple("abcdefghij"),
        parts_title="level",
        distinct=77,
        ask=0.001,
        learn=0.1,
        tell=0.002,
        evaluate=0.1,
        overhead=0.01,
    )


def comparison(seeds=6, **slopes):
    names = {"uniform": "uniform", "fast": "osmd(arms=problems)", "slow": "osmd", "oracle": "greedy_oracle"}
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
    assert order == ["greedy_oracle", "osmd(arms=problems)", "uniform", "osmd"]
    assert "not reached (at most 0.90)" in table["osmd"]
    assert "0.00 [0.00, 0.00]" in table["osmd"]
    assert text.rstrip().endswith("the caption")
    assert "nan" not in text
    assert "-0.00" not in text


def test_rows_hold_the_measures():
    rows = {row.method: row for row in FULL.rows()}
    assert rows["uniform"].speed.ratio.value == 1.0
    assert rows["osmd(arms=problems)"].speed.ratio.value == pytest.approx(0.725 / 0.525, rel=1e-6)
    assert rows["greedy_oracle"].oracle_share.value == pytest.approx(1.0)
    assert rows["osmd(arms=problems)"].oracle_share.value == pytest.approx(0.5)
    assert rows["osmd"].improvement.value == 0.0
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


def test_the_csv_has_a_line_per_learner_and_method():
    rows = list(csv.DictReader(io.StringIO(csv_table([FULL, FULL]))))
    assert len(rows) == 8
    assert {row["seeds"] for row in rows} == {"6"}
    assert float(rows[1]["speed_ratio"]) == pytest.approx(0.725 / 0.525)


def test_the_json_holds_every_seed():
    document = json.loads(json_document([FULL], {"command": "x"}))
    learner = document["learners"][0]
    assert document["command"] == "x"
    assert [(run["method"], run["seed"]) for run in learner["runs"][:6]] == [("uniform", seed) for seed in range(6)]
    assert len(learner["runs"]) == 24
    assert learner["rows"][-1]["rollouts_to_target"] is None
    assert learner["runs"][0]["accuracy"][-1] == 0.5


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


def test_what_is_best_leaves_out_the_oracle():
    rows = {row.method: row for row in FULL.rows()}
    assert rows["osmd(arms=problems)"].of_best == 1.0
    assert rows["uniform"].of_best == pytest.approx(0.525 / 0.725)
    assert rows["greedy_oracle"].of_best > 1.0


def test_methods_that_cost_more_a_step_are_read_at_the_same_rollouts():
    results = {
        "uniform": [result(0.5)] * 2,
        "osmd": [result(0.5, cost=16.0)] * 2,  # twice the rollouts for the same curve over steps
        "osmd(arms=problems)": [result(0.5, cost=4.0)] * 2,  # ends early, and keeps what it has
    }
    shown = Comparison("half-hopeless-skill", 1000, range(2), results)
    np.testing.assert_allclose(shown.accuracy("osmd"), shown.accuracy("uniform") / 2)
    np.testing.assert_allclose(shown.accuracy("osmd(arms=problems)")[:, :6], shown.accuracy("uniform")[:, :12:2][:, :6])
    assert shown.accuracy("osmd(arms=problems)")[0, -1] == 0.5
    rows = {row.method: row for row in shown.rows()}
    assert rows["osmd"].speed.budget.value == math.inf
    assert rows["osmd"].tokens_to_target == math.inf
    assert rows["osmd(arms=problems)"].speed.ratio.value == pytest.approx(2.0)
    assert rows["uniform"].tokens_to_target == pytest.approx(10 * rows["uniform"].speed.budget.value)
    assert rows["osmd"].tokens == pytest.approx(8000.0)


def test_with_a_budget_the_axis_ends_there():
    shown = Comparison("half-hopeless-skill", 1000, [0], {"uniform": [result(0.5)]}, budget=790)
    assert shown.rollouts[-1] == 790
    assert shown.accuracy("uniform")[0, -1] == pytest.approx(0.5 * 790 / 800)


def test_learners_together_pool_runs_and_take_the_least_share_of_the_best():
    other = comparison(uniform=0.4, fast=0.3, slow=0.2)
    rows = {row.method: row for row in overall([FULL, other])}
    assert set(rows) == {"uniform", "osmd(arms=problems)", "osmd"}  # the oracle was on one of them only
    finals = [0.9 * (slope + 0.01 * seed) for slope in (0.5, 0.4) for seed in range(6)]
    assert rows["uniform"].level.value == pytest.approx(np.mean(sorted(finals)[3:9]))
    assert rows["osmd(arms=problems)"].improvement.value == 0.5
    assert rows["osmd(arms=problems)"].least_of_best == pytest.approx(0.325 / 0.425)
    assert len(overall_table([FULL, other]).splitlines()) == 4
    assert "all 2 learners together" in text_table([FULL, other], "")
    overall_figure([FULL, other], "a note").savefig(io.BytesIO())


def test_overhead_is_counted_against_the_learners_time():
    assert overhead_share([FULL]) == pytest.approx(0.01 / 0.2)


def test_curves_are_long():
    lines = list(csv.DictReader(io.StringIO(curves_table([FULL]))))
    assert len(lines) == 4 * 6 * 11
    assert lines[0]["informative_share"] == ""
    assert lines[1]["informative_share"] == "0.25"


def test_many_methods_get_a_panel_each_and_the_measures_a_line_each():
    names = groups()["all"][:13]
    results = {name: [result(0.3 + 0.01 * i + 0.02 * seed) for seed in range(2)] for i, name in enumerate(names)}
    shown = Comparison("half-hopeless-skill", 1000, range(2), results)
    curves, drawn, measures = (draw(shown, "a note") for draw in (curves_figure, drawn_figure, measures_figure))
    order = [row.method for row in shown.rows()]
    for figure in (curves, drawn):
        assert [axes.get_title() for axes in figure.axes[:13]] == order
    assert [label.get_text() for label in measures.axes[0].get_yticklabels()] == order
    for figure in (curves, drawn, measures):
        figure.savefig(io.BytesIO(), dpi=40)


def test_the_measures_say_who_does_not_reach_the_target():
    budget = measures_figure(FULL, "a note").axes[2]
    assert [text.get_text().strip() for text in budget.texts] == ["not reached"]


def test_seeds_of_one_method_may_end_after_different_numbers_of_steps():
    longer = result(0.5)
    fields = {name: getattr(longer, name)[:8] for name in ("steps", "rollouts", "tokens", "accuracy")}
    fields |= {name: getattr(longer, name)[:7] for name in ("informative", "effective", "drawn")}
    runs = [longer, dataclasses.replace(longer, **fields)]
    shown = Comparison("half-hopeless-skill", 1000, range(2), {"uniform": [longer] * 2, "osmd": runs})
    (row,) = [row for row in shown.rows() if row.method == "osmd"]
    assert row.informative == 0.25
    for draw in (curves_figure, drawn_figure, measures_figure):
        draw(shown, "a note").savefig(io.BytesIO())
