"""Cells join two by two, and what was summed stays summed."""

import numpy as np
import pytest

from curriculum_bandits.report.axis import Axis


@pytest.mark.parametrize("seed", range(20))
def test_sums_by_cell_are_those_of_a_single_pass_at_the_end(seed):
    rng = np.random.default_rng(seed)
    axis, sums = Axis(8, 0.25), np.zeros(8)
    seen = []
    for scale in (1.0, 3.0, 40.0, 40.0):
        values = rng.normal(scale=scale, size=10)
        moved = axis.cover(values.min(), values.max())
        if moved is not None:
            new = np.zeros(8)
            np.add.at(new, moved, sums)
            sums = new
        np.add.at(sums, axis.index(values), 1.0)
        seen.extend(values)
    counts, _ = np.histogram(seen, axis.edges())
    assert axis.used <= 8
    np.testing.assert_array_equal(sums[: axis.used], counts)
    assert sums.sum() == 40


def test_cells_are_as_narrow_as_the_limit_allows():
    axis = Axis(200)
    for step in range(1, 1001):
        axis.cover(step, step)
    assert axis.width == 8
    assert axis.used == 126  # 0 to 1007 in eights
    assert axis.edges()[0] == 0


def test_whole_numbers_keep_cells_of_their_own():
    axis = Axis(64, 2.0**-20)
    axis.cover(1, 1)
    axis.cover(1, 5)
    assert len(set(axis.index(np.arange(1.0, 6.0)).tolist())) == 5
