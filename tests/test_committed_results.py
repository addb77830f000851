"""Committed results stay small, are shown or quoted, and can be made again."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TOTAL, LARGEST = 4_000_000, 300_000  # bytes
PICTURES = {".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"}


@pytest.fixture(scope="module")
def committed() -> list[Path]:
    """Every file that git knows and that is there, relative to the root."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout, so nothing tells what is committed")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def results(committed: list[Path]) -> list[Path]:
    found = [path for path in committed if path.parts[0] == "benchmarks" and "results" in path.parts[:-1]]
    assert found
    return found


def test_no_file_is_large(committed):
    sizes = {str(path): (ROOT / path).stat().st_size for path in committed}
    assert {name: size for name, size in sizes.items() if size > LARGEST} == {}


def test_results_are_small_together(results):
    assert sum((ROOT / path).stat().st_size for path in results) <= TOTAL


def test_every_picture_is_shown_on_a_page(committed):
    shown = set()
    for page in committed:
        if page == Path("README.md") or (page.parts[0] == "docs" and page.suffix == ".md"):
            links = re.findall(r"!\[[^\]]*\]\(([^)\s]+)", (ROOT / page).read_text(encoding="utf-8"))
            shown |= {(ROOT / page.parent / link).resolve() for link in links}
    pictures = [path for path in committed if path.suffix.lower() in PICTURES]
    assert pictures
    assert [str(path) for path in pictures if (ROOT / path).resolve() not in shown] == []


def test_every_result_is_written_by_a_make_target_that_says_how_long_it_takes(results):
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    for name, value in re.findall(r"^(\w+) := (.+)$", text, re.MULTILINE):
        text = text.replace(f"$({name})", value)
    written: dict[str, str] = {}
    for summary, recipe in re.findall(r"^[a-z-]+:.*##(.*)\n((?:\t.*\n)+)", text, re.MULTILINE):
        written |= dict.fromkeys(re.findall(r"--output (\S+)", recipe), summary)
    folders = {path.parent.as_posix() for path in results}
    assert sorted(folders - written.keys()) == []
    assert [written[each] for each in folders if not re.search("second|minute|hour", written[each])] == []
