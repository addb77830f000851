"""Figures of extreme cases: they are drawn without a warning, and show what there is."""

import warnings

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from curriculum_bandits.benchmarks.harness.comparison import Comparison
from curriculum_bandits.benchmarks.harness.figures import (
    Drawn,
    curves_figure,
    drawn_figure,
    line_styles,
    measures_figure,
    overall_figure,
    short_number,
)

AXIS = np.arange(6) * 1000.0


def compared(entries=3, seeds=4, rising=0.1, oracle=None):
    rng = np.random.default_rng(0)
    curves = {"uniform": rising * AXIS / 1000 + 0.01 * rng.normal(size=(seeds, 6))}
    curves |= {f"entry(number={i})": (1 + 0.1 * i) * curves["uniform"] for i in range(1, entries)}
    return Comparison("a bank", range(seeds), AXIS, curves, baseline="uniform", oracle=oracle)


def never():
    base = np.tile(AXIS / 1000, (3, 1))
    return Comparison("a bank", range(3), AXIS, {"uniform": base, "never": 0.5 * base}, baseline="uniform")


def falling():
    base = 1.0 - np.tile(AXIS / 10000, (3, 1))
    return Comparison("a bank", range(3), AXIS, {"uniform": base, "other": base + 0.1}, baseline="uniform")


def drawn(make, *arguments, **options):
    """All texts of a figure; a warning while it is drawn is an error."""
    import matplotlib.text

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = make(*arguments, **options)
        figure.draw_without_rendering()
    return " ".join(found.get_text() for found in figure.findobj(matplotlib.text.Text)).replace("\n", " ")


@pytest.mark.parametrize(
    "comparison",
    [compared(), compared(seeds=1), compared(entries=1), compared(entries=9), never(), falling()],
    ids=["three", "one seed", "baseline alone", "nine", "never", "falling"],
)
def test_every_comparison_can_be_drawn(comparison):
    for shown in (
        drawn(curves_figure, comparison, "How to repeat it.", score="accuracy", budget="rollouts"),
        drawn(measures_figure, comparison, "How to repeat it.", score="accuracy", budget="rollouts"),
        drawn(overall_figure, [comparison, comparison], "How to repeat it.", score="accuracy"),
    ):
        assert all(entry in shown for entry in comparison.curves)
        assert "How to repeat it." in shown
        assert "accuracy" in shown


def test_one_seed_has_no_band():
    assert "2 standard errors" in drawn(curves_figure, compared(), "", score="accuracy", budget="rollouts")
    shown = drawn(curves_figure, compared(seeds=1), "", score="accuracy", budget="rollouts")
    assert "2 standard errors" not in shown
    assert "a bank, 1 seed" in shown


def test_a_target_that_is_never_reached_is_said():
    for make in (curves_figure, measures_figure):
        assert "not reached" in drawn(make, never(), "", score="accuracy", budget="rollouts")


@pytest.mark.parametrize("windows", [1, 5])
@pytest.mark.parametrize("entries", [1, 9])
def test_maps_of_what_was_drawn(windows, entries):
    middles = (np.arange(windows) + 0.5) * 1000
    parts = [f"level {i}" for i in range(4)]
    maps = {
        f"entry {i}": Drawn(np.full((windows, len(parts)), 0.25), middles, 1000.0 * windows) for i in range(entries)
    }
    shown = drawn(drawn_figure, maps, parts, "A note.", title="What was drawn", part="level")
    for text in (*maps, *parts, "What was drawn", "A note."):
        assert text in shown


def test_lines_are_told_apart_and_keep_their_looks():
    styles = line_styles([str(i) for i in range(30)])
    assert len({str(style) for style in styles.values()}) == 30
    assert line_styles(["0", "1"])["1"] == styles["1"]


def test_thousands_are_short():
    assert [short_number(value) for value in (0.0, 0.5, 999.0, 1000.0, 1234567.0)] == [
        "0",
        "0.5",
        "999",
        "1k",
        "1,234.57k",
    ]
