"""How fast bandits play: rounds per second beside other libraries, and time per round as the arms become a million.

Every repetition measures every candidate, in alternating order and on one core, so that a noisy machine disturbs all
alike; ratios are taken within a repetition. Rivals run in environments of their own. Run as
``python -m curriculum_bandits.benchmarks.regret.speed``.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from curriculum_bandits import bandits
from curriculum_bandits.bandits import Bandit, Osmd
from curriculum_bandits.bounds import exp3_step
from curriculum_bandits.extras import require_extra
from curriculum_bandits.plotting import COLORS, new_figure

from ..pictures import save_picture
from ..provenance import cpu_model
from .rival_speed import Play, draw_rewards, time_rounds

__all__ = [
    "OURS",
    "RIVALS",
    "Rival",
    "SpeedSettings",
    "add_arguments",
    "install_rivals",
    "main",
    "run_speed",
    "speed_figure",
    "speed_tables",
]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
AIM_MILLISECONDS = 50.0  # for select and for update each, a million arms and 256 plays
MOST_PLAYS = 256


@dataclass(frozen=True)
class SpeedSettings:
    """What is measured; two runs with equal settings do the same work.

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
        for name, least in (("repetitions", 1), ("arms", 2), ("runs", 1), ("horizon", 1), ("largest", 10)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {least}")
        if not self.seconds > 0.0:
            raise ValueError(f"seconds is {self.seconds}; it must be positive")


@dataclass(frozen=True)
class Rival:
    """A bandit of another library.

    Attributes:
        environment: Which of the environments has it, by its name in `ENVIRONMENTS`.
        candidate: Its name in `rival_speed`.
    """

    environment: str
    candidate: str


#: What each environment is made of. SMPyBandits uses names that SciPy 1.14 and numpy 2 no longer have.
ENVIRONMENTS = {
    "river": ("river==0.26.1", "mabwiser==2.7.4"),
    "smpybandits": ("SMPyBandits==0.9.7", "numpy<1.27", "scipy<1.12"),
}

#: Every rival by the name it has in the tables.
RIVALS = {
    "river Exp3": Rival("river", "river-exp3"),
    "MABWiser UCB1": Rival("river", "mabwiser-ucb1"),
    "SMPyBandits Exp3": Rival("smpybandits", "smpybandits-exp3"),
    "SMPyBandits UCB": Rival("smpybandits", "smpybandits-ucb"),
    "SMPyBandits discounted UCB": Rival("smpybandits", "smpybandits-discounted-ucb"),
}

Make = Callable[[int, int, int | None], Bandit]


def _osmd(n_arms: int, horizon: int, runs: int | None, floor: float = 0.0) -> Bandit:
    step = exp3_step(horizon, n_arms)
    return Osmd(n_arms, runs=runs, floor=floor, share=1e-3, step=step, utility_range=(0.0, 1.0))


#: Our bandits by the name they have in the tables: functions of arms, horizon and runs.
OURS: dict[str, Make] = {
    "OSMD": _osmd,
    "OSMD, floor": lambda n_arms, horizon, runs: _osmd(n_arms, horizon, runs, floor=0.01),
    "OSMD, scale-free": lambda n_arms, horizon, runs: Osmd(n_arms, runs=runs),
    "Exp3.S": lambda n_arms, horizon, runs: bandits.exp3_s(n_arms, horizon, 5, runs=runs),
    "UCB": lambda n_arms, horizon, runs: bandits.ucb1(n_arms, runs=runs),
    "discounted UCB": lambda n_arms, horizon, runs: bandits.discounted_ucb(n_arms, horizon, runs=runs),
    "Thompson sampling": lambda n_arms, horizon, runs: bandits.thompson(n_arms, runs=runs),
    "discounted Thompson": lambda n_arms, horizon, runs: bandits.discounted_thompson(n_arms, runs=runs),
}
ONE_RUN = "OSMD, one run"  # without the vectorisation over runs: what the machinery costs a single run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Args:
        parser: The parser of the command.
    """
    defaults = SpeedSettings()
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    parser.add_argument("--output", type=Path, default=Path("runs/speed"), help="folder for speed.json, .md and .png")
    parser.add_argument("--rivals", type=Path, help="folder of the rivals' environments, made there once with pip")
    for name in ENVIRONMENTS:
        text = f"interpreter of an environment that has {ENVIRONMENTS[name][0]}, instead of making one"
        parser.add_argument(f"--{name}-python", type=Path, help=text)
    parser.add_argument("--repetitions", type=int, default=defaults.repetitions, help="measurements of each candidate")
    parser.add_argument("--seconds", type=float, default=defaults.seconds, help="time per candidate and repetition")
    parser.add_argument("--arms", type=int, default=defaults.arms, help="number of arms beside the rivals")
    parser.add_argument("--runs", type=int, default=defaults.runs, help="independent runs")
    parser.add_argument("--horizon", type=int, default=defaults.horizon, help="rounds of a run")
    parser.add_argument("--largest", type=int, default=defaults.largest, help="largest number of arms of the growth")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="seed of rewards and draws")


def main(arguments: argparse.Namespace) -> None:
    """Measure as the command line asks, print the tables and write the files.

    Args:
        arguments: Parsed options.
    """
    try:
        settings = SpeedSettings(**{name: getattr(arguments, name) for name in asdict(SpeedSettings())})
    except ValueError as error:
        raise SystemExit(f"speed: {error}") from None
    require_extra("matplotlib", "plot")  # now, not after minutes of measuring
    pythons: dict[str, Path | str] = {}
    for name in ENVIRONMENTS:
        given = getattr(arguments, f"{name}_python")
        if given is not None:
            pythons[name] = given if given.exists() else f"the interpreter given by --{name}-python does not exist"
        elif arguments.rivals is not None:
            pythons[name] = install_rivals(name, arguments.rivals)
        else:
            pythons[name] = f"no environment: give --rivals or --{name}-python"
    run_speed(settings, output=arguments.output, pythons=pythons)


def install_rivals(name: str, folder: Path) -> Path | str:
    """Make a rivals' environment, once.

    Args:
        name: Which, by its name in `ENVIRONMENTS`.
        folder: Gets a virtual environment of this name.

    Returns:
        Its interpreter, or why there is none.
    """
    home, wanted = folder / name, "\n".join(ENVIRONMENTS[name])
    python, marker = home / ("Scripts" if os.name == "nt" else "bin") / "python", home / "installed.txt"
    if marker.exists() and marker.read_text(encoding="utf-8") == wanted:
        return python
    _say(f"installing {', '.join(ENVIRONMENTS[name])}")
    # Wheels only for the large ones: building an old SciPy takes an hour and then fails.
    pip = ["-m", "pip", "install", "--quiet", "--only-binary", "numpy,scipy,scikit-learn", *ENVIRONMENTS[name]]
    for command in ([sys.executable, "-m", "venv", str(home)], [str(python), *pip]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return f"could not be installed: {_last_line(done.stderr) or _last_line(done.stdout)}"
    marker.write_text(wanted, encoding="utf-8")
    return python


def run_speed(
    settings: SpeedSettings, *, output: Path, pythons: Mapping[str, Path | str], progress: bool = True
) -> dict[str, Any]:
    """Measure everything, print the tables, write the files.

    Args:
        settings: What to measure.
        output: Gets ``speed.json``, ``speed.md`` and ``speed.png``.
        pythons: Of each name in `ENVIRONMENTS`, the interpreter, or why there is none.
        progress: Say what is being measured.

    Returns:
        What ``speed.json`` holds.
    """
    with _one_core() as pinned:
        speeds, absent, versions = _rounds_per_second(settings, pythons, progress)
        scaling = _scaling(settings, progress)
    ours = [name for name in speeds if name not in RIVALS]
    document = {
        "date": date.today().isoformat(),
        "settings": asdict(settings),
        "machine": {
            "cpu": cpu_model(),
            "cores": os.cpu_count(),
            "pinned to one core": pinned,
            "threads": {name: os.environ.get(name) for name in THREADS},
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": {
            "ours": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("curriculum-bandits", "numpy", "scipy")},
            },
            **versions,
        },
        "absent": absent,
        "rounds_per_second": [
            {"name": name, "rival": name in RIVALS, **_summary(values)} for name, values in speeds.items()
        ],
        "ratios": [
            {"ours": our, "rival": rival, **_summary([a / b for a, b in zip(speeds[our], speeds[rival], strict=True)])}
            for our in ours
            for rival in speeds
            if rival in RIVALS
        ],
        "scaling": scaling,
        "growth": _growth(scaling),
    }
    output.mkdir(parents=True, exist_ok=True)
    tables = speed_tables(document)
    (output / "speed.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (output / "speed.md").write_text(tables, encoding="utf-8")
    save_picture(speed_figure(document), output / "speed.png")
    print(tables)
    return document


def _rounds_per_second(
    settings: SpeedSettings, pythons: Mapping[str, Path | str], progress: bool
) -> tuple[dict[str, list[float]], dict[str, str], dict[str, dict[str, str]]]:
    """Rounds per second of every candidate by repetition, why the others are absent, and versions by environment."""
    rewards = draw_rewards(settings.arms, settings.runs, settings.horizon, settings.seed)
    speeds: dict[str, list[float]] = {name: [] for name in (*OURS, ONE_RUN, *RIVALS)}
    absent: dict[str, str] = {}
    versions: dict[str, dict[str, str]] = {}
    for repetition in range(settings.repetitions):
        order = list(speeds)
        for name in order[:: 1 if repetition % 2 == 0 else -1]:
            if progress:
                _say(f"repetition {repetition + 1} of {settings.repetitions}: {name}")
            try:
                if name in RIVALS:
                    environment = RIVALS[name].environment
                    speed, found = _rival_speed(RIVALS[name], pythons[environment], settings, float(rewards.sum()))
                    versions[environment] = {**versions.get(environment, {}), **found}
                else:
                    speed = _our_speed(name, settings, rewards)
            except _Absent as reason:
                absent[name] = str(reason)
                del speeds[name]
                _say(f"absent: {name}: {reason}")
            else:
                speeds[name].append(speed)
    return speeds, absent, versions


class _Absent(Exception):
    """Why a rival cannot be measured."""


def _our_speed(name: str, settings: SpeedSettings, rewards: np.ndarray) -> float:
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

    time_rounds(begin, settings.seconds / 5)
    rounds, seconds = time_rounds(begin, settings.seconds)
    return rounds * (1 if single else settings.runs) / seconds


def _rival_speed(
    rival: Rival, python: Path | str, settings: SpeedSettings, rewards: float
) -> tuple[float, dict[str, str]]:
    """Rounds per second, and the versions of what was measured."""
    if isinstance(python, str):
        raise _Absent(python)
    command = [str(python), str(Path(__file__).with_name("rival_speed.py")), rival.candidate]
    for name in ("arms", "runs", "horizon", "seconds", "seed"):
        command += [f"--{name}", str(getattr(settings, name))]
    environment = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=300 + 10 * settings.seconds
        )
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


def _scaling(settings: SpeedSettings, progress: bool) -> list[dict[str, Any]]:
    """Seconds of select and of update at every power of ten, for one play a round and for many."""
    sizes = [10**power for power in range(1, int(math.log10(settings.largest) + 1e-9) + 1)]
    rows: list[dict[str, Any]] = []
    games: list[Callable[[float, int], tuple[float, float]]] = []
    for n_arms in sizes:
        for plays in dict.fromkeys((1, max(1, min(MOST_PLAYS, n_arms // 4)))):
            rows.append({"arms": n_arms, "plays": plays, "select_seconds": [], "update_seconds": []})
            games.append(_timed_game(n_arms, plays, settings.seed))
    for game in games:
        game(0.1 * settings.seconds, 3)
    for repetition in range(settings.repetitions):
        if progress:
            _say(f"repetition {repetition + 1} of {settings.repetitions}: up to {settings.largest:,} arms")
        for row, game in list(zip(rows, games, strict=True))[:: 1 if repetition % 2 == 0 else -1]:
            select, update = game(0.3 * settings.seconds, 3)
            row["select_seconds"].append(select)
            row["update_seconds"].append(update)
    return [
        {
            "arms": row["arms"],
            "plays": row["plays"],
            **{part: _summary(row[f"{part}_seconds"]) for part in ("select", "update")},
            "round": _summary([a + b for a, b in zip(row["select_seconds"], row["update_seconds"], strict=True)]),
        }
        for row in rows
    ]


def _timed_game(n_arms: int, plays: int, seed: int) -> Callable[[float, int], tuple[float, float]]:
    """One run of OSMD with its defaults, which plays on at every call: seconds per select and per update."""
    bandit, rng = Osmd(n_arms, plays=plays), np.random.default_rng(seed)
    means = np.linspace(0.1, 0.9, n_arms)

    def game(seconds: float, least: int) -> tuple[float, float]:
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
        return selecting / rounds, updating / rounds

    return game


def _growth(scaling: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Exponents of the time of a round from one number of arms to the next: log of times over log of arms."""
    rows = []
    for many in (False, True):
        series = list(_series(scaling, many))
        for before, after in pairwise(series):
            apart = math.log(after["arms"] / before["arms"])
            entry: dict[str, Any] = {"from": before["arms"], "to": after["arms"], "many plays": many}
            for part in ("select", "update", "round"):
                pairs = zip(before[part]["repetitions"], after[part]["repetitions"], strict=True)
                entry[part] = _summary([math.log(b / a) / apart for a, b in pairs])
            rows.append(entry)
    return rows


def _series(scaling: Sequence[Mapping[str, Any]], many: bool) -> Iterator[Mapping[str, Any]]:
    """The rows with one play, or with the most plays, of each number of arms."""
    return (row for row in scaling if (row["plays"] > 1) == many)


def _summary(values: Sequence[float]) -> dict[str, Any]:
    return {
        "repetitions": list(values),
        "median": float(np.median(values)),
        "least": min(values),
        "most": max(values),
    }


def speed_tables(document: Mapping[str, Any]) -> str:
    """What was measured as Markdown tables: median (least to most).

    Args:
        document: What `run_speed` returned.

    Returns:
        Markdown.
    """
    settings, machine, speeds = document["settings"], document["machine"], document["rounds_per_second"]
    pinned = "pinned to one of" if machine["pinned to one core"] else "not pinned, on"
    lines = [
        "# Speed",
        "",
        f"{document['date']}, {machine['cpu']}, {pinned} {machine['cores']} cores, {machine['system']}. "
        f"Medians of {settings['repetitions']} interleaved repetitions, least and most in brackets.",
        "",
        f"## Rounds per second, {settings['arms']} arms, {settings['runs']} runs",
        "",
        "| | rounds per second |",
        "|---|---:|",
    ]
    # Rivals and ours in one order: the fastest first.
    for row in sorted(speeds, key=lambda row: -row["median"]):
        lines.append(f"| {row['name'] if row['rival'] else '**' + row['name'] + '**'} | {_cell(row, _rate)} |")
    for name, reason in document["absent"].items():
        lines.append(f"| {name} | absent: {reason.replace('|', '/')} |")
    rivals = [row["name"] for row in speeds if row["rival"]]
    if rivals:
        ratios = {(row["ours"], row["rival"]): row for row in document["ratios"]}
        lines += ["", "## How many times as fast", ""]
        lines += ["| | " + " | ".join(rivals) + " |", "|---|" + "---:|" * len(rivals)]
        for row in speeds:
            if not row["rival"]:
                cells = (_cell(ratios[row["name"], rival], lambda ratio: f"{ratio:,.3g}") for rival in rivals)
                lines.append(f"| **{row['name']}** | " + " | ".join(cells) + " |")
    lines += ["", "## Milliseconds per round of OSMD with its defaults, one run", ""]
    lines += ["| arms | plays | select | update |", "|---:|---:|---:|---:|"]
    for row in document["scaling"]:
        cells = (_cell(row[part], _milliseconds) for part in ("select", "update"))
        lines.append(f"| {row['arms']:,} | {row['plays']} | " + " | ".join(cells) + " |")
    largest = document["scaling"][-1]
    if largest["arms"] >= 1_000_000:
        met = [1000 * largest[part]["median"] <= AIM_MILLISECONDS for part in ("select", "update")]
        lines += [
            "",
            f"The aim at {largest['arms']:,} arms and {largest['plays']} plays is {AIM_MILLISECONDS:.0f} ms each: "
            f"select {'meets' if met[0] else 'MISSES'} it, update {'meets' if met[1] else 'MISSES'} it.",
        ]
    lines += ["", "## Growth: the power of the number of arms that the time rises with", ""]
    lines += ["| arms | plays | select | update | round |", "|---|---|---:|---:|---:|"]
    for row in document["growth"]:
        cells = (_cell(row[part], lambda power: f"{power:.2f}") for part in ("select", "update", "round"))
        plays = "many" if row["many plays"] else "one"
        lines.append(f"| {row['from']:,} to {row['to']:,} | {plays} | " + " | ".join(cells) + " |")
    lines += ["", "## Versions", "", "| environment | |", "|---|---|"]
    for name, versions in document["versions"].items():
        lines.append(f"| {name} | " + ", ".join(f"{part} {number}" for part, number in versions.items()) + " |")
    return "\n".join(lines) + "\n"


def speed_figure(document: Mapping[str, Any]) -> Any:
    """Bars of rounds per second beside the time per round against the number of arms, all on log scales.

    Args:
        document: What `run_speed` returned.

    Returns:
        A matplotlib figure.
    """
    figure = new_figure(14, 5.2)
    bars, curves = figure.subplots(1, 2, width_ratios=[1.1, 1])
    rows = sorted(document["rounds_per_second"], key=lambda row: row["median"])
    medians = np.array([row["median"] for row in rows])
    spread = [[row["median"] - row["least"] for row in rows], [row["most"] - row["median"] for row in rows]]
    colors = [COLORS[1] if row["rival"] else COLORS[0] for row in rows]
    bars.barh(range(len(rows)), medians, xerr=spread, color=colors, height=0.7, error_kw={"capsize": 3})
    for place, row in enumerate(rows):
        bars.annotate(
            _rate(row["median"]), (row["most"], place), xytext=(7, 0), textcoords="offset points", va="center"
        )
    bars.set_yticks(range(len(rows)), [row["name"] for row in rows])
    bars.set_xscale("log")
    bars.set_xlim(10 ** math.floor(math.log10(medians.min() / 2)), 5 * max(row["most"] for row in rows))
    settings = document["settings"]
    bars.set(
        xlabel="rounds per second (blue: ours, orange: others)",
        title=f"{settings['arms']} arms, {settings['runs']} runs, one core",
    )
    for part, many in ((part, many) for many in (False, True) for part in ("select", "update")):
        series = list(_series(document["scaling"], many))
        x, y = [row["arms"] for row in series], [1000 * row[part]["median"] for row in series]
        below = [1000 * (row[part]["median"] - row[part]["least"]) for row in series]
        above = [1000 * (row[part]["most"] - row[part]["median"]) for row in series]
        label = f"{part}, {f'min({MOST_PLAYS}, arms / 4) plays' if many else '1 play'}"
        color, style = COLORS[3 if many else 2], "-" if part == "update" else "--"
        curves.errorbar(x, y, yerr=[below, above], label=label, color=color, capsize=3, linestyle=style)
    arms = [row["arms"] for row in document["scaling"]]
    if max(arms) >= 1_000_000:
        curves.axhline(AIM_MILLISECONDS, color="#888888", linewidth=1, linestyle=":")
        curves.annotate(
            f"aim at a million arms: {AIM_MILLISECONDS:.0f} ms",
            (min(arms), AIM_MILLISECONDS),
            xytext=(0, -4),
            textcoords="offset points",
            va="top",
            color="#555555",
        )
    curves.set(xscale="log", yscale="log", xlabel="arms", ylabel="milliseconds", title="OSMD, one run")
    curves.legend(frameon=False, loc="upper left", bbox_to_anchor=(0.0, 0.86))
    for axes in (bars, curves):
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def _cell(summary: Mapping[str, Any], text: Callable[[float], str]) -> str:
    return f"{text(summary['median'])} ({text(summary['least'])} to {text(summary['most'])})"


def _rate(value: float) -> str:
    return f"{float(f'{value:.3g}'):,.0f}"


def _milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.3g}"


@contextlib.contextmanager
def _one_core() -> Iterator[bool]:
    """Keep this process, and those it starts, on one core; says whether the system can do that."""
    if not hasattr(os, "sched_setaffinity"):
        yield False
        return
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(allowed)})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, allowed)


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _say(text: str) -> None:
    print(f"{text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    command = argparse.ArgumentParser(prog="speed", description=__doc__.splitlines()[0] if __doc__ else None)
    add_arguments(command)
    options = command.parse_args()
    if any(os.environ.get(name) != "1" for name in THREADS):
        # Libraries read these when they are loaded, which has happened by now: once more, with them set.
        again = [sys.executable, "-m", "curriculum_bandits.benchmarks.regret.speed", *sys.argv[1:]]
        sys.exit(subprocess.run(again, env={**os.environ, **dict.fromkeys(THREADS, "1")}).returncode)
    main(options)
