"""``curriculum-bandits compare``: curricula on simulated students, with the same problems, seeds and rollouts for all.

The command plays the runs that are not stored yet, and makes tables and figures of all it names. The same command goes
on where it was interrupted; one with more methods, seeds or students does only what is new.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from curriculum_bandits.extras import require_extra

from .caption import caption, machine, note
from .contenders import BASELINE, CONTENDERS, HEADLINE, ORACLE
from .curators import SIGNALS, SWITCHES
from .figures import curves_figure, drawn_figure
from .play import Result, Run, code_digest, plan
from .report import Comparison, csv_table, json_document, text_table
from .store import Store
from .students import STUDENTS
from .workers import finished

__all__ = ["CompareSettings", "add_arguments", "main", "parse_seeds", "run_compare"]

_EXAMPLES = """\
examples:
  %(prog)s                                          the defaults: one student, all methods, 20 seeds
  %(prog)s --students all --problems 100000 --methods osmd-groups greedy-oracle
  %(prog)s --seeds 0..4 7 --steps 1000 --batch 128 --evaluate-every 20

The same command goes on where it was interrupted. Numbers depend on seeds and settings, never on
--jobs; only the seconds do.
"""


@dataclass(frozen=True)
class CompareSettings:
    """What makes one comparison; where and how fast it is done belongs to `run_compare`.

    Attributes:
        students: Names in `students.STUDENTS`.
        methods: Names in `contenders.CONTENDERS`, uniform among them.
        problems: Size of every bank.
        seeds: Of banks, students and curricula.
        steps: Updates of a student.
        batch: Problems per step.
        evaluate_every: Steps between evaluations.
    """

    students: tuple[str, ...] = ("half-hopeless-skill",)
    methods: tuple[str, ...] = HEADLINE
    problems: int = 10_000
    seeds: tuple[int, ...] = tuple(range(20))
    steps: int = 300
    batch: int = 256
    evaluate_every: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for name in ("problems", "steps", "batch", "evaluate_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.batch > self.problems:
            raise ValueError(f"batch is {self.batch}, but a bank has {self.problems} problems; ask for no more")
        for name, known in (("students", STUDENTS), ("methods", CONTENDERS)):
            for word in getattr(self, name):
                if word not in known:
                    raise ValueError(f"{word!r} is none of the {name}; choose from {', '.join(known)}")
        for seed in self.seeds:
            if seed < 0:
                raise ValueError(f"one of seeds is {seed}; it must be at least 0")
        for name in ("students", "methods", "seeds"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} are {list(values)}; give at least one, and each once")
        if BASELINE not in self.methods:
            raise ValueError(f"methods are {list(self.methods)}; all is measured against {BASELINE}, add it")

    def words(self) -> list[str]:
        """The command that makes this comparison, but for where it is done."""
        words = ["curriculum-bandits", "compare", "--students", *self.students, "--problems", str(self.problems)]
        words += ["--methods", *self.methods, "--seeds", *_seed_words(self.seeds), "--steps", str(self.steps)]
        return [*words, "--batch", str(self.batch), "--evaluate-every", str(self.evaluate_every)]


def parse_seeds(words: Sequence[str]) -> tuple[int, ...]:
    """Seeds as they are written on the command line.

    Args:
        words: Numbers, and ranges of which both ends count.

    Returns:
        The seeds in the order given.

    Raises:
        ValueError: If a word is neither.

    >>> parse_seeds(["0..3", "7"])
    (0, 1, 2, 3, 7)
    """
    seeds: list[int] = []
    for word in words:
        match = re.fullmatch(r"(\d+)(?:\.\.(\d+))?", word)
        if match is None or (match[2] is not None and int(match[2]) < int(match[1])):
            raise ValueError(f"{word!r} is no seed; give a number such as 3, or a range such as 0..19")
        seeds += range(int(match[1]), int(match[2] or match[1]) + 1)
    return tuple(seeds)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the comparison.

    Args:
        parser: The parser of the subcommand.
    """
    defaults = CompareSettings()
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    what = parser.add_argument_group("what is compared")
    what.add_argument(
        "--students",
        nargs="+",
        metavar="STUDENT",
        default=defaults.students,
        help=f"names (see --list), or all (default: {' '.join(defaults.students)})",
    )
    what.add_argument(
        "--methods",
        nargs="+",
        metavar="METHOD",
        default=("headline",),
        help=f"names (see --list), headline, switches or signals (of the neural curator), or all; {BASELINE} is always "
        "among them (default: headline)",
    )
    what.add_argument("--list", action="store_true", help="list students and methods; then end")
    size = parser.add_argument_group("how much")
    for name, text in (
        ("problems", "size of every bank"),
        ("steps", "updates of a student"),
        ("batch", "problems per step"),
        ("evaluate-every", "steps between evaluations"),
    ):
        default = getattr(defaults, name.replace("-", "_"))
        size.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"{text} (default: {default})")
    size.add_argument(
        "--seeds",
        nargs="+",
        metavar="SEED",
        default=_seed_words(defaults.seeds),
        help="numbers or ranges; equal seeds are equal banks and students for all methods (default: 0..19)",
    )
    how = parser.add_argument_group("where it runs, what is written")
    how.add_argument("--jobs", type=int, default=-1, metavar="N", help="worker processes (default: all cores)")
    how.add_argument("--output", type=Path, default=Path("runs/compare"), help="folder (default: runs/compare)")
    how.add_argument("--force", action="store_true", help="play again what is stored")


