"""A run depends on its recipe alone, and methods with the same seed meet the same student."""

import json
from dataclasses import replace

import numpy as np
import pytest

from curriculum_bandits import ProblemBank
from curriculum_bandits.benchmarks.curricula import entries
from curriculum_bandits.benchmarks.curricula.entries import BASELINE, ORACLE, expanded, find_entry, groups
from curriculum_bandits.benchmarks.curricula.learners import STUDENTS, find_learner, learner_names, parts
from curriculum_bandits.benchmarks.curricula.play import SECONDS, Result, Run, evaluations, plan, play
from curriculum_bandits.benchmarks.curricula.references import with_references
from curriculum_bandits.benchmarks.curricula.setting import Setting
from curriculum_bandits.benchmarks.curricula.store import Store
from curriculum_bandits.methods import registry

SMALL = Run("half-hopeless-skill", 300, "osmd", 3, 12, None, 8, 5)


def without_seconds(result):
    return {name: value for name, value in result.state().items() if name not in SECONDS}


@pytest.mark.parametrize("student", STUDENTS)
def test_headline_methods_play_every_student_from_the_same_start(student):
    results = {method: play(replace(SMALL, learner=student, method=method)) for method in groups()["headline"]}
    assert len({result.accuracy[0] for result in results.values()}) == 1
    for method, result in results.items():
        assert result.steps == (0, 5, 10, 12)
        assert result.rollouts == (0, 5 * 8 * 8, 10 * 8 * 8, 12 * 8 * 8)
        assert np.shape(result.drawn) == (3, 10)
        np.testing.assert_allclose(np.sum(result.drawn, axis=1), 1.0, atol=1e-4)
        assert len(result.informative) == len(result.effective) == 3
        assert np.all(np.isnan(result.effective)) == (method == ORACLE)
        assert 8 <= result.distinct <= 96
        assert min(getattr(result, name) for name in SECONDS) > 0.0
    assert results[BASELINE].distinct == 96


@pytest.mark.parametrize("method", sorted(set(groups()["all"]) - set(groups()["headline"])))
def test_every_method_plays(method):
    student = "half-hopeless-holdout-softmax" if "holdout" in method else "half-hopeless-skill"
    result = play(replace(SMALL, learner=student, method=method, steps=4, evaluate_every=2))
    assert result.steps == (0, 2, 4)
    assert all(0.0 < accuracy < 1.0 for accuracy in result.accuracy)


def test_every_group_of_words_names_methods_and_all_names_all():
    several = groups()
    assert set(several["all"]) == {name for word, names in several.items() if word != "tuned" for name in names}
    assert all(find_entry(name).summary for names in several.values() for name in names)
    assert expanded(["uniform", "headline", "uniform"]) == several["headline"]
    assert {"osmd(signal=absolute_advantage)", "tscl(signal=success_rate)"} <= set(several["grid"])


def test_a_reference_student_is_one_at_a_known_skill():
    student = find_learner("half-hopeless-skill").make(300, 0)
    bank = with_references(student)
    np.testing.assert_allclose(bank.columns["weak_pass_rate"], student.success(), atol=1e-12)  # as it begins
    assert np.all(np.array(bank.columns["strong_pass_rate"]) > student.success())
    assert bank.fingerprint == student.bank.fingerprint


def test_a_schedule_runs_as_long_as_the_budget_lasts():
    student = find_learner("half-hopeless-skill").make(300, 0)
    assert Setting(student, 12, None, 8, 0).schedule_steps() == 12
    assert Setting(student, 100, 641, 8, 0).schedule_steps() == 11
    assert Setting(student, None, 640, 8, 0).schedule_steps() == 10
    with pytest.raises(ValueError, match="give --steps"):
        Setting(object(), None, 640, 8, 0).schedule_steps()


