"""``curriculum-bandits demo``: one bank, one seed and three curricula of the headline benchmark, in minutes on a CPU.

It shows the whole way working: TRL's trainer, reasoning-gym's problems and verifiers, a model made on the spot. One
seed is no evidence that one curriculum beats another; the intervals of the committed comparison stand beside it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from curriculum_bandits.plotting import new_figure, plot_drawn, plot_learning_curves

from ..harness.command import command_words, run_command
from ..harness.figures import short_number, write_below
from ..harness.outputs import Outputs
from ..harness.provenance import machine, made_on
from ..harness.statistics import Estimate
from ..harness.tables import csv_text, interval_text, text_table
from .headline import LlmWhere, compared
from .report import BASELINE, BankComparison, Row
from .setting import SETTINGS, Setting

__all__ = ["BANK", "METHODS", "DemoSettings", "demo_figure", "demo_table", "main", "run_demo"]

#: The bank of the headline benchmark that the demo trains on.
BANK = "arithmetic"

#: What is compared, in the spelling of the headline benchmark.
METHODS = (BASELINE, "sec(temperature=0.2)", "actor_curator")

_NAME = "curriculum-bandits demo"


@dataclass(frozen=True)
class DemoSettings:
    """A tiny decoder trained with GRPO under uniform draws, SEC and the neural curator, the same tokens for each.

    Attributes:
        seed: Of the problems, the model, its warm-up, the trainer and the curricula.
        tokens: Of each run, prompts and completions of all rollouts; those of the headline benchmark by default.
    """

    seed: int = 0
    tokens: int = SETTINGS[BANK].tokens

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for name, least in (("seed", 0), ("tokens", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {least}")


def main(words: Sequence[str] | None = None) -> int:
    """Do as the command line asks.

    Args:
        words: The options; None takes those of the process.

    Returns:
        The exit status.
    """

    def act(settings: DemoSettings, where: LlmWhere) -> None:
        setting = replace(SETTINGS[BANK], tokens=settings.tokens)
        run_demo(setting, settings.seed, where, command=command_words(_NAME, settings))

    return run_command(_NAME, words, DemoSettings(), LlmWhere(output=Path("runs/demo")), act)


def run_demo(
    setting: Setting, seed: int, where: LlmWhere, *, command: str = _NAME, progress: bool = True
) -> BankComparison:
    """Train under each method, print the table, write it with the picture; what is stored is not trained again.

    Args:
        setting: Bank, model, trainer and tokens.
        seed: Of everything.
        where: Workers and folders; the output gets ``table.txt``, ``curves.csv`` and ``demo.png``.
        command: What stands below the picture.
        progress: Show a bar, and print the table.

    Returns:
        The three runs.
    """
    outputs = Outputs(where.output, {"setting": asdict(setting), "seed": seed})
    comparison = compared([setting], METHODS, [seed], where, progress=progress)[0]
    about = {"command": command, **machine(("torch", "transformers", "trl", "reasoning-gym"))}
    table = "\n".join([demo_table(comparison, setting), "", made_on(about), f"Command: {command}", ""])
    outputs.write(
        {"table.txt": table, "curves.csv": _curves(comparison)},
        {"demo.png": lambda: demo_figure(comparison, f"{made_on(about)}. {command}")},
        about=about,
    )
    if progress:
        print(table)
        print(
            f"picture: {where.output / 'demo.png'}   a page about a run: curriculum-bandits report {where.results}/..."
        )
    return comparison


def demo_table(comparison: BankComparison, setting: Setting) -> str:
    """Accuracy and cost of each run, beside what many seeds say.

    Args:
        comparison: The three runs.
        setting: What they were trained with.

    Returns:
        Plain text.
    """
    before = comparison.curves[BASELINE][0, 0]
    many = _committed(setting.bank) if setting == SETTINGS[setting.bank] else {}
    columns: dict[str, Callable[[Row], str]] = {
        "method": lambda row: row.standing.entry,
        "accuracy before": lambda row: f"{before:.3f}",
        "after": lambda row: f"{row.standing.interquartile_mean.value:.3f}",
        "after, 8 seeds [95 %]": lambda row: many.get(row.standing.entry, ("-", "-"))[0],
        "tokens saved": lambda row: _saved(row.standing.speedup.ratio.value),
        "tokens saved, 8 seeds [95 %]": lambda row: many.get(row.standing.entry, ("-", "-"))[1],
        "informative": lambda row: f"{row.informative:.0%}",
        "steps": lambda row: f"{row.steps:,.0f}",
        "seconds": lambda row: f"{row.run_seconds:,.0f}",
        "of them ask+tell": lambda row: f"{row.overhead:.1%}",
    }
    lines = [
        text_table(columns, comparison.rows()),
        "",
        "Accuracy: on held-out problems, mean of the last three evaluations. Tokens saved: how many times fewer tokens",
        "than uniform to uniform's final accuracy. Informative: problems drawn whose rollouts did not all earn the same.",
        f"Seed {comparison.seeds[0]}, {setting.tokens:,} tokens for each, prompts and completions of all rollouts.",
        "ONE SEED PROVES NOTHING: another may turn the order round.",
    ]
    if many:
        lines[-1] += " What 8 seeds say stands beside it (`make headline`)."
    return "\n".join(lines)


def demo_figure(comparison: BankComparison, note: str) -> Any:
    """Learning curves beside maps of what each method drew.

    Args:
        comparison: The three runs.
        note: What it takes to repeat it.

    Returns:
        A matplotlib figure.
    """
    results = {method: runs[0] for method, runs in comparison.results.items()}
    groups = list(results[BASELINE].drawn)
    figure = new_figure(7 + 3.4 * len(results), 6.2)
    curves, *maps = figure.subplots(1, 1 + len(results), width_ratios=[1.3] + [1] * len(results))
    plot_learning_curves(curves, {method: (run.tokens, run.accuracy) for method, run in results.items()})
    aim = comparison.standings()[0].speedup.target
    curves.axhline(aim, color="#888888", linestyle=(0, (4, 2)), linewidth=1.2)
    curves.annotate(
        "uniform's final accuracy", (0, aim), (4, 4), textcoords="offset points", fontsize=8, color="#555555"
    )
    curves.set(xlabel="tokens", ylabel="held-out accuracy", title="Learning curves", ylim=(0.0, None))
    curves.xaxis.set_major_formatter(short_number)
    shares = {method: np.array([run.drawn[group] for group in groups]).T for method, run in results.items()}
    largest = max(float(np.quantile(share, 0.995)) for share in shares.values())
    middles = (comparison.axis[1:] + comparison.axis[:-1]) / 2.0
    for axes, (method, share) in zip(maps, shares.items(), strict=True):
        image = plot_drawn(axes, middles, share, groups, largest=largest)
        image.set_extent((0.0, comparison.axis[-1], *image.get_extent()[2:]))
        axes.set(xlabel="tokens", title=f"Drawn: {method}")
        axes.xaxis.set_major_formatter(short_number)
        axes.tick_params(axis="y", labelsize=6)
        if axes is not maps[0]:
            axes.set_yticklabels([])  # the same groups in the same order
    figure.colorbar(image, ax=maps[-1], label="share of what was drawn")
    figure.suptitle(f"One run each, seed {comparison.seeds[0]}: an illustration, not evidence", fontsize=11)
    write_below(figure, note)
    return figure


def _saved(ratio: float) -> str:
    return "not reached" if ratio == 0.0 else "-" if np.isnan(ratio) else f"{ratio:.1f}x"


def _curves(comparison: BankComparison) -> str:
    names = ("step", "tokens", "seconds", "accuracy")
    return csv_text(
        {"method": method, **dict(zip(names, values, strict=True))}
        for method, (run,) in comparison.results.items()
        for values in zip(*(getattr(run, name) for name in names), strict=True)
    )


def _committed(bank: str) -> Mapping[str, tuple[str, str]]:
    """Final accuracy and tokens saved over many seeds, by method, as the comparison wrote them."""
    path = resources.files(__package__) / "results" / "primary" / "summary.csv"
    with path.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["bank"] == bank]

    def estimate(row: Mapping[str, str], name: str) -> Estimate:
        return Estimate(*(float(row[f"{name}{end}"] or "nan") for end in ("", "_lower", "_upper")))

    return {
        row["method"]: (
            interval_text(estimate(row, "final_accuracy"), 3),
            interval_text(estimate(row, "speedup_in_tokens"), 1),
        )
        for row in rows
    }
