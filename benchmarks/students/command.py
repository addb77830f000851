"""``curriculum-bandits compare``: curricula on the same learners, with the same problems, seeds and rollouts for all.

The command plays the runs that are not stored yet, and makes tables and figures of all it names. The same command goes
on where it was interrupted; one with more methods, seeds or learners does only what is new.
"""

from __future__ import annotations

import argparse
import inspect
import re
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from curriculum_bandits.extras import require_extra
from curriculum_bandits.methods.registry import FILTERS, declared

from ..pictures import save_picture
from . import entries, learners
from .caption import caption, machine, note
from .entries import BASELINE, ORACLE, OWN, expanded, find_entry, groups
from .figures import curves_figure, drawn_figure, measures_figure, overall_figure
from .learners import find_learner, learner_names, learner_spelling
from .play import Result, Run, made, plan
from .report import (
    Comparison,
    csv_table,
    curves_table,
    json_document,
    overall_table,
    overhead_share,
    text_table,
)
from .store import Store
from .workers import finished

__all__ = ["CompareSettings", "add_arguments", "main", "parse_seeds", "run_compare"]

_STEPS = 300  # of a command that limits neither steps nor rollouts

_EXAMPLES = """\
examples:
  %(prog)s                                          the defaults: one student, headline methods, 20 seeds
  %(prog)s --learners drifting-skill --problems 100000 --methods osmd sec greedy_oracle
  %(prog)s --methods rivals filters --rollouts 600000       what filters spend differs from step to step
  %(prog)s --seeds 0..4 7 --steps 1000 --batch 128 --evaluate-every 20
  %(prog)s --methods uniform my_module:my_curriculum --learners my_module:my_learner

The same command goes on where it was interrupted. Numbers depend on seeds and settings, never on
--jobs; only the seconds do.
"""


