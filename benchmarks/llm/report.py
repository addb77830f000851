"""The runs of the headline benchmark as tables, as JSON and as pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from curriculum_bandits.plotting import COLORS, new_figure, plot_drawn

from ...curricula.measuring import Speed
from ...curricula.report import aligned, csv_lines, finite, interval_text, named, ratio_text, spent_text
from .entries import BASELINE
from .measuring import EARLY_STEPS, Comparison, Row

__all__ = ["csv_table", "curves_figure", "drawn_figure", "json_document", "runs_document", "text_table"]

_STYLES = ("-", "-.", ":")  # of curves, once the colours are used up
_ACROSS = 3  # maps of what was drawn beside each other

_COLUMNS: dict[str, Callable[[Row], str]] = {
    "method": lambda row: row.method,
    "final accuracy": lambda row: interval_text(row.level, 3),
    "P(above uniform)": lambda row: interval_text(row.improvement, 2),
    "tokens to target": lambda row: spent_text(row.tokens.budget.value),
    "speed in tokens": lambda row: ratio_text(row.tokens),
    "beside the rival": lambda row: "" if row.beside is None else ratio_text(row.beside),
    "speed in seconds": lambda row: ratio_text(row.seconds),
    "best": lambda row: interval_text(row.best, 3),
    f"best in {EARLY_STEPS} steps": lambda row: interval_text(row.early, 3),
    "wasted": lambda row: f"{row.wasted:.2f}",
    "informative": lambda row: f"{row.informative:.2f}",
    "steps": lambda row: f"{row.steps:,.0f}",
    "seconds": lambda row: f"{row.run_seconds:,.1f}",
    "ask+tell": lambda row: f"{row.overhead:.1%}",
    "rescoring": lambda row: f"{row.rescoring:.1%}",
}


def text_table(comparisons: Sequence[Comparison], caption: str) -> str:
    """A table per bank, to be read by people.

    Args:
        comparisons: One per bank.
        caption: What stands below.

    Returns:
        The text.
    """
    lines = []
    for comparison in comparisons:
        rows = comparison.rows()
        lines += [
            f"{comparison.bank}: {comparison.budget:,} tokens a run; target, uniform's final accuracy, "
            f"{rows[0].tokens.target:.3f}"
            + ("" if comparison.rival is None else f"; strongest rival, {comparison.rival}"),
            *aligned([list(_COLUMNS), *([column(row) for column in _COLUMNS.values()] for row in rows)]),
            "",
        ]
    return "\n".join([*lines, caption, ""])


def csv_table(comparisons: Sequence[Comparison]) -> str:
    """All rows of all banks as comma-separated values.

    Args:
        comparisons: One per bank.

    Returns:
        The text, with a header.
    """
    return csv_lines({"bank": comparison.bank, **_flat(row)} for comparison in comparisons for row in comparison.rows())


def json_document(comparisons: Sequence[Comparison], about: Mapping[str, Any]) -> str:
    """Settings, and the rows of all banks.

    Args:
        comparisons: One per bank.
        about: Settings, machine, date, command; plain JSON.

    Returns:
        JSON; a number that is not finite is null.
    """
    banks = [
        {
            "bank": comparison.bank,
            "budget": comparison.budget,
            "rows": [_flat(row) for row in comparison.rows()],
        }
        for comparison in comparisons
    ]
    return json.dumps(finite({**about, "banks": banks}), allow_nan=False) + "\n"


def runs_document(comparisons: Sequence[Comparison]) -> str:
    """Every run with its curves.

    Args:
        comparisons: One per bank.

    Returns:
        JSON; a number that is not finite is null.
    """
    runs = [
        {"bank": comparison.bank, "method": method, "seed": seed, **asdict(result)}
        for comparison in comparisons
        for method, results in comparison.results.items()
        for seed, result in zip(comparison.seeds, results, strict=True)
    ]
    return json.dumps(finite(runs), allow_nan=False) + "\n"


def curves_figure(comparison: Comparison, note: str) -> Any:
    """Accuracy over tokens, mean over seeds with two standard errors where they can be told apart, and the target.

    Args:
        comparison: A bank and its methods.
        note: What it takes to read and to repeat it.

    Returns:
        A matplotlib figure.
    """
    rows, axis = comparison.rows(), comparison.axis
    crowded = len(rows) > len(COLORS)
    figure = new_figure(12.5 if crowded else 8.5, 5.2)
    axes = figure.subplots()
    for place, row in enumerate(rows):
        curves = comparison.accuracy(row.method)
        mean = curves.mean(axis=0)
        color = "#888888" if row.method == BASELINE else COLORS[place % len(COLORS)]
        style = _STYLES[place // len(COLORS) % len(_STYLES)]
        axes.plot(axis, mean, style, color=color, label=f"{row.method}  {ratio_text(row.tokens)}")
        if len(curves) > 1 and not crowded:
            error = 2.0 * curves.std(axis=0, ddof=1) / np.sqrt(len(curves))
            axes.fill_between(axis, mean - error, mean + error, color=color, alpha=0.15, linewidth=0)
    axes.axhline(rows[0].tokens.target, color="#888888", linestyle=(0, (4, 2)), linewidth=1.2)
    axes.set(xlabel=f"tokens, prompts and completions\n{note}", ylabel="held-out accuracy", title=comparison.bank)
    beside = {"loc": "center left", "bbox_to_anchor": (1.0, 0.5)} if crowded else {}
    axes.legend(frameon=False, fontsize=8, title="method, speed in tokens to the dashed target", **beside)
    return figure


def drawn_figure(comparison: Comparison, note: str) -> Any:
    """What each method drew: shares of the groups as tokens are spent, mean over seeds.

    Args:
        comparison: A bank and its methods.
        note: What it takes to read and to repeat it.

    Returns:
        A matplotlib figure: a map per method, all with one scale.
    """
    groups = list(comparison.results[BASELINE][0].drawn)
    shares = {
        method: np.mean([[result.drawn[group] for group in groups] for result in results], axis=0)
        for method, results in comparison.results.items()
    }
    middles = (comparison.axis[1:] + comparison.axis[:-1]) / 2.0
    across = min(_ACROSS, len(shares))
    down = -(-len(shares) // across)
    figure = new_figure(1.6 + 2.6 * across, 1.0 + (0.6 + 0.115 * len(groups)) * down)
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    largest = max(float(share.max()) for share in shares.values())
    for axes, (method, share) in zip(panels.flat, shares.items(), strict=False):
        image = plot_drawn(axes, middles, share.T, groups, largest=largest)
        axes.set_title(method, fontsize=9)
        axes.tick_params(axis="y", labelsize=6)
        axes.tick_params(axis="x", labelsize=7)
        axes.xaxis.set_major_formatter(lambda tokens, _: f"{tokens / 1000:.0f}k")
    for axes in panels.flat[len(shares) :]:
        axes.set_visible(False)
    figure.colorbar(image, ax=panels, shrink=0.5, label="share of what was drawn")
    figure.supxlabel(f"tokens\n{note}", fontsize=9)
    figure.suptitle(comparison.bank)
    return figure


def _flat(row: Row) -> dict[str, Any]:
    return {
        "method": row.method,
        **named("final_accuracy", row.level),
        **named("improvement", row.improvement),
        **named("best", row.best),
        "early_steps": EARLY_STEPS,
        **named("early_best", row.early),
        **_speed("tokens", row.tokens),
        **({} if row.beside is None else named("ratio_beside_rival", row.beside.ratio)),
        **_speed("seconds", row.seconds),
        "wasted_share": row.wasted,
        "informative_share": row.informative,
        "steps": row.steps,
        "run_seconds": row.run_seconds,
        "overhead_share": row.overhead,
        "rescoring_share": row.rescoring,
    }


def _speed(unit: str, speed: Speed) -> dict[str, float]:
    return {
        "target": speed.target,
        **named(f"{unit}_to_target", speed.budget),
        f"uniform_{unit}_to_target": speed.uniform_budget,
        **named(f"{unit}_ratio", speed.ratio),
    }
