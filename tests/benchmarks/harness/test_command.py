"""A command line made of documented dataclasses: options, help, files of settings, and how it ends."""

import json
import shlex
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import pytest

pytest.importorskip("tyro")

from curriculum_bandits.benchmarks.harness.command import Where, command_words, parsed, run_command
from curriculum_bandits.benchmarks.harness.trials import parse_seeds


@dataclass(frozen=True)
class Settings:
    """An experiment of the tests.

    Attributes:
        methods: The entries to compare.
        seeds: Paired over all entries.
        steps: Updates of each run.
        floor: Least probability; none by default.
        exact: Leave nothing to chance.
        long_name: A text.
    """

    methods: tuple[str, ...] = ("uniform", "osmd")
    seeds: tuple[int | str, ...] = ("0..4",)
    steps: int = 10
    floor: float | None = None
    exact: bool = False
    long_name: str = "x"

    def __post_init__(self) -> None:
        parse_seeds(self.seeds)
        if self.steps < 1:
            raise ValueError(f"steps is {self.steps}; it must be at least 1")


def run(words, action=lambda settings, where: None, **more):
    """The exit status that a shell sees; tyro ends a process itself."""
    try:
        return run_command("experiment", words, Settings(), Where(output=Path("out")), action, **more)
    except SystemExit as exit:
        return exit.code or 0


def read(*words):
    return parsed("experiment", words, Settings(), Where(output=Path("out")))


def test_fields_are_options():
    assert read() == (Settings(), Where(output=Path("out")))
    settings, where = read(
        *("--methods", "sec(temperature=0.2)+dapo", "--seeds", "0..3", "7", "--floor", "0.5", "--exact"),
        *("--long-name", "y", "--jobs", "2", "--output", "there", "--again"),
    )
    assert settings == Settings(("sec(temperature=0.2)+dapo",), ("0..3", 7), 10, 0.5, True, "y")
    assert where == Where(jobs=2, output=Path("there"), again=True)
    assert where.results == Path("there/runs")
    assert replace(where, store=Path("shared")).results == Path("shared")


def test_the_help_has_a_line_for_every_field(capsys):
    assert run(["--help"], listing=lambda: "", examples="an example", needs={"no_such_package": "plot"}) == 0
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for part in (Settings, Where):
        for field in fields(part):
            assert f"--{field.name.replace('_', '-')} " in shown
    for line in ("The entries to compare.", "Least probability; none by default.", "Play also what is stored."):
        assert line in shown
    for text in ("An experiment of the tests.", "--settings FILE", "--list", "an example"):
        assert text in shown


@pytest.mark.parametrize("name", ["settings.json", "settings.yaml", "settings.yml"])
def test_settings_come_from_a_file_and_options_win(tmp_path, name):
    path = tmp_path / name
    values = {"methods": ["sec"], "seeds": ["0..3", 7], "floor": 0.5, "exact": True, "steps": 10}
    path.write_text(json.dumps(values))  # which is YAML, too
    words = "--settings", str(path), "--jobs", "1"
    found, where = read(*words)
    # Whether a number among words comes as a number or as a text is tyro's affair; it is read as a seed all the same.
    assert replace(found, seeds=parse_seeds(found.seeds)) == Settings(("sec",), (0, 1, 2, 3, 7), 10, 0.5, True)
    assert where == Where(jobs=1, output=Path("out"))
    found, _ = read(*words, "--steps", "3", "--no-exact", "--seeds", "1")
    assert replace(found, seeds=parse_seeds(found.seeds)) == Settings(("sec",), (1,), 3, 0.5)


def test_what_a_command_wrote_is_settings_again(tmp_path):
    chosen = Settings(("a b", "c"), (0, 1, 5), 3, 1e-7, True, "two words")
    (tmp_path / "settings.json").write_text(json.dumps({"settings": asdict(chosen), "cores": 2, "files": []}))
    again, _ = read("--settings", str(tmp_path / "settings.json"))
    assert parse_seeds(again.seeds) == chosen.seeds
    assert replace(again, seeds=chosen.seeds) == chosen


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stps: 3", "has stps, which is no option here; there are exact, floor, long_name, methods, seeds, steps"),
        ("1: 3", "has 1, which is no option here"),
        ("- steps", "it holds a list"),
        ("", "it holds a NoneType"),
        ("settings: 3", "it holds a int"),
        ("a: [", "cannot be read as settings"),
        ("steps: three", "has a value that no option takes"),
        ("steps: 2.5", "has a value that no option takes"),
        ("steps: null", "has a value that no option takes"),
        ("exact: 3", "has a value that no option takes"),
        ("steps: 0", "has a value that no option takes"),
        ("seeds: [1, 1]", "each once"),
        (None, "No such file"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused_by_name(tmp_path, capsys, text, message):
    path = tmp_path / "settings.yaml"
    if text is not None:
        path.write_text(text)
    assert run(["--settings", str(path)], lambda settings, where: 1 / 0) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_broken_json_file_and_a_missing_name_are_refused(tmp_path, capsys):
    (tmp_path / "settings.json").write_text("{")
    assert run(["--settings", str(tmp_path / "settings.json")]) == 2
    assert "settings.json cannot be read as settings" in capsys.readouterr().err
    assert run(["--settings"]) == 2
    assert "--settings is given without a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--steps 0", "steps is 0; it must be at least 1"),
        ("--steps many", "many"),
        ("--steps", "--steps"),
        ("--stps 3", "--stps"),
        ("word", "word"),
        ("--seeds 3..1", "'3..1' is no seed"),
        ("--jobs 0", "jobs is 0; give a number of workers"),
        ("--backend loky --scheduler tcp://x:1", "use the backend dask"),
    ],
)
def test_wrong_use_has_status_2(words, message, capsys):
    assert run(words.split(), lambda settings, where: 1 / 0) == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_a_command_ends_as_its_action_does(capsys):
    def fails(error):
        def action(settings, where):
            raise error

        return action

    assert run([]) == 0
    assert run([], lambda settings, where: 3) == 3
    for error, status in [(ValueError("x"), 2), (RuntimeError("x"), 1), (OSError("x"), 1), (KeyboardInterrupt(), 130)]:
        assert run([], fails(error)) == status
    assert capsys.readouterr().err.count("experiment: x\n") == 3


def test_what_is_missing_is_asked_for_before_anything_is_done(capsys):
    needs = {"no_such_package": "plot", "json": "llm", "nor_this": "llm"}
    assert run([], lambda settings, where: 1 / 0, needs=needs) == 1
    assert capsys.readouterr().err == (
        "experiment: no_such_package, nor_this are not installed; run: pip install 'curriculum-bandits[plot,llm]'\n"
    )


def test_what_there_is_can_be_listed_without_any_of_it(capsys):
    assert (
        run(["--list"], lambda settings, where: 1 / 0, listing=lambda: "a\nb", needs={"no_such_package": "plot"}) == 0
    )
    assert capsys.readouterr().out == "a\nb\n"
    assert run(["--list"]) == 2  # where there is nothing to list


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(("a b", "sec(temperature=0.2)"), (0, 1, 2, 9), 3, 0.25, True, "it's"),
        Settings(seeds=("0..3", 7)),
        Settings(methods=()),
    ],
)
def test_the_words_of_a_command_make_its_settings_again(settings):
    first, *words = shlex.split(command_words("experiment", settings))
    assert first == "experiment"
    again, _ = read(*words)
    assert parse_seeds(again.seeds) == parse_seeds(settings.seeds)
    assert replace(again, seeds=settings.seeds) == settings
    assert command_words("experiment", Settings()) == "experiment"
