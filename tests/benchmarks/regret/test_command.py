"""The command as people give it: outputs, resume after a kill, errors in one line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("joblib")
pytest.importorskip("matplotlib")
pytest.importorskip("pyarrow")
pytest.importorskip("pandas")

import pandas as pd

from curriculum_bandits import cli
from curriculum_bandits.benchmarks.regret.command import RegretSettings, RegretWhere, run_regret
from curriculum_bandits.benchmarks.regret.policies import POLICIES
from curriculum_bandits.checkpoint import load_state
from tests.processes import launcher


def quiet(settings, output, **options):
    return run_regret(settings, RegretWhere(jobs=1, output=output, format="csv"), progress=False, **options)


def stored(folder):
    """All numbers of all tasks by name, but for the seconds they took."""
    states = {path.name: load_state(path) for path in sorted((folder / "runs").glob("*.npz"))}
    for state in states.values():
        del state["seconds"]
    return states


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, state in one.items():
        for key, values in state.items():
            np.testing.assert_array_equal(values, other[name][key])


WORDS = ["--instances", "besson_1", "random_abrupt(n_arms=3, changes=1, seed=range(3))", "--horizons", "60", "120"]
WORDS += ["--policies", "uniform", "oracle", "exp3_s", "exp3", "--runs", "6", "--block", "3", "--checkpoints", "10"]


def test_the_command_writes_tables_figures_and_settings(tmp_path, capsys):
    assert cli.main(["regret", *WORDS, "--seeds", "0", "4", "--jobs", "1", "--output", str(tmp_path)]) == 0
    names = {path.name for path in tmp_path.iterdir()}
    family = "random-abrupt-n-arms-3-changes-1-seed-range-3"
    assert names == {
        *("runs", "runs.parquet", "curves.parquet", "summary.csv", "summary.md", "families.csv", "growth.csv"),
        *("settings.json", "growth-besson-1.png", f"growth-{family}.png"),
        *(f"{kind}-besson-1-T{horizon}.png" for kind in ("regret", "bounds", "arms") for horizon in (60, 120)),
        *(f"family-{family}-T{horizon}.png" for horizon in (60, 120)),
    }
    for name in names:
        if name.endswith(".png"):
            assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert len(pd.read_parquet(tmp_path / "runs.parquet")) == 4 * 2 * 4 * 2 * 6
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["trials_played_by_this_command"] == len(list((tmp_path / "runs").iterdir()))
    assert settings["settings"]["seeds"] == [0, 4]
    assert settings["settings"]["policies"][2] == {
        "policy": "exp3_s",
        "name": "exp3_s",
        "settings": {},
        "knows": "horizon, segments",
        "revision": 1,
    }
    assert {"numpy", "joblib", "pandas", "python"} <= settings["versions"].keys()
    printed = capsys.readouterr().out
    assert "random_abrupt(n_arms=3, changes=1, seed=range(3)), 120 rounds" in printed
    assert "besson_1, 120 rounds" in printed  # a single instance beside a family
    assert str(tmp_path / "summary.md") in printed


def test_a_changed_command_does_only_what_is_new_and_tells_of_nothing_old(tmp_path):
    settings = RegretSettings(("besson_1(horizon=50)",), ("uniform", "exp3"), runs=4, block=2, checkpoints=5)
    quiet(settings, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    more = RegretSettings(("besson_1(horizon=50)",), ("exp3", "oracle"), runs=6, block=2, checkpoints=5)
    tables = quiet(more, tmp_path)
    assert all(path.stat().st_mtime_ns == time_ for path, time_ in before.items())
    assert json.loads((tmp_path / "settings.json").read_text())["trials_played_by_this_command"] == 1 + 3
    assert set(tables.runs()["policy"]) == {"exp3", "oracle"}
    assert set(pd.read_csv(tmp_path / "runs.csv")["run"]) == set(range(6))


def test_a_corrupt_task_is_done_again(tmp_path):
    settings = RegretSettings(("besson_1(horizon=50)",), ("uniform", "exp3"), runs=4, block=2, checkpoints=5)
    first = quiet(settings, tmp_path).runs()
    good = stored(tmp_path)
    one, other, *_ = sorted((tmp_path / "runs").iterdir())
    one.write_bytes(one.read_bytes()[:100])
    other.write_bytes(b"")
    (tmp_path / "runs" / "something.npz.partial").write_bytes(b"left by a kill")
    second = quiet(settings, tmp_path).runs()
    assert json.loads((tmp_path / "settings.json").read_text())["trials_played_by_this_command"] == 2
    assert_same(stored(tmp_path), good)
    pd.testing.assert_frame_equal(first, second)


def test_seeds_and_blocks_change_numbers_and_jobs_do_not(tmp_path):
    base = {"instances": ("besson_1(horizon=60)",), "policies": ("exp3",), "runs": 4, "checkpoints": 5}
    alone = run_regret(RegretSettings(**base, block=2), RegretWhere(1, output=tmp_path / "a"), progress=False)
    beside = run_regret(RegretSettings(**base, block=2), RegretWhere(2, output=tmp_path / "b"), progress=False)
    seeded = run_regret(
        RegretSettings(**base, block=2, seeds=(1,)), RegretWhere(1, output=tmp_path / "c"), progress=False
    )
    pd.testing.assert_frame_equal(alone.runs(), beside.runs())
    assert_same(stored(tmp_path / "a"), stored(tmp_path / "b"))
    assert not alone.runs()["dynamic_regret"].equals(seeded.runs()["dynamic_regret"])


LONG = ["--instances", "besson_1(horizon=1500)", "--policies", "exp3", "--runs", "12", "--block", "1"]
LONG += ["--checkpoints", "5", "--format", "csv"]


def start(output, *words):
    return launcher.command("-m", "curriculum_bandits", "regret", *LONG, "--output", str(output), *words)


def test_a_killed_command_goes_on_and_ends_as_one_that_was_not(tmp_path):
    with start(tmp_path, "--jobs", "2") as process:
        launcher.wait_for_files(process, tmp_path, "runs/*.npz", 3)
        os.killpg(process.pid, signal.SIGKILL)  # with its workers
        process.wait()
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*.npz")}
    assert 3 <= len(done) < 12
    settings = RegretSettings(("besson_1(horizon=1500)",), ("exp3",), runs=12, block=1, checkpoints=5)
    resumed = quiet(settings, tmp_path)
    assert all(path.stat().st_mtime_ns == time_ for path, time_ in done.items())
    document = json.loads((tmp_path / "settings.json").read_text())
    assert document["trials_played_by_this_command"] == 12 - len(done)
    whole = quiet(settings, tmp_path / "whole")
    assert_same(stored(tmp_path), stored(tmp_path / "whole"))
    pd.testing.assert_frame_equal(resumed.runs(), whole.runs())
    pd.testing.assert_frame_equal(resumed.curves(), whole.curves())


def test_an_interrupt_ends_with_130_and_keeps_what_is_done(tmp_path):
    with start(tmp_path, "--jobs", "2") as process:
        launcher.wait_for_files(process, tmp_path, "runs/*.npz", 2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on where it was" in errors
    assert "Traceback" not in errors
    assert stored(tmp_path)
    assert not (tmp_path / "summary.md").exists()


MODULE = """
import numpy as np
from curriculum_bandits.bandits import Uniform
from curriculum_bandits.environments import Environment

