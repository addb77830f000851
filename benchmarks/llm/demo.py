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
from curriculum_bandits.tracking import RECORD_FILE

from ..harness.command import check_least, command_words, run_command
from ..harness.figures import short_number, write_below
from ..harness.outputs import Outputs
from ..harness.provenance import machine, made_on
from ..harness.statistics import Estimate
from ..harness.tables import interval_text, ratio_text, text_table
from .headline import VERSIONS, LlmWhere, compared
from .report import BASELINE, BankComparison, Row, csv_table, drawn_shares
from .setting import SETTINGS, Setting

__all__ = ["METHODS", "DemoSettings", "main", "run_demo"]

#: Methods, as the headline benchmark spells them.
METHODS = (BASELINE, "sec(temperature=0.2)", "actor_curator")

_BANK = "arithmetic"
_NAME = "curriculum-bandits demo"
_HOW_TO_READ = """\
Accuracy: on held-out problems; final, the mean of the last three evaluations. Tokens saved: how many times fewer tokens
than uniform until uniform's final accuracy. Informative: problems drawn whose rollouts were not all alike in reward."""


@dataclass(frozen=True)
class DemoSettings:
    """A tiny decoder trained with GRPO under uniform draws, SEC and the neural curator, the same tokens for each.

    Attributes:
        seed: Of the problems, the model, its warm-up, the trainer and the curricula.
        tokens: Of each run, prompts and completions of all rollouts; those of the headline benchmark by default.
    """

    seed: int = 0
    tokens: int = SETTINGS[_BANK].tokens

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        check_least(self, {"seed": 0, "tokens": 1})


def main(words: Sequence[str] | None = None) -> int:
    """Do as the options ask, those of the process by default; returns the exit status."""

    def act(settings: DemoSettings, where: LlmWhere) -> None:
        setting = replace(SETTINGS[_BANK], tokens=settings.tokens)
        run_demo(setting, settings.seed, where, command=command_words(_NAME, settings))

    return run_command(_NAME, words, DemoSettings(), LlmWhere(output=Path("runs/demo")), act)


def run_demo(
    setting: Setting, seed: int, where: LlmWhere, *, command: str = _NAME, progress: bool = True
) -> BankComparison:
    """Train under each method, print the table, write it with the picture; what is stored is not trained again.

    Args:
        setting: Bank, model, trainer and tokens.
        seed: Of everything.
        where: Workers and folders; the output gets ``table.txt``, ``summary.csv`` and ``demo.png``.
        command: What stands below table and picture.
        progress: Show a bar, and print the table.

    Returns:
        The three runs.
    """
    outputs = Outputs(where.output, {"setting": asdict(setting), "seed": seed})
    comparison = compared([setting], METHODS, [seed], where, progress=progress)[0]
    about = {"command": command, **machine(VERSIONS)}
    table = f"{_table(comparison, setting)}\n\n{made_on(about)}\nCommand: {command}\n"
    outputs.write(
        {"table.txt": table, "summary.csv": csv_table([comparison])},
        {"demo.png": lambda: _figure(comparison, f"{made_on(about)}. {command}")},
        about=about,
    )
    if progress:
        newest = max(where.results.glob(f"*/{RECORD_FILE}"), key=lambda record: record.stat().st_mtime).parent
        print(f"{table}\npicture: {where.output / 'demo.png'}   a page about a run: curriculum-bandits report {newest}")
    return comparison


def _table(comparison: BankComparison, setting: Setting) -> str:
    """Accuracy and cost of each run, and beside them the intervals over many seeds where they are of this setting."""
    many = _committed(setting.bank) if setting == SETTINGS[setting.bank] else {}

    def of_many(name: str, digits: int) -> Callable[[Row], str]:
        return lambda row: interval_text(many[row.standing.entry][name], digits) if many else "-"

    columns: dict[str, Callable[[Row], str]] = {
        "method": lambda row: row.standing.entry,
        "accuracy\nbefore": lambda row: f"{comparison.curves[row.standing.entry][0, 0]:.3f}",
        "\nfinal": lambda row: f"{row.standing.interquartile_mean.value:.3f}",
        "final,\n8 seeds [95 %]": of_many("final_accuracy", 3),
        "tokens\nsaved": lambda row: ratio_text(row.standing.speedup),
        "saved,\n8 seeds [95 %]": of_many("speedup_in_tokens", 1),
        "informative": lambda row: f"{row.informative:.0%}",
        "steps": lambda row: f"{row.steps:,.0f}",
        "seconds": lambda row: f"{row.run_seconds:,.0f}",
        "share of\nask+tell": lambda row: f"{row.overhead:.1%}",
    }
    beside = " What 8 seeds say stands beside it (`make headline`)." if many else ""
    return "\n".join(
        [
            text_table(columns, comparison.rows()),
            "",
            _HOW_TO_READ,
            f"Seed {comparison.seeds[0]}, {setting.tokens:,} tokens for each, prompts and completions of all rollouts.",
            f"ONE SEED PROVES NOTHING: another may turn the order round.{beside}",
        ]
    )


def _figure(comparison: BankComparison, note: str) -> Any:
    """Learning curves beside maps of what each method drew."""
    groups, drawn = drawn_shares(comparison)
    figure = new_figure(7 + 3.4 * len(drawn), 6.2)
    curves, *maps = figure.subplots(1, 1 + len(drawn), width_ratios=[1.3] + [1] * len(drawn))
    plot_learning_curves(curves, {method: (comparison.axis, values[0]) for method, values in comparison.curves.items()})
    aim, grey = comparison.standings()[0].speedup.target, {"color": "#888888", "linestyle": (0, (4, 2))}
    curves.axhline(aim, **grey, linewidth=1.2, label="uniform's final accuracy")
    curves.set(xlabel="tokens", ylabel="held-out accuracy", title="Learning curves")
    curves.legend(frameon=False)
    largest = max(float(np.quantile(each.shares, 0.995)) for each in drawn.values())
    for axes, (method, each) in zip(maps, drawn.items(), strict=True):
        image = plot_drawn(axes, each.middles, each.shares, groups, largest=largest)
        image.set_extent((0.0, each.end, *image.get_extent()[2:]))
        axes.set(xlabel="tokens", title=f"Drawn: {method}")
        axes.tick_params(axis="y", labelsize=6, labelleft=axes is maps[0])  # the same groups in the same order
    for axes in (curves, *maps):
        axes.xaxis.set_major_formatter(short_number)
    figure.colorbar(image, ax=maps[-1], label="share of what was drawn")
    figure.suptitle(f"One run each, seed {comparison.seeds[0]}: an illustration, not evidence", fontsize=11)
    write_below(figure, note)
    return figure


def _committed(bank: str) -> Mapping[str, Mapping[str, Estimate]]:
    """Final accuracy and speedup over many seeds by method, as the comparison wrote them."""
    with (resources.files(__package__) / "results" / "primary" / "summary.csv").open(encoding="utf-8") as file:
        rows = {row["method"]: row for row in csv.DictReader(file) if row["bank"] == bank}
    return {
        method: {
            name: Estimate(*(float(row[f"{name}{end}"] or "nan") for end in ("", "_lower", "_upper")))
            for name in ("final_accuracy", "speedup_in_tokens")
        }
        for method, row in rows.items()
    }
