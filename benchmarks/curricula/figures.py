"""The pictures of a comparison: learning curves with what uniform ends at, and what was drawn as time goes by.

Banks differ between seeds more than methods do, so learning curves stand beside their paired differences from uniform:
the band there is the one to judge by. A method has the same line in every picture.
"""

from __future__ import annotations

import math
import textwrap
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.plotting import COLORS, new_figure, plot_drawn

from .contenders import BASELINE, CONTENDERS
from .report import Comparison, Row

__all__ = ["curves_figure", "drawn_figure"]

FloatArray = npt.NDArray[np.float64]

_DASHES = ("solid", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_GREY = "#888888"


def curves_figure(comparison: Comparison, note: str) -> Any:
    """Accuracy over rollouts, and what it differs by from uniform on the same seeds; dots mark where the target is met.

    Args:
        comparison: A student and its methods.
        note: What it takes to read and to repeat it.

    Returns:
        A matplotlib figure.
    """
    figure = new_figure(13, 5.4)
    level, difference = figure.subplots(1, 2)
    uniform, rows = comparison.accuracy(BASELINE), comparison.rows()
    aim, handles = rows[0].speed.target, []
    for row in rows:
        curves, style = comparison.accuracy(row.method), _style(row.method)
        handles.append(_draw(level, comparison.rollouts, curves, style))
        _draw(difference, comparison.rollouts, curves - uniform, style)
        if math.isfinite(row.speed.budget):
            level.plot(row.speed.budget, aim, "o", color=style["color"], markeredgecolor="white", zorder=5)
    handles.append(level.axhline(aim, color=_GREY, linestyle=(0, (4, 2)), linewidth=1.2, zorder=0))
    for axes in (level, difference):
        axes.set(xlabel="rollouts", xlim=(0, comparison.rollouts[-1]))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.spines[["top", "right"]].set_visible(False)
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
    count = len(comparison.seeds)
    figure.suptitle(f"{comparison.student}, {comparison.problems:,} problems, {count} seed{'s' * (count > 1)}")
    _write_below(figure, note)
    return figure


def drawn_figure(comparison: Comparison, note: str) -> Any:
    """What each method drew: share of the batch on every level of difficulty as training goes on, mean over seeds.

    Args:
        comparison: A student and its methods.
        note: What it takes to read and to repeat it.

    Returns:
        A matplotlib figure: a map per method, all with one scale.
    """
    rows = comparison.rows()
    columns = min(4, len(rows))
    lines = math.ceil(len(rows) / columns)
    figure = new_figure(3.4 * columns + 0.9, 2.7 * lines + 1.0)
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
    shares = {row.method: _drawn(comparison, row.method) for row in rows}
    largest = max(float(np.max(share)) for share in shares.values())
    steps = np.array(comparison.results[BASELINE][0].steps)
    image = None
    for axes, row in zip(panels.flat, rows, strict=False):
        share = shares[row.method]
        names = [str(number + 1) for number in range(share.shape[1])]
        image = plot_drawn(axes, (steps[1:] + steps[:-1]) / 2, share, names, largest=largest)
        axes.set_title(row.method, fontsize=10)
        axes.set_xlabel("step", fontsize=9)
    for axes in list(panels.flat)[len(rows) :]:
        axes.set_axis_off()
    figure.colorbar(image, ax=panels, label="share of the draws", shrink=0.8)
    figure.supylabel("level, easy to hard", fontsize=10)
    figure.suptitle(f"Drawn by step: {comparison.student}, {comparison.problems:,} problems")
    _write_below(figure, note)
    return figure


def _style(method: str) -> dict[str, Any]:
    """A line that does not depend on what else is drawn; beyond the colours they are told apart by dashes."""
    place = list(CONTENDERS).index(method)
    return {"color": COLORS[place % len(COLORS)], "linestyle": _DASHES[place // len(COLORS) % len(_DASHES)]}


def _draw(axes: Any, budget: FloatArray, curves: FloatArray, style: dict[str, Any]) -> Any:
    mean = np.mean(curves, axis=0)
    (line,) = axes.plot(budget, mean, **style, linewidth=2)
    if len(curves) > 1:
        error = 2 * np.std(curves, axis=0, ddof=1) / math.sqrt(len(curves))
        axes.fill_between(budget, mean - error, mean + error, color=style["color"], alpha=0.15, linewidth=0)
    return line


def _write_below(figure: Any, note: str) -> None:
    width = int(16 * figure.get_figwidth())  # so many letters of this size fit
    lines = [line for part in note.splitlines() for line in textwrap.wrap(part, width, break_on_hyphens=False)]
    figure.supxlabel("\n".join(lines), fontsize=7.5, color="#555555")


def _drawn(comparison: Comparison, method: str) -> FloatArray:
    return np.asarray(np.mean([result.drawn for result in comparison.results[method]], axis=0))


def _speed(row: Row) -> str:
    if math.isinf(row.speed.budget):
        return "not reached"
    return "" if math.isnan(row.speed.ratio.value) else f"{row.speed.ratio.value:.2f}x"
