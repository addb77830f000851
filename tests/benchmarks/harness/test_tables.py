"""Numbers with their intervals as people and spreadsheets read them."""

import csv
import io
import math

import pytest

pytest.importorskip("tabulate")

from curriculum_bandits.benchmarks.harness.statistics import Estimate, Speedup
from curriculum_bandits.benchmarks.harness.tables import (
    csv_text,
    finite,
    interval_text,
    markdown_table,
    named,
    ratio_text,
    spent_text,
    text_table,
)

NAN, INF = math.nan, math.inf
COLUMNS = {"name": lambda row: row[0], "score": lambda row: row[1], "empty": lambda row: "-", "none": lambda row: ""}


def test_columns_without_anything_in_them_are_left_out():
    assert text_table(COLUMNS, [("a", "0.50"), ("long name", "-")]).splitlines() == [
        "name       score",
        "---------  -------",
        "a          0.50",  # as it was written, not as a number
        "long name  -",
    ]
    assert markdown_table(COLUMNS, [("a", "1")]).splitlines()[1].startswith("|:")
    assert text_table(COLUMNS, []) == ""


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.514, 0.4, 0.62), "0.51 [0.40, 0.62]"),
        (Estimate(0.514, NAN, NAN), "0.51"),
        (Estimate(NAN, NAN, NAN), "-"),
        (Estimate(-0.001, -0.002, 0.001), "0.00 [0.00, 0.00]"),  # and not -0.00
        (Estimate(1.0, -INF, INF), "1.00 [-inf, inf]"),
    ],
)
def test_intervals(estimate, text):
    assert interval_text(estimate, 2) == text


@pytest.mark.parametrize(
    ("budget", "ratio", "text"),
    [
        (50.0, Estimate(2.0, 1.5, 2.5), "2.00 [1.50, 2.50]"),
        (50.0, Estimate(2.0, NAN, NAN), "2.00"),
        (50.0, Estimate(1.1, 0.0, 1.4), "1.10 [not reached, 1.40]"),
        (INF, Estimate(0.0, 0.0, 0.9), "not reached (at most 0.90)"),
        (INF, Estimate(0.0, NAN, NAN), "not reached"),
        (0.0, Estimate(NAN, NAN, NAN), "-"),
    ],
)
def test_ratios(budget, ratio, text):
    assert ratio_text(Speedup(0.5, 100.0, Estimate(budget, NAN, NAN), ratio, 1.0)) == text


def test_budgets():
    assert [spent_text(number) for number in (1234567.8, NAN, INF)] == ["1,234,568", "-", "not reached"]


def test_a_spreadsheet_has_numbers_in_full_and_nothing_for_nan():
    lines = [{"a": 0.1 + 0.2, **named("b", Estimate(1.0, NAN, INF))}, {"a": "x, y", **named("b", Estimate(2, 3, 4))}]
    rows = list(csv.DictReader(io.StringIO(csv_text(lines))))
    assert rows[0] == {"a": "0.30000000000000004", "b": "1.0", "b_lower": "", "b_upper": "inf"}
    assert rows[1] == {"a": "x, y", "b": "2", "b_lower": "3", "b_upper": "4"}
    assert csv_text([]) == ""


def test_json_has_null_for_what_is_not_finite():
    assert finite({"a": [1.0, NAN, (INF, "x")], "b": {"c": -INF, "d": 3}}) == {
        "a": [1.0, None, [None, "x"]],
        "b": {"c": None, "d": 3},
    }
