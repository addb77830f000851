"""Pictures of a curriculum at work. Every function draws into an axes the caller made.

Colours are Okabe and Ito's, which stay apart for colour-blind readers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.extras import require_extra

__all__ = ["new_figure", "plot_drawn", "plot_learning_curves"]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def new_figure(width: float, height: float) -> Any:
    """An empty matplotlib figure, width and height in inches, with constrained layout; it needs no screen."""
    return require_extra("matplotlib.figure", "plot").Figure(figsize=(width, height), layout="constrained")


def plot_learning_curves(
    axes: Any,
    curves: Mapping[str, tuple[npt.ArrayLike, npt.ArrayLike]],
    *,
    standard_error: Mapping[str, npt.ArrayLike] | None = None,
) -> None:
    """Score against budget, one line per method, with a band of two standard errors where given.

    Args:
        axes: Where to draw.
        curves: Budget and score of each method, shape (evaluations,) each.
        standard_error: Of the score, by method.
    """
    for color, (name, (budget, score)) in zip(COLORS * len(curves), curves.items(), strict=False):
        x, y = np.asarray(budget, dtype=float), np.asarray(score, dtype=float)
        axes.plot(x, y, color=color, label=name, linewidth=2)
        if standard_error is not None and name in standard_error:
            error = 2 * np.asarray(standard_error[name], dtype=float)
            axes.fill_between(x, y - error, y + error, color=color, alpha=0.15, linewidth=0)
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def plot_drawn(
    axes: Any, steps: npt.ArrayLike, shares: npt.ArrayLike, names: Sequence[str], *, largest: float | None = None
) -> Any:
    """Shares of the groups over time: a map with a row per group and a column per window of steps.

    Args:
        axes: Where to draw.
        steps: Step of each row of `shares`, shape (T,), increasing.
        shares: Share of each group in each batch, shape (T, groups).
        names: Names of the groups, first at the top.
        largest: Share at the dark end of the scale; by default the largest that occurs. Give one to compare maps.

    Returns:
        The image, for a colour bar.
    """
    x, drawn = np.asarray(steps, dtype=float), np.asarray(shares, dtype=float)
    windows = min(40, len(x))
    edges = np.linspace(0, len(x), windows + 1).round().astype(int)
    nothing = np.full(drawn.shape[1:], np.nan)  # a window in which no step ended stays blank
    means = np.stack([drawn[a:b].mean(axis=0) if len(drawn[a:b]) else nothing for a, b in pairwise(edges)])
    image = axes.imshow(
        means.T,
        aspect="auto",
        interpolation="nearest",
        cmap="magma_r",
        vmin=0.0,
        vmax=largest,
        extent=(x[0] - 0.5, x[-1] + 0.5, len(names) - 0.5, -0.5),
    )
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    return image