@dataclass(frozen=True)
class CompareSettings:
    """What makes one comparison; where and how fast it is done belongs to `run_compare`.

    Attributes:
        learners: Names of `learners.learner_names`, or import paths.
        methods: Names as `entries.find_entry` reads them, or words of `entries.groups`; uniform among them. A
            method that only a word for several names is left out where it cannot be had.
        problems: Size of every bank.
        seeds: Of banks, learners and curricula.
        steps: Updates of a learner; None for no limit.
        rollouts: Rollouts of a run, which ends after the first step at which they are spent; None for no limit.
        batch: Problems per step.
        evaluate_every: Steps between evaluations.
    """

    learners: tuple[str, ...] = ("half-hopeless-skill",)
    methods: tuple[str, ...] = ("headline",)
    problems: int = 10_000
    seeds: tuple[int, ...] = tuple(range(20))
    steps: int | None = _STEPS
    rollouts: int | None = None
    batch: int = 256
    evaluate_every: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        object.__setattr__(self, "learners", tuple(map(learner_spelling, self.learners)))
        for name in ("problems", "steps", "rollouts", "batch", "evaluate_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        if self.steps is None and self.rollouts is None:
            raise ValueError("neither steps nor rollouts are limited; give one of the two")
        if self.batch > self.problems:
            raise ValueError(f"batch is {self.batch}, but a bank has {self.problems} problems; ask for no more")
        for seed in self.seeds:
            if seed < 0:
                raise ValueError(f"one of seeds is {seed}; it must be at least 0")
        for name in ("learners", "methods", "seeds"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(f"{name} are {list(values)}; give at least one, and each once")
        for learner in self.learners:
            find_learner(learner)
        for method in self.named():
            find_entry(method)
        if BASELINE not in self.named():
            raise ValueError(f"methods are {list(self.methods)}; all is measured against {BASELINE}, add it")

    def named(self) -> tuple[str, ...]:
        """Every method in its one spelling, words for several replaced by what they stand for."""
        return expanded(self.methods)

    def words(self) -> list[str]:
        """The command that makes this comparison, but for where it is done."""
        words = ["curriculum-bandits", "compare", "--learners", *self.learners, "--problems", str(self.problems)]
        words += ["--methods", *self.methods, "--seeds", *_seed_words(self.seeds)]
        for name in ("steps", "rollouts", "batch", "evaluate_every"):
            value = getattr(self, name)
            words += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
        return words


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
        "--learners",
        "--students",
        nargs="+",
        metavar="LEARNER",
        default=defaults.learners,
        help="names (see --list), all, or package.module:function, called as function(problems, seed) "
        f"(default: {' '.join(defaults.learners)})",
    )
    what.add_argument(
        "--methods",
        nargs="+",
        metavar="METHOD",
        default=defaults.methods,
        help=f"{', '.join(groups())}, {', '.join((*declared(), *OWN))}, with settings and a filter as in "
        "'sec(temperature=0.2)+dapo', or package.module:function, called as function(bank, seed=seed) for a "
        f"curriculum, or a curriculum and a filter; {BASELINE} is always among them (default: headline)",
    )
    what.add_argument("--list", action="store_true", help="list learners and methods; then end")
    size = parser.add_argument_group("how much")
    size.add_argument(
        "--steps", type=int, metavar="N", help=f"updates of a learner (default: {_STEPS}; with --rollouts no limit)"
    )
    size.add_argument(
        "--rollouts", type=int, metavar="N", help="a run ends after the first step at which so many were spent"
    )
    for name, text in (
        ("problems", "size of every bank"),
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
        help="numbers or ranges; equal seeds are equal banks and learners for all methods (default: 0..19)",
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
        steps = arguments.steps
        if steps is None and arguments.rollouts is None:
            steps = _STEPS
        settings = CompareSettings(
            learners=learner_names() if "all" in arguments.learners else tuple(arguments.learners),
            methods=_with_baseline(arguments.methods),
            problems=arguments.problems,
            seeds=parse_seeds(arguments.seeds),
            steps=steps,
            rollouts=arguments.rollouts,
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
        A comparison per learner.

    Raises:
        ValueError: If `output` is a file, `jobs` is 0, or a method that is named cannot be had with a learner.
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
    store = Store(output / "runs")
    methods, left_out = _playable(settings, Store(output / "nothing") if force else store)
    runs = _planned(settings, methods)
    output.mkdir(parents=True, exist_ok=True)
    for learner, method, why in left_out:
        print(f"left out on {learner}: {method}, {why}", file=sys.stderr)
    missing = [run for run in runs if force or store.load(run) is None]
    with tqdm(total=len(runs), initial=len(runs) - len(missing), unit="run", disable=not progress) as bar:
        for run, result in finished(missing, jobs=jobs):
            store.save(run, result)
            bar.set_postfix_str(f"{run.method}, seed {run.seed}", refresh=False)
            bar.update()
    results = {run: _stored(store, run) for run in runs}
    comparisons = [_comparison(learner, settings, results) for learner in settings.learners]
    about = {
        "settings": asdict(settings),
        "command": shlex.join(settings.words()),
        "seeds": " ".join(_seed_words(settings.seeds)),
        "rollouts": int(comparisons[0].rollouts[-1]),
        "left_out": left_out,
        "overhead_share": overhead_share(comparisons),
        "runs": len(runs),
        "runs_done_by_this_command": len(missing),
        "seconds": round(time.perf_counter() - begin, 1),
        "jobs": jobs,
        "revisions": {
            **{name: learners.revision(name) for name in settings.learners},
            **{name: entries.revision(name) for name in dict.fromkeys(run.method for run in runs)},
        },
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


def _planned(settings: CompareSettings, methods: dict[str, list[str]]) -> list[Run]:
    return plan(
        settings.learners,
        methods,
        settings.seeds,
        problems=settings.problems,
        steps=settings.steps,
        rollouts=settings.rollouts,
        batch=settings.batch,
        evaluate_every=settings.evaluate_every,
    )


def _playable(settings: CompareSettings, store: Store) -> tuple[dict[str, list[str]], list[tuple[str, str, str]]]:
    """Methods of each learner, and who cannot be had there and why; tried now, not after hours of play."""
    names, left_out = settings.named(), []
    several = groups()
    named = expanded(word for word in settings.methods if word not in several)
    methods: dict[str, list[str]] = {}
    for learner in settings.learners:
        runs = _planned(settings, {each: list(names) for each in settings.learners})
        new = {run.method: run for run in reversed(runs) if run.learner == learner and store.load(run) is None}
        subject = find_learner(learner).make(settings.problems, settings.seeds[0]) if new else None
        methods[learner] = list(names)
        for name, run in new.items():
            assert subject is not None
            try:
                made(run, subject)
            except (ValueError, TypeError, ImportError) as error:
                if name in named or name == BASELINE:
                    raise ValueError(f"{name} cannot be had on {learner}: {error}") from error
                methods[learner].remove(name)
                left_out.append((learner, name, str(error)))
    return methods, left_out


def _comparison(learner: str, settings: CompareSettings, results: dict[Run, Result]) -> Comparison:
    by_method: dict[str, list[Result]] = {}
    for run, result in results.items():  # seed after seed
        if run.learner == learner:
            by_method.setdefault(run.method, []).append(result)
    return Comparison(learner, settings.problems, settings.seeds, by_method, budget=settings.rollouts)


def _write(comparisons: Sequence[Comparison], about: dict[str, Any], output: Path) -> None:
    below_tables, below_figures = caption(about), note(about)
    texts = {
        "summary.txt": text_table(comparisons, below_tables),
        "summary.csv": csv_table(comparisons),
        "curves.csv": curves_table(comparisons),
        "summary.json": json_document(comparisons, {**about, "caption": below_tables}),
    }
    for old in (output / "overall.csv", *(each for kind in _FIGURES for each in output.glob(f"{kind}*.png"))):
        old.unlink(missing_ok=True)  # of another command, it would be taken for this one's
    if len(comparisons) > 1:
        texts["overall.csv"] = overall_table(comparisons)
        save_picture(overall_figure(comparisons, below_figures), output / "overall.png")
    for name, text in texts.items():
        (output / name).write_text(text, encoding="utf-8")
    for comparison in comparisons:
        name = re.sub(r"[^\w-]+", "-", comparison.learner)  # that of an import path is no name of a file
        for kind, draw in (("curves", curves_figure), ("measures", measures_figure), ("drawn", drawn_figure)):
            save_picture(draw(comparison, below_figures), output / f"{kind}-{name}.png")


_FIGURES = ("curves-", "measures-", "drawn-", "overall")


def _seed_words(seeds: Sequence[int]) -> list[str]:
    """Shortest words that `parse_seeds` reads as these seeds."""
    words: list[list[int]] = []
    for seed in seeds:
        if words and seed == words[-1][-1] + 1:
            words[-1].append(seed)
        else:
            words.append([seed])
    return [str(some[0]) if len(some) == 1 else f"{some[0]}..{some[-1]}" for some in words]


def _with_baseline(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(words) if BASELINE in expanded(words) else (BASELINE, *words)


def _listing() -> str:
    lines = []
    for title, summaries in (
        ("learners", {name: find_learner(name).summary for name in learner_names()}),
        (
            f"methods (all are measured against {BASELINE}; {ORACLE} is the scale of what is possible)",
            {name: find_entry(name).summary for name in (*declared(), *OWN)},
        ),
        ("filters, behind a method and a plus sign", {name: _first_line(each) for name, each in FILTERS.items()}),
        ("words for several methods", {name: _some(names) for name, names in groups().items()}),
    ):
        width = max(len(name) for name in summaries)
        lines += [title, *(f"  {name:<{width}}  {summary}" for name, summary in summaries.items()), ""]
    return "\n".join(lines[:-1])


def _first_line(what: Any) -> str:
    return (inspect.getdoc(what) or "").partition("\n")[0]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{len(names)} methods, {names[0]} to {names[-1]}"
