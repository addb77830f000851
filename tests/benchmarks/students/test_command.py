"""The command as people give it: outputs, resume after a kill, the same numbers on any number of workers."""

import argparse
import csv
import json
import signal
import sys
from dataclasses import replace

import pytest

pytest.importorskip("joblib")
pytest.importorskip("matplotlib")

from curriculum_bandits.benchmarks.curricula import command
from curriculum_bandits.benchmarks.curricula.command import CompareSettings, parse_seeds, run_compare
from curriculum_bandits.methods import registry
from tests.processes import launcher

SMALL = CompareSettings(
    learners=("half-hopeless-skill",),
    methods=("uniform", "osmd", "greedy_oracle"),
    problems=300,
    seeds=(0, 1),
    steps=12,
    batch=8,
    evaluate_every=4,
)
WORDS = ["--problems", "300", "--steps", "12", "--batch", "8", "--evaluate-every", "4"]
WORDS += ["--seeds", "0..1", "--jobs", "1"]


def call(*words):
    parser = argparse.ArgumentParser(prog="curriculum-bandits compare")
    command.add_arguments(parser)
    command.main(parser.parse_args(words))


def stored(folder):
    """All runs by name, but for the seconds they took."""
    runs = {path.name: json.loads(path.read_text()) for path in sorted((folder / "runs").glob("*.json"))}
    for run in runs.values():
        for name in ("ask", "learn", "tell", "evaluate", "overhead"):
            del run["result"][name]
    return runs


