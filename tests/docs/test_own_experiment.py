"""The page on experiments of one's own: its files are written and its commands are given, as a reader would."""

from __future__ import annotations

import csv
import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "own_experiment.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    match = re.search(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert match
    return match[1]


def test_the_two_files_are_short() -> None:
    assert len((block("json") + block("python")).splitlines()) < 60


def test_the_commands_run_on_the_files_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "bank.jsonl").write_text(block("json"), encoding="utf-8")
    (tmp_path / "mine.py").write_text(block("python"), encoding="utf-8")
    script = Path(sys.executable).with_name("curriculum-bandits")
    commands = [line for line in block("console").replace("\\\n", " ").splitlines() if line.startswith("$ ")]
    assert len(commands) == 2
    for command in commands:
        words = [str(script), *shlex.split(command.removeprefix("$ "))[1:], "--jobs", "1"]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    with open(tmp_path / "runs" / "compare" / "summary.csv", encoding="utf-8", newline="") as file:
        found = [row["method"] for row in csv.DictReader(file)]
    assert sorted(found) == ["mine:cautious", "mine:cautious(floor=0.1)", "sec", "uniform"]
    assert "fading" in (tmp_path / "runs" / "regret" / "summary.csv").read_text(encoding="utf-8")
