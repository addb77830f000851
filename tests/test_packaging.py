"""What is installed is what is in the tree, the core needs none of the extras, and the arrows point down.

The floors are those of the design: a module imports only from below, or from its own floor where that cannot be helped.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import curriculum_bandits

ROOT = Path(__file__).parents[1]
MAPPED = ("adapters", "benchmarks")  # top-level folders that are installed below curriculum_bandits
INSTALLED_SUFFIXES = (".py", ".yaml", ".html", ".typed")

FLOORS = {
    # 6, the roof: the one module that knows everything
    "cli": 6,
    "__main__": 6,
    # 5
    "adapters": 5,
    "benchmarks": 5,
    # 4
    "methods": 4,
    "stages": 4,
    "loop": 4,
    "testing": 4,
    # 3
    "curriculum": 3,
    "batch": 3,
    "collector": 3,
    "delayed": 3,
    "neural": 3,
    # 2
    "bandits": 2,
    "signals": 2,
    "environments": 2,
    "plotting": 2,
    "metrics": 2,
    "record": 2,
    "report": 2,
    # 1
    "draw": 1,
    "open_draw": 1,
    "rollouts": 1,
    "rollout_groups": 1,
    "bank": 1,
    "screening": 1,
    "arms": 1,
    "sampling": 1,
    "projection": 1,
    "proposals": 1,
    "regret": 1,
    "bounds": 1,
    "checkpoint": 1,
    "state": 1,
    "_typing": 1,
    "grammar": 1,
    "settings": 1,
    "extras": 1,
}
PACKAGE_ROOT = ""  # curriculum_bandits/__init__.py gathers the names of floors 1 to 4 for those above
ROOT_FLOOR = 4.5


def sources() -> dict[str, Path]:
    """Every module of the tree under the name it is imported by."""
    found = {}
    for folder in ("curriculum_bandits", *MAPPED):
        prefix = () if folder == "curriculum_bandits" else ("curriculum_bandits",)
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = [*prefix, *path.relative_to(ROOT).with_suffix("").parts]
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def room_of(module: str) -> str:
    """The first name below the package: the module or folder that has a floor."""
    return module.split(".")[1] if "." in module else PACKAGE_ROOT


def floor_of(room: str) -> float:
    if room == PACKAGE_ROOT:
        return ROOT_FLOOR
    assert room in FLOORS, f"curriculum_bandits.{room} has no floor; give it one in FLOORS (see the design's rooms)"
    return FLOORS[room]


def imported_modules(module: str, path: Path, known: dict[str, Path]) -> Iterator[tuple[str, int, bool]]:
    """Modules of this package that a module imports, wherever in it: (name, line, whether relative)."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((each.name, node.lineno, False) for each in node.names if _is_ours(each.name))
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            for each in node.names if _is_ours(base) else ():
                submodule = f"{base}.{each.name}"
                yield (submodule if submodule in known else base), node.lineno, bool(node.level)


def _is_ours(module: str) -> bool:
    return module.split(".")[0] == "curriculum_bandits"


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_arrows_point_down() -> None:
    known = sources()
    upward = []
    for module, path in known.items():
        room = room_of(module)
        for target, line, _ in imported_modules(module, path, known):
            target_room = room_of(target)
            if room != target_room and floor_of(target_room) > floor_of(room):
                upward.append(f"{path.relative_to(ROOT)}:{line}: {room or 'the package root'} imports {target}")
    assert not upward, "imports that point up:\n" + "\n".join(upward)


def test_every_room_has_a_floor() -> None:
    for module in sources():
        floor_of(room_of(module))


