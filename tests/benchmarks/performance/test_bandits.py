"""The bandits' experiment measures what it says and loses nothing on the way; how fast anything is, is not tested."""

from __future__ import annotations

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="the benchmarks extra is not installed")
pytest.importorskip("tyro", reason="the benchmarks extra is not installed")

from curriculum_bandits.benchmarks.performance import bandits, rivals
from curriculum_bandits.benchmarks.performance.bandits import ENVIRONMENTS, ONE_RUN, OURS, RIVALS, BanditSettings

WORDS = [
    "--repetitions",
    "3",
    "--seconds",
    "0.002",
    "--arms",
    "4",
    "--runs",
    "3",
    "--horizon",
    "20",
    "--largest",
    "100",
]

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


def environment(folder: Path, name: str, script: str) -> None:
    """An environment whose interpreter is a shell script, as if it had been installed."""
    python = folder / name / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    python.chmod(0o755)
    (folder / name / "installed.txt").write_text("\n".join(ENVIRONMENTS[name]), encoding="utf-8")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """A tiny run beside a river with an Exp3 that always plays the last arm, and no mabwiser; and its folder."""
    home, output = tmp_path_factory.mktemp("rivals"), tmp_path_factory.mktemp("output")
    (home / "river-stub" / "river").mkdir(parents=True)
    (home / "river-stub" / "river" / "__init__.py").touch()
    (home / "river-stub" / "river" / "bandit.py").write_text(FAKE_RIVER, encoding="utf-8")
    environment(home, "river", f'PYTHONPATH="{home}/river-stub" exec "{sys.executable}" "$@"')
    environment(home, "smpybandits", "echo it broke >&2; exit 3")
    assert bandits.main([*WORDS, "--rivals", str(home), "--output", str(output)]) == 0
    return json.loads((output / "results.json").read_text(encoding="utf-8")), output


def test_all_of_ours_and_the_rival_that_is_there(measured: tuple[dict[str, Any], Path]) -> None:
    results, output = measured
    assert set(results["rounds_per_second"]) == {*OURS, ONE_RUN, "river Exp3"}
    assert all(len(row["repetitions"]) == 3 and row["least"] > 0 for row in results["rounds_per_second"].values())
    assert results["versions"]["river"]["python"]
    assert (output / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert str(output) not in (output / "table.md").read_text(encoding="utf-8")


def test_absent_rivals_are_named_with_the_reason(measured: tuple[dict[str, Any], Path]) -> None:
    results, output = measured
    assert results["absent"]["MABWiser UCB1"] == "ModuleNotFoundError: No module named 'mabwiser'"
    assert results["absent"]["SMPyBandits UCB"] == "it broke"
    assert set(results["absent"]) == set(RIVALS) - {"river Exp3"}
    table = (output / "table.md").read_text(encoding="utf-8")
    assert all(f"| {name} " in table and f"absent: {why}" in table for name, why in results["absent"].items())


def test_ratios_are_taken_within_a_repetition(measured: tuple[dict[str, Any], Path]) -> None:
    speeds, ratios = measured[0]["rounds_per_second"], measured[0]["ratios"]
    assert set(ratios) == {*OURS, ONE_RUN}
    for name, row in ratios.items():
        ours, theirs = (speeds[each]["repetitions"] for each in (name, "river Exp3"))
        np.testing.assert_allclose(row["river Exp3"]["repetitions"], np.divide(ours, theirs))


def test_time_against_arms(measured: tuple[dict[str, Any], Path]) -> None:
    scaling, growth = measured[0]["scaling"], measured[0]["growth"]
    assert [(row["arms"], row["plays"]) for row in scaling] == [(10, 1), (10, 2), (100, 1), (100, 25)]
    for row in scaling:
        total = np.add(row["select"]["repetitions"], row["update"]["repetitions"])
        np.testing.assert_allclose(row["round"]["repetitions"], total)
    one, many = growth
    assert (one["from"], one["to"], one["many plays"], many["many plays"]) == (10, 100, False, True)
    pair = [scaling[row]["select"]["repetitions"] for row in (1, 3)]
    expected = [math.log10(b / a) for a, b in zip(*pair, strict=True)]
    np.testing.assert_allclose(many["select"]["repetitions"], expected)


def test_without_rivals_it_measures_ours_alone(tmp_path: Path) -> None:
    assert bandits.main([*WORDS, "--repetitions", "1", "--largest", "10", "--output", str(tmp_path)]) == 0
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert results["absent"] == dict.fromkeys(RIVALS, "no environment: give --rivals")
    assert not any(results["ratios"].values())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("echo nonsense", "no line of JSON came back but 'nonsense'"),
        ("echo 5", "no line of JSON came back but '5'"),
        ("exit 3", "exit status 3"),
        (
            """echo '{"rounds": 1, "seconds": 1.0, "rewards": -1.0, "versions": {}, "python": "3"}'""",
            "it did not draw the same rewards",
        ),
    ],
)
def test_what_a_failing_rival_said(tmp_path: Path, answer: str, reason: str) -> None:
    environment(tmp_path, "river", answer)
    with pytest.raises(bandits._Absent) as error:
        bandits._rival_speed("river-exp3", tmp_path / "river" / "bin" / "python", BanditSettings(), 7.0)
    assert str(error.value) == reason


def test_the_rewards_are_bernoulli_with_the_stated_means() -> None:
    rewards = rivals.draw_rewards(5, 40, 500, seed=1)
    assert rewards.shape == (500, 40, 5)
    assert set(np.unique(rewards)) == {0.0, 1.0}
    np.testing.assert_allclose(rewards.mean(axis=(0, 1)), np.linspace(0.1, 0.9, 5), atol=5 * 0.5 / math.sqrt(20_000))


def test_rounds_are_counted_as_they_are_played() -> None:
    games, played = [], []

    def begin(game: int) -> tuple[rivals.Play, list[int]]:
        games.append(game)
        return lambda rows: played.extend(rows), list(range(250))

    rounds, seconds = rivals.time_rounds(begin, 1e-4)
    assert seconds >= 1e-4
    assert 0 < rounds < len(played)  # there was a warm-up
    last = games[len(games) - games[::-1].index(0) - 1 :]
    assert last == list(range(len(last)))
    assert played[-rounds:][:250] == list(range(250))[:rounds]


def test_the_script_of_the_rivals_needs_nothing_of_this_package() -> None:
    source = Path(rivals.__file__).read_text(encoding="utf-8")
    assert all(word not in source for word in ("import curriculum_bandits", "from curriculum_bandits", "from ."))


@pytest.mark.parametrize(
    "wrong", [{"repetitions": 0}, {"arms": 1}, {"runs": 0}, {"horizon": 0}, {"largest": 9}, {"seconds": 0.0}]
)
def test_wrong_settings_are_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is {next(iter(wrong.values()))}"):
        BanditSettings(**wrong)


def test_an_environment_that_cannot_be_made_has_a_reason(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    reason = bandits._installed("river", tmp_path / "taken")
    assert isinstance(reason, str)
    assert reason.startswith("could not be installed: ")


def test_an_output_that_is_a_file_is_refused_before_anything_is_measured(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "file").touch()
    assert bandits.main(["--output", str(tmp_path / "file")]) == 2
    assert "which is a file" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["file"]
