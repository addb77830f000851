"""``curriculum-bandits gym``: train an agent on graded tasks under some curricula, and see what each drew.

Every run has a folder of its own with metrics and checkpoints, so an interrupted command goes on where it was. To judge
methods against each other, with intervals and matched budgets, is what ``curriculum-bandits compare`` is for.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from curriculum_bandits import Curriculum, ProblemBank, run
from curriculum_bandits.extras import require_extra
from curriculum_bandits.grammar import find_name
from curriculum_bandits.methods.registry import FILTERS, NamedCurriculum, declared, parse_curriculum

from ..curricula.command import parse_seeds
from ..pictures import save_picture
from .figures import curves_figure, drawn_figure, steps_evaluated
from .learners import LEARNERS

__all__ = ["GymSettings", "add_arguments", "main", "run_gym"]

_EXAMPLES = """\
examples:
  %(prog)s                                                  uniform and OSMD on frozen lakes, one seed
  %(prog)s --learner minigrid-rooms --methods uniform sec plr --seeds 0..4
  %(prog)s --methods 'sec(temperature=0.2)+dapo' my_module:my_curriculum       the latter called as (bank, seed=seed)
  %(prog)s --list                                           all learners and methods

The same command goes on where it was interrupted; with more --steps the runs go further, but for methods
that plan their steps ahead, such as e2h.
"""

Rows = list[dict[str, float]]


@dataclass(frozen=True)
class GymSettings:
    """What is trained; None takes what the learner is meant for.

    Attributes:
        learner: Name in `learners.LEARNERS`.
        methods: Names with settings and a filter, or import paths ``package.module:function``.
        seeds: Of tasks, learners and curricula.
        problems: Tasks in a bank.
        steps: Updates of the agent.
        batch: Tasks per step.
        evaluate_every: Steps between evaluations.
    """

    learner: str = "frozen-lake"
    methods: tuple[str, ...] = ("uniform", "osmd")
    seeds: tuple[int, ...] = (0,)
    problems: int | None = None
    steps: int | None = None
    batch: int | None = None
    evaluate_every: int = 10

    def __post_init__(self) -> None:
        """Fill in what the learner is meant for, and refuse what cannot work."""
        object.__setattr__(self, "learner", find_name("learner", self.learner, LEARNERS))
        object.__setattr__(self, "methods", tuple(_named(method).label for method in self.methods))
        for name in ("problems", "steps", "batch"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, getattr(LEARNERS[self.learner], name))
        for name in ("problems", "steps", "batch", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.size("batch") > self.size("problems"):
            raise ValueError(f"batch is {self.batch}, but a bank has {self.problems} tasks; ask for no more")
        for name in ("methods", "seeds"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} are {list(values)}; give at least one, and each once")

    def size(self, name: str) -> int:
        """A number that has been filled in.

        Args:
            name: ``problems``, ``steps`` or ``batch``.

        Returns:
            The number.
        """
        return int(getattr(self, name))

    def words(self) -> list[str]:
        """The command that trains this, but for where it is written."""
        words = ["curriculum-bandits", "gym", "--learner", self.learner, "--methods", *self.methods]
        words += ["--seeds", *map(str, self.seeds), "--problems", str(self.problems), "--steps", str(self.steps)]
        return [*words, "--batch", str(self.batch), "--evaluate-every", str(self.evaluate_every)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Args:
        parser: The parser of the subcommand.
    """
    defaults = GymSettings()
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    what = parser.add_argument_group("what is trained")
    what.add_argument(
        "--learner", default=defaults.learner, metavar="NAME", help=f"see --list (default: {defaults.learner})"
    )
    what.add_argument(
        "--methods",
        nargs="+",
        metavar="METHOD",
        default=defaults.methods,
        help="names (see --list), with settings and a filter as in 'sec(temperature=0.2)+dapo', or import paths of "
        f"your own (default: {' '.join(defaults.methods)})",
    )
    what.add_argument("--list", action="store_true", help="list learners and methods; then end")
    size = parser.add_argument_group("how much (by default what the learner is meant for: at most 200,000 steps)")
    for name, text in (("problems", "tasks in a bank"), ("steps", "updates of the agent"), ("batch", "tasks per step")):
        size.add_argument(f"--{name}", type=int, metavar="N", help=text)
    size.add_argument(
        "--evaluate-every",
        type=int,
        metavar="N",
        default=defaults.evaluate_every,
        help=f"steps between evaluations (default: {defaults.evaluate_every})",
    )
    size.add_argument(
        "--seeds", nargs="+", metavar="SEED", default=["0"], help="numbers, or ranges such as 0..4 (default: 0)"
    )
    where = parser.add_argument_group("what is written")
    where.add_argument("--output", type=Path, default=Path("runs/gym"), help="folder (default: runs/gym)")


