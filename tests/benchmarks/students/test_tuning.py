"""Settings are chosen by a rule from what was played, and what the comparison calls tuned is what was chosen."""

import csv
from pathlib import Path

import numpy as np
import pytest

from curriculum_bandits.benchmarks.curricula import tuning
from curriculum_bandits.benchmarks.curricula.entries import find_entry, groups
from curriculum_bandits.benchmarks.curricula.learners import find_learner
from curriculum_bandits.benchmarks.curricula.play import Result
from curriculum_bandits.benchmarks.curricula.setting import Setting
from curriculum_bandits.benchmarks.curricula.tuned import TRIED, TUNED, named
from curriculum_bandits.signals import tent

TABLE = Path(__file__).parents[3] / "benchmarks" / "curricula" / "results" / "tuning" / "tuning.csv"


def a_setting(seed=3):
    return Setting(find_learner("half-hopeless-skill").make(600, seed), 12, None, 8, seed)


def test_settings_reach_the_method():
    made = find_entry("sec(temperature=0.25, rate=0.5, signal=tent)").make(a_setting())
    assert made.bandit.exploration.temperature == 0.25
    assert made._signal is tent
    assert find_entry("osmd(step=ScaleFree(memory=7))").make(a_setting()).bandit.step.memory == 7
    assert find_entry("actor-curator(loss=Proximal(clip=0.4))").make(a_setting()).bandit.settings.loss.clip == 0.4


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
            assert len(find_entry(named(method, settings)).make(a_setting()).ask(8)) == 8


def result(accuracy):
    nothing = (float("nan"),) * 2
    return Result((0, 1, 2), (0, 1, 2), (0, 1, 2), accuracy, nothing, nothing, ((1.0,),) * 2, ("a",), "part", 1,
                  *[0.0] * 5)  # fmt: skip


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
        tuning._run(learner, name, seed): result((numbers[i],) * 3)
        for name, numbers in final.items()
        for i, learner in enumerate(tuning.LEARNERS)
        for seed in tuning.SEEDS
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