def test_siblings_in_adapters_and_benchmarks_are_imported_relatively() -> None:
    """Type checkers cannot follow the mapping of these folders, so an absolute import would be an unknown to them."""
    known = sources()
    absolute = [
        f"{path.relative_to(ROOT)}:{line}: import {target} relatively"
        for module, path in known.items()
        if room_of(module) in MAPPED
        for target, line, is_relative in imported_modules(module, path, known)
        if room_of(target) == room_of(module) and not is_relative
    ]
    assert not absolute, "\n".join(absolute)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import curriculum_bandits.draw", "curriculum_bandits.draw"),
        ("from curriculum_bandits import draw", "curriculum_bandits.draw"),
        ("from curriculum_bandits import Draw", "curriculum_bandits"),
        ("from curriculum_bandits.draw import Draw", "curriculum_bandits.draw"),
        ("from ..draw import Draw", "curriculum_bandits.draw"),
        ("from .. import draw", "curriculum_bandits.draw"),
        ("from . import osmd", "curriculum_bandits.bandits.osmd"),
        ("def late():\n    from curriculum_bandits import draw", "curriculum_bandits.draw"),
    ],
)
def test_imports_are_seen_in_every_form(source: str, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "rule.py"
    path.write_text(source)
    known = dict.fromkeys(["curriculum_bandits.draw", "curriculum_bandits.bandits.osmd"], path)
    assert [name for name, *_ in imported_modules("curriculum_bandits.bandits.rule", path, known)] == [expected]


def test_a_room_without_floor_is_refused() -> None:
    with pytest.raises(AssertionError, match="give it one in FLOORS"):
        floor_of("cellar")


def test_the_core_imports_none_of_the_extras() -> None:
    """Every module outside neural/, adapters/ and benchmarks/ loads with numpy, scipy and tqdm alone."""
    core = [name for name in sources() if room_of(name) not in (*MAPPED, "neural", "__main__")]
    extras = ["torch", "sklearn", "gymnasium", "trl", "transformers", "accelerate", "datasets", "peft", "reasoning_gym"]
    extras += ["tokenizers", "safetensors", "vllm", "matplotlib", "jinja2", "tensorboard", "yaml", "pandas"]
    extras += ["joblib", "pyarrow", "distributed", "dask", "ray"]
    code = f"""
import importlib, sys
before = set(sys.modules)
for name in {core!r}:
    importlib.import_module(name)
found = sorted(set({extras!r}) & set(sys.modules) - before)
assert not found, f"the core imports {{found}}"
"""
    run(sys.executable, "-c", code)


def test_version_is_the_same_everywhere() -> None:
    version = metadata.version("curriculum-bandits")
    assert curriculum_bandits.__version__ == version
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(rf"^version: {re.escape(version)}$", citation, re.MULTILINE)


@pytest.mark.parametrize("command", ["curriculum-bandits", "python -m curriculum_bandits"])
def test_commands_show_their_help(command: str, tmp_path: Path) -> None:
    script = Path(sys.executable).with_name("curriculum-bandits")
    start = [sys.executable, "-m", "curriculum_bandits"] if "python" in command else [script]
    shown = run(*start, "--help", cwd=tmp_path)
    assert "demo" in shown


def test_every_folder_with_modules_is_a_package() -> None:
    """setup.py finds packages by their __init__.py; a folder without one would stay out of the wheel in silence."""
    folders = {path.parent for path in sources().values()}
    bare = sorted(str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists())
    assert not bare, f"folders without __init__.py: {bare}"


def test_the_wheel_holds_the_tree(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77", reason="the dev extra is not installed")
    copy, unpacked = tmp_path / "copy", tmp_path / "unpacked"
    copy.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    for folder in ("curriculum_bandits", *MAPPED):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", tmp_path, copy]
    run(sys.executable, "-m", "pip", *build)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(unpacked)

    assert _installed_files(unpacked / "curriculum_bandits") == {
        *_installed_files(copy / "curriculum_bandits"),
        *(f"{folder}/{name}" for folder in MAPPED for name in _installed_files(copy / folder)),
    }
    code = "import curriculum_bandits.adapters as a, curriculum_bandits.benchmarks as b; print(a.__file__, b.__file__)"
    assert run(sys.executable, "-c", code, cwd=tmp_path, PYTHONPATH=str(unpacked)).count(str(unpacked)) == 2


def _installed_files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.suffix in INSTALLED_SUFFIXES}


def direct_requirements(extra: str) -> Iterator[Requirement]:
    """What an extra asks for, those of other extras included."""
    for line in metadata.requires("curriculum-bandits") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": extra}):
            continue
        if canonicalize_name(requirement.name) == "curriculum-bandits":
            for other in requirement.extras:
                yield from direct_requirements(other)
        else:
            yield requirement


def test_the_pinned_versions_are_within_the_promised_ranges() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    for requirement in direct_requirements("dev"):
        version = pins.get(canonicalize_name(requirement.name))
        assert version is not None, f"constraints.txt does not pin {requirement.name}"
        assert version in requirement.specifier, f"constraints.txt pins {version}, pyproject.toml says {requirement}"


def test_the_lowest_versions_that_are_claimed_are_those_of_make_test_oldest():
    project = pytest.importorskip("tomllib").loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    apart = {"vllm", "ray", "docs", "dev"}  # what no test imports, and the tools of the gate
    extras = [words for extra, words in project["optional-dependencies"].items() if extra not in apart]
    claimed = [Requirement(word) for words in (project["dependencies"], *extras) for word in words]
    lines = (ROOT / "constraints-oldest.txt").read_text(encoding="utf-8").splitlines()
    pinned = {canonicalize_name(name): pin for name, _, pin in (line.partition("==") for line in lines) if pin}
    lowest = {canonicalize_name(one.name): str(one.specifier) for one in claimed if one.specifier}
    assert len(lowest) > 15
    for name, specifier in lowest.items():
        assert Version(pinned[name]) == Version(specifier.removeprefix(">=")), f"{name}: {specifier}"