def instance(horizon=40, top=0.9):
    return Environment(np.tile([0.1, top], (horizon, 1)), name="mine")

def policy(environment, runs, depth=1):
    return Uniform(environment.n_arms, runs=runs)
"""


def test_an_instance_and_a_policy_of_ones_own(tmp_path):
    module = tmp_path / "own_regret_module.py"
    np.savetxt(tmp_path / "table.csv", np.full((30, 3), [0.2, 0.5, 0.7]), delimiter=",", header="a,b,c", comments="")
    words = ["--instances", "own_regret_module:instance(top=0.8)", "table.csv", "--horizons", "50", "--runs", "4"]
    words += ["--policies", "own_regret_module:policy(depth=2)", "uniform", "--block", "2", "--output", "out"]
    done = []
    for jobs, source in (("2", MODULE), ("1", MODULE + "# changed\n")):
        module.write_text(source)
        # A process of its own, for workers look for modules where they were started.
        command = [sys.executable, "-m", "curriculum_bandits", "regret", *words, "--jobs", jobs]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        done.append(json.loads((tmp_path / "out" / "settings.json").read_text())["trials_played_by_this_command"])
    assert done == [8, 4]  # a changed source is another policy, though its name is the same
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert set(zip(summary["instance"], summary["horizon"], strict=True)) == {
        ("own_regret_module:instance(top=0.8)", 50),
        ("table", 30),
    }
    assert set(summary["knows"]) == {"?", "nothing"}
    assert summary.loc[0, "score"] == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--runs", "0"], "runs is 0; it must be at least 1"),
        (["--seeds", "1", "1"], "give at least one, and each once"),
        (["--horizons", "-5"], "one of horizons is -5"),
        (["--instances", "beson"], "there is no instance 'beson'"),
        (["--policies", "exp33"], "there is no policy 'exp33'"),
        (
            ["--plays", "2", "--policies", "all", "exp3_s"],
            "policy exp3_s on besson_1: 2 plays are asked for; leave the policy out, or give fewer --plays or an "
            "instance with more arms or rounds$",
        ),
        (["--plays", "9", "--policies", "all"], "no policy can play every instance; change --plays or the instances"),
        (
            ["--instances", "random_walk(n_arms=1, horizon=9)", "--policies", "rexp3"],
            r"policy rexp3 on random_walk\(n_arms=1\): n_arms is 1; leave the policy out",
        ),
        (["--policies", "osmd(share=7)"], r"policy osmd\(share=7\) on besson_1: share is 7"),
        (["--backend", "pigeon", "--policies", "uniform", "--horizons", "10"], "use loky, threading, dask or ray"),
        (["--scheduler", "tcp://127.0.0.1:1", "--backend", "loky", "--horizons", "10"], "use the backend dask"),
    ],
)
def test_errors_are_short_and_name_value_and_remedy(words, message, tmp_path, capsys):
    assert refused(words, capsys, tmp_path / "out", message) == 2
    assert not list((tmp_path / "out").glob("*.csv"))


def refused(words, capsys, output, message):
    """The exit status of a command that says why it cannot be done."""
    try:
        status = cli.main(["regret", *words, "--output", str(output)])
    except SystemExit as exit:
        status = exit.code
    said = " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().err).split())
    assert re.search(message.rstrip("$"), said), said
    assert "Traceback" not in said
    return status


OWN = """
import numpy as np
from curriculum_bandits.bandits import Selection, Uniform

