"""How fast bandits play: rounds per second beside other libraries, and time per round as the arms become a million.

Everything runs on one core with one thread. Rivals run in environments of their own, by `rivals`. Run as
``python -m curriculum_bandits.benchmarks.performance.bandits``.
"""

from __future__ import annotations

import json
import math
import operator
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from curriculum_bandits import bandits
from curriculum_bandits.bandits import Bandit, Osmd
from curriculum_bandits.bounds import exp3_step
from curriculum_bandits.plotting import COLORS, new_figure

from ..harness.command import check_least
from .rivals import Play, draw_rewards, time_rounds
from .timing import (
    Place,
    Report,
    Spread,
    combined,
    draw_growth,
    interleaved,
    one_core,
    run,
    table,
    verdict,
)

__all__ = ["OURS", "RIVALS", "BanditPlace", "BanditSettings", "main"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
AIM_MILLISECONDS = 50.0  # for select and for update each, a million arms and 256 plays
MOST_PLAYS = 256


@dataclass(frozen=True)
class BanditSettings:
    """Rounds per second of bandits beside other libraries, and milliseconds of a round against the number of arms.

    Attributes:
        repetitions: Measurements of every candidate.
        seconds: Time that a candidate plays for in each repetition, after a warm-up of a fifth.
        arms: Number of arms K beside the rivals.
        runs: Independent runs.
        horizon: Rounds T of a run; then it starts again with a fresh bandit.
        largest: Largest number of arms; the growth is measured at every power of ten from 10 to it.
        seed: Of the rewards and of the draws.
    """

    repetitions: int = 5
    seconds: float = 1.0
    arms: int = 10
    runs: int = 100
    horizon: int = 1000
    largest: int = 1_000_000
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        check_least(self, {"repetitions": 1, "arms": 2, "runs": 1, "horizon": 1, "largest": 10})
        if not self.seconds > 0.0:
            raise ValueError(f"seconds is {self.seconds}; it must be positive")


@dataclass(frozen=True)
class BanditPlace(Place):
    """Where the rivals are, and where the results go.

    Attributes:
        output: Folder of results, table and figure; results of other settings there are moved aside.
        rivals: Folder of the rivals' environments, which are made there once with pip; by default without rivals.
    """

    output: Path = Path("runs/performance/bandits")
    rivals: Path | None = None


#: Contents of each environment. SMPyBandits uses names that SciPy 1.14 and numpy 2 no longer have.
ENVIRONMENTS = {
    "river": ("river==0.26.1", "mabwiser==2.7.4"),
    "smpybandits": ("SMPyBandits==0.9.7", "numpy<1.27", "scipy<1.12"),
}

#: Environment, and name in `rivals`, of every rival by its name in the tables.
RIVALS = {
    "river Exp3": ("river", "river-exp3"),
    "MABWiser UCB1": ("river", "mabwiser-ucb1"),
    "SMPyBandits Exp3": ("smpybandits", "smpybandits-exp3"),
    "SMPyBandits UCB": ("smpybandits", "smpybandits-ucb"),
    "SMPyBandits discounted UCB": ("smpybandits", "smpybandits-discounted-ucb"),
}


def _osmd(n_arms: int, horizon: int, runs: int | None, floor: float = 0.0) -> Bandit:
    step = exp3_step(horizon, n_arms)
    return Osmd(n_arms, runs=runs, floor=floor, share=1e-3, step=step, utility_range=(0.0, 1.0))


#: Our bandits by their name in the tables: functions of arms, horizon and runs.
OURS: dict[str, Callable[[int, int, int | None], Bandit]] = {
    "OSMD": _osmd,
    "OSMD, floor": lambda n_arms, horizon, runs: _osmd(n_arms, horizon, runs, floor=0.01),
    "OSMD, scale-free": lambda n_arms, horizon, runs: Osmd(n_arms, runs=runs),
    "Exp3.S": lambda n_arms, horizon, runs: bandits.exp3_s(n_arms, horizon, 5, runs=runs),
    "UCB": lambda n_arms, horizon, runs: bandits.ucb1(n_arms, runs=runs),
    "discounted UCB": lambda n_arms, horizon, runs: bandits.discounted_ucb(n_arms, horizon, runs=runs),
    "Thompson sampling": lambda n_arms, horizon, runs: bandits.thompson(n_arms, runs=runs),
    "discounted Thompson": lambda n_arms, horizon, runs: bandits.discounted_thompson(n_arms, runs=runs),
}
ONE_RUN = "OSMD, one run"  # without the vectorisation over runs: the cost of the machinery in a single run


def main(words: Sequence[str] | None = None) -> int:
    """Measure as the options ask, those of the process by default; returns the exit status."""
    return run("bandits", words, BanditSettings(), BanditPlace(), _measure)


def _installed(name: str, folder: Path) -> Path | str:
    """Make an environment of `ENVIRONMENTS` in a folder, once; returns its interpreter, or why there is none."""
    home, wanted = folder / name, "\n".join(ENVIRONMENTS[name])
    python, marker = home / ("Scripts" if os.name == "nt" else "bin") / "python", home / "installed.txt"
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return python
    print(f"installing {', '.join(ENVIRONMENTS[name])} ...", file=sys.stderr, flush=True)
    # Wheels only for the large ones: building an old SciPy takes an hour and then fails.
    pip = ["-m", "pip", "install", "--quiet", "--only-binary", "numpy,scipy,scikit-learn", *ENVIRONMENTS[name]]
    for command in ([sys.executable, "-m", "venv", str(home)], [str(python), *pip]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return f"could not be installed: {_last_line(done.stderr) or _last_line(done.stdout)}"
    marker.write_text(wanted, encoding="utf-8")
    return python


def _measure(settings: BanditSettings, place: BanditPlace) -> None:
    """Measure everything, write the files, print the table."""
    report = Report("bandits", settings, place.output)
    pythons: dict[str, Path | str] = dict.fromkeys(ENVIRONMENTS, "no environment: give --rivals")
    if place.rivals is not None:
        pythons = {name: _installed(name, place.rivals) for name in ENVIRONMENTS}
    with one_core() as pinned:
        results = {"pinned": pinned, **_beside_rivals(settings, pythons), **_growing(settings)}
    where = "one core" if pinned else "cores that could not be chosen"
    note = f"Medians of {settings.repetitions} interleaved repetitions on {where}, least and most in brackets."
    report.write(results, _text(settings, results), note, _figure(settings, results), to="table.md")


def _beside_rivals(settings: BanditSettings, pythons: Mapping[str, Path | str]) -> dict[str, Any]:
    """Rounds per second of every candidate, ratios, why the others are absent, and versions by environment."""
    rewards = draw_rewards(settings.arms, settings.runs, settings.horizon, settings.seed)
    rounds: dict[str, list[float]] = {name: [] for name in (*OURS, ONE_RUN, *RIVALS)}
    absent: dict[str, str] = {}
    versions: dict[str, dict[str, str]] = {}
    for _, name in interleaved(list(rounds), settings.repetitions):
        try:
            if name not in RIVALS:
                rounds[name].append(_our_speed(name, settings, rewards))
            elif name not in absent:
                environment, rival = RIVALS[name]
                speed, found = _rival_speed(rival, pythons[environment], settings, float(rewards.sum()))
                rounds[name].append(speed)
                versions.setdefault(environment, {}).update(found)
        except _Absent as reason:
            absent[name] = str(reason)
            print(f"absent: {name}: {reason}", file=sys.stderr)
    speeds = {name: Spread(tuple(values)) for name, values in rounds.items() if name not in absent}
    ratios = {
        ours: {rival: combined(operator.truediv, speeds[ours], speeds[rival]) for rival in speeds if rival in RIVALS}
        for ours in speeds
        if ours not in RIVALS
    }
    return {"versions": versions, "absent": absent, "rounds_per_second": speeds, "ratios": ratios}


class _Absent(Exception):
    """Why a rival cannot be measured."""


def _our_speed(name: str, settings: BanditSettings, rewards: np.ndarray) -> float:
    single = name == ONE_RUN
    make = OURS["OSMD" if single else name]
    rng = np.random.default_rng(settings.seed)

    def begin(game: int) -> tuple[Play, Sequence[Any]]:
        bandit = make(settings.arms, settings.horizon, None if single else settings.runs)
        rows: Any = rewards[:, game % settings.runs] if single else rewards
        first = 0 if single else np.arange(settings.runs)[:, None] * settings.arms

        def play(rows: Sequence[Any]) -> None:
            for row in rows:
                selection = bandit.select(1, rng)
                bandit.update(selection, row.ravel()[first + selection.arms])

        return play, rows

    rounds, seconds = time_rounds(begin, settings.seconds)
    return rounds * (1 if single else settings.runs) / seconds


def _rival_speed(
    rival: str, python: Path | str, settings: BanditSettings, rewards: float
) -> tuple[float, dict[str, str]]:
    """Rounds per second, and the versions in the rival's environment."""
    if isinstance(python, str):
        raise _Absent(python)
    command = [str(python), str(Path(__file__).with_name("rivals.py")), rival, json.dumps(asdict(settings))]
    environment, limit = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONWARNINGS": "ignore"}, settings.seconds
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300 + 10 * limit)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _Absent(f"{type(error).__name__} while it was measured") from None
    if done.returncode:
        raise _Absent(_last_line(done.stderr) or f"exit status {done.returncode}")
    try:
        answer = json.loads(_last_line(done.stdout))
        speed, found = answer["rounds"] / answer["seconds"], {"python": answer["python"], **answer["versions"]}
        same = answer["rewards"] == rewards
    except (ValueError, KeyError, TypeError):
        raise _Absent(f"no line of JSON came back but {_last_line(done.stdout)[:80]!r}") from None
    if not same:
        raise _Absent("it did not draw the same rewards")
    return speed, found


def _growing(settings: BanditSettings) -> dict[str, Any]:
    """Milliseconds of a round at every power of ten, for one play and for many, and the exponents of their growth."""
    sizes = [10**power for power in range(1, int(math.log10(settings.largest) + 1e-9) + 1)]
    cells = [(n, plays) for n in sizes for plays in dict.fromkeys((1, max(1, min(MOST_PLAYS, n // 4))))]
    games = {cell: _timed_game(*cell, settings.seed) for cell in cells}
    for game in games.values():
        game(0.1 * settings.seconds)
    times: dict[tuple[int, int], list[tuple[float, float]]] = {cell: [] for cell in cells}
    for _, cell in interleaved(cells, settings.repetitions):
        times[cell].append(games[cell](0.3 * settings.seconds))
    scaling: list[dict[str, Any]] = []
    for (n_arms, plays), measured in times.items():
        select, update = (Spread(each) for each in zip(*measured, strict=True))
        both = {"select": select, "update": update, "round": combined(operator.add, select, update)}
        scaling.append({"arms": n_arms, "plays": plays, **both})
    growth = []
    for many in (False, True):
        for before, after in pairwise(_series(scaling, many)):
            power = partial(_power, after["arms"] / before["arms"])
            powers = {part: combined(power, before[part], after[part]) for part in ("select", "update", "round")}
            growth.append({"from": before["arms"], "to": after["arms"], "many plays": many, **powers})
    return {"scaling": scaling, "growth": growth}


def _timed_game(n_arms: int, plays: int, seed: int, least: int = 3) -> Callable[[float], tuple[float, float]]:
    """One run of OSMD with its defaults, which plays on at every call: milliseconds per select and per update."""
    bandit, rng = Osmd(n_arms, plays=plays), np.random.default_rng(seed)
    means = np.linspace(0.1, 0.9, n_arms)

    def game(seconds: float) -> tuple[float, float]:
        selecting = updating = 0.0
        rounds = 0
        while rounds < least or selecting + updating < seconds:
            start = time.perf_counter()
            selection = bandit.select(plays, rng)
            selecting += time.perf_counter() - start
            values = (rng.random(plays) < means[selection.arms]).astype(np.float64)
            start = time.perf_counter()
            bandit.update(selection, values)
            updating += time.perf_counter() - start
            rounds += 1
        return 1000 * selecting / rounds, 1000 * updating / rounds

    return game


def _power(apart: float, before: float, after: float) -> float:
    """The power of a ratio of sizes that a time rises with."""
    return math.log(after / before) / math.log(apart)


def _series(scaling: Sequence[Mapping[str, Any]], many: bool) -> list[Mapping[str, Any]]:
    """The rows with one play, or with the most plays, of each number of arms."""
    return [row for row in scaling if (row["plays"] > 1) == many]


def _text(settings: BanditSettings, results: Mapping[str, Any]) -> str:
    speeds, scaling, largest = results["rounds_per_second"], results["scaling"], results["scaling"][-1]
    bold = {name: name if name in RIVALS else f"**{name}**" for name in speeds}
    fastest = sorted(speeds, key=lambda name: -speeds[name].median)
    beside = [{"bandit": bold[name], "rounds per second": speeds[name]} for name in fastest]
    beside += [{"bandit": name, "rounds per second": f"absent: {why}"} for name, why in results["absent"].items()]
    growth = [
        {"arms": f"{row['from']:,} to {row['to']:,}", "plays": "many" if row["many plays"] else "one"}
        | {part: row[part].text("{:.2f}".format) for part in ("select", "update", "round")}
        for row in results["growth"]
    ]
    arms = [
        {"arms": f"{row['arms']:,}", **{name: row[name] for name in ("plays", "select", "update")}} for row in scaling
    ]
    sections = {
        f"Rounds per second, {settings.arms} arms, {settings.runs} runs": beside,
        "How many times as fast": [{"ours": bold[name], **row} for name, row in results["ratios"].items() if row],
        "Growth: the power of the number of arms that the time rises with": growth,
        "Milliseconds per round of OSMD with its defaults, one run": arms,
    }
    text = [f"## {title}\n\n{table(rows, markdown=True)}" for title, rows in sections.items() if rows]
    for part in ("select", "update") if largest["arms"] >= 1_000_000 else ():
        what = f"{part} at {largest['arms']:,} arms and {largest['plays']} plays, ms"
        text.append(f"- {verdict(what, largest[part].median, AIM_MILLISECONDS)}")
    return "\n\n".join(text)


def _figure(settings: BanditSettings, results: Mapping[str, Any]) -> Any:
    """Bars of rounds per second, and the time per round against the number of arms, all on log scales."""
    figure = new_figure(14, 5.2)
    bars, curves = figure.subplots(1, 2, width_ratios=[1.1, 1])
    speeds = dict(sorted(results["rounds_per_second"].items(), key=lambda item: item[1].median))
    medians, ends = [each.median for each in speeds.values()], [each.ends for each in speeds.values()]
    bars.barh(list(speeds), medians, color=[COLORS[name in RIVALS] for name in speeds], height=0.7)
    bars.hlines(list(speeds), *zip(*ends, strict=True), color="black")
    bars.set(xscale="log", xlim=min(medians) / 4, xlabel="rounds per second (blue: ours, orange: others)")
    bars.set_title(f"{settings.arms} arms, {settings.runs} runs, one core")
    bars.spines[["top", "right"]].set_visible(False)
    series = {
        f"{part}, {f'min({MOST_PLAYS}, arms / 4) plays' if many else '1 play'}": [
            (row["arms"], row[part].median, *row[part].ends) for row in _series(results["scaling"], many)
        ]
        for many in (False, True)
        for part in ("select", "update")
    }
    draw_growth(curves, series, AIM_MILLISECONDS, "at a million arms")
    curves.set(xlabel="arms", title="OSMD, one run")
    return figure


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


if __name__ == "__main__":
    if any(os.environ.get(name) != "1" for name in THREADS):
        # Libraries read these when they are loaded, which has happened by now: once more, with them set.
        again = [sys.executable, "-m", "curriculum_bandits.benchmarks.performance.bandits", *sys.argv[1:]]
        sys.exit(subprocess.run(again, env={**os.environ, **dict.fromkeys(THREADS, "1")}).returncode)
    sys.exit(main())
