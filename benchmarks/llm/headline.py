"""``python -m curriculum_bandits.benchmarks.llm.headline``: play what is not finished yet, then tables and pictures.

A run has a folder of its own, claimed for its settings, with a checkpoint at every evaluation, so the same command goes
on where it was interrupted, and one with more methods, seeds or banks does only what is new.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm.auto import tqdm

from curriculum_bandits.extras import require_extra
from curriculum_bandits.methods.registry import NamedCurriculum

from ...curricula.caption import machine
from ...curricula.command import parse_seeds
from ...pictures import save_picture
from ...provenance import cpu_model, shown_command
from ..demo import default_cache
from .banks import BANKS
from .entries import BASELINE, HEADLINE, find_entry
from .measuring import Comparison
from .play import Result, finished, play, warm_up
from .report import csv_table, curves_figure, drawn_figure, json_document, runs_document, text_table
from .setting import SETTINGS, Setting

__all__ = ["Run", "add_arguments", "main", "run_headline"]

_MODULE = "curriculum_bandits.benchmarks.llm.headline"


@dataclass(frozen=True)
class Run:
    """A method on a bank with a seed, and where its folder is.

    Attributes:
        setting: Bank, model, trainer and budget.
        method: Name of the entry.
        seed: Of bank, model, trainer and curriculum.
        folder: For checkpoints and result.
        revision: Of the method.
    """

    setting: Setting
    method: str
    seed: int
    folder: Path
    revision: int = 1

    def claim(self) -> None:
        """Make the folder, or see to it that what it holds is of these settings and this revision.

        Raises:
            ValueError: If it holds a run of others.
        """
        described = {"setting": asdict(self.setting), "method": self.method, "seed": self.seed}
        mine = json.loads(json.dumps({**described, "revision": self.revision}))
        path = self.folder / "run.json"
        if path.exists():
            theirs = json.loads(path.read_text(encoding="utf-8"))
            if theirs != mine:
                raise ValueError(
                    f"{self.folder} holds a run of other settings or of another revision; give another --runs or "
                    "--output"
                )
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(mine), encoding="utf-8")
        os.replace(partial, path)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Args:
        parser: The parser.
    """
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    parser.add_argument("--banks", nargs="+", metavar="BANK", default=list(BANKS), help=f"of {', '.join(BANKS)}")
    parser.add_argument(
        "--methods",
        nargs="+",
        metavar="METHOD",
        default=list(HEADLINE),
        help="methods of the package, with settings as in 'sec(temperature=0.1)', with DAPO's filter as in "
        "'uniform+dapo(max_draws=4)', answered late as in 'sec+delayed(steps=4)', or package.module:function",
    )
    parser.add_argument("--seeds", nargs="+", metavar="SEED", default=["0..7"], help="numbers, or ranges such as 0..7")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="worker processes of one thread each")
    parser.add_argument("--output", type=Path, default=Path("runs/headline"), help="folder of tables and pictures")
    parser.add_argument("--runs", type=Path, help="folder of runs, which several outputs may share; that of --output")
    parser.add_argument("--cache", type=Path, default=default_cache() / "headline", help="folder of warmed-up models")


def main(words: Sequence[str] | None = None) -> None:
    """Do as the command line asks.

    Args:
        words: The options; None takes those of the process.
    """
    given = sys.argv[1:] if words is None else list(words)
    parser = argparse.ArgumentParser(prog=f"python -m {_MODULE}", description=(__doc__ or "").partition("\n\n")[0])
    add_arguments(parser)
    arguments = parser.parse_args(given)
    try:
        for bank in arguments.banks:
            if bank not in SETTINGS:
                raise ValueError(f"{bank!r} is none of the banks; choose from {', '.join(SETTINGS)}")
        run_headline(
            [SETTINGS[bank] for bank in arguments.banks],
            arguments.methods,
            parse_seeds(arguments.seeds),
            output=arguments.output,
            runs_folder=arguments.runs,
            cache=arguments.cache,
            jobs=arguments.jobs,
            command=shown_command(_MODULE, given, hidden=["--output", "--runs", "--cache", "--jobs"]),
        )
    except (ValueError, OSError) as error:
        raise SystemExit(f"headline: {' '.join(str(error).split())}") from None
    except KeyboardInterrupt:
        raise SystemExit("headline: interrupted; the same command goes on from the last checkpoints") from None