def main(arguments: argparse.Namespace) -> None:
    """Train as the command line asks.

    Args:
        arguments: Parsed options.
    """
    if arguments.list:
        print(_listing())
        return
    try:
        settings = GymSettings(
            learner=arguments.learner,
            methods=tuple(arguments.methods),
            seeds=parse_seeds(arguments.seeds),
            problems=arguments.problems,
            steps=arguments.steps,
            batch=arguments.batch,
            evaluate_every=arguments.evaluate_every,
        )
        run_gym(settings, output=arguments.output)
    except (ValueError, TypeError, OSError) as error:
        raise SystemExit(f"curriculum-bandits gym: {' '.join(str(error).split())}") from None


def run_gym(settings: GymSettings, *, output: Path, progress: bool = True) -> dict[str, list[Rows]]:
    """Train under every method with every seed, then draw what happened.

    Args:
        settings: What to train.
        output: Folder; its subfolder of the learner gets a folder per run, ``curves.png``, ``drawn.png``,
            ``summary.txt`` and ``summary.json``.
        progress: Show progress bars, and print the table at the end.

    Returns:
        Rows of metrics of every run, as `curriculum_bandits.run` returns them: by method, in the order of the seeds.

    Raises:
        ValueError: If the folder holds runs with other settings, or of another length under a method that plans its
            steps ahead, or a method cannot work with the tasks.
        OSError: If the folder cannot be written to.
        ModuleNotFoundError: If something optional is missing; the message gives the pip command.
    """
    for module, extra in (("matplotlib", "plot"), ("gymnasium", "gym"), ("torch", "neural")):
        require_extra(module, extra)  # now, not after minutes of training
    if output.exists() and not output.is_dir():
        raise ValueError(f"output is {str(output)!r}, which is a file; give a folder")
    folder = output / settings.learner
    _claim(folder, settings)
    begin = time.perf_counter()
    rows: dict[str, list[Rows]] = {method: [] for method in settings.methods}
    bank: ProblemBank | None = None
    for seed in settings.seeds:
        for method in settings.methods:
            learner = LEARNERS[settings.learner].make(settings.size("problems"), seed)
            bank = learner.bank
            of_run = run(
                _made(method, bank, seed, settings.size("steps")),
                learner,
                settings.size("steps"),
                settings.size("batch"),
                evaluate_every=settings.evaluate_every,
                filter=_named(method).filter(),
                directory=_run_folder(folder, method, seed),
                progress=progress,
            )
            rows[method].append([row for row in of_run if row["step"] <= settings.size("steps")])
    assert bank is not None
    about = {
        "settings": asdict(settings),
        "command": shlex.join(settings.words()),
        "seconds": round(time.perf_counter() - begin, 1),
        "cores": os.cpu_count(),
    }
    _write(folder, settings, rows, bank, about)
    if progress:
        print((folder / "summary.txt").read_text(encoding="utf-8"), end="")
        print(f"runs and figures: {folder}")
    return rows


def _named(method: str) -> NamedCurriculum:
    return parse_curriculum(method, given=["steps"])


def _made(method: str, bank: ProblemBank, seed: int, steps: int) -> Curriculum:
    try:
        curriculum = _named(method).make(bank, seed, steps=steps)  # schedules need to know how long they last
    except (ValueError, TypeError) as error:
        raise ValueError(f"the method {method} cannot be made for these tasks: {error}") from error
    if not isinstance(curriculum, Curriculum):
        raise ValueError(
            f"the method {method} returned a {type(curriculum).__name__}; return a Curriculum from (bank, seed)"
        )
    return curriculum


