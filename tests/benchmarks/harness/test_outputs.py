"""What is written, and what is never replaced in silence."""

import json
import math

import pytest

from curriculum_bandits.benchmarks.harness import outputs
from curriculum_bandits.benchmarks.harness.outputs import Outputs, write_text

SETTINGS = {"steps": 3, "names": ("a", "b")}


def write(folder, settings=None, texts=None, figures=None, **more):
    Outputs(folder, settings or SETTINGS).write(texts or {"summary.txt": "new\n"}, figures, about={"cores": 2}, **more)


def names(folder):
    return {path.name for path in folder.iterdir()}


def figure():
    from matplotlib.figure import Figure

    made = Figure()
    made.subplots().plot([0, 1])
    return made


def test_tables_figures_and_the_settings_that_made_them(tmp_path):
    pytest.importorskip("matplotlib")
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"x": [1, 2]})
    tables = {"x.csv": table, "x.parquet": table}
    write(tmp_path / "a" / "b", figures={"one.png": figure, "none.png": lambda: None}, tables=tables)
    folder = tmp_path / "a" / "b"
    assert names(folder) == {"summary.txt", "one.png", "x.csv", "x.parquet", "settings.json"}
    assert (folder / "one.png").read_bytes()[1:4] == b"PNG"
    assert (folder / "x.csv").read_text() == "x\n1\n2\n"
    assert json.loads((folder / "settings.json").read_text()) == {
        "settings": {"steps": 3, "names": ["a", "b"]},
        "cores": 2,
        "files": ["one.png", "summary.txt", "x.csv", "x.parquet"],
    }


def test_equal_settings_replace_and_leave_nothing_old(tmp_path, capsys):
    write(tmp_path, texts={"summary.txt": "old\n", "curves-gone.csv": "old\n"})
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path)
    assert names(tmp_path) == {"summary.txt", "settings.json", "notes.txt"}
    assert (tmp_path / "summary.txt").read_text() == "new\n"
    assert capsys.readouterr().err == ""


def test_tables_of_other_settings_are_moved_aside_and_that_is_said(tmp_path, capsys):
    for number in range(3):
        write(tmp_path, {"steps": number}, {"summary.txt": f"{number}\n", f"only-{number}.txt": ""})
    assert names(tmp_path) == {"summary.txt", "only-2.txt", "settings.json", "earlier-1", "earlier-2"}
    for number in range(2):
        aside = tmp_path / f"earlier-{number + 1}"
        assert names(aside) == {"summary.txt", f"only-{number}.txt", "settings.json"}
        assert (aside / "summary.txt").read_text() == f"{number}\n"
        assert json.loads((aside / "settings.json").read_text())["settings"] == {"steps": number}
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"{tmp_path} held tables of other settings; they are in {tmp_path / f'earlier-{n}'} now" for n in (1, 2)
    ]


@pytest.mark.parametrize("record", [None, "broken", "[]", '{"files": 3}', '{"settings": {}}'])
def test_files_of_nobody_are_moved_aside_too(tmp_path, capsys, record):
    (tmp_path / "summary.txt").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    if record is not None:
        (tmp_path / "settings.json").write_text(record)
    write(tmp_path)
    assert (tmp_path / "earlier-1" / "summary.txt").read_text() == "mine"
    assert (tmp_path / "summary.txt").read_text() == "new\n"
    assert (tmp_path / "notes.txt").exists()
    assert "earlier-1" in capsys.readouterr().err


def test_a_file_of_nobody_beside_our_own_is_moved_aside_alone(tmp_path, capsys):
    write(tmp_path)
    (tmp_path / "more.txt").write_text("mine")
    write(tmp_path, texts={"summary.txt": "new\n", "more.txt": "ours\n"})
    assert names(tmp_path / "earlier-1") == {"more.txt"}
    assert names(tmp_path) == {"summary.txt", "more.txt", "settings.json", "earlier-1"}


def test_a_crash_leaves_whole_files_that_have_an_owner(tmp_path, monkeypatch, capsys):
    write(tmp_path, texts={"a.txt": "old a\n", "b.txt": "old b\n"})

    def crash(source, target):
        if target.name == "b.txt":
            raise OSError("no room")
        replace(source, target)

    replace = outputs.os.replace
    with monkeypatch.context() as patch:
        patch.setattr(outputs.os, "replace", crash)
        with pytest.raises(OSError, match="no room"):
            write(tmp_path, texts={"a.txt": "new a\n", "b.txt": "new b\n", "c.txt": "new c\n"})
    assert (tmp_path / "a.txt").read_text() == "new a\n"
    assert (tmp_path / "b.txt").read_text() == "old b\n"
    write(tmp_path, {"steps": 4})  # of other settings: what the crash left is not lost
    assert {"a.txt", "b.txt"} <= names(tmp_path / "earlier-1")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ValueError, match="which is a file; give a folder"):
        Outputs(tmp_path / "out", SETTINGS)
    assert names(tmp_path) == {"out"}
    Outputs(tmp_path / "new", SETTINGS)
    assert names(tmp_path) == {"out"}  # nothing is made before it is written


def test_what_is_not_finite_is_null(tmp_path):
    Outputs(tmp_path, {}).write({}, about={"seconds": math.inf, "more": [math.nan, 1.0]})
    document = json.loads((tmp_path / "settings.json").read_text())
    assert (document["seconds"], document["more"]) == (None, [None, 1.0])


def test_a_text_is_written_in_one_step(tmp_path):
    write_text(tmp_path / "x.txt", "ä\n")
    assert names(tmp_path) == {"x.txt"}
    assert (tmp_path / "x.txt").read_text(encoding="utf-8") == "ä\n"
