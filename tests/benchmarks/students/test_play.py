"""A run depends on its recipe alone, and methods with the same seed meet the same student."""

from dataclasses import fields, replace

import numpy as np
import pytest

from curriculum_bandits import ProblemBank
from curriculum_bandits.benchmarks.harness.trials import Trial
from curriculum_bandits.benchmarks.students import entries, learners
from curriculum_bandits.benchmarks.students.entries import (
    BASELINE,
    ORACLE,
    expanded,
    find_entry,
    groups,
    schedule_steps,
)
from curriculum_bandits.benchmarks.students.learners import STUDENTS, find_learner, parts, with_references
from curriculum_bandits.benchmarks.students.play import SECONDS, play, result_store, trials_of
from curriculum_bandits.benchmarks.students.setting import Setting
from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.methods import registry

SMALL = Setting("half-hopeless-skill", 300, 12, None, 8, 5)


def run(method="osmd", seed=3, **changes):
    return play((Trial(method, replace(SMALL, **changes), seed), None))


def without_seconds(result):
    return {field.name: str(getattr(result, field.name)) for field in fields(result) if field.name != "seconds"}


@pytest.mark.parametrize("student", STUDENTS)
def test_headline_methods_play_every_student_from_the_same_start(student):
    results = {method: run(method, learner=student) for method in groups()["headline"]}
    assert len({result.accuracy[0] for result in results.values()}) == 1
    for method, result in results.items():
        assert result.steps.tolist() == [0, 5, 10, 12]
        assert result.rollouts.tolist() == [0, 5 * 8 * 8, 10 * 8 * 8, 12 * 8 * 8]
        assert np.shape(result.drawn) == (3, 10)
        np.testing.assert_allclose(np.sum(result.drawn, axis=1), 1.0, atol=1e-4)
        assert len(result.informative) == len(result.effective) == 3
        assert np.all(np.isnan(result.effective)) == (method == ORACLE)
        assert 8 <= result.distinct <= 96
        assert min(result.seconds[name] for name in SECONDS) > 0.0
    assert results[BASELINE].distinct == 96


@pytest.mark.parametrize("method", sorted(set(groups()["all"]) - set(groups()["headline"])))
def test_every_method_plays(method):
    student = "half-hopeless-holdout-softmax" if "holdout" in method else "half-hopeless-skill"
    result = run(method, learner=student, steps=4, evaluate_every=2)
    assert result.steps.tolist() == [0, 2, 4]
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
    assert tenths.shares(np.array([59])).tolist() == [1.0] + [0.0] * 9
    assert parts(Learner()).names == ("all",)


def test_the_same_seed_is_the_same_student_and_another_one_is_not():
    one, same = (STUDENTS["drifting-softmax"].make(200, 4) for _ in range(2))
    other = STUDENTS["drifting-softmax"].make(200, 5)
    assert one.bank.fingerprint == same.bank.fingerprint
    np.testing.assert_array_equal(one.success(), same.success())
    np.testing.assert_array_equal(one.problems.held_out_offset, same.problems.held_out_offset)
    assert not np.array_equal(one.success(), other.success())
    assert len(one.problems.held_out_cell) >= 500


def test_a_run_repeats_itself_and_the_seed_matters():
    assert without_seconds(run()) == without_seconds(run())
    assert run().accuracy.tolist() != run(seed=4).accuracy.tolist()


def test_what_fails_is_named(monkeypatch):
    def broken(bank, seed):
        raise ZeroDivisionError("no such thing")

    monkeypatch.setitem(entries.OWN, "broken", registry.Method("broken", "breaks", broken))
    with pytest.raises(RuntimeError, match=r"broken on half-hopeless-skill failed \(seed 3, 300 problems\): ZeroDiv"):
        run("broken")


def test_a_run_ends_at_the_first_step_at_which_its_rollouts_are_spent():
    result = run(steps=None, rollouts=600)
    assert result.steps.tolist() == [0, 5, 10]
    assert result.rollouts.tolist() == [0, 320, 640]
    same = run()
    assert result.accuracy.tolist() == same.accuracy[:3].tolist()


def test_a_stage_pays_for_what_it_rejects():
    plain, staged = (run(method) for method in (BASELINE, "uniform+dapo"))
    assert staged.rollouts[-1] > plain.rollouts[-1]
    assert staged.tokens[-1] > plain.tokens[-1] > 0.0
    assert staged.distinct > plain.distinct
    np.testing.assert_allclose(np.sum(staged.drawn, axis=1), 1.0, atol=1e-4)
    limited = run("uniform+dapo", rollouts=600)
    assert limited.rollouts[-2] < 600 <= limited.rollouts[-1]
    assert limited.steps[-1] < 12


def test_a_schedule_runs_as_long_as_the_budget_lasts():
    student = find_learner("half-hopeless-skill").make(300, 0)
    assert schedule_steps(student, SMALL) == 12
    assert schedule_steps(student, replace(SMALL, steps=100, rollouts=641)) == 11
    assert schedule_steps(student, replace(SMALL, steps=None, rollouts=640)) == 10
    with pytest.raises(ValueError, match="give --steps"):
        schedule_steps(object(), replace(SMALL, steps=None, rollouts=640))


def test_a_run_is_complete_at_the_first_of_its_limits():
    budget = replace(SMALL, steps=None, rollouts=600)
    assert budget.complete([0, 5, 10], [0, 320, 640])
    assert not budget.complete([0, 5], [0, 320])
    assert not budget.complete([0, 10], [0, 640])
    assert replace(budget, steps=5).complete([0, 5], [0, 320])
    assert not SMALL.complete([0, 5, 10], [0, 320, 640])


def test_the_name_of_a_run_tells_revisions_apart(monkeypatch):
    (before,) = trials_of(["osmd"], SMALL, [3])
    (same,) = trials_of(["osmd"], SMALL, [3])
    assert before.digest() == same.digest()
    for there, name in ((registry._DECLARED, "osmd"), (learners.LEARNERS, SMALL.learner)):
        with monkeypatch.context() as patch:
            patch.setitem(there, name, replace(there[name], revision=2))
            (other,) = trials_of(["osmd"], SMALL, [3])
            assert other.digest() != before.digest()


def test_what_is_no_whole_result_is_as_good_as_none(tmp_path):
    (trial,), store = trials_of(["osmd"], SMALL, [3]), result_store(tmp_path)
    assert store.load(trial) is None
    result = run()
    store.save(trial, result)
    assert without_seconds(store.load(trial)) == without_seconds(result)
    whole, path = load_state(store.path(trial)), store.path(trial)
    curves = ("steps", "rollouts", "tokens", "accuracy", "informative", "effective", "drawn")
    for broken in (
        {**whole, "accuracy": whole["accuracy"][:-1]},
        {**whole, **{name: whole[name][:-1] for name in curves}},  # of a shorter run
        {**whole, "seconds": {}},
        {},
    ):
        save_state(path, broken)
        assert store.load(trial) is None
    path.write_bytes(b"\x00")
    assert store.load(trial) is None
