"""The figures of the page: each drawn twice, for a wide and for a narrow screen, as SVG that takes the page's colours.

Legends are the page's, not matplotlib's, so they wrap on a phone and never cover a line. A group has the same colour in
every figure: Okabe and Ito's, which stay apart for colour-blind readers, and hatched from the eighth group on.
"""

from __future__ import annotations

import html
import io
import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray
from curriculum_bandits.extras import require_extra
from curriculum_bandits.report._reading import Evaluation, RecordedRun, sums_at
from curriculum_bandits.report._text import compact, label, percent

__all__ = ["Figure", "LegendEntry", "figures_of", "group_style", "group_utility", "main_metric", "parts_of_a_step"]

Paint = Callable[[Any, Any, bool], None]

_MOST_STACKED = 12
_MOST_ROWS = 40
_MOST_LINES = 7
_COLUMNS = 60  # windows of steps in a figure
_MOST_EVALUATIONS = 100
_MOST_ESTIMATES = 150
_NOT_THE_CURRICULUM = ("step", "learn", "evaluate")  # parts of a step that would be there without one

_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#888888")
_BLUE, _ORANGE, _GREEN, _PINK = _COLORS[:4]
# Colours that stand for what the page makes of them, light or dark.
_TEXT, _MUTED, _GRID, _CARD = "#010101", "#020202", "#030303", "#040404"
_MEANT = {_TEXT: "currentColor", _MUTED: "var(--muted)", _GRID: "var(--grid)", _CARD: "var(--card)"}


@dataclass(frozen=True)
class LegendEntry:
    """A line of a legend: its name, its colour as CSS, and whether its area is hatched."""

    name: str
    color: str
    hatched: bool = False


@dataclass(frozen=True)
class Figure:
    """A figure of the page: SVG for a wide and for a narrow screen; or, in `missing`, why there is none."""

    key: str
    title: str
    caption: str = ""
    alt: str = ""
    wide: str = ""
    narrow: str = ""
    legend: list[LegendEntry] = field(default_factory=list)
    missing: str = ""


def group_style(index: int) -> tuple[str, bool]:
    """Colour of a group in every figure, and whether its area is hatched, by its number in the bank."""
    return _COLORS[index % len(_COLORS)], index % (2 * len(_COLORS)) >= len(_COLORS)


def figures_of(run: RecordedRun) -> list[Figure]:
    """Every figure, in the order of the page; one without data says so."""
    windows = _Windows(run)
    by_group, informative = _accuracy_by_group(run), _informative(run, windows)
    # In pairs, as they stand side by side on a wide screen: what is as tall as there are groups together.
    figures = [_learning(run, windows), by_group or informative, _drawn_by_group(run, windows), _utility(run)]
    figures += [_drawn_by_difficulty(run, windows), _entropy(run, windows)]
    figures += [informative] if by_group else []
    return [*figures, _regret(run), _overhead(run, windows)]


def main_metric(evaluations: list[Evaluation]) -> str | None:
    """The metric that says how good the policy is: accuracy or reward, else a name with one of the two in it."""
    names = list(dict.fromkeys(name for one in evaluations for name in one.metrics))
    whole = [name for name in names if not name.startswith(("accuracy/", "reward/"))]
    exact = (name for name in ("accuracy", "reward") if name in whole)
    return next(exact, next((name for word in ("accuracy", "reward") for name in whole if word in name), None))


def parts_of_a_step(run: RecordedRun) -> dict[str, FloatArray]:
    """Seconds of what the curriculum does in each step, and of the rest, which is training; empty without times."""
    whole = run.seconds["step"]
    if not np.any(whole > 0):
        return {}
    parts = {name: spent for name, spent in run.seconds.items() if name not in _NOT_THE_CURRICULUM}
    return {**parts, "rest": np.maximum(whole - sum(parts.values(), np.zeros_like(whole)), 0.0)}


