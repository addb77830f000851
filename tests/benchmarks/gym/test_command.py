"""`curriculum-bandits gym` trains, draws and goes on where it was; what cannot work is one line."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("gymnasium")
pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from curriculum_bandits.benchmarks.gym.command import GymSettings, run_gym
from curriculum_bandits.benchmarks.gym.figures import curves_figure, drawn_figure, steps_evaluated
from curriculum_bandits.benchmarks.gym.learners import LEARNERS
from curriculum_bandits.checkpoint import load_state
from curriculum_bandits.cli import main

SMALL = {"problems": 36, "steps": 4, "batch": 4, "evaluate_every": 2}


def words(**more):
    settings = {**SMALL, **more}
    return [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def test_it_trains_and_draws(tmp_path, capsys):
    main(["gym", *words(), "--seeds", "100..101", "--output", str(tmp_path)])
    folder = tmp_path / "frozen-lake"
    assert {path.name for path in folder.glob("*.png")} == {"curves.png", "drawn.png"}
    printed = capsys.readouterr().out
    assert (folder / "summary.txt").read_text() in printed
    assert "curriculum-bandits gym --learner frozen-lake --methods uniform osmd --seeds 100 101" in printed
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["table"]["uniform"]["episodes"] == 4 * 4 * 4
    assert 0 <= summary["table"]["osmd"]["accuracy"] <= 1


def test_it_goes_on_where_it_was_and_further(tmp_path):
    settings = GymSettings(methods=("osmd",), **{**SMALL, "steps": 2})
    run_gym(settings, output=tmp_path / "parts", progress=False)
    longer = GymSettings(methods=("osmd",), **SMALL)
    parts = run_gym(longer, output=tmp_path / "parts", progress=False)["osmd"][0]
    whole = run_gym(longer, output=tmp_path / "whole", progress=False)["osmd"][0]
    for row, other in zip(parts, whole, strict=True):
        for name in set(row) | set(other):
            if not name.startswith("seconds/"):
                np.testing.assert_equal(row[name], other[name])


def test_fewer_steps_are_judged_where_every_run_was_evaluated(tmp_path):
    uneven = {**SMALL, "evaluate_every": 4}
    run_gym(GymSettings(methods=("uniform",), **{**uneven, "steps": 6}), output=tmp_path, progress=False)
    fewer = GymSettings(methods=("uniform", "osmd"), **{**uneven, "steps": 5})
    run_gym(fewer, output=tmp_path, progress=False)
    summary = json.loads((tmp_path / "frozen-lake" / "summary.json").read_text())
    assert {row["episodes"] for row in summary["table"].values()} == {4 * 4 * 4}
    text = (tmp_path / "frozen-lake" / "summary.txt").read_text()
    assert "4 steps (of 5 asked for, the last that every run evaluated) of 4 tasks" in text


def test_more_seeds_and_steps_join_runs_that_ended_elsewhere(tmp_path):
    uneven = {**SMALL, "evaluate_every": 4}
    run_gym(GymSettings(methods=("uniform",), **{**uneven, "steps": 6}), output=tmp_path, progress=False)
    more = GymSettings(methods=("uniform",), seeds=(0, 1), **{**uneven, "steps": 8})
    rows = run_gym(more, output=tmp_path, progress=False)
    assert [r["step"] for r in rows["uniform"][0] if "accuracy" in r] == [0, 4, 6, 8]
    assert steps_evaluated(rows) == [0, 4, 8]
    note = (tmp_path / "frozen-lake" / "summary.txt").read_text()
    assert "8 steps of 4 tasks" in note


@pytest.mark.parametrize("steps", [3, 6])
def test_a_schedule_of_another_length_is_another_run(steps, tmp_path):
    settings = GymSettings(methods=("e2h",), **SMALL)
    run_gym(settings, output=tmp_path, progress=False)
    run_gym(settings, output=tmp_path, progress=False)
    saved = (tmp_path / "frozen-lake" / "e2h-0" / "curriculum.jsonl").read_text()
    asked = ["gym", *words(steps=steps), "--methods", "uniform", "e2h", "--output", str(tmp_path)]
    with pytest.raises(
        SystemExit, match=f"settings of curriculum differ: steps was 4 there and is {steps} here"
    ) as ended:
        main(asked)
    assert "\n" not in str(ended.value)
    assert (tmp_path / "frozen-lake" / "e2h-0" / "curriculum.jsonl").read_text() == saved


def test_other_settings_in_the_same_folder_are_refused(tmp_path):
    settings = GymSettings(methods=("uniform",), **SMALL)
    run_gym(settings, output=tmp_path, progress=False)
    with pytest.raises(SystemExit, match=r"holds runs with \{'batch': 4\}, not \{'batch': 5\}; use those, or another"):
        main(["gym", *words(batch=5), "--methods", "uniform", "--output", str(tmp_path)])


def test_a_method_of_ones_own_joins_by_import_path(tmp_path, monkeypatch):
    (tmp_path / "own_curricula.py").write_text(
        "from curriculum_bandits import methods\n"
        "def mine(bank, seed):\n    return methods.uniform(bank, seed=seed)\n"
        "def wrong(bank, seed):\n    return 3\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    main(["gym", *words(steps=2), "--methods", "own_curricula:mine", "--output", "out"])
    assert (tmp_path / "out" / "frozen-lake" / "own_curricula.mine-0" / "curriculum.jsonl").exists()
    with pytest.raises(SystemExit, match="own_curricula:wrong returned a int; return a Curriculum"):
        main(["gym", *words(steps=2), "--methods", "own_curricula:wrong", "--output", "out2"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--learner", "pong"], "there is no learner 'pong'; there are: frozen-lake"),
        (["--methods", "guess"], "there is no method 'guess'; "),
        (["--methods", "osmd(flor=0.1)"], "osmd has no setting 'flor'; did you mean 'floor'"),
        (["--methods", "nowhere:method"], "No module named 'nowhere'"),
        (["--steps", "0"], "steps is 0; it must be at least 1"),
        (["--problems", "3", "--batch", "4"], "batch is 4, but a bank has 3 tasks"),
        (["--methods", "uniform", "uniform"], "each once"),
        (["--seeds", "x"], "'x' is no seed"),
    ],
)
def test_what_cannot_work_is_one_line(more, message, tmp_path):
    with pytest.raises(SystemExit, match=f"^curriculum-bandits gym: .*{message}") as ended:
        main(["gym", *more, "--output", str(tmp_path)])
    assert "\n" not in str(ended.value)


def test_a_method_that_lacks_something_is_named(tmp_path):
    with pytest.raises(SystemExit, match="the method bots cannot be made for these tasks: the bank has no column"):
        main(["gym", *words(), "--methods", "bots", "--output", str(tmp_path)])


def test_settings_reach_the_method_and_a_schedule_hears_how_long_it_lasts(tmp_path):
    named = GymSettings(methods=("osmd(floor=.3)", "e2h"), **SMALL)
    assert named.methods == ("osmd(floor=0.3)", "e2h")
    run_gym(named, output=tmp_path, progress=False)
    states = {
        name: load_state(tmp_path / "frozen-lake" / f"{name}-0" / "checkpoint.npz")["curriculum"]["settings"]
        for name in ("osmd-floor=0.3", "e2h")
    }
    assert states["osmd-floor=0.3"]["floor"] == 0.3
    assert states["e2h"]["steps"] == 4


def test_the_list_names_learners_and_methods(capsys):
    main(["gym", "--list"])
    printed = capsys.readouterr().out
    assert all(name in printed for name in (*LEARNERS, "uniform", "osmd", "actor_curator"))


@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_keeps_to_its_budget_and_what_loops_need(name):
    if name == "minigrid-rooms":
        pytest.importorskip("minigrid")
    kind = LEARNERS[name]
    learner = kind.make(48, 100)
    assert len(learner.bank) == 48
    assert learner.bank.groups is not None
    assert learner.bank.difficulty is not None
    assert learner.bank.features is not None
    rollouts = learner.learn([0, 47])
    for field in ("successes", "improvements", "absolute_advantages", "value_losses", "lengths", "kl"):
        assert np.all(np.isfinite(getattr(rollouts, field)))
    assert 0.0 <= learner.evaluate()["accuracy"] <= 1.0
    assert learner.held_out.fingerprint != kind.make(48, 101).held_out.fingerprint
    episodes = kind.steps * kind.batch * rollouts.rewards.shape[1]
    longest = {"frozen-lake": 26, "minigrid-rooms": 64, "cart-pole": 100, "acrobot": 100}[name]
    assert episodes * longest <= 200_000  # on lakes an episode lasts 26 steps at most on average, elsewhere at all


def row(step, shares, accuracy=None):
    drawn = {f"drawn/{name}": share for name, share in zip("ab", shares, strict=True)}
    scores = {} if accuracy is None else {"accuracy": accuracy, "environment_steps": 10.0 * step}
    return {"step": float(step), "rollouts": 4.0 * step, **(drawn if step else {}), **scores}


def test_what_stands_in_the_figures():
    rows = [row(0, (0, 0), 0.1), row(1, (1.0, 0.0)), row(2, (0.0, 1.0), 0.6)]
    worse = [row(0, (0, 0), 0.3), row(1, (1.0, 0.0)), row(2, (0.5, 0.5), 0.2)]
    figure = curves_figure({"m": [rows, worse]}, "title", "note")
    line = figure.axes[0].get_lines()[0]
    np.testing.assert_allclose(line.get_xdata(), [0.0, 8.0])
    np.testing.assert_allclose(line.get_ydata(), [0.2, 0.4])
    np.testing.assert_allclose(figure.axes[1].get_lines()[0].get_xdata(), [0.0, 20.0])
    figure = drawn_figure({"m": [rows, worse]}, ["a", "b"], "title", "note")
    image = figure.axes[0].get_images()[0].get_array()
    np.testing.assert_allclose(image, [[1.0, 0.25], [0.0, 0.75]])


@pytest.mark.parametrize(
    ("module", "extra", "code"),
    [
        ("gymnasium", "gym", "import curriculum_bandits.adapters.gym"),
        ("stable_baselines3", "sb3", "import curriculum_bandits.adapters.gym.sb3"),
        ("minigrid", "minigrid", "import curriculum_bandits.adapters.gym.environments.minigrid_rooms"),
        ("torch", "neural", "import curriculum_bandits.benchmarks.agents.torch_loop"),
        ("gymnasium", "gym", "from curriculum_bandits.cli import main; sys.exit(main(['gym']))"),
    ],
)
def test_a_missing_extra_is_named_with_the_command(module, extra, code):
    program = f"import sys; sys.modules[{module!r}] = None\n{code}"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode != 0
    expected = f"{module} is not installed; run: pip install 'curriculum-bandits[{extra}]'"
    assert expected in done.stderr.strip().splitlines()[-1]


def test_the_benchmark_imports_neither_torch_nor_gymnasium_before_it_trains():
    code = (
        "import sys, curriculum_bandits.benchmarks.gym.learners; assert not {'torch', 'gymnasium'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
