"""What is read off paired curves, against numbers worked out by hand."""

import math

import pytest

from curriculum_bandits.benchmarks.harness.comparison import Comparison, flat, overall, standing_columns
from curriculum_bandits.benchmarks.harness.tables import text_table

AXIS = [0, 10, 20, 30]
# The final value is the mean of the last three evaluations.
CURVES = {
    "uniform": [[0.0, 0.1, 0.2, 0.3], [0.0, 0.3, 0.4, 0.5]],  # 0.2, 0.4
    "fast": [[0.0, 0.3, 0.4, 0.5], [0.0, 0.6, 0.6, 0.6]],  # 0.4, 0.6
    "slow": [[0.0, 0.0, 0.0, 0.3], [0.0, 0.0, 0.0, 0.3]],  # 0.1, 0.1
    "oracle": [[0.0, 0.5, 0.6, 0.7], [0.0, 0.7, 0.8, 0.9]],  # 0.6, 0.8
}


def compared(subject="a bank", curves=CURVES, oracle="oracle", **more):
    return Comparison(subject, [0, 1], AXIS, curves, baseline="uniform", oracle=oracle, **more)


def rows_of(comparison):
    return {row.entry: row for row in comparison.standings()}


def test_standings_by_hand():
    rows = rows_of(compared())
    assert list(rows) == ["oracle", "fast", "uniform", "slow"]  # the best first
    means = {entry: row.interquartile_mean.value for entry, row in rows.items()}
    assert means == pytest.approx({"oracle": 0.7, "fast": 0.5, "uniform": 0.3, "slow": 0.1})
    assert rows["fast"].of_best == 1.0  # the oracle is out of the contest
    assert rows["uniform"].of_best == pytest.approx(0.6)
    assert [rows[entry].improvement.value for entry in ("fast", "uniform", "slow")] == [1.0, 0.5, 0.0]
    assert rows["fast"].over_pairs.value == pytest.approx(0.875)  # 0.4 against 0.4 is a tie
    assert {entry: row.oracle_share.value for entry, row in rows.items()} == pytest.approx(
        {"oracle": 1.0, "fast": 0.5, "uniform": 0.0, "slow": -0.5}
    )


def test_speedups_by_hand():
    comparison = compared()
    found = comparison.speedup("fast")  # mean curves: uniform 0, .2, .3, .4; fast 0, .45, .5, .55
    assert found.target == pytest.approx(0.3)
    assert found.baseline_budget == pytest.approx(20.0)
    assert found.budget.value == pytest.approx(20 / 3)
    assert found.ratio.value == pytest.approx(3.0)
    assert comparison.speedup("slow").budget.value == pytest.approx(30.0)  # 0, 0, 0, .3
    assert comparison.speedup("fast", rival="slow").ratio.value == pytest.approx(4.5)
    assert comparison.speedup("uniform").ratio.value == 1.0


def test_an_oracle_that_was_not_played_has_no_share():
    curves = {entry: CURVES[entry] for entry in ("uniform", "fast")}
    comparison = compared(curves=curves)
    assert comparison.oracle is None
    assert all(row.oracle_share is None for row in comparison.standings())
    assert "oracle" not in text_table(standing_columns("accuracy", "rollouts"), comparison.standings())


def test_a_baseline_of_zeros_has_no_share_of_the_best():
    zeros = [[0.0] * 4] * 2
    rows = rows_of(compared(curves={"uniform": zeros, "fast": zeros}))
    assert all(math.isnan(row.of_best) for row in rows.values())


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="all is measured against uniform, add it"):
        compared(curves={"fast": CURVES["fast"]})
    for wrong in ([[0.0] * 4], [[0.0] * 3] * 2, [0.0] * 4):
        with pytest.raises(ValueError, match=r"fast has curves of shape .*; give one per seed .*\(2, 4\)"):
            compared(curves={**CURVES, "fast": wrong})


def test_several_subjects_together():
    fewer = {entry: CURVES[entry] for entry in ("uniform", "slow", "fast")}
    swapped = {"uniform": CURVES["uniform"], "fast": CURVES["slow"], "slow": CURVES["fast"]}
    rows = {row.entry: row for row in overall([compared(curves=fewer), compared("another", swapped)])}
    assert set(rows) == {"uniform", "fast", "slow"}  # not what was played on one alone
    assert rows["fast"].improvement.value == 0.5  # always above, never above
    # The middle half of 0.4, 0.6, 0.1, 0.1.
    assert rows["fast"].interquartile_mean.value == rows["slow"].interquartile_mean.value == pytest.approx(0.25)
    assert rows["fast"].least_of_best == pytest.approx(0.2)
    assert rows["uniform"].least_of_best == pytest.approx(0.6)


def test_a_row_of_the_tables():
    row = rows_of(compared())["fast"]
    shown = {name: cell(row) for name, cell in standing_columns("accuracy", "rollouts", digits=2).items()}
    assert shown["method"] == "fast"
    assert shown["final accuracy"].startswith("0.50 [")
    assert shown["rollouts to target"] == "7"
    assert shown["speedup in rollouts"].startswith("3.00 [")
    numbers = flat(row, "accuracy", "rollouts")
    assert list(numbers) == [
        *("method", "final_accuracy", "final_accuracy_lower", "final_accuracy_upper", "of_best"),
        *("improvement", "improvement_lower", "improvement_upper"),
        *("improvement_over_pairs", "improvement_over_pairs_lower", "improvement_over_pairs_upper"),
        *("speedup", "speedup_lower", "speedup_upper", "oracle_share", "oracle_share_lower", "oracle_share_upper"),
        *("target", "rollouts_to_target", "rollouts_to_target_lower", "rollouts_to_target_upper"),
        *("uniform_rollouts_to_target", "reached_share_of_resamples"),
    ]
    assert numbers["speedup"] == pytest.approx(3.0)
    assert math.isnan(flat(rows_of(compared(oracle=None))["fast"], "accuracy", "rollouts")["oracle_share"])
