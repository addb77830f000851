"""Pictures of a comparison: learning curves, the measures side by side, and what was drawn as time goes by.

Settings differ between seeds more than entries do, so learning curves stand beside their paired differences from the
baseline: the band there is the one to judge by. Many entries get a panel each, the best first. Intervals that leave
what is measured, such as a target that some resamples never reach, end in an arrow.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from curriculum_bandits._typing import FloatArray
from curriculum_bandits.plotting import COLORS, new_figure, plot_drawn

from .comparison import Comparison, Standing, overall
from .statistics import Estimate

__all__ = [
    "Drawn",
    "curves_figure",
    "drawn_figure",
    "line_styles",
    "measures_figure",
    "overall_figure",
    "short_number",
    "write_below",
]

_COLORS = (*COLORS, "#8B5A2B")
_DASHES = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_GREY, _BLUE, _ORANGE = "#888888", COLORS[0], COLORS[1]
_MOST_LINES = 8  # in one picture; more cannot be told apart


@dataclass(frozen=True)
class Drawn:
    """What one entry drew, mean over seeds.

    Attributes:
        shares: Share of each part in each window, shape (windows, parts).
        middles: Budget in the middle of each window, shape (windows,).
        end: Budget at which the last window ends.
    """

    shares: FloatArray
    middles: FloatArray
    end: float


def line_styles(labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """A line for each label, told apart by colour and, beyond eight, by dashes too.

    Args:
        labels: In an order that does not depend on what else is drawn.

    Returns:
        Matplotlib properties by label.
    """
    return {
        label: {"color": _COLORS[i % len(_COLORS)], "linestyle": _DASHES[i // len(_COLORS) % len(_DASHES)]}
        for i, label in enumerate(labels)
    }


def curves_figure(comparison: Comparison, note: str, *, score: str, budget: str) -> Any:
    """Scores over the budget, and what they differ by from the baseline on the same seeds.

    Args:
        comparison: A subject and its entries.
        note: What it takes to read and to repeat it.
        score: What the score is.
        budget: What is spent.

    Returns:
        A matplotlib figure: two panels with all entries, dots where the target is met; or with many of them a panel for
        each beside the baseline.
    """
    if len(comparison.curves) > _MOST_LINES:
        return _panels_figure(comparison, note, score)
    figure = new_figure(13, 5.4)
    level, difference = figure.subplots(1, 2)
    base, rows = comparison.curves[comparison.baseline], comparison.standings()
    aim, handles, styles = rows[0].speedup.target, [], line_styles(list(comparison.curves))
    for row in rows:
        curves, style = comparison.curves[row.entry], styles[row.entry]
        handles.append(_draw(level, comparison.axis, curves, style))
        _draw(difference, comparison.axis, curves - base, style)
        _mark_target(level, row, style["color"])
    handles.append(level.axhline(aim, color=_GREY, linestyle=(0, (4, 2)), linewidth=1.2, zorder=0))
    for axes in (level, difference):
        _budget_axis(axes, comparison)
        axes.set_xlabel(budget)
    bands = ", band: 2 standard errors" if len(comparison.seeds) > 1 else ""
    level.set(ylabel=score, title=f"Mean over seeds{bands}")
    difference.set(ylabel=f"{score} minus {comparison.baseline}'s", title=f"Paired difference{bands}")
    figure.legend(
        handles,
        [*(f"{_title(row.entry)}  {_speed(row)}" for row in rows), f"target {aim:.3f}"],
        loc="outside right upper",
        frameon=False,
        fontsize=9,
        title=f"speedup in {budget} to target",
    )
    figure.suptitle(_heading(comparison))
    write_below(figure, note)
    return figure


def measures_figure(comparison: Comparison, note: str, *, score: str, budget: str) -> Any:
    """Final score, probability of improvement and budget to the target, the best entry first, each with its interval.

    Args:
        comparison: A subject and its entries.
        note: What it takes to read and to repeat it.
        score: What the score is.
        budget: What is spent.

    Returns:
        A matplotlib figure with a line per entry.
    """
    rows = comparison.standings()
    figure, (level, improvement, spent) = _forest([row.entry for row in rows], 3)
    _points(level, [row.interquartile_mean for row in rows])
    level.set_xlabel(f"final {score},\ninterquartile mean")
    _chances(improvement, [row.improvement for row in rows], [row.over_pairs for row in rows])
    last = float(comparison.axis[-1])
    _points(spent, [row.speedup.budget for row in rows], last=last)
    for place, row in enumerate(rows):
        if math.isinf(row.speedup.budget.value):
            spent.text(last, place, "not reached ", ha="right", va="center", fontsize=8, color=_GREY)
    spent.axvline(rows[0].speedup.baseline_budget, color=_GREY, linestyle=(0, (4, 2)), linewidth=1.2, zorder=0)
    _budget_axis(spent, comparison)
    spent.set_xlabel(f"{budget} to {comparison.baseline}'s final\n{score}, {rows[0].speedup.target:.3f}")
    figure.suptitle(_heading(comparison))
    write_below(figure, f"Bars: 95 % bootstrap over seeds. Dashed: {comparison.baseline}. {note}")
    return figure


def overall_figure(comparisons: Sequence[Comparison], note: str, *, score: str) -> Any:
    """Final score and probability of improvement over all subjects, the best entry first.

    Args:
        comparisons: One per subject.
        note: What it takes to read and to repeat it.
        score: What the score is.

    Returns:
        A matplotlib figure with a line per entry that was played on all subjects.
    """
    rows = overall(comparisons)
    figure, (level, improvement) = _forest([row.entry for row in rows], 2)
    _points(level, [row.interquartile_mean for row in rows])
    level.set_xlabel(f"final {score},\ninterquartile mean over all runs")
    _chances(improvement, [row.improvement for row in rows], [row.over_pairs for row in rows])
    figure.suptitle(f"{len(comparisons)} together: {', '.join(comparison.subject for comparison in comparisons)}")
    write_below(figure, f"Bars: 95 % bootstrap over seeds, resampled on each apart. {note}")
    return figure


def drawn_figure(drawn: Mapping[str, Drawn], parts: Sequence[str], note: str, *, title: str, part: str) -> Any:
    """What each entry drew: its share on every part as training goes on.

    Args:
        drawn: By entry, in the order of the panels.
        parts: Names of the parts.
        note: What it takes to read and to repeat it.
        title: Of the figure.
        part: What a part is.

    Returns:
        A matplotlib figure: a map per entry, all with one scale.
    """
    height = max(2.7 if len(drawn) <= _MOST_LINES else 2.1, 0.5 + 0.115 * len(parts))
    figure, panels = _grid(len(drawn), height, widest=max(map(len, parts)))
    largest = max(float(np.max(each.shares)) for each in drawn.values())
    end = max(each.end for each in drawn.values())
    image = None
    for axes, (entry, each) in zip(panels.flat, drawn.items(), strict=False):
        image = plot_drawn(axes, each.middles, each.shares, parts, largest=largest)
        image.set_extent((0.0, each.end, *image.get_extent()[2:]))  # from edge to edge, not from middle to middle
        axes.set_title(_title(entry), fontsize=9)
        axes.set_xlim(0, end)
        axes.xaxis.set_major_formatter(short_number)
        axes.tick_params(labelsize=7 if len(parts) <= 24 else 5)
    figure.colorbar(image, ax=panels, label="share of what was drawn", shrink=0.8)
    figure.supylabel(part, fontsize=10)
    figure.suptitle(title)
    write_below(figure, note)
    return figure


def write_below(figure: Any, note: str) -> None:
    """Put a note below a figure, as wide as it is.

    Args:
        figure: A matplotlib figure.
        note: Some lines.
    """
    width = int(16 * figure.get_figwidth())  # so many letters of this size fit
    lines = [line for part in note.splitlines() for line in textwrap.wrap(part, width, break_on_hyphens=False)]
    figure.supxlabel("\n".join(lines), fontsize=7.5, color="#555555")


def short_number(value: float, _: Any = None) -> str:
    """A number on an axis, thousands as ``k``."""
    return f"{value / 1000:,g}k" if value >= 1000 else f"{value:g}"


def _panels_figure(comparison: Comparison, note: str, score: str) -> Any:
    rows = comparison.standings()
    figure, panels = _grid(len(rows), 2.2)
    base, aim = comparison.curves[comparison.baseline], rows[0].speedup.target
    for axes, row in zip(panels.flat, rows, strict=False):
        _draw(axes, comparison.axis, base, {"color": _GREY, "linestyle": "solid"})
        if row.entry != comparison.baseline:
            color = _ORANGE if row.entry == comparison.oracle else _BLUE
            _draw(axes, comparison.axis, comparison.curves[row.entry], {"color": color, "linestyle": "solid"})
            _mark_target(axes, row, color)
        axes.axhline(aim, color=_GREY, linestyle=(0, (4, 2)), linewidth=0.8, zorder=0)
        _budget_axis(axes, comparison)
        axes.tick_params(labelsize=7)
        axes.set_title(_title(row.entry), fontsize=9)
        words = f"{row.interquartile_mean.value:.3f}" + (f", {_speed(row)}" if _speed(row) else "")
        axes.text(0.98, 0.04, words, transform=axes.transAxes, ha="right", va="bottom", fontsize=8)
    figure.supylabel(score, fontsize=10)
    figure.suptitle(
        f"{_heading(comparison)}: each beside {comparison.baseline} (grey), with final {score} and speedup to target"
    )
    write_below(figure, f"Mean over seeds, band: 2 standard errors; dashed: the target {aim:.3f}. {note}")
    return figure


def _grid(count: int, height: float, widest: int = 0) -> tuple[Any, Any]:
    """A panel for each entry, and no more; room beside them for names as long as the widest."""
    columns = min(4 if count <= _MOST_LINES else 6, count)
    lines = math.ceil(count / columns)
    figure = new_figure((3.4 if columns <= 4 else 2.7) * columns + 0.9 + 0.06 * widest, height * lines + 1.1)
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
    for axes in list(panels.flat)[count:]:
        axes.set_axis_off()
    return figure, panels


def _forest(names: Sequence[str], columns: int) -> tuple[Any, Any]:
    """A line per entry, the first at the top, and so many panels beside one another."""
    figure = new_figure(4.4 * columns + 1.5, 0.29 * len(names) + 1.8)
    panels = figure.subplots(1, columns, sharey=True)
    panels[0].set_yticks(range(len(names)), names, fontsize=9)
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    for axes in panels:
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="y", color="#eeeeee", linewidth=0.8)
        axes.set_axisbelow(True)
    return figure, panels


def _points(axes: Any, estimates: Sequence[Estimate], last: float = math.inf) -> None:
    """Estimates with their intervals, a line each; what lies beyond the last value is an arrow to the right."""
    for place, estimate in enumerate(estimates):
        if not math.isnan(estimate.lower) and not math.isinf(estimate.lower):
            upper = min(estimate.upper, last)
            axes.plot([estimate.lower, upper], [place, place], color=_BLUE, linewidth=2, solid_capstyle="butt")
            if estimate.upper > last and math.isfinite(estimate.value):
                axes.plot(upper, place, ">", color=_BLUE, markersize=6, clip_on=False)
        if math.isfinite(estimate.value):
            axes.plot(estimate.value, place, "o", color=_BLUE, markeredgecolor="white", markersize=7, zorder=5)


def _chances(axes: Any, paired: Sequence[Estimate], over_pairs: Sequence[Estimate]) -> None:
    _points(axes, paired)
    places = np.arange(len(over_pairs)) + 0.32
    for place, estimate in zip(places, over_pairs, strict=True):
        if not math.isnan(estimate.lower):
            axes.plot([estimate.lower, estimate.upper], [place, place], color=_GREY, linewidth=1)
    values = [each.value for each in over_pairs]
    axes.plot(values, places, "D", color="white", markeredgecolor=_GREY, markersize=4, zorder=6)
    axes.axvline(0.5, color=_GREY, linestyle=(0, (4, 2)), linewidth=1.2, zorder=0)
    axes.set(xlim=(-0.03, 1.03), xlabel="P(above uniform): same seed (dot),\nall pairs (diamond)")


def _title(entry: str) -> str:
    """A name that fits above a small panel: settings in brackets go to further lines."""
    return "\n".join(textwrap.wrap(entry, 34, break_on_hyphens=False)) if len(entry) > 34 else entry


def _draw(axes: Any, budget: FloatArray, curves: FloatArray, style: dict[str, Any]) -> Any:
    mean = np.mean(curves, axis=0)
    (line,) = axes.plot(budget, mean, **style, linewidth=2)
    if len(curves) > 1:
        error = 2 * np.std(curves, axis=0, ddof=1) / math.sqrt(len(curves))
        axes.fill_between(budget, mean - error, mean + error, color=style["color"], alpha=0.15, linewidth=0)
    return line


def _mark_target(axes: Any, row: Standing, color: str) -> None:
    if math.isfinite(row.speedup.budget.value):
        axes.plot(row.speedup.budget.value, row.speedup.target, "o", color=color, markeredgecolor="white", zorder=5)


def _budget_axis(axes: Any, comparison: Comparison) -> None:
    axes.set_xlim(0, comparison.axis[-1])
    axes.xaxis.set_major_formatter(short_number)
    axes.spines[["top", "right"]].set_visible(False)


def _heading(comparison: Comparison) -> str:
    count = len(comparison.seeds)
    return f"{comparison.subject}, {count} seed{'s' * (count > 1)}"


def _speed(row: Standing) -> str:
    if math.isinf(row.speedup.budget.value):
        return "not reached"
    return "" if math.isnan(row.speedup.ratio.value) else f"{row.speedup.ratio.value:.2f}x"