class _Windows:
    """Windows of steps, all of the same width but the last: edges, shape (W + 1,), and middles."""

    def __init__(self, run: RecordedRun) -> None:
        self.run, self.first, self.last = run, max(run.first_step, 0), max(run.last_step, 0)
        self.per = math.ceil((self.last - self.first + 1) / _COLUMNS)
        starts = np.arange(self.first, self.last + 1, self.per)
        self.edges = np.append(starts, self.last + 1).astype(np.float64)
        self.middles = (self.edges[:-1] + self.edges[1:] - 1) / 2
        self.name = "one step" if self.per == 1 else f"{self.per:,} steps"

    def sums(self, values: Any, cells: npt.NDArray[np.int64] | None = None, size: int = 1) -> FloatArray:
        """Sums over the problems drawn, shape (W,); by window and cell, shape (W, size), where cells are given."""
        at = (self.run.drawn["step"] - self.first) // self.per
        if cells is None:
            return sums_at(at, values, len(self.middles))
        here = np.where(cells < 0, -1, at * size + cells)
        return sums_at(here, values, len(self.middles) * size).reshape(-1, size)

    def means_of_steps(self, values: FloatArray) -> FloatArray:
        """Means over the steps, shape (W,), nan where there is none."""
        at = (self.run.steps["step"].astype(np.int64) - self.first) // self.per
        total, count = (sums_at(at, each, len(self.middles)) for each in (values, np.isfinite(values)))
        return _ratio(total, count)


# --- figures -----------------------------------------------------------------------------------------------------


def _learning(run: RecordedRun, windows: _Windows) -> Figure:
    key, title = "learning", "Tokens against accuracy"
    metric = main_metric(run.evaluations)
    rewards = run.drawn["reward"]
    reward = _ratio(windows.sums(rewards), windows.sums(np.isfinite(rewards)))
    evaluated = [one for one in run.evaluations if metric in one.metrics]
    by_tokens = run.tokens > 0 and all(math.isfinite(one.tokens) for one in evaluated)
    if not evaluated and not np.any(np.isfinite(reward)):
        return Figure(key, title, missing="The record has neither evaluations nor rewards yet.")
    x_reward = windows.means_of_steps(run.steps["tokens"]) if by_tokens else windows.middles
    points = np.array([[one.tokens if by_tokens else one.step, one.metrics[metric or ""]] for one in evaluated])
    thinned = len(points) > _MOST_EVALUATIONS
    if thinned:
        points = np.array([part.mean(axis=0) for part in np.array_split(points, _MOST_EVALUATIONS)])
    measured = metric or "accuracy"

    def paint(figure: Any, axes: Any, narrow: bool) -> None:
        _line(axes, x_reward, reward, color=_ORANGE, linewidth=1.2, alpha=0.85)
        if len(points):
            axes.plot(*points.T, color=_BLUE, linewidth=2, marker="o", markersize=3.5, clip_on=False, zorder=3)
        axes.set_xlabel("tokens" if by_tokens else "step")
        _write(axes.xaxis, compact)
        axes.set_xlim(left=0)
        axes.margins(y=0.08)

    legend = [LegendEntry("mean reward of the problems drawn", _ORANGE)]
    if len(points):
        legend.insert(0, LegendEntry(f"held-out {measured}", _BLUE))
    over = "prompt and completion tokens generated so far" if by_tokens else "optimizer steps, as tokens are not known"
    caption = f"Against {over}. "
    if len(points):
        caption += f"Held-out {measured} at each evaluation" + (", neighbours averaged. " if thinned else ". ")
    else:
        caption += "There was no evaluation on held-out problems, so nothing here says how good the policy is. "
    caption += (
        "The reward of the problems drawn depends on what the curriculum chose: it may fall while the policy improves."
    )
    last = f"; {measured} ends at {points[-1, 1]:.3g}" if len(points) else ""
    if not (len(points) and "accuracy" in measured):
        title = "Tokens against reward"
    alt = f"Lines against {'tokens' if by_tokens else 'steps'}{last}."
    return _drawn(key, title, caption, alt, paint, legend)


