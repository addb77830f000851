"""Trials: right numbers, the same wherever they are carried out, stored whole or not at all."""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
import pytest

pytest.importorskip("joblib")

from curriculum_bandits.bandits import exp3
from curriculum_bandits.benchmarks.harness.store import Store
from curriculum_bandits.benchmarks.harness.workers import Workers
from curriculum_bandits.benchmarks.regret import policies
from curriculum_bandits.benchmarks.regret.play import checkpoint_rounds, play_work, read_result
from curriculum_bandits.environments import play
from curriculum_bandits.regret import dynamic_regret, earned_by_arms, earned_by_batches, external_regret
from tests.benchmarks.regret.played import places_of, results_of, work_of

WORDS = ["besson_1(horizon=120)", "random_abrupt(n_arms=4, horizon=90, changes=2, seed=range(2))"]


def every_of(policies=("uniform", "exp3", "osmd(share=0.01)"), **changes):
    sizes = {"seeds": [0, 5], "runs": 5, "block": 2, "plays": 1, "checkpoints": 7, **changes}
    return places_of(WORDS, policies, **sizes)


def trials_of(*arguments, **changes):
    return [trial for place in every_of(*arguments, **changes) for trial in place.trials]


def same(one, other):
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in dataclasses.fields(one)
        if field.name != "seconds"
    )


def test_every_run_is_in_exactly_one_trial():
    blocks = [trial.setting for trial in trials_of()]
    assert len(blocks) == 3 * 3 * 2 * 3
    assert [(block.first, block.last) for block in blocks[:3]] == [(0, 2), (2, 4), (4, 5)]
    assert sum((block.last - block.first) * block.horizon for block in blocks) == 3 * 2 * 5 * (120 + 90 + 90)


@pytest.mark.parametrize(("horizon", "count"), [(10, 4), (5, 200), (1, 1), (1000, 7)])
def test_checkpoints_end_with_the_horizon(horizon, count):
    rounds = checkpoint_rounds(horizon, count)
    assert len(rounds) == min(horizon, count)
    assert rounds[-1] == horizon
    assert rounds[0] >= 1
    assert np.all(np.diff(rounds) >= 1)


def test_a_trial_measures_what_play_and_regret_say():
    work = work_of(every_of(["exp3"], seeds=[3]))[1]
    environment, result = work.environment, play_work(work)
    played = play(exp3(3, 120, runs=2), environment, runs=range(2, 4), seed=3)[..., 0]
    earned = earned_by_arms(environment.means, played)
    kept = result.rounds - 1
    np.testing.assert_allclose(result.dynamic, dynamic_regret(environment.means, earned)[:, kept], atol=1e-9)
    np.testing.assert_allclose(result.external, external_regret(environment.means, earned)[:, kept], atol=1e-9)
    first, second = result.rounds[:2]
    share = [np.mean(played[:, first:second] == arm) for arm in range(3)]
    np.testing.assert_allclose(result.shares[1], share)
    np.testing.assert_allclose(result.shares.sum(axis=1), 1.0)
    assert result.seconds > 0


def test_a_trial_with_many_plays():
    work = work_of(every_of(["osmd"], plays=2))[0]
    environment, result = work.environment, play_work(work)
    bandit = work.choice.policy.bandit(environment, 2, plays=2, settings={})
    played = play(bandit, environment, runs=range(2), plays=2, seed=0)
    earned = earned_by_batches(environment.means, played)
    np.testing.assert_allclose(result.dynamic[:, -1], dynamic_regret(environment.means, earned, plays=2)[:, -1])
    np.testing.assert_allclose(result.external[:, -1], external_regret(environment.means, earned, plays=2)[:, -1])


def test_a_name_is_made_of_all_that_matters_and_nothing_else():
    names = {trial.digest() for trial in trials_of()}
    assert len(names) == len(trials_of())
    for changes in ({"seeds": [9]}, {"plays": 2}, {"block": 3}, {"checkpoints": 8}):
        assert trials_of(["exp3"], **changes)[0].digest() not in names
    assert trials_of(["exp3"], runs=9)[0].digest() in names


