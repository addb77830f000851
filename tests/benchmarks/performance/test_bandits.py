"""The speed benchmark measures what it says and loses nothing on the way; how fast anything is, is not tested."""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the plot extra is not installed")

from curriculum_bandits.benchmarks.regret import rival_speed, speed
from curriculum_bandits.benchmarks.regret.speed import ONE_RUN, OURS, RIVALS, SpeedSettings, run_speed

TINY = SpeedSettings(repetitions=3, seconds=0.002, arms=4, runs=3, horizon=20, largest=100)
NONE_GIVEN = dict.fromkeys(speed.ENVIRONMENTS, "no environment in this test")

FAKE_RIVER = """\
print("noise on import")

class Exp3:
    def __init__(self, gamma, seed):
        self.gamma = gamma

    def pull(self, arms):
        return arms[-1]

    def update(self, arm, reward):
        assert reward in (0.0, 1.0)
"""


@pytest.fixture(scope="module")
def river_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter whose environment has a river with an Exp3 that always plays the last arm, and no mabwiser."""
    home = tmp_path_factory.mktemp("river")
    (home / "river").mkdir()
    (home / "river" / "__init__.py").touch()
    (home / "river" / "bandit.py").write_text(FAKE_RIVER, encoding="utf-8")
    python = home / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{home}" exec "{sys.executable}" "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return python


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """A tiny benchmark without rivals, and its folder."""
    output = tmp_path_factory.mktemp("alone")
    return run_speed(TINY, output=output, pythons=NONE_GIVEN, progress=False), output


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory, river_python: Path) -> tuple[dict[str, Any], Path]:
    """A tiny benchmark beside the stub of river, and its folder."""
    output = tmp_path_factory.mktemp("beside")
    pythons = {"river": river_python, "smpybandits": "no environment in this test"}
    return run_speed(TINY, output=output, pythons=pythons, progress=False), output


def assert_summary(summary: dict[str, Any], repetitions: int = TINY.repetitions) -> None:
    values = summary["repetitions"]
    assert len(values) == repetitions
    assert summary["least"] == min(values)
    assert summary["most"] == max(values)
    assert summary["median"] == np.median(values)


def test_what_the_files_hold(alone: tuple[dict[str, Any], Path]) -> None:
    document, output = alone
    assert json.loads((output / "speed.json").read_text(encoding="utf-8")) == document
    assert (output / "speed.png").read_bytes().startswith(b"\x89PNG")
    assert {"cpu", "cores", "pinned to one core", "threads", "system"} == set(document["machine"])
    assert {"python", "curriculum-bandits", "numpy", "scipy"} == set(document["versions"]["ours"])
    assert document["settings"]["seconds"] == TINY.seconds
    measured = {row["name"] for row in document["rounds_per_second"]}
    assert measured == {*OURS, ONE_RUN}
    assert set(document["absent"]) == set(RIVALS)
    for row in document["rounds_per_second"]:
        assert_summary(row)
        assert row["least"] > 0.0


def test_absent_rivals_are_named_with_the_reason(alone: tuple[dict[str, Any], Path]) -> None:
    document, output = alone
    table = (output / "speed.md").read_text(encoding="utf-8")
    for name in RIVALS:
        assert document["absent"][name] == "no environment in this test"
        assert f"| {name} | absent: no environment in this test |" in table
    assert document["ratios"] == []


def test_time_against_arms(alone: tuple[dict[str, Any], Path]) -> None:
    document, _ = alone
    assert [(row["arms"], row["plays"]) for row in document["scaling"]] == [(10, 1), (10, 2), (100, 1), (100, 25)]
    for row in document["scaling"]:
        for part in ("select", "update", "round"):
            assert_summary(row[part])
        total = np.add(row["select"]["repetitions"], row["update"]["repetitions"])
        np.testing.assert_allclose(row["round"]["repetitions"], total)
    one, many = document["growth"]
    assert (one["from"], one["to"], one["many plays"], many["many plays"]) == (10, 100, False, True)
    pair = [document["scaling"][row]["select"]["repetitions"] for row in (1, 3)]
    expected = [math.log10(b / a) for a, b in zip(*pair, strict=True)]
    np.testing.assert_allclose(many["select"]["repetitions"], expected)


def test_the_tables_hold_every_row(beside: tuple[dict[str, Any], Path]) -> None:
    document, output = beside
    text = (output / "speed.md").read_text(encoding="utf-8")
    first = {line.split("|")[1].strip().strip("*") for line in text.splitlines() if line.startswith("|")}
    assert {*OURS, ONE_RUN, *RIVALS} <= first
    assert {"10", "100", "10 to 100", "ours", "river"} <= first
    assert all(f"| {row['plays']} |" in text for row in document["scaling"])


def test_a_rival_is_measured_by_its_own_interpreter(beside: tuple[dict[str, Any], Path]) -> None:
    document, output = beside
    (row,) = (row for row in document["rounds_per_second"] if row["rival"])
    assert row["name"] == "river Exp3"
    assert_summary(row)
    assert document["versions"]["river"]["python"]
    text = (output / "speed.md").read_text(encoding="utf-8")
    assert f"| river Exp3 | {speed._rate(row['median'])} (" in text
    assert document["absent"]["MABWiser UCB1"] == "ModuleNotFoundError: No module named 'mabwiser'"


def test_ratios_are_taken_within_a_repetition(beside: tuple[dict[str, Any], Path]) -> None:
    document, _ = beside
    speeds = {row["name"]: row["repetitions"] for row in document["rounds_per_second"]}
    assert {row["ours"] for row in document["ratios"]} == set(speeds) - set(RIVALS)
    for row in document["ratios"]:
        assert_summary(row)
        np.testing.assert_allclose(row["repetitions"], np.divide(speeds[row["ours"]], speeds[row["rival"]]))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("echo nonsense", "no line of JSON came back but 'nonsense'"),
        ("echo 5", "no line of JSON came back but '5'"),
        ("echo it broke >&2; exit 3", "it broke"),
        ("exit 3", "exit status 3"),
        (
            """echo '{"rounds": 1, "seconds": 1.0, "rewards": -1.0, "versions": {}, "python": "3"}'""",
            "it did not draw the same rewards",
        ),
    ],
)
def test_what_a_failing_rival_said(tmp_path: Path, answer: str, reason: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{answer}\n", encoding="utf-8")
    python.chmod(0o755)
    with pytest.raises(speed._Absent) as error:
        speed._rival_speed(RIVALS["river Exp3"], python, TINY, 7.0)
    assert str(error.value) == reason


def test_the_rewards_are_bernoulli_with_the_stated_means() -> None:
    rewards = rival_speed.draw_rewards(5, 40, 500, seed=1)
    assert rewards.shape == (500, 40, 5)
    assert set(np.unique(rewards)) == {0.0, 1.0}
    np.testing.assert_allclose(rewards.mean(axis=(0, 1)), np.linspace(0.1, 0.9, 5), atol=5 * 0.5 / math.sqrt(20_000))


def test_rounds_are_counted_as_they_are_played() -> None:
    games, played = [], []

    def begin(game: int) -> tuple[rival_speed.Play, list[int]]:
        games.append(game)
        return lambda rows: played.extend(rows), list(range(250))

    rounds, seconds = rival_speed.time_rounds(begin, 1e-4)
    assert rounds == len(played)
    assert seconds >= 1e-4
    assert games == list(range(len(games)))
    assert played[:250] == list(range(250))[: len(played)]


def test_the_script_of_the_rivals_needs_nothing_of_this_package() -> None:
    source = Path(rival_speed.__file__).read_text(encoding="utf-8")
    assert "import curriculum_bandits" not in source
    assert "from curriculum_bandits" not in source
    assert "from ." not in source


@pytest.mark.parametrize(
    "wrong", [{"repetitions": 0}, {"arms": 1}, {"runs": 0}, {"horizon": 0}, {"largest": 9}, {"seconds": 0.0}]
)
def test_wrong_settings_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is {next(iter(wrong.values()))}"):
        SpeedSettings(**wrong)


def test_an_environment_that_is_there_is_used_again(tmp_path: Path) -> None:
    home = tmp_path / "river"
    home.mkdir()
    (home / "installed.txt").write_text("\n".join(speed.ENVIRONMENTS["river"]), encoding="utf-8")
    python = speed.install_rivals("river", tmp_path)
    assert isinstance(python, Path)
    assert python.is_relative_to(home)


def test_an_environment_that_cannot_be_made_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    reason = speed.install_rivals("river", tmp_path / "taken")
    assert isinstance(reason, str)
    assert reason.startswith("could not be installed: ")


def test_interpreters_as_the_command_line_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(speed, "run_speed", lambda settings, **rest: seen.update(settings=settings, **rest))
    parser = argparse.ArgumentParser()
    speed.add_arguments(parser)
    speed.main(
        parser.parse_args(["--river-python", str(tmp_path / "nowhere"), "--output", str(tmp_path), "--runs", "7"])
    )
    assert seen["settings"] == SpeedSettings(runs=7)
    assert seen["pythons"] == {
        "river": "the interpreter given by --river-python does not exist",
        "smpybandits": "no environment: give --rivals or --smpybandits-python",
    }
    with pytest.raises(SystemExit, match="speed: runs is 0"):
        speed.main(parser.parse_args(["--runs", "0"]))


def test_help() -> None:
    command = [sys.executable, "-m", "curriculum_bandits.benchmarks.regret.speed", "--help"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for option in ("--rivals", "--river-python", "--smpybandits-python", "--output", "--repetitions"):
        assert option in shown
