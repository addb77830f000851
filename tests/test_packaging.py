"""What is installed is what is in the tree, the core needs none of the extras, and the arrows point down.

The floors are in pyproject.toml, for import-linter; each room has one.
"""

from __future__ import annotations

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
    """The first name below the package."""
    return module.split(".")[1] if "." in module else ""


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_siblings_in_adapters_and_benchmarks_are_imported_relatively() -> None:
    """Type checkers cannot follow the mapping of these folders, so an absolute import would be an unknown to them."""
    absolute = [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for module, path in sources().items()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if room_of(module) in MAPPED and re.match(rf"\s*(from|import) curriculum_bandits\.{room_of(module)}\b", line)
    ]
    assert not absolute, "import these relatively:\n" + "\n".join(absolute)


def test_the_core_imports_none_of_the_extras() -> None:
    """Every module outside neural/, adapters/ and benchmarks/ loads with numpy, scipy and tqdm alone."""
    core = [name for name in sources() if room_of(name) not in (*MAPPED, "neural", "__main__")]
    extras = ["torch", "sklearn", "gymnasium", "trl", "transformers", "accelerate", "datasets", "peft", "reasoning_gym"]
    extras += ["tokenizers", "safetensors", "vllm", "matplotlib", "jinja2", "tensorboard", "yaml", "pandas"]
    extras += ["joblib", "pyarrow", "distributed", "dask", "ray", "tabulate", "tyro"]
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


#: What holds in benchmarks/: experiments stand beside one another on the harness, which knows nothing of the field.
BENCHMARKS = """
[[tool.importlinter.contracts]]
name = "Experiments stand on the harness"
type = "layers"
containers = ["curriculum_bandits.benchmarks"]
exhaustive = true
layers = ["regret | students | agents | llm | performance", "curators", "harness"]

[[tool.importlinter.contracts]]
name = "The harness knows no bandit, curriculum or trainer"
type = "forbidden"
source_modules = ["curriculum_bandits.benchmarks.harness"]
forbidden_modules = [FORBIDDEN]

[[tool.importlinter.contracts]]
name = "No import circle"
type = "acyclic_siblings"
ancestors = ["curriculum_bandits.benchmarks"]
"""
KNOWN_TO_THE_HARNESS = {"benchmarks", "checkpoint", "exit_status", "extras", "plotting", "_typing", "__main__"}


def test_arrows_point_down_in_the_installed_tree(tmp_path: Path) -> None:
    """There adapters and benchmarks are parts of the package, which in the checkout they are not."""
    pytest.importorskip("importlinter", reason="the dev extra is not installed")
    package = tmp_path / "curriculum_bandits"
    shutil.copytree(ROOT / "curriculum_bandits", package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in MAPPED:
        shutil.copytree(ROOT / folder, package / folder, ignore=shutil.ignore_patterns("__pycache__", "results"))
    lint = ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()", "--no-cache"]
    rooms = {room_of(module) for module in sources()} - KNOWN_TO_THE_HARNESS - {""}
    names = ", ".join(f'"curriculum_bandits.{room}"' for room in sorted(rooms))
    config = tmp_path / "pyproject.toml"
    config.write_text((ROOT / "pyproject.toml").read_text() + BENCHMARKS.replace("FORBIDDEN", names))
    lint += ["--config", str(config)]
    assert "4 kept, 0 broken" in run(sys.executable, *lint, cwd=tmp_path, PYTHONPATH=str(tmp_path))
    bank = package / "bank.py"
    bank.write_text(bank.read_text(encoding="utf-8") + "import curriculum_bandits.adapters.trl\n", encoding="utf-8")
    with pytest.raises(AssertionError, match=r"curriculum_bandits.bank -> curriculum_bandits.adapters.trl"):
        run(sys.executable, *lint, cwd=tmp_path, PYTHONPATH=str(tmp_path))


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