def _run_folder(folder: Path, method: str, seed: int) -> Path:
    return folder / f"{re.sub(r'[^A-Za-z0-9_.=+-]+', '-', method.replace(':', '.')).strip('-')}-{seed}"


def _claim(folder: Path, settings: GymSettings) -> None:
    """A folder's runs have the same tasks and evaluations, or its pictures would mix what cannot be compared."""
    mine = {name: getattr(settings, name) for name in ("learner", "problems", "batch", "evaluate_every")}
    path = folder / "settings.json"
    if path.exists():
        theirs = json.loads(path.read_text(encoding="utf-8"))
        odd = {name: value for name, value in theirs.items() if mine.get(name) != value}
        if odd:
            asked = {name: mine.get(name) for name in odd}
            raise ValueError(f"{folder} holds runs with {odd}, not {asked}; use those, or another --output")
        return
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(mine), encoding="utf-8")


def _write(
    folder: Path, settings: GymSettings, rows: dict[str, list[Rows]], bank: ProblemBank, about: dict[str, Any]
) -> None:
    # A run that was once shorter or longer was evaluated at other steps too: compare where all were.
    end = int(max(steps_evaluated(rows)))
    last = {
        method: [next(row for row in of_run if row["step"] == end) for of_run in runs] for method, runs in rows.items()
    }
    table = {
        method: {
            "accuracy": _mean([row["accuracy"] for row in ends]),
            "episodes": _mean([row["rollouts"] for row in ends]),
            "environment_steps": _mean([row["environment_steps"] for row in ends]),
            "curriculum_share": _mean([_curriculum_share(of_run) for of_run in rows[method]]),
        }
        for method, ends in last.items()
    }
    most = max(row["environment_steps"] for ends in last.values() for row in ends)
    seeds = " ".join(map(str, settings.seeds))
    which = "" if end == settings.steps else f" (of {settings.steps} asked for, the last that every run evaluated)"
    note = (
        f"{settings.problems} tasks, {end} steps{which} of {settings.batch} tasks, "
        f"{last[settings.methods[0]][0]['rollouts']:,.0f} episodes and at most {most:,.0f} environment steps a run; "
        f"seeds {seeds}\n{about['command']}"
    )
    lines = [f"{'method':<24} {'accuracy':>9} {'episodes':>9} {'env steps':>10} {'ask+tell':>9}"]
    lines += [
        f"{method:<24} {one['accuracy']:9.3f} {one['episodes']:9,.0f} {one['environment_steps']:10,.0f} "
        f"{one['curriculum_share']:9.1%}"
        for method, one in table.items()
    ]
    lines += ["accuracy: mean success on held-out tasks at the end; ask+tell: share of the time of a step", note, ""]
    (folder / "summary.txt").write_text("\n".join(lines), encoding="utf-8")
    (folder / "summary.json").write_text(json.dumps({**about, "table": table}, indent=1) + "\n", encoding="utf-8")
    title = f"{settings.learner}, {len(settings.seeds)} seed{'s' * (len(settings.seeds) > 1)}"
    save_picture(curves_figure(rows, title, note), folder / "curves.png")
    save_picture(drawn_figure(rows, bank.group_names, title, note), folder / "drawn.png")


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _curriculum_share(rows: Rows) -> float:
    seconds = {part: sum(row.get(f"seconds/{part}", 0.0) for row in rows) for part in ("ask", "learn", "tell")}
    return (seconds["ask"] + seconds["tell"]) / max(sum(seconds.values()), 1e-9)


def _listing() -> str:
    width = max(len(name) for name in LEARNERS)
    lines = ["learners"]
    lines += [
        f"  {name:<{width}}  {kind.summary} ({kind.problems} tasks, {kind.steps} steps of {kind.batch})"
        for name, kind in LEARNERS.items()
    ]
    lines += ["", "methods (and your own, as package.module:function)"]
    lines += [f"  {name:<{width}}  {each.title}: {each.summary}" for name, each in declared().items()]
    return "\n".join([*lines, "", f"filters, behind a method and a plus sign: {', '.join(FILTERS)}"])