def _drawn_by_group(run: RecordedRun, windows: _Windows) -> Figure:
    key, title = "groups", "What was drawn: groups"
    if not run.has_groups:
        return Figure(key, title, missing="The problems of this bank have no groups.")
    names = run.groups
    drawn = windows.sums(1.0, run.drawn["group"], len(names))
    shares = _ratio(drawn, drawn.sum(axis=1, keepdims=True))
    what = f"of the problems drawn, by window of {windows.name}"
    if len(names) <= _MOST_STACKED:
        styles = [group_style(index) for index in range(len(names))]
        legend = [LegendEntry(name, *style) for name, style in zip(names, styles, strict=True)]
        alt = f"Stacked areas: {_largest(shares, names)}"
        caption = f"Share of each group {what}, the first group at the bottom."
        return _drawn(key, title, caption, alt, _stacked(windows.edges, shares, styles), legend)
    rows = _most_drawn(drawn.sum(axis=0))
    paint = _heat_map(windows.edges, shares[:, rows], [names[row] for row in rows])
    caption = f"Share of each group {what}. A row is a group, in the order of the bank"
    if len(rows) < len(names):
        caption += f"; the {len(rows)} of {len(names)} that were drawn most"
    height = 1.1 + 0.155 * len(rows)
    return _drawn(key, title, caption + ".", f"Heat map: {_largest(shares, names)}", paint, height=height)


def _drawn_by_difficulty(run: RecordedRun, windows: _Windows) -> Figure:
    key, title = "difficulty", "What was drawn: difficulty"
    difficulty = run.drawn["difficulty"]
    known = np.isfinite(difficulty)
    if not np.any(known):
        return Figure(key, title, missing="The problems of this bank have no difficulty.")
    levels = np.unique(difficulty[known])
    few = len(levels) <= _MOST_STACKED
    limits = np.linspace(levels[0], levels[-1], 25)
    cells = np.searchsorted(levels if few else limits[1:-1], difficulty, side="left" if few else "right")
    drawn = windows.sums(1.0, np.where(known, cells, -1), len(levels) if few else len(limits) - 1)
    shares = _ratio(drawn, drawn.sum(axis=1, keepdims=True))
    mean = _ratio(windows.sums(difficulty), drawn.sum(axis=1))
    finite = mean[np.isfinite(mean)]
    alt = f"Mean difficulty goes from {finite[0]:.3g} to {finite[-1]:.3g}."
    what = f"of the problems drawn, by window of {windows.name}"
    if few:
        colormap = require_extra("matplotlib", "report").colormaps["viridis"]
        to_hex = require_extra("matplotlib.colors", "report").to_hex
        colors = [to_hex(colormap(x)) for x in np.linspace(0.12, 0.95, len(levels))]
        legend = [LegendEntry(f"{level:.4g}", color) for level, color in zip(levels, colors, strict=True)]
        caption = f"Share of each difficulty {what}, the easiest at the bottom."
        paint = _stacked(windows.edges, shares, [(color, False) for color in colors])
        return _drawn(key, title, caption, f"Stacked areas. {alt}", paint, legend)

    def paint_map(figure: Any, axes: Any, narrow: bool) -> None:
        extent = (windows.edges[0], windows.edges[-1], limits[0], limits[-1])
        _image(figure, axes, shares.T, extent, narrow, origin="lower")
        axes.plot((windows.edges[:-1] + windows.edges[1:]) / 2, mean, color=_ORANGE, linewidth=2)
        axes.set_ylabel("difficulty")

    caption = f"Share of each range of difficulty {what}. The line is the mean."
    legend = [LegendEntry("mean difficulty", _ORANGE)]
    return _drawn(key, title, caption, f"Heat map with a line. {alt}", paint_map, legend)


def _entropy(run: RecordedRun, windows: _Windows) -> Figure:
    key, title = "entropy", "How spread the curriculum is"
    numbers = windows.means_of_steps(run.steps["effective"])
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        why = "The record has no entropies: its loop logged none, or the curriculum has no distribution."
        return Figure(key, title, missing=why)
    size = run.bank_size

    def paint(figure: Any, axes: Any, narrow: bool) -> None:
        _line(axes, windows.middles, numbers, color=_BLUE)
        if size:
            axes.axhline(size, color=_ORANGE, linewidth=1.5, linestyle=(0, (4, 3)))
        top = max(float(finite.max()), size or 0)
        if top > 10 * finite.min():
            axes.set_yscale("log")
            axes.yaxis.set_minor_formatter("")
        else:
            axes.set_ylim(0, 1.1 * top)
        _write(axes.yaxis, compact)
        _step_axis(axes, run)

    legend = [LegendEntry("effective number of problems", _BLUE)]
    if size:
        legend.append(LegendEntry(f"all {size:,} problems of the bank", _ORANGE))
    caption = (
        "exp(entropy) of the distribution the curriculum draws from: as many problems, drawn evenly, would have the "
        "same entropy. Low means that few problems get nearly all draws."
    )
    return _drawn(key, title, caption, f"A line from {finite[0]:.4g} to {finite[-1]:.4g} problems.", paint, legend)


