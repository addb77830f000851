"""A matrix of one's own: standardised, whatever its unit, and refused if it does not fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from curriculum_bandits import ProblemBank
from curriculum_bandits.neural.features import FeatureTable, matrix_features


def standardised(matrix):
    values = np.asarray(matrix, dtype=np.float64)
    constant = (values == values[0]).all(axis=0)
    return (values - values.mean(axis=0)) / np.where(constant, 1, values.std(axis=0))


@settings(max_examples=50)
@given(
    hnp.arrays(np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=20), elements=st.integers(-1000, 1000)),
    st.integers(1, 25),
)
def test_columns_are_standardised(matrix, chunk):
    table = matrix_features(matrix, chunk=chunk, progress=False)
    np.testing.assert_allclose(table.rows(np.arange(len(matrix))), standardised(matrix), rtol=3e-3, atol=3e-3)


@pytest.mark.parametrize("unit", [1e-300, 1e-9, 1.0, 1e9, 1e300])
def test_no_unit_is_too_large_or_too_small(unit):
    matrix = np.random.default_rng(0).normal(size=(500, 2)) * unit
    rows = matrix_features(matrix, progress=False).rows(np.arange(500))
    np.testing.assert_allclose(rows, standardised(matrix / unit), rtol=2e-3, atol=2e-3)


def test_the_largest_range_there_is_does_not_overflow():
    largest = np.finfo(np.float64).max
    assert matrix_features([[-largest], [largest]], progress=False).rows([0, 1]).tolist() == [[-1.0], [1.0]]


def test_a_large_mean_hides_nothing():
    matrix = 1e9 + np.arange(100.0)[:, None]
    rows = matrix_features(matrix, progress=False).rows(np.arange(100))
    np.testing.assert_allclose(rows, standardised(np.arange(100.0)[:, None]), rtol=2e-3, atol=2e-3)


def test_one_outlier_in_many_fits():
    matrix = np.zeros((200_000, 1))
    matrix[7] = 1e30
    rows = matrix_features(matrix, progress=False).rows([7, 8])
    assert rows[0, 0] == pytest.approx(np.sqrt(200_000 - 1), rel=1e-3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int32, np.uint8, np.bool_, ">f4"])
def test_any_real_type_will_do(dtype):
    matrix = np.array([[0, 1], [1, 1], [0, 1], [1, 1]]).astype(dtype)
    assert matrix_features(matrix, progress=False).rows([0, 1]).tolist() == [[-1.0, 0.0], [1.0, 0.0]]


def test_a_memory_map_gives_the_same_and_the_file_is_known_again(tmp_path):
    matrix = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    np.save(tmp_path / "own.npy", matrix)
    mapped = np.load(tmp_path / "own.npy", mmap_mode="r")
    table = matrix_features(mapped, path=tmp_path / "f.npy", chunk=70, progress=False)
    expected = matrix_features(matrix, progress=False)
    np.testing.assert_array_equal(table.rows(np.arange(300)), expected.rows(np.arange(300)))
    before = (tmp_path / "f.npy").stat().st_mtime_ns
    assert len(matrix_features(matrix, path=tmp_path / "f.npy", chunk=11, progress=False)) == 300
    assert (tmp_path / "f.npy").stat().st_mtime_ns == before
    assert len(FeatureTable.open(tmp_path / "f.npy")) == 300


@pytest.mark.parametrize("change", [lambda m: m + (np.arange(12).reshape(4, 3) == 7), lambda m: m.astype(np.float32)])
def test_another_matrix_is_not_taken_for_the_file(tmp_path, change):
    matrix = np.arange(12.0).reshape(4, 3)
    matrix_features(matrix, path=tmp_path / "f.npy", progress=False)
    with pytest.raises(ValueError, match="holds other features: content is"):
        matrix_features(change(matrix), path=tmp_path / "f.npy", progress=False)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", [2, 9])
def test_what_is_not_a_number_is_named(row, value):
    matrix = np.zeros((10, 3))
    matrix[row, 1] = value
    with pytest.raises(ValueError, match=rf"row {row}, column 1 of the matrix is {value}"):
        matrix_features(matrix, chunk=4, progress=False)


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        (np.zeros(3), ValueError, r"has the shape \(3,\)"),
        (np.zeros((3, 0)), ValueError, r"has the shape \(3, 0\)"),
        (np.zeros((3, 1, 1)), ValueError, r"has the shape \(3, 1, 1\)"),
        (np.zeros((2, 1)), ValueError, "2 rows for 3 problems"),
        (np.array([["a"], ["b"], ["c"]]), TypeError, "the matrix holds <U1"),
        (np.ones((3, 1), dtype=complex), TypeError, "the matrix holds complex128"),
    ],
)
def test_what_does_not_fit_is_refused(matrix, error, message):
    with pytest.raises(error, match=message):
        matrix_features(matrix, bank=ProblemBank(["a", "b", "c"]), progress=False)


def test_chunks_have_rows():
    with pytest.raises(ValueError, match="chunk is 0"):
        matrix_features([[1.0]], chunk=0, progress=False)
