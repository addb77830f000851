"""Writing features: killed anywhere and called again, the file is the same; nothing is taken for what it is not."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import tracemalloc

import numpy as np
import pytest

from curriculum_bandits.neural.features import FeatureTable, write_features
from curriculum_bandits.neural.features import store as module
from curriculum_bandits.neural.features.store import finished_features

ROWS, COLUMNS = 25, 3
VALUES = np.random.default_rng(0).normal(5, 2, (ROWS, COLUMNS))
IDENTITY = {"kind": "test", "bank": "b14c", "ngram_range": (1, 3)}


class Stopped(Exception):
    pass


def values_until(last, calls=None):
    def compute(start, stop):
        if stop > last:
            raise Stopped
        if calls is not None:
            calls.append((start, stop))
        return VALUES[start:stop]

    return compute


def write(path, compute=None, **changes):
    arguments = {"n": ROWS, "columns": COLUMNS, "identity": IDENTITY, "chunk": 4, "progress": False}
    return write_features(path, compute=compute or values_until(ROWS), **{**arguments, **changes})


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_file_is_a_plain_array(tmp_path):
    table = write(tmp_path / "new folder" / "f.npy")
    stored = np.load(tmp_path / "new folder" / "f.npy")
    assert stored.dtype == np.float16
    np.testing.assert_array_equal(stored, VALUES.astype(np.float16))
    assert sorted(files(tmp_path / "new folder")) == ["f.npy", "f.npy.json"]
    assert isinstance(table.raw.base, np.memmap)


@pytest.mark.parametrize("place", [None, "f.npy"])
def test_what_is_read_has_mean_zero_and_deviation_one(tmp_path, place):
    rows = write(place and tmp_path / place).rows(np.arange(ROWS))
    np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(rows.std(axis=0), 1, rtol=1e-5)


def test_in_memory_and_on_disk_are_the_same(tmp_path):
    memory, disk = write(None), write(tmp_path / "f.npy", chunk=100)
    np.testing.assert_array_equal(memory.rows(np.arange(ROWS)), disk.rows(np.arange(ROWS)))


def test_a_constant_column_becomes_zeros():
    table = write_features(None, 5, 1, lambda start, stop: np.full((stop - start, 1), 0.1), identity={}, progress=False)
    assert table.rows(np.arange(5)).tolist() == [[0.0]] * 5


@pytest.mark.parametrize("stopped_at", [0, 4, 12, 24])
def test_an_interrupted_file_goes_on_and_ends_the_same(tmp_path, stopped_at):
    whole, halted = tmp_path / "whole", tmp_path / "halted"
    write(whole / "f.npy")
    with pytest.raises(Stopped):
        write(halted / "f.npy", values_until(stopped_at))
    assert not (halted / "f.npy").exists()
    with pytest.raises(FileNotFoundError, match=rf"not finished \({stopped_at} of 25 rows\)"):
        FeatureTable.open(halted / "f.npy")
    calls = []
    write(halted / "f.npy", values_until(ROWS, calls))
    assert calls[0][0] == stopped_at
    assert files(halted) == files(whole)


def test_an_unrecorded_piece_of_a_chunk_is_written_again(tmp_path):
    with pytest.raises(Stopped):
        write(tmp_path / "f.npy", values_until(8))
    with open(tmp_path / "f.npy.partial", "ab") as stream:
        stream.write(b"\xff" * 13)
    write(tmp_path / "f.npy", chunk=5)
    np.testing.assert_array_equal(np.load(tmp_path / "f.npy"), VALUES.astype(np.float16))


def test_rows_that_the_record_promises_but_the_file_lacks_are_computed_again(tmp_path):
    with pytest.raises(Stopped):
        write(tmp_path / "f.npy", values_until(16))
    partial = tmp_path / "f.npy.partial"
    os.truncate(partial, partial.stat().st_size - 2 * COLUMNS * 5 - 1)
    write(tmp_path / "f.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "f.npy"), VALUES.astype(np.float16))


def test_a_process_killed_without_warning_loses_one_chunk_at_most(tmp_path):
    script = """
        import os, signal, sys
        import numpy as np
        from curriculum_bandits.neural.features import write_features

        def compute(start, stop):
            if start == 12:
                os.kill(os.getpid(), signal.SIGKILL)
            return np.arange(start, stop)[:, None]

        write_features(sys.argv[1], 20, 1, compute, identity={"kind": "count"}, chunk=4)
    """
    path = tmp_path / "f.npy"
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), path], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    calls = []

    def compute(start, stop):
        calls.append(start)
        return np.arange(start, stop)[:, None]

    write_features(path, 20, 1, compute, identity={"kind": "count"}, chunk=4, progress=False)
    assert calls == [12, 16]
    assert np.load(path).ravel().tolist() == list(range(20))


@pytest.mark.parametrize("point", ["matrix_moments", "replace"])
def test_a_kill_after_the_last_row_computes_nothing_again(tmp_path, monkeypatch, point):
    def stop(*_):
        raise Stopped

    with monkeypatch.context() as patch:
        if point == "replace":
            original = os.replace
            patch.setattr(module.os, "replace", lambda a, b: stop() if str(b).endswith(".npy") else original(a, b))
        else:
            patch.setattr(module, point, stop)
        with pytest.raises(Stopped):
            write(tmp_path / "f.npy")
    table = write(tmp_path / "f.npy", values_until(0))
    np.testing.assert_array_equal(table.raw, VALUES.astype(np.float16))


def test_a_finished_file_is_opened_and_nothing_computed(tmp_path):
    write(tmp_path / "f.npy")
    before = files(tmp_path)
    table = write(tmp_path / "f.npy", values_until(0))
    assert len(table) == ROWS
    assert files(tmp_path) == before


@pytest.mark.parametrize("stopped_at", [8, ROWS])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"identity": {**IDENTITY, "bank": "f00d"}}, "bank is 'b14c' there, 'f00d' here"),
        ({"identity": {**IDENTITY, "seed": None}}, "seed is not set there, None here"),
        ({"identity": {"kind": "test", "bank": "b14c"}}, r"ngram_range is \[1, 3\] there, not set here"),
        ({"n": 24}, r"has the shape \(25, 3\), not \(24, 3\)"),
        ({"columns": 2}, r"has the shape \(25, 3\), not \(25, 2\)"),
    ],
)
def test_other_features_are_refused_and_left_alone(tmp_path, stopped_at, changes, message):
    path = tmp_path / "f.npy"
    try:
        write(path, values_until(stopped_at))
    except Stopped:
        assert stopped_at < ROWS
    before = files(tmp_path)
    data = path if stopped_at == ROWS else tmp_path / "f.npy.partial"
    with pytest.raises(ValueError, match=message) as caught:
        write(path, **changes)
    assert f"Delete {data} and {path}.json, or choose another path" in str(caught.value)
    assert files(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="files cannot be locked there")
def test_two_cannot_write_one_file(tmp_path):
    path = tmp_path / "f.npy"

    def compute(start, stop):
        if start == 8:
            with pytest.raises(RuntimeError, match=r"another process is writing .*f\.npy"):
                write(path)
        return VALUES[start:stop]

    write(path, compute)
    np.testing.assert_array_equal(np.load(path), VALUES.astype(np.float16))


def test_what_another_process_finished_in_the_meantime_is_left_alone(tmp_path, monkeypatch):
    write(tmp_path / "f.npy")
    before = files(tmp_path)
    monkeypatch.setattr(module, "finished_features", lambda *_: None)  # we looked too early
    assert len(write(tmp_path / "f.npy", values_until(0))) == ROWS
    assert files(tmp_path) == before


def test_a_kill_before_anything_is_recorded_is_in_nobodys_way(tmp_path):
    (tmp_path / "f.npy.partial").touch()
    with pytest.raises(FileNotFoundError):
        FeatureTable.open(tmp_path / "f.npy")
    assert len(write(tmp_path / "f.npy")) == ROWS


def test_rows_are_on_the_disk_before_they_are_recorded(tmp_path, monkeypatch):
    events = []
    monkeypatch.setattr(module.os, "fsync", lambda _: events.append("synchronised"))
    monkeypatch.setattr(module.Record, "write", lambda record, path: events.append(record.done))
    with pytest.raises(Stopped):
        write(tmp_path / "f.npy", values_until(8))
    assert events == [0, "synchronised", 4, "synchronised", 8]


@pytest.mark.parametrize("name", ["f.npy", "f.npy.partial"])
def test_a_file_that_is_not_ours_is_never_replaced(tmp_path, name):
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(ValueError, match="so it is not ours"):
        write(tmp_path / "f.npy")
    assert files(tmp_path) == {name: b"precious"}


def test_the_record_of_a_deleted_file_is_in_nobodys_way(tmp_path):
    write(tmp_path / "f.npy", identity={"kind": "old"})
    (tmp_path / "f.npy").unlink()
    write(tmp_path / "f.npy")
    assert json.loads((tmp_path / "f.npy.json").read_text())["identity"]["kind"] == "test"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1, "surprise": 2}'])
def test_a_broken_record_is_refused(tmp_path, text):
    write(tmp_path / "f.npy")
    (tmp_path / "f.npy.json").write_text(text)
    with pytest.raises(ValueError, match=r"f\.npy\.json is not a record of features"):
        write(tmp_path / "f.npy")


def test_finished_features_says_early_what_there_is(tmp_path):
    path = tmp_path / "f.npy"
    assert finished_features(path, IDENTITY) is None
    with pytest.raises(Stopped):
        write(path, values_until(8))
    assert finished_features(path, IDENTITY) is None
    with pytest.raises(ValueError, match="holds other features"):
        finished_features(path, {"kind": "other"})
    write(path)
    assert len(finished_features(path, IDENTITY)) == ROWS


@pytest.mark.parametrize("place", [None, "f.npy"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 65505.0, -1e6])
def test_what_float16_cannot_hold_is_named(tmp_path, place, value):
    def compute(start, stop):
        block = VALUES[start:stop].copy()
        if start <= 9 < stop:
            block[9 - start, 2] = value
        return block

    with pytest.raises(ValueError, match=rf"row 9, column 2 is {value}; .* up to 65504 in size"):
        write(place and tmp_path / place, compute)


def test_the_largest_number_is_held():
    table = write_features(None, 2, 1, lambda start, stop: [[65504.0], [-65504.0]], identity={}, progress=False)
    assert table.rows([0, 1]).tolist() == [[1.0], [-1.0]]


def test_a_wrong_shape_is_named():
    with pytest.raises(ValueError, match=r"rows 0 to 3 have the shape \(4,\), not \(4, 3\)"):
        write(None, lambda start, stop: VALUES[start:stop, 0])


@pytest.mark.parametrize("name", ["n", "columns", "chunk"])
def test_sizes_are_positive(name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        write(None, **{name: 0})


def test_memory_does_not_grow_with_the_rows(tmp_path):
    rows, columns = 1_000_000, 16  # 32 MB on disk
    block = np.random.default_rng(0).normal(size=(50_000, columns)).astype(np.float16)
    tracemalloc.start()
    try:
        table = write_features(
            tmp_path / "f.npy",
            rows,
            columns,
            lambda start, stop: block[: stop - start],
            identity={},
            chunk=50_000,
            progress=False,
        )
        table.rows(np.arange(0, rows, 1000))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 12e6


def test_the_progress_bar_counts_rows(tmp_path, capsys):
    with pytest.raises(Stopped):
        write(tmp_path / "f.npy", values_until(8))
    write(tmp_path / "f.npy", progress=True)
    shown = capsys.readouterr().err
    assert " 8/25 " in shown
    assert " 25/25 " in shown
    write(None, progress=False)
    assert capsys.readouterr().err == ""