def _informative(run: RecordedRun, windows: _Windows) -> Figure:
    key, title = "informative", "What could teach"
    judged, informative, tokens = np.isfinite(run.drawn["reward"]), run.drawn["informative"], run.drawn["tokens"]
    if not np.any(judged):
        return Figure(key, title, missing="The record has no rewards yet.")
    share = _ratio(windows.sums(informative & judged), windows.sums(judged))
    wasted = _ratio(windows.sums(np.where(informative, 0.0, tokens)), windows.sums(tokens))
    has_tokens = bool(np.any(np.isfinite(tokens)))

    def paint(figure: Any, axes: Any, narrow: bool) -> None:
        _line(axes, windows.middles, share, color=_BLUE)
        if has_tokens:
            _line(axes, windows.middles, wasted, color=_ORANGE, linestyle=(0, (5, 2)))
        axes.set_ylim(0, 1)
        _write(axes.yaxis, percent)
        _step_axis(axes, run)

    legend = [LegendEntry("informative problems", _BLUE)]
    caption = (
        "A problem is informative if the rewards of its rollouts differ; equal rewards give no advantage, so nothing "
        "is learned from them. "
    )
    if has_tokens:
        legend.append(LegendEntry("completion tokens spent on equal rewards", _ORANGE))
        caption += "The dashed line is the share of completion tokens that went to problems with equal rewards."
    else:
        caption += "The record does not say how long completions were, so the share of wasted tokens is left out."
    finite = share[np.isfinite(share)]
    alt = f"The informative share goes from {percent(finite[0])} to {percent(finite[-1])}."
    return _drawn(key, title, caption, alt, paint, legend)


