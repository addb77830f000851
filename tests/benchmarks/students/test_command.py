"""The command as people give it: outputs, resume after a kill, the same numbers on any number of workers."""

import csv
import json
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tyro")

from curriculum_bandits.benchmarks.harness.trials import slug
from curriculum_bandits.benchmarks.students import command
from curriculum_bandits.benchmarks.students.command import ComparePlace, CompareSettings, compare
from curriculum_bandits.benchmarks.students.entries import expanded
from curriculum_bandits.benchmarks.students.play import SECONDS
from curriculum_bandits.checkpoint import load_state
from curriculum_bandits.methods import registry
from tests.processes import launcher

SMALL = CompareSettings(
    methods=("osmd", "greedy_oracle"), problems=300, seeds=(0, 1), steps=12, batch=8, evaluate_every=4
)
WORDS = [
    "--problems",
    "300",
    "--steps",
    "12",
    "--batch",
    "8",
    "--evaluate-every",
    "4",
    "--seeds",
    "0..1",
    "--jobs",
    "1",
]


def call(*words, figures=("curves",)):
    return command.main([*WORDS, "--figures", *figures, *words])


def done(folder, settings=SMALL, **place):
    """Runs that a comparison played."""
    compare(settings, ComparePlace(jobs=1, output=folder, figures=(), **place), progress=False)
    return json.loads((folder / "settings.json").read_text())["runs_done_by_this_command"]


def stored(folder):
    """All runs by name, but for the seconds they took."""
    runs = {path.name: load_state(path) for path in sorted((folder / "runs").glob("*.npz"))}
    return {name: str({part: value for part, value in run.items() if part != "seconds"}) for name, run in runs.items()}


