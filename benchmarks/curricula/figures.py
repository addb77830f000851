"""The pictures of a comparison: learning curves, the measures side by side, and what was drawn as time goes by.

Banks differ between seeds more than methods do, so learning curves stand beside their paired differences from uniform:
the band there is the one to judge by. Many methods get a panel each, the best first. Intervals that leave what is
measured, such as a target that some resamples never reach, end in an arrow.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.plotting import COLORS, new_figure, plot_drawn

from .entries import BASELINE, ORACLE, groups
from .measuring import Estimate
from .report import Comparison, Row, overall

__all__ = ["curves_figure", "drawn_figure", "measures_figure", "overall_figure"]

FloatArray = npt.NDArray[np.float64]

_DASHES = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_GREY, _BLUE, _ORANGE = "#888888", COLORS[0], COLORS[1]
_MOST_LINES = 8  # in one picture; more cannot be told apart


def curves_figure(comparison: Comparison, note: str) -> Any:
    """Accuracy over rollouts, and what it differs by from uniform on the same seeds; dots mark where the target is met.

    Args:
        comparison: A learner and its methods.
        note: What it takes to read and to repeat it.

    Returns:
        A matplotlib figure: two panels with all methods, or with many of them a panel for each beside uniform.
    """
    if len(comparison.results) > _MOST_LINES:
        return _panels_figure(comparison, note)
    figure = new_figure(13, 5.4)
    level, difference = figure.subplots(1, 2)
    uniform, rows = comparison.accuracy(BASELINE), comparison.rows()
    aim, handles = rows[0].speed.target, []
    for row in rows:
        curves, style = comparison.accuracy(row.method), _style(row.method, comparison)
        handles.append(_draw(level, comparison.rollouts, curves, style))
        _draw(difference, comparison.rollouts, curves - uniform, style)
        _mark_target(level, row, style["color"])
    handles.append(level.axhline(aim, color=_GREY, linestyle=(0, (4, 2)), linewidth=1.2, zorder=0))
    for axes in (level, difference):
        _rollouts_axis(axes, comparison)
        axes.set_xlabel("rollouts")
    level.set(ylabel="held-out accuracy", title="Mean over seeds, band: 2 standard errors")
    difference.set(ylabel="accuracy minus uniform's", title="Paired difference, band: 2 standard errors")
    figure.legend(
        handles,
        [*(f"{row.method}  {_speed(row)}" for row in rows), f"target {aim:.3f}"],
        loc="outside right upper",
        frameon=False,
        fontsize=9,
        title="method, speed to target",
    )
    figure.suptitle(_heading(comparison))
    _write_below(figure, note)
    return figure


def measures_figure(comparison: Comparison, note: str) -> Any:
    """Level, chance of improvement and rollouts to the target of every method, the best first, each with its interval.

    Args:
        comparison: A learner and its methods.
        note: What it takes to read and to repeat it.

    Returns:
        A matplotlib figure with a line per method.
    """
    rows = comparison.rows()
    figure, (level, improvement, budget) = _forest([row.method for row in rows], 3)
    _points(level, [row.level for row in rows])
    level.set_xlabel("final accuracy,\ninterquartile mean")
    _chances(improvement, [row.improvement for row in rows], [row.over_pairs for row in rows])
    last = float(comparison.rollouts[-1])
    _points(budget, [row.speed.budget for row in rows], last=last)
    for place, row in enumerate(rows):
        if math.isinf(row.speed.budget.value):
            budget.text(last, place, "not reached ", ha="right", va="center", fontsize=8, color=_GREY)
    budget.axvline(rows[0].speed.uniform_budget, color=_GREY, linestyle=(0, (4, 2)), linewidth=1.2, zorder=0)
    _rollouts_axis(budget, comparison)
    budget.set_xlabel(f"rollouts to uniform's final\naccuracy, {rows[0].speed.target:.3f}")
    figure.suptitle(_heading(comparison))
    _write_below(figure, f"Bars: 95 % bootstrap over seeds. Dashed: uniform. {note}")
    return figure


def overall_figure(comparisons: Sequence[Comparison], note: str) -> Any:
    """Level and chance of improvement over all learners, the best method first.

    Args:
        comparisons: One per learner.
        note: What it takes to read and to repeat it.

    Returns:
        A matplotlib figure with a line per method that was played on all learners.
    """
    rows = overall(comparisons)
    figure, (level, improvement) = _forest([row.method for row in rows], 2)
    _points(level, [row.level for row in rows])
    level.set_xlabel("final accuracy,\ninterquartile mean over all runs")
    _chances(improvement, [row.improvement for row in rows], [row.over_pairs for row in rows])
    figure.suptitle(f"{len(comparisons)} learners: {', '.join(comparison.learner for comparison in comparisons)}")
    _write_below(figure, f"Bars: 95 % bootstrap over seeds, resampled on each learner apart. {note}")
    return figure


def drawn_figure(comparison: Comparison, note: str) -> Any:
    """What each method drew: its share on every part of the bank as training goes on, mean over seeds.

    Args:
        comparison: A learner and its methods.
        note: What it takes to read and to repeat it.

    Returns:
        A matplotlib figure: a map per method, all with one scale.
    """
    rows = comparison.rows()
    first = comparison.results[BASELINE][0]
    figure, panels = _grid(len(rows), 2.7 if len(rows) <= _MOST_LINES else 2.1)
    shares = {row.method: _drawn(comparison, row.method) for row in rows}
    largest = max(float(np.max(share)) for share in shares.values())
    # A step of a filter may cost more or less than one of uniform: then maps end at different rollouts.
    image = None
    for axes, row in zip(panels.flat, rows, strict=False):
        middles, end = _windows(comparison, row.method)
        image = plot_drawn(axes, middles, shares[row.method], first.parts, largest=largest)
        image.set_extent((0.0, end, *image.get_extent()[2:]))  # from edge to edge, not from middle to middle
        axes.set_title(_title(row.method), fontsize=9)
        axes.set_xlim(0, comparison.rollouts[-1])
        axes.xaxis.set_major_formatter(_short)
        axes.tick_params(labelsize=7)
    figure.colorbar(image, ax=panels, label="share of the draws", shrink=0.8)
    figure.supylabel(first.parts_title, fontsize=10)
    figure.suptitle(f"Drawn by rollouts: {comparison.learner}, {comparison.problems:,} problems")
    _write_below(figure, note)
    return figure


def _panels_figure(comparison: Comparison, note: str) -> Any:
    rows = comparison.rows()
    figure, panels = _grid(len(rows), 2.2, sharey=True)
    uniform, aim = comparison.accuracy(BASELINE), rows[0].speed.target
    for axes, row in zip(panels.flat, rows, strict=False):
        _draw(axes, comparison.rollouts, uniform, {"color": _GREY, "linestyle": "solid"})
        if row.method != BASELINE:
            color = _ORANGE if row.method == ORACLE else _BLUE
            _draw(axes, comparison.rollouts, comparison.accuracy(row.method), {"color": color, "linestyle": "solid"})
            _mark_target(axes, row, color)
        axes.axhline(aim, color=_GREY, linestyle=(0, (4, 2)), linewidth=0.8, zorder=0)
        _rollouts_axis(axes, comparison)
        axes.tick_params(labelsize=7)
        axes.set_title(_title(row.method), fontsize=9)
        words = f"{row.level.value:.3f}" + (f", {_speed(row)}" if _speed(row) else "")
        axes.text(0.98, 0.04, words, transform=axes.transAxes, ha="right", va="bottom", fontsize=8)
    figure.supylabel("held-out accuracy", fontsize=10)
    figure.suptitle(
        f"{_heading(comparison)}: each method beside uniform (grey), with final accuracy and speed to target"
    )
    _write_below(figure, f"Mean over seeds, band: 2 standard errors; dashed: the target {aim:.3f}. {note}")
    return figure


def _grid(count: int, height: float, **settings: Any) -> tuple[Any, Any]:
    """A panel for each method, and no more."""
    columns = min(4 if count <= _MOST_LINES else 6, count)
    lines = math.ceil(count / columns)
    figure = new_figure((3.4 if columns <= 4 else 2.7) * columns + 0.9, height * lines + 1.1)
    panels = figure.subplots(lines, columns, squeeze=False, **{"sharey": True, **settings})
    for axes in list(panels.flat)[count:]:
        axes.set_axis_off()
    for axes in panels.flat[max(0, count - columns) : count]:
        axes.set_xlabel("rollouts", fontsize=8)
    return figure, panels


def _forest(names: Sequence[str], columns: int) -> tuple[Any, Any]:
    """A line per method, the first at the top, and so many panels beside one another."""
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


def _title(method: str) -> str:
    """A name that fits above a small panel: settings in brackets go to further lines."""
    return "\n".join(textwrap.wrap(method, 34, break_on_hyphens=False)) if len(method) > 34 else method


def _style(method: str, comparison: Comparison) -> dict[str, Any]:
    """A line that does not depend on what else is drawn; beyond the colours they are told apart by dashes."""
    known = groups()["all"]
    place = [*known, *(name for name in comparison.results if name not in known)].index(method)
    return {"color": COLORS[place % len(COLORS)], "linestyle": _DASHES[place // len(COLORS) % len(_DASHES)]}


def _draw(axes: Any, budget: FloatArray, curves: FloatArray, style: dict[str, Any]) -> Any:
    mean = np.mean(curves, axis=0)
    (line,) = axes.plot(budget, mean, **style, linewidth=2)
    if len(curves) > 1:
        error = 2 * np.std(curves, axis=0, ddof=1) / math.sqrt(len(curves))
        axes.fill_between(budget, mean - error, mean + error, color=style["color"], alpha=0.15, linewidth=0)
    return line


def _mark_target(axes: Any, row: Row, color: str) -> None:
    if math.isfinite(row.speed.budget.value):
        axes.plot(row.speed.budget.value, row.speed.target, "o", color=color, markeredgecolor="white", zorder=5)


def _rollouts_axis(axes: Any, comparison: Comparison) -> None:
    axes.set_xlim(0, comparison.rollouts[-1])
    axes.xaxis.set_major_formatter(_short)
    axes.spines[["top", "right"]].set_visible(False)


def _short(value: float, _: Any) -> str:
    return f"{value / 1000:,g}k" if value >= 1000 else f"{value:g}"


def _heading(comparison: Comparison) -> str:
    count = len(comparison.seeds)
    return f"{comparison.learner}, {comparison.problems:,} problems, {count} seed{'s' * (count > 1)}"


def _write_below(figure: Any, note: str) -> None:
    width = int(16 * figure.get_figwidth())  # so many letters of this size fit
    lines = [line for part in note.splitlines() for line in textwrap.wrap(part, width, break_on_hyphens=False)]
    figure.supxlabel("\n".join(lines), fontsize=7.5, color="#555555")


def _windows(comparison: Comparison, method: str) -> tuple[FloatArray, float]:
    """Rollouts in the middle of each window that all seeds have, mean over seeds; and where the last window ends."""
    results = comparison.results[method]
    count = min(len(result.rollouts) for result in results)
    rollouts = np.mean([result.rollouts[:count] for result in results], axis=0)
    return np.asarray((rollouts[1:] + rollouts[:-1]) / 2), float(rollouts[-1])


def _drawn(comparison: Comparison, method: str) -> FloatArray:
    results = comparison.results[method]
    count = min(len(result.drawn) for result in results)
    return np.asarray(np.mean([result.drawn[:count] for result in results], axis=0))


def _speed(row: Row) -> str:
    if math.isinf(row.speed.budget.value):
        return "not reached"
    return "" if math.isnan(row.speed.ratio.value) else f"{row.speed.ratio.value:.2f}x"
