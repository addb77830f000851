"""One declaration is read by everything: commands, documentation, the conformance tests, saved states."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import curriculum_bandits as cb
from curriculum_bandits import ProblemBank, methods, signals
from curriculum_bandits.methods import registry
from curriculum_bandits.methods.registry import declared, find_method, find_signal, method, parse_curriculum

N = 24
PROMPTS = [f"p{i}" for i in range(N)]
PARTS = {
    "groups": ["ab"[i % 2] for i in range(N)],
    "difficulty": np.arange(N) // 6,
    "features": np.column_stack([5 * (np.arange(N) // 6), np.arange(N) % 6]),
}
COLUMNS = {"weak_pass_rate": [0.2] * N, "strong_pass_rate": [0.6] * N}


def a_bank(needs):
    parts = {name: part for name, part in PARTS.items() if name in needs}
    return ProblemBank(PROMPTS, columns={name: part for name, part in COLUMNS.items() if name in needs}, **parts)


@pytest.mark.parametrize("name", declared())
def test_a_declaration_is_true(name):
    found = find_method(name)
    assert found.make is getattr(methods, name)
    assert found.title
    assert found.bandit
    assert found.batch
    assert found.summary.endswith(".")
    curriculum = found.make(a_bank(found.needs), **found.example)
    assert curriculum.name == name
    assert len(curriculum.ask(4)) == 4
    for lacking in found.needs:
        with pytest.raises(ValueError, match=lacking):
            found.make(a_bank([need for need in found.needs if need != lacking]), **found.example)


def test_each_method_is_in_a_module_of_its_own_name_and_editors_know_it():
    folder = Path(methods.__file__).parent
    ours = [name for name, each in declared().items() if each.make.__module__ == f"curriculum_bandits.methods.{name}"]
    assert {path.stem for path in folder.glob("*.py")} - set(ours) == {"__init__", "needs", "registry"}
    assert ours == methods.__all__
    seen = (folder / "__init__.py").read_text(encoding="utf-8")
    assert all(f"import {name} as {name}\n" in seen for name in ours)


NEW = '''
"""Every problem alike: a method that was added by one file."""

from curriculum_bandits import Curriculum
from curriculum_bandits.bandits import ShuffledEpochs
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import success_rate

__all__ = ["all_alike"]


@method("ALIKE", paper="arXiv 0000.00000", needs=("groups",), bandit="epochs", batch="next", laws={"learns": False})
def all_alike(bank, seed=0, *, strength=0.5, signal=success_rate):
    """Draw every problem alike."""
    return Curriculum(bank, ShuffledEpochs(len(bank)), signal, name="all_alike", seed=seed)
'''


@pytest.fixture
def new(tmp_path, monkeypatch):
    """A module more in the folder of the methods."""
    (tmp_path / "all_alike.py").write_text(NEW)
    monkeypatch.setattr(methods, "__path__", [*methods.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "_DECLARED", dict(registry._DECLARED))
    importlib.import_module("curriculum_bandits.methods.all_alike")
    yield find_method("all-alike")
    del sys.modules["curriculum_bandits.methods.all_alike"], methods.all_alike


def test_a_method_that_is_added_is_in_every_command(new, capsys, tmp_path):
    from curriculum_bandits import cli
    from curriculum_bandits.benchmarks.students.entries import groups

    assert "all_alike" in groups()["rivals"]
    assert cli.main(["compare", "--list"]) == 0
    assert "ALIKE: Draw every problem alike." in capsys.readouterr().out
    words = "compare --methods all-alike(strength=0.2) --problems 60 --steps 2 --batch 4 --seeds 0 --jobs 1"
    assert cli.main([*words.split(), "--output", str(tmp_path)]) == 0
    assert "\nall_alike(strength=0.2)" in (tmp_path / "summary.txt").read_text(encoding="utf-8")


def test_a_method_that_is_added_is_in_the_table_of_the_documentation(new):
    (row,) = [row for row in registry.methods_table().splitlines() if "all_alike" in row]
    assert "(ALIKE)" in row
    assert row.endswith("| success rate | next | `groups` | arXiv 0000.00000 |")


def test_a_method_that_is_added_is_put_through_the_conformance_suite(new):
    module = importlib.util.spec_from_file_location(
        "conformance_again", Path(__file__).parents[1] / "testing" / "test_curricula.py"
    )
    conformance = importlib.util.module_from_spec(module)
    sys.modules[module.name] = conformance
    module.loader.exec_module(conformance)
    tests = conformance.test_our_methods_keep_every_law.pytestmark
    assert "all_alike" in next(mark.args[1] for mark in tests if mark.args[0] == "method")
    conformance.check("all_alike", "a_draw_is_answered_once")


def test_a_method_that_is_added_is_saved_and_rebuilt(new, tmp_path):
    new.make(a_bank(["groups"]), strength=0.1).save(tmp_path / "file.npz")
    assert repr(cb.load(tmp_path / "file.npz", a_bank(["groups"]))) == "all_alike(bank, strength=0.1)"


def test_a_name_belongs_to_one_constructor():
    def sec(bank, seed=0):
        """Another."""

    with pytest.raises(ValueError, match=r"curriculum_bandits.methods.sec has a method 'sec' already"):
        method("SEC")(sec)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("difficulty-pools", "difficulty_pools"),
        ('osmd(arms="groups")+DAPO'.lower(), "osmd(arms=groups)+dapo"),
        (
            "sec(temperature=.2)+dapo(max-draws=3)+delayed(steps=2)",
            "sec(temperature=0.2)+dapo(max_draws=3)+delayed(steps=2)",
        ),
        ("osmd(step=ScaleFree(memory=5.0), signal='tent')", "osmd(step=ScaleFree(memory=5.0), signal=tent)"),
        (
            "actor-curator(sampler=Nucleus(), loss=Proximal(weights='equal'))",
            "actor_curator(sampler=Nucleus(), loss=Proximal(weights=equal))",
        ),
        (
            "osmd(signal=scaled(signal=policy_improvement(ratio=sequence), factor=2))",
            "osmd(signal=scaled(signal=policy_improvement(ratio=sequence), factor=2))",
        ),
    ],
)
def test_names_have_one_spelling_which_is_read_again(text, label):
    named = parse_curriculum(text)
    assert named.label == label
    assert parse_curriculum(label).label == label


def test_what_is_named_is_made():
    curriculum = parse_curriculum("tscl(exploration=Boltzmann(0.01), signal=tent)").make(a_bank(["groups"]), 3)
    assert repr(curriculum) == "tscl(bank, seed=3, exploration=Boltzmann(temperature=0.01), signal=tent)"
    late = parse_curriculum("uniform+speed(screening=3)+delayed(steps=2)")
    assert repr(late.make(a_bank([]))) == "Delayed(uniform(bank), steps=2)"
    assert (late.filter().screening, late.delay, late.filter() is late.filter()) == (3, 2, False)
    assert parse_curriculum("e2h", given=["steps"]).make(a_bank(["groups", "difficulty"]), steps=9).bandit.steps == 9
    assert parse_curriculum("e2h(steps=5)").make(a_bank(["groups", "difficulty"]), steps=9).bandit.steps == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sce", "there is no method 'sce'; did you mean 'sec'"),
        ("sec(temprature=1)", "sec has no setting 'temprature'; did you mean 'temperature'"),
        ("sec(signal=tents)", "there is no signal 'tents'; did you mean 'tent'"),
        ("sec(signal=tent(width=2))", "tent has no setting 'width'; there are: none"),
        ("osmd(step=ScaleFre(memory=2))", "no value object 'ScaleFre'; did you mean 'ScaleFree'"),
        ("actor_curator(congesion=1)", "actor_curator has no setting 'congesion'; did you mean 'congestion'"),
        ("e2h", r"e2h needs steps; write e2h\(steps=...\)"),
        ("uniform+dap", "there is no filter 'dap'; did you mean 'dapo'"),
        ("uniform+dapo(max_drawz=2)", "dapo has no setting 'max_drawz'; did you mean 'max_draws'"),
        ("uniform+dapo+speed", "has 2 filters; give at most one"),
        ("uniform+delayed", "says nothing of how late"),
        ("uniform+delayed(stepz=2)", "delayed has no setting 'stepz'; did you mean 'steps'"),
    ],
)
def test_what_does_not_exist_is_refused_with_the_nearest(text, message):
    with pytest.raises(ValueError, match=message):
        parse_curriculum(text)
    if text == "sce":
        with pytest.raises(AttributeError, match=message):
            methods.sce  # noqa: B018


def test_signals_are_found_by_their_signature(monkeypatch):
    assert {"tent", "scaled", "value_loss", "policy_improvement"} <= set(registry.signal_names())
    assert not {"advantages", "needs_log_ratio", "Signal"} & set(registry.signal_names())

    def new_signal(rollouts: "Rollouts"):  # noqa: F821
        return signals.tent(rollouts)

    monkeypatch.setattr(signals, "new_signal", new_signal, raising=False)
    monkeypatch.setattr(signals, "__all__", [*signals.__all__, "new_signal"])
    assert find_signal("new-signal") is new_signal
    assert parse_curriculum("sec(signal=new_signal)").settings["signal"] is new_signal


def test_methods_of_ones_own_join_by_import_path(tmp_path, monkeypatch):
    (tmp_path / "own_method.py").write_text(
        "from curriculum_bandits import methods\nfrom curriculum_bandits.methods.registry import method\n"
        "def plain(bank, seed=0, *, x=1):\n    return methods.uniform(bank, seed=seed)\n"
        "def signal(rollouts):\n    return None\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    named = parse_curriculum("own_method:plain(x=2)")
    assert named.label == "own_method:plain(x=2)"
    assert repr(named.make(a_bank([]), 4)) == "uniform(bank, seed=4)"
    with pytest.raises(ValueError, match="own_method:plain has no setting 'y'"):
        parse_curriculum("own_method:plain(y=2)")
    assert parse_curriculum("sec(signal='own_method:signal')").settings["signal"].__name__ == "signal"


def test_importing_the_methods_imports_no_torch():
    code = "import sys, curriculum_bandits.methods; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
