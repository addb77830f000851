"""Results on disk and who makes them: only what is missing is played, and an interrupt keeps what is done."""

import threading
from dataclasses import dataclass, field

import numpy as np
import pytest

from curriculum_bandits.benchmarks.harness.play import missing_trials, play_trials
from curriculum_bandits.benchmarks.harness.store import Store
from curriculum_bandits.benchmarks.harness.trials import grid
from curriculum_bandits.benchmarks.harness.workers import Workers

pytest.importorskip("joblib")


@dataclass(frozen=True)
class Setting:
    length: int = 3


@dataclass
class Result:
    curve: np.ndarray
    label: str
    drawn: list = field(default_factory=list)


TRIALS = grid(["a", "b"], [Setting()], range(3))


def play(trial):
    return Result(np.full(trial.setting.length, float(trial.seed)), trial.label, [1, {"x": 2.5}])


def read(trial, state):
    result = Result(**state)
    if result.curve.shape != (trial.setting.length,):
        raise ValueError("half a result")
    return result


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "runs", read)


def test_a_result_comes_back_as_it_was(store):
    assert store.load(TRIALS[0]) is None
    assert not store.folder.exists()
    store.save(TRIALS[0], play(TRIALS[0]))
    back = store.load(TRIALS[0])
    np.testing.assert_array_equal(back.curve, np.zeros(3))
    assert (back.label, back.drawn) == (TRIALS[0].label, [1, {"x": 2.5}])
    assert [path.name for path in store.folder.iterdir()] == [store.path(TRIALS[0]).name]
    assert store.workplace(TRIALS[0]).name == TRIALS[0].file_name
    assert not store.workplace(TRIALS[0]).exists()


def broken(store, trial):
    store.path(trial).write_bytes(b"broken")


def cut(store, trial):
    store.path(trial).write_bytes(store.path(trial).read_bytes()[:-40])


def half(store, trial):
    store.save(trial, Result(np.zeros(1), "half"))


def foreign(store, trial):
    np.savez(store.path(trial), curve=np.zeros(3))


def folder(store, trial):
    store.path(trial).unlink()
    store.path(trial).mkdir()


def nothing(store, trial):
    store.path(trial).write_bytes(b"")


@pytest.mark.parametrize("damage", [broken, cut, half, foreign, folder, nothing])
def test_what_is_not_a_whole_result_is_none(store, damage):
    for trial in TRIALS:
        store.save(trial, play(trial))
    damage(store, TRIALS[2])
    assert store.load(TRIALS[2]) is None
    assert missing_trials(TRIALS, store) == [TRIALS[2]]


def test_only_what_is_missing_is_played(store):
    one = Workers(jobs=1)
    assert play_trials(TRIALS[:2], play, store, one, progress=False) == 2
    played = []

    def noting(trial):
        played.append(trial)
        return play(trial)

    assert play_trials(TRIALS, noting, store, one, progress=False) == 4
    assert played == TRIALS[2:]
    assert play_trials(TRIALS, noting, store, one, progress=False) == 0
    assert play_trials(TRIALS[:1], noting, store, one, again=True, progress=False) == 1
    assert len(played) == 5


def test_workers_are_handed_a_piece_made_when_its_turn_comes(store):
    played = []

    def measure(piece):
        played.append(piece)
        return Result(np.full(3, piece), "piece")

    play_trials(TRIALS, measure, store, Workers(jobs=1), piece=lambda trial: 10.0 * trial.seed, progress=False)
    assert played == [10.0 * trial.seed for trial in TRIALS]
    assert store.load(TRIALS[-1]).curve.tolist() == [20.0] * 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupt_or_a_failure_keeps_what_has_come_back(store, error):
    def failing(trial):
        if trial is TRIALS[3]:
            raise error
        return play(trial)

    with pytest.raises(error):
        play_trials(TRIALS, failing, store, Workers(jobs=1), progress=False)
    kept = len(TRIALS) - len(missing_trials(TRIALS, store))
    assert kept == 3
    assert play_trials(TRIALS, play, store, Workers(jobs=1), progress=False) == len(TRIALS) - kept


def double(number):
    return 2 * number


def thread(number):
    return threading.current_thread() is threading.main_thread()


@pytest.mark.parametrize("workers", [Workers(1), Workers(1, "threading"), Workers(2, "threading"), Workers(2)])
def test_every_piece_comes_back_with_its_number(workers):
    assert sorted(workers.finished(double, range(5))) == [(i, 2 * i) for i in range(5)]
    assert list(workers.finished(double, [])) == []


def test_one_worker_works_in_this_process():
    assert [here for _, here in Workers(1).finished(thread, range(2))] == [True, True]
    assert not any(here for _, here in Workers(2, "threading").finished(thread, range(4)))


def test_results_come_as_soon_as_they_are_there():
    asked = []

    def pieces():
        for number in range(100):
            asked.append(number)
            yield number

    results = Workers(1).finished(double, pieces())
    assert next(results) == (0, 0)
    assert len(asked) < 100
    results.close()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"jobs": 0}, "jobs is 0; give a number of workers"),
        ({"jobs": -2}, "jobs is -2; give a number of workers"),
        ({"scheduler": "tcp://x:1", "backend": "loky"}, "backend 'loky' has none; use the backend dask"),
    ],
)
def test_workers_that_cannot_work_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        Workers(**given)


def test_a_backend_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"backend 'nonsense': .*; use loky, threading, dask or ray"):
        list(Workers(1, "nonsense").finished(double, [1]))
