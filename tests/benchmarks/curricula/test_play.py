"""A run depends on its recipe alone, and methods with the same seed meet the same student."""

import json
from dataclasses import replace

import numpy as np
import pytest

from curriculum_bandits.benchmarks.curricula import contenders
from curriculum_bandits.benchmarks.curricula.contenders import BASELINE, CONTENDERS, ORACLE
from curriculum_bandits.benchmarks.curricula.play import Result, Run, evaluations, plan, play
from curriculum_bandits.benchmarks.curricula.store import Store
from curriculum_bandits.benchmarks.curricula.students import STUDENTS

SMALL = Run("half-hopeless-skill", 300, "osmd-groups", 3, 12, 8, 5)


def without_seconds(result):
    return {name: value for name, value in result.state().items() if name not in ("ask", "learn", "tell")}


@pytest.mark.parametrize("student", STUDENTS)
def test_every_method_plays_every_student_from_the_same_start(student):
    results = {method: play(replace(SMALL, student=student, method=method)) for method in CONTENDERS}
    starts = {(result.accuracy[0], result.bank_success[0]) for result in results.values()}
    assert len(starts) == 1
    for method, result in results.items():
        assert result.steps == (0, 5, 10, 12)
        assert result.rollouts == (0, 5 * 8 * 8, 10 * 8 * 8, 12 * 8 * 8)
        assert np.shape(result.drawn) == (3, 10)
        np.testing.assert_allclose(np.sum(result.drawn, axis=1), 1.0, atol=1e-4)
        assert len(result.informative) == len(result.effective) == 3
        assert np.all(np.isnan(result.effective)) == (method == ORACLE)
        assert 8 <= result.distinct <= 96
        assert min(result.ask, result.learn, result.tell) > 0.0
    assert results[BASELINE].distinct == 96


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
    runs = plan(["drifting-skill"], ["uniform", ORACLE], [5, 2], problems=100, steps=9, batch=4, evaluate_every=3)
    assert [(run.seed, run.method) for run in runs] == [(5, "uniform"), (5, ORACLE), (2, "uniform"), (2, ORACLE)]
    assert evaluations(9, 3) == [0, 3, 6, 9]
    assert evaluations(9, 100) == [0, 9]


def test_a_digest_tells_all_settings_apart(monkeypatch):
    others = [
        replace(SMALL, student="drifting-skill"),
        replace(SMALL, problems=301),
        replace(SMALL, method="uniform"),
        replace(SMALL, seed=4),
        replace(SMALL, steps=13),
        replace(SMALL, batch=9),
        replace(SMALL, evaluate_every=6),
    ]
    before = SMALL.digest()
    assert before == replace(SMALL).digest()
    assert len({before, *(run.digest() for run in others)}) == 8
    revised = replace(CONTENDERS[SMALL.method], revision=2)
    monkeypatch.setitem(contenders.CONTENDERS, SMALL.method, revised)
    assert SMALL.digest() != before


def test_what_fails_is_named(monkeypatch):
    def broken(student, seed):
        raise ZeroDivisionError("no such thing")

    monkeypatch.setitem(contenders.CONTENDERS, "broken", contenders.Contender("breaks", broken))
    with pytest.raises(RuntimeError, match=r"broken on half-hopeless-skill failed \(seed 3, 300 problems\): ZeroDiv"):
        play(replace(SMALL, method="broken"))


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
