"""Tables and figures of made-up runs: losers stay, what is not reached is said, what is no number is left out."""

import csv
import dataclasses
import io
import math

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("tabulate")

from curriculum_bandits.benchmarks.students.command import _figures
from curriculum_bandits.benchmarks.students.play import Result
from curriculum_bandits.benchmarks.students.report import LearnerRuns, overhead_share, texts
from curriculum_bandits.benchmarks.students.setting import Setting

SETTING = Setting("half-hopeless-skill", 1000, 100, None, 8, 10)
SECONDS = {"ask": 0.001, "learn": 0.1, "tell": 0.002, "evaluate": 0.1, "overhead": 0.01}


def result(slope, effective=50.0, cost=8.0, evaluations=11):
    steps = np.arange(0.0, 10 * evaluations, 10)
    return Result(
        steps=steps,
        rollouts=cost * steps,
        tokens=10.0 * cost * steps,
        accuracy=slope * steps / 100,
        informative=np.full(evaluations - 1, 0.25),
        effective=np.full(evaluations - 1, effective),
        drawn=np.full((evaluations - 1, 10), 0.1),
        parts=list("abcdefghij"),
        parts_title="level",
        distinct=77,
        seconds=SECONDS,
    )


def of_learner(seeds=6, **slopes):
    names = {"uniform": "uniform", "fast": "osmd(arms=problems)", "slow": "osmd", "oracle": "greedy_oracle"}
    results = {
        names[name]: [result(slope + 0.01 * seed, math.nan if name == "oracle" else 50.0) for seed in range(seeds)]
        for name, slope in slopes.items()
    }
    return LearnerRuns(SETTING, range(seeds), results)


FULL = of_learner(uniform=0.5, fast=0.7, slow=0.1, oracle=0.9)


def rows_of(runs):
    return {row.standing.entry: row for row in runs.rows}


def lines_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_losing_cells_stay_and_the_target_that_is_not_reached_is_said():
    text = texts([FULL], "the caption")["summary.txt"]
    table = {line.split()[0]: line for line in text.splitlines() if line and not line.split()[0].endswith(":")}
    assert [word for word in table if word in FULL.results] == [
        "greedy_oracle",
        "osmd(arms=problems)",
        "uniform",
        "osmd",
    ]
    assert "not reached (at most 0.90)" in table["osmd"]
    assert "0.00 [0.00, 0.00]" in table["osmd"]
    assert text.rstrip().endswith("the caption")
    assert "nan" not in text
    assert "-0.00" not in text


def test_rows_hold_the_measures():
    rows = rows_of(FULL)
    fast = rows["osmd(arms=problems)"].standing
    assert fast.speedup.ratio.value == pytest.approx(0.725 / 0.525, rel=1e-6)
    assert fast.oracle_share.value == pytest.approx(0.5)
    assert fast.of_best == 1.0  # the oracle does not count
    assert rows["osmd"].standing.improvement.value == 0.0
    assert rows["uniform"].seconds == pytest.approx(100 * 0.213)
    assert rows["uniform"].parts["tell"] == 0.002
    assert overhead_share([FULL]) == pytest.approx(0.01 / 0.2)


def test_without_an_oracle_or_with_one_seed_cells_are_empty():
    lone = of_learner(seeds=1, uniform=0.5, slow=0.1)
    text = texts([lone], "")["summary.txt"]
    assert "nan" not in text
    assert "[" not in text
    lines = lines_of(texts([lone], "")["summary.csv"])
    assert [line["oracle_share"] for line in lines] == ["", ""]
    assert lines[1]["rollouts_to_target"] == "inf"
    assert lines[0]["final_accuracy_lower"] == ""


def test_files_have_a_line_per_learner_and_method_or_per_evaluation():
    lines = lines_of(texts([FULL, FULL], "")["summary.csv"])
    assert len(lines) == 8
    assert {line["seeds"] for line in lines} == {"6"}
    assert float(lines[1]["speedup"]) == pytest.approx(0.725 / 0.525)
    assert list(lines[0])[-6:] == ["seconds", *(f"seconds_{name}" for name in SECONDS)]
    lines = lines_of(texts([FULL], "")["curves.csv"])
    assert len(lines) == 4 * 6 * 11
    assert [line["informative_share"] for line in lines[:2]] == ["", "0.25"]