def test_a_name_follows_the_defaults_of_a_policy_and_says_no_more_of_a_setting_that_is_its_default(monkeypatch):
    plain, said, other = (trials_of([word])[0].digest() for word in ("osmd", "osmd(share=0.005)", "osmd(share=0.006)"))
    assert plain == said != other
    osmd = policies.POLICIES["osmd"]

    def another(environment, runs, *, plays=1, share=0.006, step=0.1, floor=0.0):
        return osmd.make(environment, runs, plays=plays, share=share, step=step, floor=floor)

    changed = {**policies.POLICIES, "osmd": dataclasses.replace(osmd, make=another)}
    monkeypatch.setattr(policies, "POLICIES", changed)
    assert trials_of(["osmd"])[0].digest() == other


def test_a_name_follows_the_revision_of_its_policy_alone(monkeypatch):
    names = [trials_of([policy])[0].digest() for policy in ("exp3", "osmd")]
    revised = dataclasses.replace(policies.POLICIES["exp3"], revision=2)
    monkeypatch.setattr(policies, "POLICIES", {**policies.POLICIES, "exp3": revised})
    assert trials_of(["exp3"])[0].digest() != names[0]
    assert trials_of(["osmd"])[0].digest() == names[1]


def test_a_name_follows_the_file_of_a_policy_of_ones_own(monkeypatch, tmp_path):
    file = tmp_path / "changing_policy.py"
    file.write_text(
        "from curriculum_bandits.bandits import Uniform\n"
        "def policy(environment, runs):\n"
        "    return Uniform(environment.n_arms, runs=runs)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    before = trials_of(["changing_policy:policy"])[0].digest()
    with open(file, "a") as opened:
        opened.write("# changed\n")
    assert trials_of(["changing_policy:policy"])[0].digest() != before


def test_results_survive_storage_and_a_broken_file_is_none(tmp_path):
    (task, result), *_ = results_of(every_of(["uniform"])).items()
    store = Store(tmp_path / "runs", read_result)
    assert store.load(task) is None
    store.save(task, result)
    loaded = store.load(task)
    assert same(loaded, result)
    assert loaded.seconds == result.seconds
    path, whole = store.path(task), store.path(task).read_bytes()
    assert [file.name for file in store.folder.iterdir()] == [path.name]
    for broken in (b"", whole[: len(whole) // 2], whole[:-1], b"x" * len(whole)):
        path.write_bytes(broken)
        assert store.load(task) is None
    lost = 0
    for place in range(0, len(whole), 5):  # a flipped bit is found out, or was nowhere near a number (dates in the zip)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = store.load(task)
        assert found is None or same(found, result)
        lost += found is None
    assert lost > len(whole) / 5 / 2
    store.save(task, dataclasses.replace(result, dynamic=result.dynamic[:1]))
    assert store.load(task) is None


@pytest.fixture(scope="module")
def reference():
    return list(results_of(every_of()).values())


@pytest.mark.parametrize(("backend", "jobs"), [("loky", 1), ("loky", 2), ("threading", 2), ("multiprocessing", 2)])
def test_results_are_the_same_bits_on_every_backend(backend, jobs, reference):
    results = dict(Workers(jobs, backend).finished(play_work, work_of(every_of())))
    assert sorted(results) == list(range(len(reference)))
    assert all(same(result, reference[number]) for number, result in results.items())


def test_results_are_the_same_bits_on_a_dask_cluster(reference, tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.chdir(tmp_path)  # Dask leaves a folder of scratch space
    local = {"dashboard_address": None, "host": "127.0.0.1", "worker_dashboard_address": None}
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **local) as cluster:
        workers = Workers(scheduler=cluster.scheduler_address)
        results = dict(workers.finished(play_work, work_of(every_of())))
    assert sorted(results) == list(range(len(reference)))
    assert all(same(result, reference[number]) for number, result in results.items())


def test_a_policy_that_fails_says_where(tmp_path, monkeypatch):
    (tmp_path / "failing_policy.py").write_text(
        "from curriculum_bandits.bandits import Uniform\n"
        "class Failing(Uniform):\n"
        "    def update(self, selection, values, **extra):\n"
        "        raise KeyError('on purpose')\n"
        "def policy(environment, runs):\n"
        "    return Failing(environment.n_arms, runs=runs)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (work, *_) = work_of(every_of(["failing_policy:policy"]))
    with pytest.raises(
        RuntimeError, match=r"failing_policy:policy failed on Besson 1 \(seed 0, runs 0 to 1\): KeyError"
    ):
        play_work(work)
