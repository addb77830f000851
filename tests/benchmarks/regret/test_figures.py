"""Figures of what is not the usual case: many arms, one run, no bound, dozens of policies."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("pandas")

from curriculum_bandits.benchmarks.harness.figures import line_styles
from curriculum_bandits.benchmarks.regret.collect import groups
from curriculum_bandits.benchmarks.regret.figures import arms_figure, bounds_figure, regret_figure
from tests.benchmarks.regret.played import places_of, results_of


def group_of(word, policies, runs=1):
    sizes = {"seeds": [0], "runs": runs, "block": 100, "plays": 1, "checkpoints": 20}
    every = places_of([word], policies, **sizes)
    (group,) = groups(every, results_of(every).get)
    return group


def drawn(figure, path):
    figure.savefig(path, dpi=50)
    return path.read_bytes().startswith(b"\x89PNG")


def test_twelve_arms_and_a_single_run(tmp_path):
    group = group_of("random_walk(n_arms=12, horizon=80)", ["oracle", "exp3", "rexp3"])
    styles = line_styles([played.choice.label for played in group.played])
    for name, figure in {
        "regret": regret_figure(group, styles),
        "bounds": bounds_figure(group, styles),
        "arms": arms_figure(group),
    }.items():
        assert drawn(figure, tmp_path / f"{name}.png")


def test_the_strip_is_the_best_arm_and_areas_fill_the_panel(tmp_path):
    group = group_of("besson_1(horizon=100)", ["uniform"], runs=5)
    figure = arms_figure(group)
    areas = figure.axes[0].collections[:3]
    tops = [area.get_paths()[0].vertices[:, 1].max() for area in areas]
    assert tops[-1] == pytest.approx(1.0)
    assert drawn(figure, tmp_path / "arms.png")


def test_the_legend_is_sorted_by_final_regret():
    group = group_of("besson_1(horizon=200)", ["oracle", "uniform", "osmd"], runs=5)
    figure = regret_figure(group, line_styles(["oracle", "uniform", "osmd"]))
    texts = [text.get_text().split()[0] for text in figure.legends[0].get_texts()]
    final = {played.choice.label: float(np.mean(played.dynamic[:, -1])) for played in group.played}
    assert texts == sorted(final, key=lambda name: -final[name])
    lines = {line.get_label(): line for line in figure.axes[0].get_lines()}
    assert lines["osmd"].get_ydata()[-1] == pytest.approx(final["osmd"])


def test_no_bound_no_figure_of_bounds():
    group = group_of("besson_1(horizon=20)", ["uniform", "oracle"])
    assert bounds_figure(group, line_styles(["uniform", "oracle"])) is None


def test_two_dozen_policies_have_lines_of_their_own():
    styles = line_styles([str(i) for i in range(24)])
    assert len({(style["color"], str(style["linestyle"])) for style in styles.values()}) == 24