def main(arguments: argparse.Namespace) -> None:
    """Compare as the command line asks.

    Args:
        arguments: Parsed options.
    """
    if arguments.list:
        print(_listing())
        return
    try:
        settings = CompareSettings(
            students=tuple(STUDENTS) if "all" in arguments.students else tuple(arguments.students),
            methods=_with_baseline(_named(arguments.methods)),
            problems=arguments.problems,
            seeds=parse_seeds(arguments.seeds),
            steps=arguments.steps,
            batch=arguments.batch,
            evaluate_every=arguments.evaluate_every,
        )
        run_compare(settings, output=arguments.output, jobs=arguments.jobs, force=arguments.force)
    except (ValueError, RuntimeError, OSError) as error:
        raise SystemExit(f"curriculum-bandits compare: {' '.join(str(error).split())}") from None


def run_compare(
    settings: CompareSettings, *, output: Path, jobs: int = -1, force: bool = False, progress: bool = True
) -> list[Comparison]:
    """Play what is not stored yet, then write tables and figures of all that the settings name.

    Args:
        settings: What to compare.
        output: Folder for results, tables and figures; those that an earlier command left there are replaced.
        jobs: Worker processes; -1 for all cores.
        force: Play again what is stored.
        progress: Show a progress bar, and print the table at the end.

    Returns:
        A comparison per student.

    Raises:
        ValueError: If `output` is a file or `jobs` is 0.
        RuntimeError: If a run fails; what is done is stored.
        OSError: If the folder cannot be written to.
        ModuleNotFoundError: If something optional is missing; the message gives the pip command.
    """
    for module, extra in (("joblib", "regret"), ("matplotlib", "plot")):
        require_extra(module, extra)  # now, not after hours of play
    if output.exists() and not output.is_dir():
        raise ValueError(f"output is {str(output)!r}, which is a file; give a folder")
    if jobs == 0:
        raise ValueError("jobs is 0; give a number of processes, or -1 for all cores")
    begin = time.perf_counter()
    runs = plan(
        settings.students,
        settings.methods,
        settings.seeds,
        problems=settings.problems,
        steps=settings.steps,
        batch=settings.batch,
        evaluate_every=settings.evaluate_every,
    )
    output.mkdir(parents=True, exist_ok=True)
    store = Store(output / "runs")
    missing = [run for run in runs if force or store.load(run) is None]
    with tqdm(total=len(runs), initial=len(runs) - len(missing), unit="run", disable=not progress) as bar:
        for run, result in finished(missing, jobs=jobs):
            store.save(run, result)
            bar.set_postfix_str(f"{run.method}, seed {run.seed}", refresh=False)
            bar.update()
    results = {run: _stored(store, run) for run in runs}
    comparisons = [_comparison(student, settings, results) for student in settings.students]
    about = {
        "settings": asdict(settings),
        "command": " ".join(settings.words()),
        "seeds": " ".join(_seed_words(settings.seeds)),
        "rollouts": int(comparisons[0].rollouts[-1]),
        "runs": len(runs),
        "runs_done_by_this_command": len(missing),
        "seconds": round(time.perf_counter() - begin, 1),
        "jobs": jobs,
        "code": sorted({result.code for result in results.values()}),
        "present_code": code_digest(),
        **machine(),
    }
    _write(comparisons, about, output)
    if progress:
        print(text_table(comparisons, caption(about)))
        print(f"tables, figures and runs: {output}")
    return comparisons