def run_headline(
    settings: Sequence[Setting],
    methods: Sequence[str],
    seeds: Sequence[int],
    *,
    output: Path,
    cache: Path,
    runs_folder: Path | None = None,
    jobs: int = 1,
    command: str = "",
    progress: bool = True,
) -> list[Comparison]:
    """Play what is not finished yet, then write tables and pictures.

    Args:
        settings: One per bank.
        methods: Names as `entries.find_entry` reads them; uniform is added.
        seeds: Paired: bank, model and held-out problems of a seed are the same for all methods.
        output: Folder of tables and pictures.
        cache: Keeps warmed-up models.
        runs_folder: Folder of runs, which several outputs may share; None is that of the output.
        jobs: Worker processes; 1 plays in this one.
        command: What stands in the caption.
        progress: Show a bar, and print the table.

    Returns:
        A comparison per bank.

    Raises:
        ValueError: If a name is unknown, or a folder holds a run of other settings.
    """
    if jobs < 1:
        raise ValueError(f"jobs is {jobs}; give at least 1")
    for module, extra in (("matplotlib", "plot"), ("trl", "llm"), ("reasoning_gym", "llm")):
        require_extra(module, extra)  # now, not after hours
    found = [find_entry(name) for name in (BASELINE, *methods)]
    entries = {entry.label: entry for entry in found}
    place = output if runs_folder is None else runs_folder
    runs = [
        Run(
            setting,
            name,
            seed,
            place / setting.bank / f"{re.sub(r'[^A-Za-z0-9_.=+-]+', '-', name)}-{seed}",
            entry.method.revision,
        )
        for setting in settings
        for seed in seeds
        for name, entry in entries.items()
    ]
    for run in runs:
        run.claim()
    results: dict[Path, Result] = {}
    with tqdm(total=len(runs), unit="run", disable=not progress) as bar:
        for run, result in _played(runs, entries, cache, jobs):
            results[run.folder] = result
            bar.set_postfix_str(f"{run.setting.bank}, {run.method}, seed {run.seed}", refresh=False)
            bar.update()
    comparisons = [
        Comparison(
            setting.bank,
            setting.tokens,
            tuple(seeds),
            {
                name: [results[run.folder] for run in runs if run.setting.bank == setting.bank and run.method == name]
                for name in entries
            },
        )
        for setting in settings
    ]
    revisions = {name: entry.method.revision for name, entry in entries.items()}
    _write(comparisons, settings, seeds, revisions, output, command)
    if progress:
        print((output / "summary.txt").read_text(encoding="utf-8"), end="")
    return comparisons


def _played(
    runs: Sequence[Run], entries: Mapping[str, NamedCurriculum], cache: Path, jobs: int
) -> Iterator[tuple[Run, Result]]:
    if jobs == 1:
        for run in runs:
            yield run, play(run.setting, entries[run.method], run.seed, run.folder, cache)
        return
    joblib = require_extra("joblib", "regret")
    with joblib.parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        # The models first, each once: the methods of a seed start from the same one at the same time.
        models = dict.fromkeys((run.setting, run.seed) for run in runs if not finished(run.folder))
        joblib.Parallel(batch_size=1)(joblib.delayed(_warm)(*model, cache) for model in models)
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        # An interrupt stops the workers; their checkpoints stay.
        with contextlib.closing(parallel(joblib.delayed(_play)(run, cache) for run in runs)) as results:
            yield from results


def _warm(setting: Setting, seed: int, cache: Path) -> None:
    warm_up(setting, seed, cache)


def _play(run: Run, cache: Path) -> tuple[Run, Result]:
    return run, play(run.setting, find_entry(run.method), run.seed, run.folder, cache)


def _write(
    comparisons: Sequence[Comparison],
    settings: Sequence[Setting],
    seeds: Sequence[int],
    revisions: Mapping[str, int],
    output: Path,
    command: str,
) -> None:
    about = {
        "settings": [asdict(setting) for setting in settings],
        "seeds": list(seeds),
        "revisions": dict(revisions),
        "command": command,
        "processor": cpu_model(),
        **machine(),
    }
    note = f"{len(seeds)} seeds; {about['cores']} cores, {about['processor']}; {about['date']}"
    output.mkdir(parents=True, exist_ok=True)
    caption = f"{_HOW_TO_READ}\nSeeds {' '.join(map(str, seeds))}, paired. {note}.\nCommand: {command}"
    for name, text in (
        ("summary.txt", text_table(comparisons, caption)),
        ("summary.csv", csv_table(comparisons)),
        ("summary.json", json_document(comparisons, {**about, "caption": caption})),
        ("runs.json", runs_document(comparisons)),
    ):
        (output / name).write_text(text, encoding="utf-8")
    for comparison in comparisons:
        for kind, draw in (("curves", curves_figure), ("drawn", drawn_figure)):
            save_picture(draw(comparison, note), output / f"{kind}-{comparison.bank}.png")


_HOW_TO_READ = """\
Accuracy: share of held-out answers accepted, sampled at temperature 1. Final: mean of the last three evaluations,
interquartile mean over seeds. Target: mean over seeds of uniform's final. Speed: uniform's tokens (seconds of training)
to the target over the method's, on isotonic fits of the mean curves. Beside the rival: the tokens of the rival that
gets there first over the method's. Brackets: 95 % bootstrap over paired seeds. Best: the best evaluation of a run.
Wasted: share of the tokens of problems whose rollouts all earned the same. Informative: share of the problems drawn
whose rewards differed. Ask+tell, rescoring: shares of the time of a step."""