def test_banks_are_shown_by_levels_groups_or_tenths():
    class Learner:
        def __init__(self, **columns):
            self.bank = ProblemBank([str(i) for i in range(60)], **columns)

    student = find_learner("half-hopeless-skill").make(300, 0)
    assert parts(student).of.tolist() == (student.problems.cell % 10).tolist()
    groups = ["hard", "easy"] * 30
    shown = parts(Learner(groups=groups, difficulty=[1.0 if name == "hard" else 0.0 for name in groups]))
    assert shown.names == ("easy", "hard")
    assert shown.of.tolist() == [1, 0] * 30
    tenths = parts(Learner(groups=list(range(60)), difficulty=np.arange(60)[::-1]))
    assert tenths.of.tolist() == [9 - i // 6 for i in range(60)]
    assert tenths.shares(np.arange(60) == 59).tolist() == [1.0] + [0.0] * 9
    assert parts(Learner()).names == ("all",)


def test_a_learner_on_gym_tasks_plays_beside_students():
    pytest.importorskip("gymnasium")
    pytest.importorskip("torch")
    (name, *_) = [name for name in learner_names() if name not in STUDENTS]
    result = play(Run(name, 36, "uniform", 0, 2, None, 4, 1))
    assert result.steps == (0, 1, 2)
    assert sum(result.drawn[0]) == pytest.approx(1.0, abs=1e-4)


def test_the_same_seed_is_the_same_student_and_another_one_is_not():
    one, same = (STUDENTS["drifting-softmax"].make(200, 4) for _ in range(2))
    other = STUDENTS["drifting-softmax"].make(200, 5)
    assert one.bank.fingerprint == same.bank.fingerprint
    np.testing.assert_array_equal(one.success(), same.success())
    np.testing.assert_array_equal(one.problems.held_out_offset, same.problems.held_out_offset)
    assert not np.array_equal(one.success(), other.success())
    assert len(one.problems.held_out_cell) >= 500


def test_a_run_repeats_itself_and_the_seed_matters():
    assert without_seconds(play(SMALL)) == without_seconds(play(SMALL))
    assert play(SMALL).accuracy != play(replace(SMALL, seed=4)).accuracy


def test_a_result_survives_json():
    for method in ("uniform", ORACLE):
        result = play(replace(SMALL, method=method))
        back = Result.from_state(json.loads(json.dumps(result.state(), allow_nan=False)))
        assert back.state() == result.state()
        assert back.accuracy == result.accuracy


def test_runs_are_planned_seed_after_seed():
    methods = {"drifting-skill": ["uniform", ORACLE]}
    limits = {"steps": 9, "rollouts": None, "batch": 4, "evaluate_every": 3}
    runs = plan(["drifting-skill"], methods, [5, 2], problems=100, **limits)
    assert [(run.seed, run.method) for run in runs] == [(5, "uniform"), (5, ORACLE), (2, "uniform"), (2, ORACLE)]
    assert evaluations(9, 3) == [0, 3, 6, 9]
    assert evaluations(9, 100) == [0, 9]


def test_a_digest_tells_all_settings_apart(monkeypatch):
    others = [
        replace(SMALL, learner="drifting-skill"),
        replace(SMALL, problems=301),
        replace(SMALL, method="uniform"),
        replace(SMALL, seed=4),
        replace(SMALL, steps=13),
        replace(SMALL, rollouts=500),
        replace(SMALL, batch=9),
        replace(SMALL, evaluate_every=6),
    ]
    before = SMALL.digest()
    assert before == replace(SMALL).digest()
    assert len({before, *(run.digest() for run in others)}) == 9
    kinds = ((registry._DECLARED, SMALL.method), (STUDENTS, SMALL.learner))
    for there, name in kinds:
        with monkeypatch.context() as patch:
            patch.setitem(there, name, replace(there[name], revision=2))
            assert SMALL.digest() != before
    assert SMALL.digest() == before


def test_what_fails_is_named(monkeypatch):
    def broken(bank, seed):
        raise ZeroDivisionError("no such thing")

    monkeypatch.setitem(entries.OWN, "broken", registry.Method("broken", "breaks", broken))
    with pytest.raises(RuntimeError, match=r"broken on half-hopeless-skill failed \(seed 3, 300 problems\): ZeroDiv"):
        play(replace(SMALL, method="broken"))


def test_a_run_is_complete_at_the_first_of_its_limits():
    run = replace(SMALL, steps=None, rollouts=600)
    assert run.complete([0, 5, 10], [0, 320, 640])
    assert not run.complete([0, 5], [0, 320])
    assert not run.complete([0, 10], [0, 640])
    assert replace(run, steps=5).complete([0, 5], [0, 320])
    assert not SMALL.complete([0, 5, 10], [0, 320, 640])


def test_a_run_ends_at_the_first_step_at_which_its_rollouts_are_spent():
    result = play(replace(SMALL, steps=None, rollouts=600))
    assert result.steps == (0, 5, 10)
    assert result.rollouts == (0, 320, 640)
    same = play(SMALL)
    assert result.accuracy == same.accuracy[:3]


def test_a_stage_pays_for_what_it_rejects():
    plain, staged = (play(replace(SMALL, method=method)) for method in (BASELINE, "uniform+dapo"))
    assert staged.rollouts[-1] > plain.rollouts[-1]
    assert staged.tokens[-1] > plain.tokens[-1] > 0.0
    assert staged.distinct > plain.distinct
    np.testing.assert_allclose(np.sum(staged.drawn, axis=1), 1.0, atol=1e-4)
    limited = play(replace(SMALL, method="uniform+dapo", rollouts=600))
    assert limited.rollouts[-2] < 600 <= limited.rollouts[-1]
    assert limited.steps[-1] < 12


def test_a_broken_file_is_as_good_as_none(tmp_path):
    store, result = Store(tmp_path / "runs"), play(SMALL)
    assert store.load(SMALL) is None
    store.save(SMALL, result)
    assert store.load(SMALL).state() == result.state()
    assert [path.name for path in store.folder.iterdir()] == [f"{SMALL.digest()}.json"]
    whole = store.path(SMALL).read_text()
    document = json.loads(whole)
    shorter = {**document["result"], "accuracy": document["result"]["accuracy"][:-1]}
    fewer = {name: value[:-1] if isinstance(value, list) else value for name, value in document["result"].items()}
    for text in (
        whole[: len(whole) // 2],
        "",
        "[]",
        "null",
        "\x00",
        json.dumps({"result": shorter}),
        json.dumps({"result": fewer}),
        json.dumps({"result": {}}),
    ):
        store.path(SMALL).write_text(text)
        assert store.load(SMALL) is None, text
