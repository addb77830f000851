"""Mean and spread by blocks are those of the whole, whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from curriculum_bandits.neural.features import moments as module
from curriculum_bandits.neural.features.moments import Moments, matrix_moments


@settings(max_examples=60)
@given(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=30), elements=st.floats(-100, 100)),
    st.lists(st.integers(1, 29), max_size=5),
)
def test_blocks_add_up_to_the_whole(values, cuts):
    moments = Moments(values.shape[1])
    for block in np.split(values, sorted({cut for cut in cuts if cut < len(values)})):
        moments.add(block)
    constant = (values == values[0]).all(axis=0)
    np.testing.assert_allclose(moments.center, values.mean(axis=0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(moments.scale, np.where(constant, 1, values.std(axis=0)), rtol=1e-9, atol=1e-12)


def test_a_large_mean_costs_no_digits():
    values = 1e9 + np.random.default_rng(0).normal(size=(1000, 1))
    moments = Moments(1)
    for block in np.split(values, 10):
        moments.add(block)
    assert moments.scale[0] == pytest.approx(values.std(), rel=1e-6)


def test_a_constant_column_is_recognised_although_its_mean_is_rounded():
    moments = Moments(1)
    for _ in range(3):
        moments.add(np.full((7, 1), 0.1))
    assert moments.scale.tolist() == [1.0]
    assert moments.center[0] == pytest.approx(0.1, rel=1e-12)


def test_a_matrix_is_read_in_blocks_of_bounded_size(monkeypatch):
    sizes = []
    monkeypatch.setattr(module, "_BLOCK_ELEMENTS", 64)
    monkeypatch.setattr(Moments, "add", lambda self, block: sizes.append(block.shape))
    matrix_moments(np.zeros((100, 8), np.float16))
    assert sizes == [(8, 8)] * 12 + [(4, 8)]