class Wrong(Uniform):
    def update(self, selection, values, **extra):
        raise RuntimeError("no update\\nhere")

class Missing(Uniform):
    def select(self, size, rng, candidates=None):
        return None

class Beyond(Uniform):
    def select(self, size, rng, candidates=None):
        return super().select(size, rng, candidates)._replace(arms=np.full((2, size), 7))

class Late(Uniform):
    rounds = 0
    def update(self, selection, values, **extra):
        self.rounds += 1
        if self.rounds > 3:
            raise KeyError("late")

def nothing(environment, runs):
    return None

def key(environment, runs):
    return {}["key"]

def wrong_update(environment, runs):
    return Wrong(environment.n_arms, runs=runs)

def no_selection(environment, runs):
    return Missing(environment.n_arms, runs=runs)

def beyond(environment, runs):
    return Beyond(environment.n_arms, runs=runs)

def one_run(environment, runs):
    return Uniform(environment.n_arms, runs=1)

def no_runs(environment, runs):
    return Uniform(environment.n_arms)

def arms(environment, runs):
    return Uniform(environment.n_arms + 1, runs=runs)

def late(environment, runs):
    return Late(environment.n_arms, runs=runs)
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing", "it made a NoneType; return a bandit"),
        ("key", "KeyError: 'key'"),
        ("wrong_update", "no update here"),
        ("no_selection", "AttributeError: .*'arms'"),
        ("beyond", r"it played arms \[\[7\], \[7\]\]; give whole numbers from 0 to 2"),
        ("one_run", r"for 2 runs and 1 plays a round it played arms of shape \(1, 1\); make a bandit of so many runs"),
        ("no_runs", r"for 2 runs and 1 plays a round it played arms of shape \(1,\); make a bandit of so many runs"),
        ("arms", "its bandit has 4 arms, the instance 3; make them equal"),
    ],
)
def test_a_policy_of_ones_own_that_fails_is_named_before_anything_is_played(
    name, message, tmp_path, monkeypatch, capsys
):
    (tmp_path / "own_failing_policies.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    words = ["--policies", f"own_failing_policies:{name}"]
    assert refused(words, capsys, tmp_path / "out", f"policy own_failing_policies:{name} on besson_1: {message}") == 2
    assert not (tmp_path / "out").exists()


def test_a_policy_that_fails_later_is_one_line_too(tmp_path, monkeypatch, capsys):
    (tmp_path / "own_late_policy.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    words = ["--policies", "own_late_policy:late", "--horizons", "10", "--runs", "2", "--jobs", "1"]
    message = r"own_late_policy:late failed on Besson 1 .*KeyError: 'late'$"
    assert refused(words, capsys, tmp_path / "out", message) == 1


@pytest.mark.parametrize(("name", "message"), [("file", "is a file; give a folder"), ("file/below", "file/below")])
def test_an_output_that_is_no_folder_is_one_line(name, message, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    assert refused(["--horizons", "10", "--policies", "uniform"], capsys, tmp_path / name, message)
    assert (tmp_path / "file").read_text() == "mine"


def test_all_leaves_out_what_cannot_play_and_says_so(tmp_path, capsys):
    words = ["--instances", "besson_1(horizon=20)", "--plays", "2", "--runs", "2", "--jobs", "1", "--format", "csv"]
    assert cli.main(["regret", *words, "--policies", "all", "--output", str(tmp_path)]) == 0
    assert "left out: exp3_s, on besson_1: 2 plays are asked for\n" in capsys.readouterr().err
    document = json.loads((tmp_path / "settings.json").read_text())
    left_out = set(document["policies_left_out"])
    assert left_out == {"exp3_anytime", "exp3_p", "exp3_s", "rexp3", "tsallis_inf"}
    played = {policy["policy"] for policy in document["settings"]["policies"]}
    assert played == set(pd.read_csv(tmp_path / "summary.csv")["policy"]) == set(POLICIES) - left_out


def test_all_plays_an_instance_of_one_arm_and_one_of_one_round(tmp_path):
    for word, expected in (
        ("random_walk(n_arms=1, horizon=12)", {"exp3_p", "exp3_s", "rexp3", "restarted_exp3"}),
        ("random_walk(n_arms=2, horizon=1)", {"osmd_path", "glr_kl_ucb", "glr_kl_ucb_local"}),
    ):
        quiet(RegretSettings((word,), ("all",), runs=2), tmp_path)
        assert set(json.loads((tmp_path / "settings.json").read_text())["policies_left_out"]) == expected


def test_what_another_command_left_is_moved_aside_and_what_is_not_ours_stays(tmp_path, capsys):
    (tmp_path / "mine.png").write_text("mine")
    first = RegretSettings(("besson_1",), ("uniform", "exp3"), horizons=(10, 20), runs=2, checkpoints=2)
    run_regret(first, RegretWhere(1, output=tmp_path), progress=False)
    assert (tmp_path / "growth-besson-1.png").exists()
    quiet(RegretSettings(("besson_2",), ("uniform", "oracle"), horizons=(10,), runs=2, checkpoints=2), tmp_path)
    assert "held tables of other settings" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {
        *("runs", "mine.png", "runs.csv", "curves.csv", "summary.csv", "summary.md", "earlier-1"),
        *("settings.json", "regret-besson-2-T10.png", "arms-besson-2-T10.png"),
    }
    assert (tmp_path / "earlier-1" / "growth-besson-1.png").exists()


def test_a_missing_extra_is_one_line(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "pandas", None)
    monkeypatch.delitem(sys.modules, "pandas")
    monkeypatch.setattr(sys, "meta_path", [_Without("pandas"), *sys.meta_path])
    assert cli.main(["regret", "--output", str(tmp_path)]) == 1
    assert "pip install 'curriculum-bandits[benchmarks]'" in capsys.readouterr().err


class _Without:
    """Finds no module of that name."""

    def __init__(self, name):
        self.name = name

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == self.name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_the_list_names_instances_policies_and_what_they_know(capsys):
    assert cli.main(["regret", "--list"]) == 0
    printed = capsys.readouterr().out
    for word in (
        "besson_1",
        "random_abrupt",
        "n_arms=5, horizon=5000",
        "fixed_share",
        "horizon, segments",
        "share=0.005",
        "restart=global",
    ):
        assert word in printed
    assert "restart=local" not in printed


def test_help_names_every_option_and_shows_examples():
    done = subprocess.run(
        [sys.executable, "-m", "curriculum_bandits", "regret", "--help"], capture_output=True, text=True, check=True
    )
    for option in ("instances", "policies", "list", "horizons", "runs", "plays", "block", "checkpoints", "seeds"):
        assert f"--{option}" in done.stdout
    assert "Numbers depend on --seeds" in done.stdout
    assert "only whole blocks" in " ".join(done.stdout.split())
    for option in ("--jobs", "--backend", "--scheduler", "--output", "--format", "seed=range(200)", "examples:"):
        assert option in done.stdout