def _stored(store: Store, run: Run) -> Result:
    result = store.load(run)
    if result is None:
        raise RuntimeError(f"{store.path(run)} was written and cannot be read; is another process at work there?")
    return result


def _comparison(student: str, settings: CompareSettings, results: dict[Run, Result]) -> Comparison:
    of_student = {run: result for run, result in results.items() if run.student == student}  # seed after seed
    by_method = {
        method: [result for run, result in of_student.items() if run.method == method] for method in settings.methods
    }
    return Comparison(student, settings.problems, settings.seeds, by_method)


def _write(comparisons: Sequence[Comparison], about: dict[str, Any], output: Path) -> None:
    below_tables, below_figures = caption(about), note(about)
    for name, text in (
        ("summary.txt", text_table(comparisons, below_tables)),
        ("summary.csv", csv_table(comparisons)),
        ("summary.json", json_document(comparisons, {**about, "caption": below_tables})),
    ):
        (output / name).write_text(text, encoding="utf-8")
    for old in (*output.glob("curves-*.png"), *output.glob("drawn-*.png")):
        old.unlink()  # of another command, it would be taken for this one's
    for comparison in comparisons:
        curves_figure(comparison, below_figures).savefig(output / f"curves-{comparison.student}.png", dpi=130)
        drawn_figure(comparison, below_figures).savefig(output / f"drawn-{comparison.student}.png", dpi=130)


def _seed_words(seeds: Sequence[int]) -> list[str]:
    """Shortest words that `parse_seeds` reads as these seeds."""
    words: list[list[int]] = []
    for seed in seeds:
        if words and seed == words[-1][-1] + 1:
            words[-1].append(seed)
        else:
            words.append([seed])
    return [str(some[0]) if len(some) == 1 else f"{some[0]}..{some[-1]}" for some in words]


def _named(words: Sequence[str]) -> list[str]:
    """Methods, with the words for several of them replaced by what they stand for."""
    several = {"all": tuple(CONTENDERS), "headline": HEADLINE, "switches": tuple(SWITCHES), "signals": tuple(SIGNALS)}
    return list(dict.fromkeys(name for word in words for name in several.get(word, (word,))))


def _with_baseline(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(words) if BASELINE in words else (BASELINE, *words)


def _listing() -> str:
    lines = []
    for title, entries in (
        ("students", {name: kind.summary for name, kind in STUDENTS.items()}),
        (
            f"methods (all are measured against {BASELINE}; {ORACLE} is the scale of what is possible)",
            {name: contender.summary for name, contender in CONTENDERS.items()},
        ),
    ):
        width = max(len(name) for name in entries)
        lines += [title, *(f"  {name:<{width}}  {summary}" for name, summary in entries.items()), ""]
    return "\n".join(lines[:-1])