def test_methods_that_cost_more_a_step_are_read_at_the_same_rollouts():
    results = {
        "uniform": [result(0.5)] * 2,
        "osmd": [result(0.5, cost=16.0)] * 2,  # twice the rollouts for the same curve over steps
        "osmd(arms=problems)": [result(0.5, cost=4.0)] * 2,  # ends early, and keeps what it has
    }
    runs = LearnerRuns(SETTING, range(2), results)
    curves, rows = runs.comparison.curves, rows_of(runs)
    np.testing.assert_allclose(curves["osmd"], curves["uniform"] / 2)
    np.testing.assert_allclose(curves["osmd(arms=problems)"][:, :6], curves["uniform"][:, :12:2][:, :6])
    assert curves["osmd(arms=problems)"][0, -1] == 0.5
    assert rows["osmd"].standing.speedup.budget.value == rows["osmd"].tokens_to_target == math.inf
    assert rows["osmd(arms=problems)"].standing.speedup.ratio.value == pytest.approx(2.0)
    assert rows["uniform"].tokens_to_target == pytest.approx(10 * rows["uniform"].standing.speedup.budget.value)
    assert rows["osmd"].tokens == pytest.approx(8000.0)
    np.testing.assert_allclose(runs.over_tokens.axis, 10 * runs.comparison.axis)
    np.testing.assert_allclose(runs.over_tokens.curves["osmd"], curves["osmd"])  # lengths are alike


def test_without_lengths_nothing_is_shown_over_tokens():
    without = dataclasses.replace(result(0.5), tokens=np.full(11, np.nan))
    runs = LearnerRuns(SETTING, [0], {"uniform": [without]})
    assert runs.over_tokens is None
    assert "tokens to target" not in texts([runs], "")["summary.txt"]
    assert _figures([runs], ["tokens"], "")["tokens-half-hopeless-skill.png"]() is None


def test_with_a_budget_the_axis_ends_there():
    setting = dataclasses.replace(SETTING, rollouts=790)
    comparison = LearnerRuns(setting, [0], {"uniform": [result(0.5)]}).comparison
    assert comparison.axis[-1] == 790
    assert comparison.curves["uniform"][0, -1] == pytest.approx(0.5 * 790 / 800)


def test_learners_together_pool_runs_and_take_the_least_share_of_the_best():
    other = of_learner(uniform=0.4, fast=0.3, slow=0.2)
    lines = {line["method"]: line for line in lines_of(texts([FULL, other], "")["overall.csv"])}
    assert set(lines) == {"uniform", "osmd(arms=problems)", "osmd"}  # the oracle was on one of them only
    finals = [0.9 * (slope + 0.01 * seed) for slope in (0.5, 0.4) for seed in range(6)]
    assert float(lines["uniform"]["final_accuracy"]) == pytest.approx(np.mean(sorted(finals)[3:9]))
    assert float(lines["osmd(arms=problems)"]["least_of_best"]) == pytest.approx(0.325 / 0.425)
    assert "all 2 learners together" in texts([FULL, other], "")["summary.txt"]


def test_seeds_may_end_after_different_numbers_of_steps_and_figures_show_every_method():
    runs = [result(0.5), result(0.5, evaluations=8)]
    shown = LearnerRuns(SETTING, range(2), {"uniform": [result(0.4)] * 2, "osmd": runs})
    assert rows_of(shown)["osmd"].informative == 0.25
    assert shown.drawn()["osmd"].shares.shape == (7, 10)
    figures = _figures([shown, FULL], ["curves", "drawn", "overall"], "a note")
    assert list(figures) == ["curves-half-hopeless-skill.png", "drawn-half-hopeless-skill.png", "overall.png"]
    for draw in _figures([shown], ["curves", "tokens", "measures", "drawn"], "a note").values():
        draw().savefig(io.BytesIO(), dpi=40)
    titles = [axes.get_title() for axes in _figures([shown], ["drawn"], "")["drawn-half-hopeless-skill.png"]().axes]
    assert titles[:2] == ["osmd", "uniform"]
