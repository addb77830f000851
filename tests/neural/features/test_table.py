"""Reading features: what rows returns, what it refuses, and what a table costs."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from curriculum_bandits.neural.features import FeatureTable, write_features

FINITE_HALVES = st.floats(-60_000, 60_000, width=16)


def a_table(rows=7, columns=3):
    raw = np.arange(rows * columns, dtype=np.float16).reshape(rows, columns)
    return FeatureTable(raw, np.arange(columns), 1.0 + np.arange(columns))


def on_disk(path, rows=7, columns=3):
    raw = np.random.default_rng(0).normal(3, 2, (rows, columns))
    return write_features(
        path, rows, columns, lambda start, stop: raw[start:stop], identity={"kind": "test"}, progress=False
    )


@settings(max_examples=60)
@given(hnp.arrays(np.float16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=FINITE_HALVES), st.data())
def test_rows_are_the_formula_in_single_precision(raw, data):
    n, d = raw.shape
    center = data.draw(hnp.arrays(np.float32, d, elements=st.floats(-100, 100, width=32)))
    scale = data.draw(hnp.arrays(np.float32, d, elements=st.floats(0.125, 128, width=32)))
    items = data.draw(hnp.arrays(np.int64, st.integers(0, 12), elements=st.integers(0, n - 1)))
    rows = FeatureTable(raw, center, scale).rows(items)
    assert (rows.dtype, rows.shape) == (np.float32, (len(items), d))
    expected = (raw.astype(np.float32)[items] - center) * (np.float32(1) / scale)
    np.testing.assert_array_equal(rows, expected)


def test_a_row_read_is_the_callers_own():
    table = a_table()
    table.rows([1])[:] = 99
    assert table.rows([1]).tolist() == [[3.0, 1.5, 1.0]]


def test_size_and_width():
    table = a_table(5, 2)
    assert (len(table), table.columns) == (5, 2)
    assert table.rows(np.array([], dtype=np.int64)).shape == table.rows([]).shape == (0, 2)


@pytest.mark.parametrize(
    ("items", "outside"), [([0, 7], 7), ([3, -1, 2], -1), (np.array([2**63], dtype=np.uint64), 2**63)]
)
def test_an_item_out_of_range_is_named(items, outside):
    with pytest.raises(IndexError, match=rf"no item {outside}; the table has the items 0 to 6"):
        a_table().rows(items)


@pytest.mark.parametrize("items", [[0.0, 1.0], [True, False], [[0, 1]], 3])
def test_items_are_a_list_of_integers(items):
    with pytest.raises(ValueError, match=r"give integers of shape \(m,\)"):
        a_table().rows(items)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"raw": np.zeros((2, 2))}, TypeError, "the features are float64"),
        ({"raw": np.zeros(2, np.float16)}, ValueError, r"have the shape \(2,\)"),
        ({"raw": np.zeros((0, 2), np.float16)}, ValueError, r"have the shape \(0, 2\)"),
        ({"center": [0.0]}, ValueError, r"center has the shape \(1,\) for 2 columns"),
        ({"center": [0.0, np.nan]}, ValueError, "center is nan"),
        ({"scale": [1.0, 0.0]}, ValueError, "a scale is 0.0"),
        ({"scale": [1.0, -2.0]}, ValueError, "a scale is -2.0"),
    ],
)
def test_what_is_not_a_table_is_refused(change, error, message):
    fields = {"raw": np.zeros((3, 2), np.float16), "center": [0.0, 0.0], "scale": [1.0, 1.0]}
    with pytest.raises(error, match=message):
        FeatureTable(**{**fields, **change})


def test_a_mapped_table_is_pickled_as_its_path(tmp_path, monkeypatch):
    table = on_disk(tmp_path / "f.npy", rows=20_000)
    pickled = pickle.dumps(table)
    assert len(pickled) < 1000
    monkeypatch.chdir("/")
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.rows([5, 19_999]), table.rows([5, 19_999]))


def test_a_relative_path_survives_a_change_of_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    on_disk("f.npy")
    pickled = pickle.dumps(FeatureTable.open("f.npy"))
    monkeypatch.chdir(tmp_path.parent)
    assert len(pickle.loads(pickled)) == 7


def test_a_table_in_memory_is_pickled_whole():
    table = a_table()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(table)).rows([6, 0]), table.rows([6, 0]))


def test_a_mapped_table_cannot_be_written_through(tmp_path):
    table = on_disk(tmp_path / "f.npy")
    with pytest.raises(ValueError, match="read-only"):
        table.raw[0, 0] = 1


def test_opening_needs_the_file_and_its_record(tmp_path):
    path = tmp_path / "f.npy"
    with pytest.raises(FileNotFoundError, match="there is no file"):
        FeatureTable.open(path)
    np.save(path, np.zeros((3, 2), np.float16))
    with pytest.raises(ValueError, match=r"no finished record f\.npy\.json beside it"):
        FeatureTable.open(path)


def test_a_file_that_does_not_fit_its_record_is_refused(tmp_path):
    path = tmp_path / "f.npy"
    on_disk(path)
    np.save(path, np.zeros((3, 2), np.float16))
    with pytest.raises(ValueError, match=r"has the shape \(3, 2\), its record says \(7, 3\)"):
        FeatureTable.open(path)