def test_the_command_writes_tables_figures_and_runs(tmp_path, capsys):
    (tmp_path / "curves-of-another-command.png").write_bytes(b"")
    learners = ("half-hopeless-skill", "drifting-softmax")
    call(*WORDS, "--learners", *learners, "--methods", "osmd(arms=problems)", "--output", str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {
        *("runs", "summary.txt", "summary.csv", "summary.json", "curves.csv", "overall.csv", "overall.png"),
        *(f"{kind}-{learner}.png" for kind in ("curves", "measures", "drawn") for learner in learners),
    }
    text = (tmp_path / "summary.txt").read_text()
    assert text in capsys.readouterr().out
    words = (
        "curriculum-bandits compare --learners half-hopeless-skill drifting-softmax --problems 300 --methods uniform "
        "'osmd(arms=problems)' --seeds 0..1 --steps 12 --batch 8 --evaluate-every 4"
    )
    assert words in text
    assert str(tmp_path) not in text
    assert "768 rollouts" in text
    assert "all 2 learners together" in text
    rows = table(tmp_path / "summary.csv")
    assert {(row["learner"], row["method"]) for row in rows} == {
        (learner, method) for learner in learners for method in ("uniform", "osmd(arms=problems)")
    }
    document = json.loads((tmp_path / "summary.json").read_text())
    assert document["command"] == words
    assert document["runs"] == document["runs_done_by_this_command"] == 8
    assert 0.0 < document["overhead_share"] < 100.0
    assert {"cores", "platform", "date", "versions", "revisions", "caption"} <= document.keys()
    call(*WORDS, "--learners", learners[0], "--methods", "osmd(arms=problems)", "--output", str(tmp_path))
    assert not {"overall.csv", "overall.png"} & {path.name for path in tmp_path.iterdir()}


def table(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


OWN = """
from curriculum_bandits import methods
from curriculum_bandits.environments import SkillStudent

def curriculum(bank, seed):
    return methods.uniform(bank, seed=seed)

def learner(problems, seed):
    return SkillStudent.half_hopeless(problems, seed)

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
    method, learner = f"{own}:curriculum", f"{own}:learner"
    words = [*WORDS, "--learners", learner, "--methods", method, "--output", str(tmp_path / "out")]
    call(*words)
    rows = {row["method"]: row for row in table(tmp_path / "out" / "summary.csv")}
    assert rows[method]["final_accuracy"] == rows["uniform"]["final_accuracy"]  # which it is
    text = (tmp_path / "out" / "summary.txt").read_text()
    assert f"{method}: from this import path (source " in text
    assert (tmp_path / "out" / f"curves-{own}-learner.png").exists()
    before = len(stored(tmp_path / "out"))
    call(*words)
    assert len(stored(tmp_path / "out")) == before == 4
    (tmp_path / f"{own}.py").write_text(OWN + "# changed\n")
    call(*words)
    assert len(stored(tmp_path / "out")) == 8


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("--methods", "nowhere_at_all:f", "No module named 'nowhere_at_all'; give package.module:function"),
        ("--methods", "OWN:absent", "no function in OWN 'absent'"),
        ("--methods", "OWN:number", "is a int; give a function"),
        ("--methods", "OWN:nonsense", "returned a int; return a Curriculum, or a Curriculum and a filter"),
        ("--learners", "OWN:absent", "no function in OWN 'absent'"),
        ("--learners", "OWN:without_accuracy", r"evaluate returned \['score'\]; add accuracy"),
    ],
)
def test_what_is_wrong_with_ones_own_is_said(option, name, message, tmp_path, own):
    with pytest.raises(SystemExit, match=message.replace("OWN", own)):
        call(*WORDS, option, name.replace("OWN", own), "--output", str(tmp_path / "out"))


def test_who_cannot_be_had_is_refused_if_named_and_left_out_if_meant_along(tmp_path, own, capsys):
    words = [*WORDS, "--learners", f"{own}:plain", "--output", str(tmp_path / "out")]
    (tmp_path / f"{own}.py").write_text(PLAIN)
    with pytest.raises(SystemExit, match=r"greedy_oracle cannot be had on own.*: greedy_oracle is told the exact"):
        call(*words, "--methods", "greedy_oracle")
    call(*words, "--methods", "headline")
    assert "left out on" in capsys.readouterr().err
    text = (tmp_path / "out" / "summary.txt").read_text()
    assert "Left out on" in text
    assert "oracle's gain" not in text.splitlines()[2]
    assert {row["method"] for row in table(tmp_path / "out" / "summary.csv")} == {
        *("uniform", "osmd", "osmd(arms=problems)", "actor_curator", "actor_curator_paper"),
    }


PLAIN = """
from curriculum_bandits.environments import SkillStudent

class Plain:
    def __init__(self, student):
        self.bank, self.learn, self._student = student.bank, student.learn, student

    def evaluate(self):
        return {"accuracy": self._student.evaluate()["accuracy"]}

def plain(problems, seed):
    return Plain(SkillStudent.half_hopeless(problems, seed))
"""


def test_every_evaluation_is_a_line_of_the_curves(tmp_path):
    run_compare(SMALL, output=tmp_path, jobs=1, progress=False)
    lines = table(tmp_path / "curves.csv")
    assert len(lines) == 3 * 2 * 4
    assert [line["step"] for line in lines[:4]] == ["0", "4", "8", "12"]
    assert [line["rollouts"] for line in lines[:4]] == ["0", "256", "512", "768"]
    assert lines[0]["informative_share"] == ""
    assert {"learner", "method", "seed", "tokens", "accuracy"} <= lines[0].keys()


def test_one_worker_and_two_bring_the_same_numbers(tmp_path):
    for jobs in (1, 2):
        run_compare(SMALL, output=tmp_path / str(jobs), jobs=jobs, progress=False)
    assert len(stored(tmp_path / "1")) == 6
    assert stored(tmp_path / "1") == stored(tmp_path / "2")


def test_only_what_is_new_is_played_unless_forced(tmp_path):
    def done(**changes):
        settings = CompareSettings(**{**SMALL.__dict__, **changes})
        force = changes == {}
        run_compare(settings, output=tmp_path, jobs=1, force=force, progress=False)
        return json.loads((tmp_path / "summary.json").read_text())["runs_done_by_this_command"]

    assert done(methods=("uniform",)) == 2
    assert done(methods=("uniform", "greedy_oracle")) == 2
    assert done(methods=("uniform", "greedy_oracle"), seeds=(1, 2)) == 2
    next((tmp_path / "runs").iterdir()).write_text("broken")
    assert done(methods=("uniform", "greedy_oracle"), seeds=(0, 1, 2)) == 1
    assert done() == 6


LONGER = CompareSettings(methods=("uniform", "osmd"), problems=2000, seeds=tuple(range(6)), steps=60)


def test_an_interrupted_comparison_keeps_what_is_done_and_goes_on_to_the_same_numbers(tmp_path):
    module = "curriculum_bandits.benchmarks.curricula.command"
    program = (
        f"import argparse, sys; from {module} import add_arguments, main; parser = argparse.ArgumentParser(); "
        "add_arguments(parser); main(parser.parse_args(sys.argv[1:]))"
    )
    words = ["--problems", "2000", "--steps", "60", "--seeds", "0..5", "--methods", "uniform", "osmd"]
    with launcher.command("-c", program, *words, "--jobs", "2", "--output", str(tmp_path)) as process:
        launcher.wait_for_files(process, tmp_path, "runs/*.json", 2)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors  # the roof of the command line turns it into a sentence
    done = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").glob("*.json")}
    assert 2 <= len(done) < 12
    assert not (tmp_path / "summary.txt").exists()
    run_compare(LONGER, output=tmp_path, jobs=1, progress=False)
    assert all(path.stat().st_mtime_ns == written for path, written in done.items())
    document = json.loads((tmp_path / "summary.json").read_text())
    assert document["runs_done_by_this_command"] == 12 - len(done)
    run_compare(LONGER, output=tmp_path / "whole", jobs=1, progress=False)
    assert stored(tmp_path) == stored(tmp_path / "whole")


def test_revisions_are_told_and_runs_of_another_one_are_played_again(tmp_path, monkeypatch):
    def command():
        run_compare(SMALL, output=tmp_path, jobs=1, progress=False)
        done = json.loads((tmp_path / "summary.json").read_text())["runs_done_by_this_command"]
        return done, (tmp_path / "summary.txt").read_text()

    assert "Revisions of learners and methods: all 1\n" in command()[1]
    assert command()[0] == 0
    revised = replace(registry.find_method("uniform"), revision=2)
    monkeypatch.setitem(registry._DECLARED, "uniform", revised)
    done, text = command()
    assert done == len(SMALL.seeds) * len(SMALL.learners)
    assert f"Revisions of learners and methods: {SMALL.methods[0]} 2, all others 1\n" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "0"], "steps is 0; it must be at least 1"),
        (["--batch", "500"], "batch is 500, but a bank has 300 problems"),
        (["--learners", "clever"], "there is no learner 'clever'; there are: half-hopeless-skill, "),
        (["--students", "clever"], "there is no learner 'clever'; there are: half-hopeless-skill, "),
        (["--rollouts", "0"], "rollouts is 0; it must be at least 1"),
        (["--methods", "magic"], "there is no method 'magic'; .*compare --list"),
        (["--seeds", "3..1"], "'3..1' is no seed; give a number such as 3, or a range such as 0..19"),
        (["--seeds", "1", "0..2"], "seeds are .*; give at least one, and each once"),
        (["--jobs", "0"], "jobs is 0"),
    ],
)
def test_errors_are_one_line_and_name_value_and_remedy(words, message, tmp_path):
    with pytest.raises(SystemExit, match=message) as error:
        call(*WORDS, *words, "--output", str(tmp_path / "out"))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit, match="which is a file; give a folder"):
        call(*WORDS, "--output", str(tmp_path / "file"))


def test_settings_without_uniform_are_refused():
    with pytest.raises(ValueError, match="all is measured against uniform, add it"):
        CompareSettings(methods=("osmd",))


def test_settings_without_any_limit_are_refused():
    with pytest.raises(ValueError, match="neither steps nor rollouts are limited"):
        CompareSettings(steps=None)


def test_words_for_several_methods_stay_in_the_command():
    settings = CompareSettings(methods=("headline", "rivals"), steps=None, rollouts=5000)
    words = " ".join(settings.words())
    assert "--methods headline rivals --seeds" in words
    assert words.endswith("--rollouts 5000 --batch 256 --evaluate-every 10")
    assert {"uniform", "sec", "pcl"} <= set(settings.named())


def test_the_list_names_learners_and_methods(capsys):
    call("--list")
    printed = capsys.readouterr().out
    for name in ("half-hopeless-skill", "drifting-softmax", "uniform", "greedy_oracle", "rivals"):
        assert f"  {name} " in printed


def test_seeds_are_read_as_they_are_written():
    settings = CompareSettings(seeds=(4, 0, 1, 2, 9))
    words = settings.words()
    written = words[words.index("--seeds") + 1 : words.index("--steps")]
    assert written == ["4", "0..2", "9"]
    assert parse_seeds(written) == settings.seeds
