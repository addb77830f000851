"""``python -m curriculum_bandits.benchmarks.llm.headline``: the same accuracy with fewer tokens?

GRPO under each curriculum on tiny decoders, on banks that have a frontier, the same tokens for all. A run has a folder
with a checkpoint at every evaluation, so the same command goes on where it was interrupted.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs
from tqdm.auto import tqdm

from ..harness.command import Where, command_words, run_command
from ..harness.outputs import Outputs
from ..harness.play import missing_trials, play_trials
from ..harness.provenance import machine, made_on
from ..harness.store import Store
from ..harness.trials import Trial, grid, parse_seeds, seed_words
from .play import Result, find_entry, play, read_result, tokens_spent, warm_up
from .report import BASELINE, BankComparison, csv_table, figures, text_tables
from .setting import SETTINGS, Setting

__all__ = ["VERSIONS", "HeadlineSettings", "LlmWhere", "compared", "main", "run_headline"]

_NAME = "python -m curriculum_bandits.benchmarks.llm.headline"
#: Distributions whose versions are kept with the results.
VERSIONS = ("torch", "transformers", "trl", "reasoning-gym")

_HOW_TO_READ = """\
Accuracy: share of held-out answers accepted, sampled at temperature 1. Final: mean of the last three evaluations,
interquartile mean over seeds. Target: mean over seeds of uniform's final. Speedup: uniform's tokens (seconds of
training) to the target over the method's, on isotonic fits of the mean curves. Beside the rival: the tokens of the
rival that gets there first over the method's. Brackets: 95 % bootstrap over paired seeds. Best: the best evaluation of
a run. Wasted: share of the tokens of problems whose rollouts all earned the same. Informative: share of the problems
drawn whose rewards differed. Ask+tell, rescoring: shares of the time of a step."""


@dataclass(frozen=True)
class HeadlineSettings:
    """Curricula under TRL's GRPO on tiny decoders.

    Attributes:
        banks: Of arithmetic and arc_1d.
        methods: Names with settings, as in 'sec(temperature=0.1)', with DAPO's filter as in
            'uniform+dapo(max_draws=4)', answered late as in 'sec+delayed(steps=4)', or package.module:function; uniform
            is always among them.
        seeds: Numbers, or ranges such as 0..7; bank, model and held-out problems of a seed are the same for all.
    """

    banks: tuple[str, ...] = tuple(SETTINGS)
    methods: tuple[str, ...] = (BASELINE, "uniform+dapo(max_draws=4)", "osmd", "actor_curator")
    seeds: tuple[int | str, ...] = ("0..7",)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for bank in self.banks:
            if bank not in SETTINGS:
                raise ValueError(f"{bank!r} is none of the banks; choose from {', '.join(SETTINGS)}")
        names = [find_entry(name).label for name in (BASELINE, *self.methods)]
        object.__setattr__(self, "methods", tuple(dict.fromkeys(names)))
        object.__setattr__(self, "seeds", parse_seeds(self.seeds))


@dataclass(frozen=True)
class LlmWhere(Where):
    """Who works, and what is written.

    Attributes:
        jobs: Processes of one thread each; -1 for all cores; 1 works in this process.
        scheduler: Address of a Dask scheduler that shares the folders below.
        cache: Folder of warmed-up models.
    """

    output: Path = Path("runs/headline")
    cache: Path = platformdirs.user_cache_path("curriculum-bandits") / "headline"


def compared(
    settings: Sequence[Setting], methods: Sequence[str], seeds: Sequence[int], where: LlmWhere, *, progress: bool = True
) -> list[BankComparison]:
    """Play what is not finished yet.

    Args:
        settings: One per bank.
        methods: Entries in their one spelling; uniform among them.
        seeds: Paired.
        where: Workers and folders.
        progress: Show a bar of the tokens spent.

    Returns:
        A comparison per bank.
    """
    trials = grid(methods, settings, seeds, lambda entry, _: (find_entry(entry).method.revision,))
    store = Store[Result](where.results, read_result)
    missing = missing_trials(trials, store, again=where.again)
    if progress and not missing:
        print("all runs are finished, nothing is trained; --again trains anew", file=sys.stderr)
    with _tokens_bar(trials, missing, store, progress):
        # The models first, each once: the methods of a seed start from the same one at the same time.
        models = dict.fromkeys((trial.setting, trial.seed, where.cache) for trial in missing)
        for _ in where.finished(_warm, models) if models else ():
            pass

        def piece(trial: Trial) -> tuple[Trial, Path, Path]:
            return trial, store.workplace(trial), where.cache

        play_trials(trials, _play, store, where, piece=piece, again=where.again, progress=False)
    results: dict[tuple[Setting, str], list[Any]] = {}
    for trial in trials:
        results.setdefault((trial.setting, trial.entry), []).append(store.load(trial))
    return [
        BankComparison(each.bank, each.tokens, seeds, {method: results[each, method] for method in methods})
        for each in settings
    ]


def run_headline(
    settings: Sequence[Setting],
    methods: Sequence[str],
    seeds: Sequence[int],
    where: LlmWhere,
    *,
    command: str = "",
    progress: bool = True,
) -> list[BankComparison]:
    """Play what is not finished yet, then write tables and pictures.

    Args:
        settings: One per bank.
        methods: Names; uniform is added.
        seeds: Paired.
        where: Workers and folders.
        command: What stands in the caption.
        progress: Show a bar, and print the table.

    Returns:
        A comparison per bank.
    """
    entries = {entry.label: entry for entry in map(find_entry, (BASELINE, *methods))}
    described = {
        "banks": [asdict(setting) for setting in settings],
        "methods": list(entries),
        "seeds": list(seeds),
        "revisions": {label: entry.method.revision for label, entry in entries.items()},
    }
    outputs = Outputs(where.output, described)
    comparisons = compared(settings, list(entries), seeds, where, progress=progress)
    about = {"command": command, **machine(VERSIONS)}
    note = f"{len(seeds)} seeds; {made_on(about)}\n{command}"
    caption = f"{_HOW_TO_READ}\nSeeds {' '.join(seed_words(seeds))}, paired. {made_on(about)}\nCommand: {command}"
    table = text_tables(comparisons, caption)
    pictures = {name: draw for each in comparisons for name, draw in figures(each, note).items()}
    outputs.write({"summary.txt": table, "summary.csv": csv_table(comparisons)}, pictures, about=about)
    if progress:
        print(f"{table}\ntables and figures: {where.output}; runs: {where.results}")
    return comparisons


def main(words: Sequence[str] | None = None) -> int:
    """Do as the options ask, those of the process by default; returns the exit status."""

    def act(settings: HeadlineSettings, where: LlmWhere) -> None:
        banks, seeds = [SETTINGS[bank] for bank in settings.banks], parse_seeds(settings.seeds)
        run_headline(banks, settings.methods, seeds, where, command=command_words(_NAME, settings))

    return run_command(_NAME, words, HeadlineSettings(), LlmWhere(), act)


def _warm(model: tuple[Setting, int, Path]) -> None:
    warm_up(*model)


def _play(piece: tuple[Trial, Path, Path]) -> Result:
    return play(*piece)


@contextlib.contextmanager
def _tokens_bar(
    trials: Sequence[Trial], missing: Sequence[Trial], store: Store[Result], progress: bool
) -> Iterator[None]:
    """A bar of the tokens that all runs have spent, read from their records while they are played elsewhere."""
    over, at_work = threading.Event(), dict.fromkeys(missing, 0)
    total = sum(trial.setting.tokens for trial in trials)
    done = total - sum(trial.setting.tokens for trial in missing)
    with tqdm(total=total, initial=done, unit="token", unit_scale=True, disable=not progress) as bar:

        def watch() -> None:
            while not over.wait(1.0):
                for trial, spent in at_work.items():
                    if spent < trial.setting.tokens:
                        at_work[trial] = min(tokens_spent(store.workplace(trial)), trial.setting.tokens)
                some = sum(0 < spent < trial.setting.tokens for trial, spent in at_work.items())
                bar.set_postfix_str(f"{some} runs at work" if any(at_work.values()) else "warming up", refresh=False)
                bar.n = max(bar.n, done + sum(at_work.values()))
                bar.refresh()

        thread = threading.Thread(target=watch, daemon=True)
        if progress and missing:
            thread.start()
        try:
            yield
            bar.n = total
        finally:
            over.set()
            if thread.is_alive():
                thread.join()


if __name__ == "__main__":
    raise SystemExit(main())
