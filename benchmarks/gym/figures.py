"""The pictures of training runs: learning curves, and which tasks were drawn as time went by."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.plotting import new_figure, plot_drawn, plot_learning_curves

__all__ = ["curves_figure", "drawn_figure", "steps_evaluated"]

FloatArray = npt.NDArray[np.float64]
Runs = Mapping[str, Sequence[Sequence[Mapping[str, float]]]]


def steps_evaluated(runs: Runs) -> list[float]:
    """The steps at which every run was evaluated: one that went on later also has an evaluation where it had ended.

    Args:
        runs: Rows of metrics by method and seed.

    Returns:
        The steps, increasing; 0 is always among them.
    """
    of_runs = [{row["step"] for row in rows if "accuracy" in row} for of_seeds in runs.values() for rows in of_seeds]
    return sorted(set.intersection(*of_runs))


def curves_figure(runs: Runs, title: str, note: str) -> Any:
    """Held-out accuracy over episodes and over environment steps, mean over seeds with two standard errors.

    Args:
        runs: Rows of metrics by method and seed.
        title: What stands above.
        note: What stands below: budget, seeds and command.

    Returns:
        A matplotlib figure.
    """
    figure = new_figure(11, 4.8)
    panels = figure.subplots(1, 2, sharey=True)
    common = set(steps_evaluated(runs))
    for axes, budget, label in zip(
        panels, ("rollouts", "environment_steps"), ("episodes", "environment steps"), strict=True
    ):
        curves, errors = {}, {}
        for method, of_seeds in runs.items():
            evaluated = [[row for row in rows if row["step"] in common] for rows in of_seeds]
            spent, scores = (_table(evaluated, name) for name in (budget, "accuracy"))
            curves[method] = (np.mean(spent, axis=0), np.mean(scores, axis=0))
            if len(of_seeds) > 1:
                errors[method] = np.std(scores, axis=0, ddof=1) / math.sqrt(len(of_seeds))
        plot_learning_curves(axes, curves, standard_error=errors)
        axes.set(xlabel=label)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.xaxis.set_major_formatter("{x:,.0f}")
    panels[0].set_ylabel("success on held-out tasks")
    panels[0].legend().set_visible(False)
    figure.suptitle(f"{title}; bands: two standard errors" if _several(runs) else title)
    _write_below(figure, note)
    return figure


def drawn_figure(runs: Runs, groups: Sequence[str], title: str, note: str) -> Any:
    """What each method drew: the share of every group of tasks as training went on, mean over seeds.

    Args:
        runs: Rows of metrics by method and seed.
        groups: Names of the groups, from easy to hard.
        title: What stands above.
        note: What stands below.

    Returns:
        A matplotlib figure: a map per method, all with one scale.
    """
    columns = 2 if len(runs) == 4 else min(3, len(runs))
    lines = math.ceil(len(runs) / columns)
    longest = max(len(name) for name in groups)
    figure = new_figure(3.6 * columns + 0.085 * longest + 1.0, max(0.19 * len(groups) + 0.8, 2.2) * lines + 0.9)
    panels = figure.subplots(lines, columns, squeeze=False, sharey=True)
    shares = {method: _smoothed(_drawn(of_seeds, groups)) for method, of_seeds in runs.items()}
    largest = max(float(np.max(share)) for share in shares.values())
    image = None
    for axes, (method, share) in zip(panels.flat, shares.items(), strict=False):
        image = plot_drawn(axes, np.arange(1, len(share) + 1), share, list(groups), largest=largest)
        axes.tick_params(labelsize=8)
        axes.set_title(method, fontsize=10)
        axes.set_xlabel("step", fontsize=9)
    for axes in list(panels.flat)[len(runs) :]:
        axes.set_axis_off()
    figure.colorbar(image, ax=panels, label="share of the draws", shrink=0.8)
    figure.suptitle(f"Which tasks were drawn when: {title}", fontsize=11)
    _write_below(figure, note)
    return figure


def _table(of_seeds: Sequence[Sequence[Mapping[str, float]]], name: str) -> FloatArray:
    return np.array([[row[name] for row in rows] for rows in of_seeds], dtype=np.float64)


def _drawn(of_seeds: Sequence[Sequence[Mapping[str, float]]], groups: Sequence[str]) -> FloatArray:
    """Mean over seeds, shape (steps, groups)."""
    shares = [[[row[f"drawn/{name}"] for name in groups] for row in rows if row["step"] > 0] for rows in of_seeds]
    return np.asarray(np.mean(np.array(shares, dtype=np.float64), axis=0))


def _smoothed(shares: FloatArray, windows: int = 24) -> FloatArray:
    """Means over windows of steps, as many rows as before: one batch of 16 says little about 18 groups."""
    edges = np.linspace(0, len(shares), min(windows, len(shares)) + 1).round().astype(int)
    parts = [np.repeat(shares[a:b].mean(axis=0, keepdims=True), b - a, axis=0) for a, b in pairwise(edges)]
    return np.concatenate(parts)


def _several(runs: Runs) -> bool:
    return any(len(of_seeds) > 1 for of_seeds in runs.values())


def _write_below(figure: Any, note: str) -> None:
    width = int(15 * figure.get_figwidth())  # so many letters of this size fit
    lines = [line for part in note.splitlines() for line in textwrap.wrap(part, width, break_on_hyphens=False)]
    figure.supxlabel("\n".join(lines), fontsize=7.5, color="#555555")
