"""Missing extras: one clear line; any other import error is left alone."""

import sys
import types

import numpy as np
import pytest

from curriculum_bandits.extras import require_extra, require_extras


def test_what_is_installed_is_imported():
    assert require_extra("numpy.linalg", "plot") is np.linalg


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.part.of_it"])
def test_a_missing_extra_gives_the_pip_command(module):
    with pytest.raises(ModuleNotFoundError) as caught:
        require_extra(module, "plot")
    assert str(caught.value) == "no_such_package is not installed; run: pip install 'curriculum-bandits[plot]'"
    assert caught.value.name == "no_such_package"


def test_the_missing_dependency_of_an_installed_package_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "installed_but_broken.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_dependency'"):
        require_extra("installed_but_broken", "plot")


def test_the_error_of_a_package_that_fails_to_import_is_not_hidden(tmp_path, monkeypatch):
    (tmp_path / "installed_but_failing.py").write_text("raise ImportError('a library is too old')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match="a library is too old"):
        require_extra("installed_but_failing", "plot")


def test_all_that_is_missing_is_asked_for_in_one_message():
    with pytest.raises(ModuleNotFoundError) as caught:
        require_extras({"no_such_package": "plot", "numpy": "core", "nor_this.part": "llm", "nor_that": "plot"})
    assert str(caught.value) == (
        "no_such_package, nor_this.part, nor_that are not installed; run: pip install 'curriculum-bandits[plot,llm]'"
    )
    with pytest.raises(ModuleNotFoundError, match=r"no_such_package is not installed; run: pip install .*\[plot\]'"):
        require_extras({"no_such_package": "plot"})


def test_asking_for_all_that_is_there_imports_nothing(tmp_path, monkeypatch):
    (tmp_path / "installed_but_never_imported.py").write_text("raise RuntimeError\n")
    monkeypatch.syspath_prepend(tmp_path)
    require_extras({"installed_but_never_imported": "plot"})
    require_extras({})


def test_a_module_that_was_made_by_hand_is_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "made_by_hand", types.ModuleType("made_by_hand"))
    require_extras({"made_by_hand": "plot"})
