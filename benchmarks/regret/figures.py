"""The pictures of the benchmark: regret curves, regret beside its bound, arms as they are played, growth, families.

Legends are sorted by regret, and a policy has the same line in every picture of a benchmark.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray
from curriculum_bandits.plotting import COLORS, new_figure

from .collect import NOTIONS, Group, Played, mean_interval

__all__ = ["arms_figure", "bounds_figure", "family_figure", "growth_figure", "regret_figure"]

Style = dict[str, Any]

_COLORS = (*COLORS, "#8B5A2B")
_GREY = "#888888"
_MOST_CHANGES = 40  # more change points than these are drift, and lines would hide the curves
_MOST_AREAS = 8  # more arms than these are drawn as a map


def regret_figure(group: Group, styles: Mapping[str, Style]) -> Any:
    """Dynamic and external regret over the rounds, with 95 % bands, change points, and bounds that are in reach.

    Args:
        group: An instance and its policies.
        styles: A line for each policy.

    Returns:
        A matplotlib figure.
    """
    figure = new_figure(15, max(5.4, 1.2 + 0.25 * len(group.played)))
    panels = figure.subplots(1, 2)
    ranked = sorted(group.played, key=lambda played: -float(np.mean(played.dynamic[:, -1])))
    for axes, notion in zip(panels, NOTIONS, strict=True):
        top = _draw_curves(axes, ranked, notion, styles)
        within, beyond = _draw_bounds(axes, ranked, notion, styles, top)
        changes = group.environment.change_points
        for change in changes if len(changes) <= _MOST_CHANGES else ():
            axes.axvline(change, color=_GREY, linewidth=0.6, alpha=0.6, zorder=0)
        notes = ["dashes at the right edge: bounds, each in its policy's colour"] if within else []
        if beyond:
            notes.append(f"{beyond} bound(s) above the axis: see the figure of bounds")
        axes.set(xlabel="round", ylabel=f"{notion} regret, mean of runs with 95 % band", title=_NOTION_TITLES[notion])
        axes.text(0.02, 0.98, "\n".join(notes), transform=axes.transAxes, va="top", fontsize=8, color="#555555")
        axes.spines[["top", "right"]].set_visible(False)
    handles, _ = panels[0].get_legend_handles_labels()
    labels = [f"{played.choice.label}  {np.mean(played.dynamic[:, -1]):.0f}" for played in ranked]
    figure.legend(
        handles, labels, loc="outside right upper", frameon=False, fontsize=9, title="policy, final dynamic regret"
    )
    figure.suptitle(_title(group), fontsize=11)
    return figure


def bounds_figure(group: Group, styles: Mapping[str, Style]) -> Any | None:
    """Measured regret beside the bound that a theorem gives, each policy in the notion that the theorem bounds.

    Args:
        group: An instance and its policies.
        styles: A line for each policy.

    Returns:
        A matplotlib figure; None where no policy has a bound above 0.
    """
    with_bound = [played for played in group.played if played.bound is not None and played.bound.value > 0.0]
    if not with_bound:
        return None
    with_bound.sort(key=lambda played: _ratio(played), reverse=True)
    figure = new_figure(10, 1.8 + 0.34 * len(with_bound))
    axes = figure.subplots()
    for row, played in enumerate(with_bound):
        assert played.bound is not None
        mean, lower, upper = (value / played.bound.value for value in _last(played))
        color = styles[played.choice.label]["color"]
        if not math.isnan(lower):
            axes.plot(np.maximum([lower, upper], 0.0), [row, row], color=color, linewidth=5, alpha=0.4)
        # Below 0 (better than the best fixed arm) there is nothing to compare with a bound.
        axes.plot(max(mean, 0.0), row, marker="o" if mean > 0.0 else "<", color=color, clip_on=False)
        numbers = f"{mean:.2f} = {_last(played)[0]:,.0f} / {played.bound.value:,.0f}"
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        axes.annotate(numbers, (1.0, row), (10, 0), **place, va="center", fontsize=9)
    names = [f"{played.choice.label} ({played.bound.notion})" for played in with_bound if played.bound is not None]
    axes.set_yticks(range(len(names)), names)
    axes.axvline(1.0, color="black", linewidth=1.2)
    right = max(1.05, *(1.05 * _last(played)[2] / played.bound.value for played in with_bound if played.bound))
    axes.set(
        xlabel="regret after the last round / bound, mean and 95 %", xlim=(0.0, 1.05 if math.isnan(right) else right)
    )
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"Regret and what a theorem allows: {_title(group)}", fontsize=11)
    return figure


def arms_figure(group: Group) -> Any:
    """Which arms each policy plays as the rounds go by; the strip on top is the best arm of the time.

    Args:
        group: An instance and its policies.

    Returns:
        A matplotlib figure: a panel per policy, stacked areas for few arms, a map for many.
    """
    ranked = sorted(group.played, key=lambda played: float(np.mean(played.dynamic[:, -1])))
    columns = min(4, len(ranked))
    lines = math.ceil(len(ranked) / columns)
    figure = new_figure(3.6 * columns + 0.9, 2.3 * lines + 0.9)
    panels = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    best = _best_arms(group)
    many = group.environment.n_arms > _MOST_AREAS
    image = None
    for axes, played in zip(panels.flat, ranked, strict=False):
        if many:
            image = _draw_map(axes, played, best)
        else:
            _draw_areas(axes, played, best)
        axes.set_title(f"{played.choice.label}  {np.mean(played.dynamic[:, -1]):.0f}", fontsize=9)
    for position, axes in enumerate(panels.flat):
        if position >= len(ranked):
            axes.set_axis_off()
        elif position + columns >= len(ranked):
            axes.tick_params(labelbottom=True)  # the lowest of its column
    figure.supxlabel("round", fontsize=10)
    figure.supylabel("arm" if many else "share of the plays", fontsize=10)
    if many:
        figure.colorbar(image, ax=panels, label="share of the plays", shrink=0.7)
    else:
        handles = panels.flat[0].collections[: group.environment.n_arms]
        names = [f"arm {arm}" for arm in range(group.environment.n_arms)]
        figure.legend(handles, names, loc="outside right upper", frameon=False, fontsize=9)
    mark = "white line" if many else "strip on top"
    figure.suptitle(f"Arms played ({mark}: the best arm), dynamic regret beside the name: {_title(group)}", fontsize=11)
    return figure


def growth_figure(subject: str, runs: Any, growth: Any, styles: Mapping[str, Style]) -> Any:
    """Total dynamic regret over the horizon, both logarithmic, with the fitted power laws.

    Args:
        subject: Instance or family.
        runs: Rows of the table of runs that belong to it.
        growth: Rows of the table of growth that belong to it.
        styles: A line for each policy.

    Returns:
        A matplotlib figure.
    """
    figure = new_figure(11, max(5.4, 1.2 + 0.25 * len(growth)))
    axes = figure.subplots()
    fits = growth[growth["notion"] == "dynamic"].set_index("policy")
    final = {policy: _means(some) for policy, some in runs.groupby("policy", sort=False)}
    ranked = [policy for policy in sorted(final, key=lambda name: -final[name][1][-1]) if final[policy][1][-1] > 0.0]
    handles, labels = [], []
    for policy in ranked:
        horizons, mean, lower, upper = final[policy]
        style = styles[policy]
        error = np.stack([mean - np.maximum(lower, mean * 1e-3), upper - mean])
        points = axes.errorbar(horizons, mean, np.nan_to_num(error), fmt="o", color=style["color"], capsize=2, ms=4)
        label = policy
        if policy in fits.index and not np.isnan(fits.loc[policy, "exponent"]):
            fit = fits.loc[policy]
            interval = "no interval" if np.isnan(fit["lower"]) else f"{fit['lower']:.2f}, {fit['upper']:.2f}"
            label += f"  {fit['exponent']:.2f} [{interval}]"
            (points,) = axes.plot(horizons, fit["factor"] * horizons ** fit["exponent"], **style, linewidth=1.6)
        handles.append(points)
        labels.append(label)
    _draw_slopes(axes, [final[policy] for policy in ranked])
    axes.set(xscale="log", yscale="log", xlabel="horizon", ylabel="dynamic regret after the last round, mean with 95 %")
    ticks = sorted({int(horizon) for horizon in runs["horizon"]})
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(
        handles, labels, loc="outside right upper", frameon=False, fontsize=9, title="policy, exponent [95 %]"
    )
    figure.suptitle(f"Growth of regret with the horizon: {subject}", fontsize=11)
    return figure


def family_figure(family: str, horizon: int, summary: Any, families: Any, styles: Mapping[str, Style]) -> Any:
    """The normalised score of each policy on every instance of a family, and its mean over instances.

    Args:
        family: The family.
        horizon: Rounds.
        summary: Rows of the summary that belong to it, one per instance and policy.
        families: Rows of the table of families that belong to it.
        styles: A line for each policy.

    Returns:
        A matplotlib figure.
    """
    figure = new_figure(10, 1.8 + 0.36 * len(families))
    axes = figure.subplots()
    rows = families.sort_values("score", ascending=False)
    jitter = np.random.default_rng(0)
    for position, row in enumerate(rows.itertuples()):
        color = styles[row.policy]["color"]
        scores = summary.loc[summary["policy"] == row.policy, "score"].to_numpy()
        axes.scatter(scores, position + jitter.uniform(-0.25, 0.25, len(scores)), s=5, color=color, alpha=0.35, lw=0)
        axes.plot([row.score_lower, row.score_upper], [position, position], color="black", linewidth=2)
        axes.plot(row.score, position, marker="D", markersize=5, color=color, markeredgecolor="black")
        share = "" if np.isnan(row.least_share) else f", least on {row.least_share:.0%}"
        axes.annotate(
            f"{row.score:.3f}{share}",
            (1.0, position),
            (6, 0),
            ("axes fraction", "data"),
            "offset points",
            va="center",
            fontsize=9,
        )
    axes.set_yticks(range(len(rows)), [f"{row.policy} ({row.knows})" for row in rows.itertuples()])
    axes.axvline(0.0, color=_GREY, linewidth=0.6)
    axes.axvline(1.0, color=_GREY, linewidth=0.6)
    axes.set(xlabel="normalised score: 0 oracle, 1 uniform; a dot per instance, diamond and bar: mean, 95 %")
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle(f"{family}, {horizon:,} rounds: policy (what it is told)", fontsize=11)
    return figure


_NOTION_TITLES = {
    "dynamic": "Against the best arm of each round",
    "external": "Against the best fixed arm",
}


def _title(group: Group) -> str:
    runs = max(len(played.run) for played in group.played)
    return f"{group.instance.label}, {group.instance.horizon:,} rounds, {runs} runs"


def _draw_curves(axes: Any, ranked: Sequence[Played], notion: str, styles: Mapping[str, Style]) -> float:
    """Lines and bands from round 0; returns the top of the highest."""
    top = 0.0
    for played in ranked:
        mean, _, lower, upper = (np.concatenate([[0.0], part]) for part in mean_interval(played.regret(notion)))
        rounds, style = np.concatenate([[0], played.rounds]), styles[played.choice.label]
        axes.plot(rounds, mean, **style, linewidth=1.6)
        axes.lines[-1].set_label(played.choice.label)
        axes.fill_between(rounds, lower, upper, color=style["color"], alpha=0.15, linewidth=0)
        top = max(top, float(np.max(mean)), float(np.nanmax(upper)))
    axes.margins(x=0.01)
    return top


def _draw_bounds(
    axes: Any, ranked: Sequence[Played], notion: str, styles: Mapping[str, Style], top: float
) -> tuple[int, int]:
    """Draw the bounds that are in reach of the curves; returns how many are, and how many are not."""
    bounds = [(played, played.bound.value) for played in ranked if played.bound and played.bound.notion == notion]
    within = [(played, value) for played, value in bounds if value <= 1.15 * top]
    for played, value in within:
        right, color = int(played.rounds[-1]), styles[played.choice.label]["color"]
        axes.plot([0.9 * right, right], [value, value], color=color, linestyle=(0, (2, 1)), linewidth=2.5)
    return len(within), len(bounds) - len(within)


def _last(played: Played) -> tuple[float, float, float]:
    """Mean and interval of the regret that the bound is about."""
    assert played.bound is not None
    mean, _, lower, upper = mean_interval(played.regret(played.bound.notion)[:, -1])
    return float(mean), float(lower), float(upper)


def _ratio(played: Played) -> float:
    assert played.bound is not None
    return _last(played)[0] / played.bound.value


def _best_arms(group: Group) -> npt.NDArray[np.int64]:
    """The arm that is best in most rounds of each window, shape (C,)."""
    best = np.argmax(group.environment.means, axis=1)
    rounds = group.played[0].rounds
    starts = np.concatenate([[0], rounds[:-1]])
    return np.array([np.bincount(best[a:b]).argmax() for a, b in zip(starts, rounds, strict=True)])


def _edges(played: Played) -> FloatArray:
    return np.concatenate([[0.0], played.rounds])


def _draw_areas(axes: Any, played: Played, best: npt.NDArray[np.int64]) -> None:
    edges = _edges(played)
    colors = _COLORS[: played.shares.shape[1]]
    top = np.cumsum(played.shares, axis=1)
    bottom = top - played.shares
    for arm, color in enumerate(colors):
        low, high = (np.append(part[:, arm], part[-1, arm]) for part in (bottom, top))
        axes.fill_between(edges, low, high, step="post", color=color, alpha=0.75, linewidth=0)
    for arm, color in enumerate(colors):
        is_best = np.append(best == arm, False)
        axes.fill_between(edges, 1.03, 1.11, where=is_best | np.roll(is_best, 1), step="post", color=color, linewidth=0)
    axes.set(xlim=(0, edges[-1]), ylim=(0, 1.11), yticks=[0, 0.5, 1])
    axes.spines[["top", "right"]].set_visible(False)


def _draw_map(axes: Any, played: Played, best: npt.NDArray[np.int64]) -> Any:
    edges, n_arms = _edges(played), played.shares.shape[1]
    image = axes.pcolormesh(
        edges, np.arange(n_arms + 1) - 0.5, played.shares.T, cmap="magma", vmin=0.0, vmax=1.0, rasterized=True
    )
    axes.step(edges, np.append(best, best[-1]), where="post", color="white", linewidth=1.0)
    return image


def _means(runs: Any) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Horizons, and of each the mean regret and its interval."""
    by_horizon = [(horizon, some["dynamic_regret"].to_numpy()) for horizon, some in runs.groupby("horizon")]
    intervals = np.array([mean_interval(values) for _, values in by_horizon])
    horizons = np.array([horizon for horizon, _ in by_horizon], dtype=np.float64)
    return horizons, intervals[:, 0], intervals[:, 2], intervals[:, 3]


def _draw_slopes(axes: Any, curves: Sequence[tuple[FloatArray, FloatArray, FloatArray, FloatArray]]) -> None:
    """Thin guides of the exponents that theory speaks of, from the lowest point up."""
    if not curves:
        return
    horizons = max((curve[0] for curve in curves), key=len)
    start = 0.6 * min(float(np.min(curve[1])) for curve in curves)
    for exponent, name in ((0.5, "1/2"), (2.0 / 3.0, "2/3"), (1.0, "1")):
        guide = start * (horizons / horizons[0]) ** exponent
        axes.plot(horizons, guide, color=_GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)
        axes.annotate(
            f"slope {name}",
            (horizons[-1], guide[-1]),
            (4, 0),
            "data",
            "offset points",
            va="center",
            fontsize=8,
            color=_GREY,
        )
