"""Every example runs, with few steps, and is short enough to be read."""

import importlib.util
import inspect
from pathlib import Path

import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_and_is_short(path, tmp_path, monkeypatch, capsys):
    """An example has a function ``main(steps=...)`` and writes below the present folder only."""
    monkeypatch.chdir(tmp_path)
    assert len(path.read_text(encoding="utf-8").splitlines()) < 60
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as missing:
        pytest.skip(str(missing))
    assert inspect.signature(module.main).parameters["steps"].default > 40
    module.main(steps=40)
    assert capsys.readouterr().out
