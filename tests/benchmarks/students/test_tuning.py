"""Settings are chosen by a rule from what was played, and what the comparison calls tuned is what was chosen."""

import csv
from pathlib import Path

import numpy as np
import pytest

from curriculum_bandits.benchmarks.students import tuning
from curriculum_bandits.benchmarks.students.entries import find_entry, groups
from curriculum_bandits.benchmarks.students.learners import find_learner
from curriculum_bandits.benchmarks.students.play import SECONDS, Result, trials_of
from curriculum_bandits.benchmarks.students.setting import Setting
from curriculum_bandits.benchmarks.students.tuned import TRIED, TUNED, named
from curriculum_bandits.signals import tent

TABLE = Path(__file__).parents[3] / "benchmarks" / "students" / "results" / "tuning" / "tuning.csv"


def made(name, seed=3):
    learner = find_learner("half-hopeless-skill").make(600, seed)
    return find_entry(name).make(learner, Setting("half-hopeless-skill", 600, 12, None, 8, 10), seed)[0]


def test_settings_reach_the_method():
    sec = made("sec(temperature=0.25, rate=0.5, signal=tent)")
    assert sec.bandit.exploration.temperature == 0.25
    assert sec._signal is tent
    assert made("osmd(step=ScaleFree(memory=7))").bandit.step.memory == 7
    assert made("actor-curator(loss=Proximal(clip=0.4))").bandit.settings.loss.clip == 0.4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sec(temperature)", "without a name"),
        ("sec(0.3)", "without a name"),
        ("sec(temperature=open('x'))", "there is no value object 'open'"),
        ("sec(temperature=0.1) or f(rate=1)", "cannot be read"),
        ("sec(temprature=1)", "did you mean 'temperature'"),
        ("sec(signal=tents)", "there is no signal 'tents'; did you mean 'tent'"),
        ("greedy-oracle(depth=2)", "has no setting 'depth'"),
        ("secc(temperature=1)", "there is no method 'secc'; did you mean 'sec'"),
    ],
)
def test_settings_that_are_none_are_refused(name, message):
    with pytest.raises(ValueError, match=message):
        find_entry(name)


def test_every_method_was_tried_with_equally_many_settings_that_work():
    assert {len(tried) for tried in TRIED.values()} == {8}
    assert {"actor_curator", "osmd"} <= set(TRIED) <= {"actor_curator", "osmd", *groups()["rivals"]}
    for method, tried in TRIED.items():
        for settings in tried:
            assert len(made(named(method, settings)).ask(8)) == 8


def result(accuracy):
    at, windows = np.arange(3.0), np.full(2, np.nan)
    seconds = dict.fromkeys(SECONDS, 0.0)
    return Result(at, at, at, np.full(3, accuracy), windows, windows, np.ones((2, 1)), ["a"], "part", 1, seconds)


def test_the_largest_mean_share_of_the_oracles_gain_is_chosen(monkeypatch):
    monkeypatch.setattr(tuning, "TRIED", {"sec": ("temperature=0.1", "temperature=0.2")})
    final = {
        "uniform": [0.5, 0.9, 0.5],
        "greedy_oracle": [0.9, 1.0, 0.6],
        "sec": [0.7, 0.92, 0.51],
        "sec(temperature=0.1)": [0.6, 0.98, 0.55],  # more on banks where there is less to gain
        "sec(temperature=0.2)": [0.8, 0.90, 0.45],
    }
    results = {
        trial: result(final[trial.entry][i])
        for i, learner in enumerate(tuning.LEARNERS)
        for trial in trials_of(final, tuning.TuningSettings().of(learner), (100, 101))
    }
    table = tuning.shares(results, [name for name in final if name.startswith("sec")])
    assert list(table["sec"].values()) == pytest.approx([0.5, 0.2, 0.1])
    assert tuning.best(table, "sec") == "temperature=0.1"


def test_what_is_called_tuned_is_what_the_committed_table_says_is_best():
    with open(TABLE, encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for method, tried in TRIED.items():
        own = [row for row in rows if row["method"] == method]
        assert [row["settings"] for row in own] == ["published", *tried]
        means = [float(row["mean"]) for row in own]
        assert means == pytest.approx(
            [np.mean([float(row[name]) for name in tuning.LEARNERS]) for row in own], abs=2e-4
        )
        chosen = next(row for row in own if row["chosen"] == "yes")
        assert float(chosen["mean"]) == max(means)
        assert chosen["settings"] == (TUNED[method] or "published")
    assert set(groups()["tuned"]) == {f"{method}({settings})" for method, settings in TUNED.items() if settings}


def test_the_command_writes_the_table(tmp_path, monkeypatch):
    pytest.importorskip("tyro")
    monkeypatch.setattr(tuning, "TRIED", {"sec": ("temperature=0.1",)})
    words = "--problems 200 --steps 6 --batch 4 --evaluate-every 2 --seeds 100 --jobs 1 --output"
    assert tuning.main([*words.split(), str(tmp_path)]) == 0
    with open(tmp_path / "tuning.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["settings"] for row in rows] == ["published", "temperature=0.1"]
    assert list(rows[0]) == ["method", "settings", *tuning.LEARNERS, "mean", "chosen"]
    assert sorted(row["chosen"] for row in rows) == ["", "yes"]