def _utility(run: RecordedRun) -> Figure:
    key, title = "utility", "Utility by group"
    if not run.has_groups:
        return Figure(key, title, missing="The problems of this bank have no groups to compare.")
    mean, half_width = group_utility(run)
    known = np.isfinite(mean)
    if not np.any(known):
        return Figure(key, title, missing="The record has no utilities yet.")
    rows = _most_drawn(np.where(known, run.by_group(1.0), 0.0))
    rows = rows[known[rows]]
    few = len(run.groups) <= _MOST_STACKED
    largest = float(np.max(np.abs(mean[rows])))
    power = math.floor(math.log10(largest)) if 0.0 < largest < 0.01 else 0
    unit = 10.0**power

    def paint(figure: Any, axes: Any, narrow: bool) -> None:
        for y, row in enumerate(rows):
            color, hatched = group_style(row) if few else (_BLUE, False)
            half = half_width[row]
            axes.errorbar(
                mean[row] / unit,
                y,
                xerr=None if math.isnan(half) else half / unit,
                color=color,
                marker="o",
                markersize=5.5 if few else 3.5,
                markerfacecolor=_CARD if hatched else color,
                linewidth=1.8,
            )
        axes.axvline(0, color=_MUTED, linewidth=0.8)
        axes.set_yticks(range(len(rows)), [label(run.groups[row], 16 if narrow else 26) for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelsize=8 if len(rows) <= 20 else 6.5)
        axes.grid(axis="y", visible=False)
        axes.grid(axis="x", visible=True)
        axes.xaxis.set_major_locator(_ticker().MaxNLocator(4 if narrow else 6))
        _write(axes.xaxis, compact)
        axes.set_xlabel(f"mean utility, in units of 1e{power}" if power else "mean utility")

    caption = (
        f"Mean over the run of the utility that a problem of each group had. {_how(run)} The bars are 95 % intervals, "
        "each draw of a batch being one observation; a group that was met in few draws has none. They include how "
        "utility changed during the run, and say nothing about its value at the end."
    )
    if len(rows) < np.count_nonzero(known):
        caption += f" Shown are the {len(rows)} groups that were drawn most."
    best = rows[int(np.argmax(mean[rows]))]
    alt = f"Points with intervals; the largest is {label(run.groups[best])} at {mean[best]:.3g}."
    height = max(2.0, 0.9 + (0.24 if len(rows) <= 20 else 0.155) * len(rows))
    return _drawn(key, title, caption, alt, paint, height=height)


def _regret(run: RecordedRun) -> Figure:
    key, title = "regret", "Regret against each group"
    if not run.has_groups:
        return Figure(key, title, missing="The problems of this bank have no groups to compare with.")
    if not run.estimates or not np.any(np.isfinite(run.estimates[-1].regret)):
        return Figure(key, title, missing="The record has no estimates of regret yet.")
    shown = np.unique(np.linspace(0, len(run.estimates) - 1, _MOST_ESTIMATES).astype(int))
    x, regret, half = (
        np.array([getattr(run.estimates[one], name) for one in shown]) for name in ("step", "regret", "half_width")
    )
    last = np.nan_to_num(regret[-1], nan=-np.inf)
    rows = [int(row) for row in np.argsort(-last, kind="stable")[:_MOST_LINES] if np.isfinite(last[row])]
    best = rows[0]
    few = len(run.groups) <= _MOST_STACKED
    styles = {row: group_style(row if few else place) for place, row in enumerate(rows)}

    def paint(figure: Any, axes: Any, narrow: bool) -> None:
        for row in rows[::-1]:
            color, hatched = styles[row]
            dash = (0, (3, 1.5)) if hatched else "-"
            _line(axes, x, regret[:, row], color=color, linewidth=2 if row == best else 1.2, linestyle=dash)
        band = [regret[:, best] - half[:, best], regret[:, best] + half[:, best]]
        axes.fill_between(x, *band, color=styles[best][0], alpha=0.15, linewidth=0)
        axes.axhline(0, color=_MUTED, linewidth=0.8)
        _write(axes.yaxis, compact)
        _step_axis(axes, run)

    caption = (
        "Estimated earnings if all plays had gone to one group, minus what was earned, added up over the run: above 0 "
        f"the group would have earned more. {_how(run)} The band is the 95 % interval of the group that is ahead at "
        "the end, as if chosen before the run; the largest of several noisy estimates is too high on average. "
        "Utilities are those of this run: the estimate does not know what more draws of a group would have taught."
    )
    if len(rows) < len(run.groups):
        caption += f" Shown are the {len(rows)} groups with the largest regret."
    legend = [LegendEntry(run.groups[row], *styles[row]) for row in rows]
    alt = f"Lines; at the end {label(run.groups[best])} is ahead at {regret[-1, best]:.3g}."
    return _drawn(key, title, caption, alt, paint, legend)


def group_utility(run: RecordedRun) -> tuple[FloatArray, FloatArray]:
    """Mean utility of each group and half the width of its interval, by the last estimate; nan where unknown."""
    mean, half_width = np.full((2, len(run.groups)), math.nan)
    for last in run.estimates[-1:]:
        known = slice(len(last.regret))  # groups that the first line of the record names
        mean[known], half_width[known] = (last.regret + last.earned) / last.plays, last.half_width / last.plays
    return mean, half_width


def _how(run: RecordedRun) -> str:
    if run.estimates[-1].unbiased:
        return "Each utility is divided by the chance that its problem had of being drawn, so no problem is favoured."
    return (
        "This curriculum does not state for every draw what chance each problem of the bank had, so the estimates "
        "favour the problems of a group that it preferred."
    )


def _overhead(run: RecordedRun, windows: _Windows) -> Figure:
    key, title = "overhead", "Time the curriculum takes"
    parts = parts_of_a_step(run)
    shown = [name for name in parts if name != "rest"]
    if not shown:
        return Figure(key, title, missing="The record has no times of steps yet.")
    whole = windows.means_of_steps(run.seconds["step"])
    shares = np.stack([_ratio(windows.means_of_steps(parts[name]), whole) for name in shown], axis=1)
    styles = [group_style(index) for index in range(len(shown))]
    rest = float(parts["rest"].sum()) / float(run.seconds["step"].sum())

    def paint(figure: Any, axes: Any, narrow: bool) -> None:
        _stacked(windows.edges, shares, styles)(figure, axes, narrow)
        top = np.nanmax(shares.sum(axis=1)) if np.any(np.isfinite(shares)) else 0.0
        axes.set_ylim(0, 1.1 * top if top > 0 else 0.01)
        _write(axes.yaxis, percent)

    legend = [LegendEntry(name, *style) for name, style in zip(shown, styles, strict=True)]
    caption = (
        f"Share of the time of a step that each part takes, stacked; what is missing to 100 % is the rest of the step "
        f"({percent(rest)} over the run): generation, rewards and the update. rescore is scoring completions again "
        "after the update, ask is drawing, tell is learning from the answers."
    )
    return _drawn(key, title, caption, f"Stacked areas; all parts together take {percent(1 - rest)}.", paint, legend)


def _accuracy_by_group(run: RecordedRun) -> Figure | None:
    prefix = "accuracy/"
    names = [name for name in run.groups if any(prefix + name in one.metrics for one in run.evaluations)]
    if not names or len(run.groups) > _MOST_STACKED:
        return None
    lines = {}
    for name in names:
        points = [(one.step, one.metrics[prefix + name]) for one in run.evaluations if prefix + name in one.metrics]
        parts = np.array_split(np.array(points, dtype=np.float64), min(len(points), _MOST_EVALUATIONS))
        lines[name] = np.array([part.mean(axis=0) for part in parts])
    styles = {name: group_style(run.groups.index(name)) for name in names}

    def paint(figure: Any, axes: Any, narrow: bool) -> None:
        for name, points in lines.items():
            color, hatched = styles[name]
            axes.plot(*points.T, color=color, linewidth=1.8, linestyle=(0, (3, 1.5)) if hatched else "-")
        axes.margins(y=0.06)
        _step_axis(axes, run)

    legend = [LegendEntry(name, *styles[name]) for name in names]
    ends = ", ".join(f"{label(name)} {points[-1, 1]:.2f}" for name, points in lines.items())
    caption = "Held-out accuracy on each group at each evaluation; dashed where the legend is hatched."
    return _drawn("group-accuracy", "Accuracy by group", caption, f"Lines; at the end {ends}.", paint, legend)


# --- pieces ------------------------------------------------------------------------------------------------------


def _ratio(over: FloatArray, under: FloatArray) -> FloatArray:
    nothing = np.full(np.broadcast_shapes(over.shape, under.shape), math.nan)
    return np.asarray(np.divide(over, under, out=nothing, where=under > 0), dtype=np.float64)


def _most_drawn(drawn: FloatArray) -> npt.NDArray[np.int64]:
    return np.sort(np.argsort(-drawn, kind="stable")[:_MOST_ROWS])


def _largest(shares: FloatArray, names: list[str]) -> str:
    drawn = shares[np.isfinite(shares).all(axis=1)]
    if not len(drawn):
        return "nothing was drawn yet."
    first, last = int(np.argmax(drawn[0])), int(np.argmax(drawn[-1]))
    return (
        f"at first {label(names[first])} is drawn most ({percent(drawn[0, first])}), "
        f"at the end {label(names[last])} ({percent(drawn[-1, last])})."
    )


def _stacked(edges: FloatArray, shares: FloatArray, styles: list[tuple[str, bool]]) -> Paint:
    def paint(figure: Any, axes: Any, narrow: bool) -> None:
        values = np.nan_to_num(np.vstack([shares, shares[-1:]]))
        low = np.zeros(len(values))
        for values_of, (color, hatched) in zip(values.T, styles, strict=True):
            area = axes.fill_between(edges, low, low + values_of, step="post", facecolor=color, linewidth=0)
            if hatched:
                area.set(hatch="////", edgecolor=_CARD)
            low = low + values_of
        axes.set_ylim(0, 1)
        _write(axes.yaxis, percent)
        axes.set_xlim(edges[0], edges[-1])
        _name_steps(axes)
        axes.grid(visible=False)

    return paint


def _heat_map(edges: FloatArray, shares: FloatArray, names: list[str]) -> Paint:
    def paint(figure: Any, axes: Any, narrow: bool) -> None:
        _image(figure, axes, shares.T, (edges[0], edges[-1], len(names) - 0.5, -0.5), narrow, origin="upper")
        axes.set_yticks(range(len(names)), [label(name, 14 if narrow else 22) for name in names])
        axes.tick_params(axis="y", length=0, labelsize=8 if len(names) <= 20 else 6.5)

    return paint


def _image(figure: Any, axes: Any, shares: FloatArray, extent: Any, narrow: bool, origin: str) -> None:
    colors = require_extra("matplotlib.colors", "report")
    # From nothing to blue, so that it lies as well on a light page as on a dark one.
    ends = [(0.34, 0.71, 0.91, 0.0), (0.2, 0.6, 0.85, 0.6), (0.04, 0.48, 0.76, 1.0)]
    colormap = colors.LinearSegmentedColormap.from_list("shares", ends).with_extremes(bad=(0, 0, 0, 0))
    place = {"aspect": "auto", "interpolation": "nearest", "origin": origin, "extent": extent}
    image = axes.imshow(shares, cmap=colormap, vmin=0.0, **place)
    bar = figure.colorbar(image, ax=axes, pad=0.02, fraction=0.05, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=7)
    _write(bar.ax.yaxis, percent)
    _name_steps(axes)
    axes.grid(visible=False)


def _line(axes: Any, x: FloatArray, y: FloatArray, *, linewidth: float = 2, **style: Any) -> None:
    alone = np.count_nonzero(np.isfinite(x + y)) == 1
    axes.plot(x, y, linewidth=linewidth, marker="o" if alone else "", **style)


def _ticker() -> Any:
    return require_extra("matplotlib.ticker", "report")


def _write(axis: Any, number: Callable[[float], str]) -> None:
    axis.set_major_formatter(lambda value, position: number(value))


def _step_axis(axes: Any, run: RecordedRun) -> None:
    first, last = run.first_step, run.last_step
    axes.set_xlim(first - 0.5 if first == last else first, last + 0.5 if first == last else last)
    _name_steps(axes)


def _name_steps(axes: Any) -> None:
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(_ticker().MaxNLocator(6, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    _write(axes.xaxis, compact)


def _drawn(
    key: str,
    title: str,
    caption: str,
    alt: str,
    paint: Paint,
    legend: list[LegendEntry] | None = None,
    height: float = 2.9,
) -> Figure:
    wide = _svg(f"{key}-wide", alt, paint, 5.4, height, narrow=False)
    narrow = _svg(f"{key}-narrow", alt, paint, 3.4, height if height > 2.9 else 2.5, narrow=True)
    return Figure(key, title, caption, alt, wide, narrow, legend or [])


_STYLE = {
    **dict.fromkeys(("axes.edgecolor", "grid.color", "xtick.color", "ytick.color"), _GRID),
    **dict.fromkeys(("axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor"), _MUTED),
    **dict.fromkeys(("axes.facecolor", "figure.facecolor"), "none"),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right", "text.parse_math"), False),
    **dict.fromkeys(("axes.grid", "axes.axisbelow"), True),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize"), 8.0),
    "axes.grid.axis": "y",
    "axes.labelsize": 8.5,
    "font.size": 9.0,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.9,
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "text.color": _TEXT,
}


def _svg(key: str, alt: str, paint: Paint, width: float, height: float, *, narrow: bool) -> str:
    matplotlib = require_extra("matplotlib", "report")
    figures = require_extra("matplotlib.figure", "report")
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # letters of a group's name that matplotlib's own font lacks
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        figure = figures.Figure(figsize=(width, height), layout="constrained")
        paint(figure, figure.add_subplot(), narrow)
        file = io.StringIO()
        nothing = {"Creator": None, "Date": None, "Format": None, "Type": None}
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    return _inlined(file.getvalue(), key, alt)


def _inlined(svg: str, key: str, alt: str) -> str:
    """An SVG file as a part of a page: no header, ids of its own, the page's colours and fonts, and short numbers."""
    body = svg[svg.index("<svg") :]
    head, rest = body.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', head)
    assert box is not None
    rest = re.sub(r"<style[^>]*>.*?</style>", "", rest, count=1, flags=re.DOTALL)
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.DOTALL)
    rest = re.sub(r'\bid="([^"]*)"', rf'id="{key}-\1"', rest)
    rest = re.sub(r"url\(#([^)]*)\)", rf"url(#{key}-\1)", rest)
    rest = re.sub(r'xlink:href="#([^"]*)"', rf'href="#{key}-\1"', rest)
    rest = rest.replace("xlink:href=", "href=")
    rest = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", rest)
    rest = re.sub(r'(?<= d=")[^"]*', lambda path: re.sub(r"(\d+\.\d)\d+", r"\1", path.group()), rest)
    for color, meant in _MEANT.items():
        rest = rest.replace(color, meant)
    label_of = html.escape(alt, quote=True)
    return f'<svg class="plot" {box.group()} role="img" aria-label="{label_of}">{rest.strip()}'
