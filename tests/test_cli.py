"""How commands end: statuses, one line for what is wrong, a reader that goes, and what stands in no folder then."""

import os
import subprocess
import sys

import pytest

from curriculum_bandits import cli
from curriculum_bandits.exit_status import ended

NEEDS = {"demo": "trl", "regret": "tyro", "compare": "tyro", "llm": "trl", "report": "numpy"}
START = [sys.executable, "-m", "curriculum_bandits"]


def status(words):
    """The exit status that a shell sees; parsers end a process themselves."""
    try:
        return cli.main(words)
    except SystemExit as exit:
        return exit.code or 0


def fails(error):
    def action():
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("steps is 0;\n  give more"), 2),
        (RuntimeError("steps is 0; give more"), 1),
        (OSError("steps is 0; give more"), 1),
        (ModuleNotFoundError("steps is 0; give more"), 1),
    ],
)
def test_what_is_wrong_is_one_line_and_a_status(error, expected, capsys):
    assert ended("a command", fails(error)) == expected
    assert capsys.readouterr().err == "a command: steps is 0; give more\n"


def test_a_command_ends_as_its_action_says(capsys):
    assert ended("a command", lambda: None) == 0
    assert ended("a command", lambda: 3) == 3
    with pytest.raises(SystemExit):
        ended("a command", fails(SystemExit(2)))
    with pytest.raises(ZeroDivisionError):  # a fault of ours has a traceback
        ended("a command", lambda: 1 // 0)
    assert capsys.readouterr().err == ""


def test_an_interrupt_is_one_quiet_line(capsys):
    assert ended("a command", fails(KeyboardInterrupt())) == 130
    assert capsys.readouterr().err.strip() == "a command: interrupted; the same command goes on where it was"


@pytest.mark.parametrize("words", [[], ["trian"], ["--no-such-option"], ["gym"]])
def test_what_is_no_command_is_wrong_use(words, capsys):
    assert status(words) == 2
    assert "usage: curriculum-bandits" in capsys.readouterr().err


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_every_command_has_help(name, capsys):
    pytest.importorskip(NEEDS[name])
    assert status([name, "--help"]) == 0
    assert f"curriculum-bandits {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("regret --no-such-option 1", "--no-such-option"),
        ("regret --runs 0", "runs is 0"),
        ("regret --runs many", "many"),
        ("regret --policies magic", "magic"),
        ("regret --jobs 0", "jobs is 0"),
        ("regret --settings nowhere.json", "nowhere.json cannot be read as settings"),
        ("compare --no-such-option 1", "--no-such-option"),
        ("compare --steps 0", "steps is 0"),
        ("compare --methods magic", "there is no method 'magic'"),
        ("compare --learners clever", "there is no learner 'clever'"),
        ("compare --seeds 3..1", "'3..1' is no seed"),
        ("demo --tokens 0", "tokens is 0"),
        ("demo --no-such-option", "--no-such-option"),
        ("llm --config nowhere", "nowhere"),
        ("llm --config tiny_cpu --lerning_rate 1", "did you mean 'learning_rate'"),
        ("report", "RUN"),
        ("report nowhere", "nowhere"),
        ("report . --no-such-option", "--no-such-option"),
    ],
)
def test_wrong_use_has_status_2_says_what_is_wrong_and_leaves_nothing(words, said, tmp_path, monkeypatch, capsys):
    command = words.split()[0]
    pytest.importorskip(NEEDS[command])
    monkeypatch.chdir(tmp_path)
    assert status(words.split()) == 2
    error = capsys.readouterr().err
    assert said in " ".join(error.replace("│", "").split())
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "missing", "extras"),
    [
        ("regret", ("joblib", "tabulate"), "benchmarks"),
        ("compare", ("joblib", "matplotlib"), "benchmarks"),
        ("demo", ("trl", "matplotlib"), "llm,benchmarks"),
    ],
)
def test_missing_extras_are_one_message_and_leave_nothing(command, missing, extras, tmp_path):
    pytest.importorskip(NEEDS[command])
    program = f"import sys; sys.modules.update(dict.fromkeys({missing}))\nfrom curriculum_bandits import cli; "
    program += f"sys.exit(cli.main([{command!r}]))"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"curriculum-bandits {command}: {', '.join(missing)} are not installed; "
        f"run: pip install 'curriculum-bandits[{extras}]'\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["--help", "regret --list", "regret --help"])
def test_a_reader_that_goes_ends_the_command_quietly(words):
    pytest.importorskip("tyro")
    read, write = os.pipe()
    os.close(read)  # as head does, but surely before anything is written
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}  # without a buffer argparse itself says nothing of it
    done = subprocess.run([*START, *words.split()], stdout=write, stderr=subprocess.PIPE, text=True, env=buffered)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