def table(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_command_writes_tables_figures_and_runs(tmp_path, capsys):
    learners = ("half-hopeless-skill", "drifting-softmax")
    words = ["--methods", "osmd(arms=problems)", "--output", str(tmp_path)]
    kinds = ("curves", "tokens", "measures", "drawn")
    assert call("--learners", *learners, *words, figures=(*kinds, "overall")) == 0
    assert {path.name for path in tmp_path.iterdir()} == {
        *("runs", "summary.txt", "summary.csv", "settings.json", "curves.csv", "overall.csv", "overall.png"),
        *(f"{kind}-{learner}.png" for kind in kinds for learner in learners),
    }
    text = (tmp_path / "summary.txt").read_text()
    assert text in capsys.readouterr().out
    again = (
        "curriculum-bandits compare --learners half-hopeless-skill drifting-softmax --methods uniform "
        "'osmd(arms=problems)' --problems 300 --seeds 0..1 --steps 12 --batch 8 --evaluate-every 4"
    )
    assert again in text
    assert str(tmp_path) not in text
    assert "768 rollouts" in text
    assert "all 2 learners together" in text
    assert {(row["learner"], row["method"]) for row in table(tmp_path / "summary.csv")} == {
        (learner, method) for learner in learners for method in ("uniform", "osmd(arms=problems)")
    }
    lines = table(tmp_path / "curves.csv")
    assert len(lines) == 2 * 2 * 2 * 4
    assert [line["step"] for line in lines[:4]] == ["0", "4", "8", "12"]
    document = json.loads((tmp_path / "settings.json").read_text())
    assert document["command"] == again
    assert document["runs"] == document["runs_done_by_this_command"] == 8
    assert call("--learners", learners[0], *words) == 0
    assert not {"overall.csv", "overall.png"} & {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "earlier-1" / "overall.png").exists()  # moved aside, not replaced
    assert json.loads((tmp_path / "settings.json").read_text())["runs_done_by_this_command"] == 0


OWN = """
from curriculum_bandits import methods
from curriculum_bandits.environments import SkillStudent

class Plain:
    def __init__(self, student):
        self.bank, self.learn, self._student = student.bank, student.learn, student

    def evaluate(self):
        return {"accuracy": self._student.evaluate()["accuracy"]}

def curriculum(bank, seed):
    return methods.uniform(bank, seed=seed)

def learner(problems, seed):
    return SkillStudent.half_hopeless(problems, seed)

def plain(problems, seed):
    return Plain(SkillStudent.half_hopeless(problems, seed))

def nonsense(bank, seed):
    return 3

def without_accuracy(problems, seed):
    made = SkillStudent.half_hopeless(problems, seed)
    made.evaluate = lambda: {"score": 1.0}
    return made

number = 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Name of a module in the current folder, another one for every test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN)
    yield name
    sys.modules.pop(name, None)


def test_methods_and_learners_of_ones_own_join_by_import_path(tmp_path, own):
    method, out = f"{own}:curriculum", tmp_path / "out"
    words = ["--learners", f"{own}:learner", "--methods", method, "--output", str(out)]
    assert call(*words) == 0
    rows = {row["method"]: row for row in table(out / "summary.csv")}
    assert rows[method]["final_accuracy"] == rows["uniform"]["final_accuracy"]  # which it is
    assert f"{method}: from this import path (source " in (out / "summary.txt").read_text()
    assert (out / f"curves-{slug(own)}-learner.png").exists()
    assert call(*words) == 0
    assert len(stored(out)) == 4
    (tmp_path / f"{own}.py").write_text(OWN + "# changed\n")
    assert call(*words) == 0
    assert len(stored(out)) == 8


@pytest.mark.parametrize(
    ("status", "words", "message"),
    [
        (2, "--methods nowhere_at_all:f", "No module named 'nowhere_at_all'; give package.module:function"),
        (2, "--methods OWN:absent", "no function in OWN 'absent'"),
        (2, "--methods OWN:number", "is a int; give a function"),
        (2, "--methods OWN:nonsense", "returned a int; return a Curriculum, or a Curriculum and a filter"),
        (2, "--learners OWN:absent", "no function in OWN 'absent'"),
        (1, "--learners OWN:without_accuracy", "evaluate returned ['score']; add accuracy"),
        (2, "--learners OWN:plain --methods greedy_oracle", "greedy_oracle is told the exact"),
        (2, "--learners OWN:plain --methods uniform+dapo", "uniform+dapo cannot be had on OWN:plain: a filter needs"),
        (2, "--steps 0", "steps is 0; it must be at least 1"),
        (2, "--rollouts 0", "rollouts is 0; it must be at least 1"),
        (2, "--batch 500", "batch is 500, but a bank has 300 problems"),
        (2, "--learners clever", "there is no learner 'clever'"),
        (2, "--methods magic", "there is no method 'magic'"),
        (2, "--seeds 3..1", "'3..1' is no seed; give a number such as 3, or a range such as 0..19"),
        (2, "--seeds 1 0..2", "give at least one, and each once"),
        (2, "--jobs 0", "jobs is 0"),
        (2, "--output OWN.py", "which is a file; give a folder"),
    ],
)
def test_errors_have_value_and_remedy_and_leave_nothing(status, words, message, tmp_path, own, capsys):
    given = words.replace("OWN", own).split()
    try:
        ended = call("--output", str(tmp_path / "out"), *given)
    except SystemExit as exit:  # of the parser
        ended = exit.code
    assert ended == status
    error = " ".join(capsys.readouterr().err.split())
    assert message.replace("OWN", own) in error
    assert not (tmp_path / "out").exists()


def test_what_only_a_word_for_several_names_is_left_out_where_it_cannot_be_had(tmp_path, own, capsys):
    assert call("--learners", f"{own}:plain", "--methods", "headline", "--output", str(tmp_path / "out")) == 0
    assert "left out on" in capsys.readouterr().err
    text = (tmp_path / "out" / "summary.txt").read_text()
    assert "Left out on" in text
    assert "oracle's gain" not in text.splitlines()[2]
    rows = {row["method"] for row in table(tmp_path / "out" / "summary.csv")}
    assert rows == {"uniform", "osmd", "osmd(arms=problems)", "actor_curator", "actor_curator_paper"}


def test_one_worker_and_two_bring_the_same_numbers(tmp_path):
    for jobs in (1, 2):
        compare(SMALL, ComparePlace(jobs=jobs, output=tmp_path / str(jobs), figures=()), progress=False)
    assert len(stored(tmp_path / "1")) == 6
    assert stored(tmp_path / "1") == stored(tmp_path / "2")


def test_only_what_is_new_is_played_unless_asked_for(tmp_path):
    assert done(tmp_path, replace(SMALL, methods=("uniform",))) == 2
    assert done(tmp_path, replace(SMALL, methods=("greedy_oracle",))) == 2
    assert done(tmp_path, replace(SMALL, methods=("greedy_oracle",), seeds=(1, 2))) == 2
    next((tmp_path / "runs").iterdir()).write_text("broken")
    assert done(tmp_path, replace(SMALL, methods=("greedy_oracle",), seeds=(0, 1, 2))) == 1
    assert done(tmp_path, again=True) == 6


LONGER = CompareSettings(methods=("osmd",), problems=2000, seeds=("0..5",), steps=60)


def test_an_interrupted_comparison_keeps_what_is_done_and_goes_on_to_the_same_numbers(tmp_path):
    words = ["--problems", "2000", "--steps", "60", "--seeds", "0..5", "--methods", "osmd", "--jobs", "2", "--output"]
    program = "-m", "curriculum_bandits.benchmarks.students.command"
    with launcher.command(*program, *words, str(tmp_path)) as process:
        launcher.wait_for_files(process, tmp_path, "runs/*.npz", 2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on where it was" in errors
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*.npz")}
    assert 2 <= len(before) < 12
    assert not (tmp_path / "summary.txt").exists()
    assert done(tmp_path, LONGER) == 12 - len(before)
    assert all(path.stat().st_mtime_ns == written for path, written in before.items())
    done(tmp_path / "whole", LONGER)
    assert stored(tmp_path) == stored(tmp_path / "whole")


def test_revisions_are_told_and_runs_of_another_one_are_played_again(tmp_path, monkeypatch):
    assert done(tmp_path) == 6
    assert "Revisions of learners and methods: all 1\n" in (tmp_path / "summary.txt").read_text()
    revised = replace(registry.find_method("uniform"), revision=2)
    monkeypatch.setitem(registry._DECLARED, "uniform", revised)
    assert done(tmp_path) == 2
    assert "Revisions of learners and methods: uniform 2, all others 1\n" in (tmp_path / "summary.txt").read_text()


def test_sizes_that_are_not_given_are_those_each_learner_is_meant_for():
    settings = CompareSettings(learners=("drifting-skill", "minigrid_rooms", "frozen-lake"))
    sizes = [(each.problems, each.steps, each.batch) for each in map(settings.of, settings.learners)]
    assert sizes == [(10_000, 300, 256), (720, 96, 8), (720, 120, 16)]
    assert settings.of("frozen-lake").rollouts is None
    assert replace(settings, rollouts=5000).of("frozen-lake").steps is None
    assert replace(settings, batch=4).of("frozen-lake").batch == 4
    assert {"frozen-lake", "drifting-softmax"} <= set(CompareSettings(learners=("all",)).learners)
    assert CompareSettings(methods=("osmd",)).methods == ("uniform", "osmd")  # all is measured against it
    assert {"uniform", "sec", "pcl"} <= set(expanded(CompareSettings(methods=("headline", "rivals")).methods))


def test_the_list_names_learners_and_methods_and_says_nothing_twice(capsys):
    assert call("--list") == 0
    printed = capsys.readouterr().out
    for name in ("half-hopeless-skill", "drifting-softmax", "minigrid-rooms", "uniform", "greedy_oracle", "rivals"):
        assert f"  {name} " in printed
    assert "MoPPS: MoPPS" not in printed


def test_a_missing_extra_of_a_learner_is_named_before_anything_is_played(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "minigrid" else 1)
    assert call("--learners", "minigrid-rooms", "--output", str(tmp_path / "out")) == 1
    assert "minigrid is not installed; run: pip install 'curriculum-bandits[minigrid]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_neither_torch_nor_gymnasium_is_imported_before_an_agent_is_made():
    program = (
        "import sys; from curriculum_bandits.benchmarks.students import command, learners; "
        "[learners.find_learner(name).summary for name in learners.LEARNERS]; "
        "print(sorted({'torch', 'gymnasium', 'minigrid'} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


AGENT = replace(SMALL, learners=("frozen-lake",), methods=("sec",), problems=36, seeds=(0,), steps=6, batch=4)
AGENT = replace(AGENT, evaluate_every=2)


def test_an_interrupted_run_of_an_agent_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    pytest.importorskip("gymnasium")
    pytest.importorskip("torch")
    from curriculum_bandits.benchmarks.agents.torch_loop import TorchLearner

    learn, learned = TorchLearner.learn, []

    def interrupted(self, items):
        if len(learned) == 5:
            learned.append("stop")
            raise KeyboardInterrupt
        learned.append("step")
        return learn(self, items)

    monkeypatch.setattr(TorchLearner, "learn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        done(tmp_path, AGENT)
    assert [path.is_dir() for path in (tmp_path / "runs").iterdir()] == [True]  # checkpoints, and no result yet
    assert done(tmp_path, AGENT) == 2
    assert learned.count("step") == 5 + 2 + 6  # went on after step 4, then the other method
    assert [path.suffix for path in (tmp_path / "runs").iterdir()] == [".npz"] * 2
    done(tmp_path / "whole", AGENT)
    assert stored(tmp_path) == stored(tmp_path / "whole")
    (runs,) = compare(AGENT, ComparePlace(jobs=1, output=tmp_path, figures=()), progress=False)
    steps = runs.over_tokens.axis
    assert np.all(np.diff(steps) > 0)  # environment steps
    assert sum(runs.results["sec"][0].drawn[0]) == pytest.approx(1.0, abs=1e-4)
    assert set(runs.results["sec"][0].seconds) == set(SECONDS)
