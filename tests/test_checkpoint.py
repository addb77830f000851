"""State on disk: equal when it comes back, without pickle, and never half written."""

import math
import pickle

import numpy as np
import pytest

from curriculum_bandits import checkpoint
from curriculum_bandits.checkpoint import load_state, save_state

STATE = {
    "whole": 3,
    "big": 2**127 + 1,
    "real": 0.1 + 0.2,
    "tiny": 5e-324,
    "flag": True,
    "nothing": None,
    "text": "π, \u2028 and \n",
    "arrays": [
        np.arange(3),
        np.array([[0.1, np.nan], [np.inf, -0.0]]),
        np.array(2.5),
        np.zeros((0, 4)),
        np.array(True),
    ],
    "nested": {"a": {"b": [1, [2, {"c": np.float32([1.5])}]]}, "empty": {}, "none": []},
    "structure.json": np.array([7]),
    "a0": "a name that the file uses itself",
}


def test_what_was_saved_comes_back_equal(tmp_path):
    save_state(tmp_path / "state.npz", STATE)
    back = load_state(tmp_path / "state.npz")
    np.testing.assert_equal(back, STATE)
    for ours, theirs in zip(back["arrays"], STATE["arrays"], strict=True):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert math.copysign(1, back["arrays"][1][1, 1]) == -1


def test_numpy_scalars_and_tuples_come_back_as_plain_ones(tmp_path):
    save_state(
        tmp_path / "s", {"a": np.float64(0.1), "b": np.int64(7), "c": np.bool_(True), "d": (1, 2), "e": math.nan}
    )
    back = load_state(tmp_path / "s")
    assert [type(back[k]) for k in "abcd"] == [float, int, bool, list]
    assert (back["a"], back["b"], back["c"], back["d"]) == (0.1, 7, True, [1, 2])
    assert math.isnan(back["e"])


def test_the_file_can_be_read_without_pickle_by_numpy_alone(tmp_path):
    save_state(tmp_path / "state.npz", STATE)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as stored:
        assert all(stored[name].dtype != object for name in stored.files)


class Unsavable:
    pass


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"a": {"b": [1, Unsavable()]}}, r"state\.a\.b\[1\] is a Unsavable"),
        ({"a": np.array([Unsavable()])}, r"state\.a is an array of Python objects"),
        ({"a": {3: 1}}, r"state\.a has the key 3"),
        ({"a": {1, 2}}, r"state\.a is a set"),
        ({"a": b"bytes"}, r"state\.a is a bytes"),
    ],
)
def test_what_needs_pickle_is_refused_by_its_place_and_the_file_is_as_it_was(tmp_path, state, message):
    path = tmp_path / "state.npz"
    save_state(path, {"kept": 1})
    with pytest.raises(TypeError, match=message):
        save_state(path, state)
    assert load_state(path) == {"kept": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["state.npz"]


def test_a_save_that_breaks_off_leaves_the_last_one(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    save_state(path, {"kept": 1})

    def killed(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            save_state(path, {"kept": 2})
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint.np, "savez", killed)
        with pytest.raises(KeyboardInterrupt):
            save_state(path, {"kept": 3})
    assert load_state(path) == {"kept": 1}
    save_state(path, {"kept": 4})
    assert load_state(path) == {"kept": 4}


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("the file ran code",))


def test_a_pickle_is_refused_and_not_run(tmp_path):
    (tmp_path / "pickle").write_bytes(pickle.dumps(Bomb()))
    np.savez(tmp_path / "objects.npz", a=np.array([Bomb()], dtype=object))
    for name in ("pickle", "objects.npz"):
        with pytest.raises(ValueError, match="not a curriculum_bandits state file"):
            load_state(tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 torn"])
def test_a_file_that_is_no_state_is_refused_by_its_name(tmp_path, content):
    (tmp_path / "broken.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"broken\.npz is not a curriculum_bandits state file"):
        load_state(tmp_path / "broken.npz")


def test_an_archive_of_someone_else_or_half_a_file_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    save_state(tmp_path / "state.npz", STATE)
    whole = (tmp_path / "state.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    for name in ("other.npz", "half.npz"):
        with pytest.raises(ValueError, match=f"{name} is not a curriculum_bandits state file"):
            load_state(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "damaged"),
    [(b"a1.npy", b"b1.npy"), (b"a1.npy", b"a0.npy"), (b"a1.npy", b"a1.npz"), (b"structure.json", b"structure.jsan")],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_damaged_name_inside_the_file_is_refused(tmp_path, name, damaged):
    path = tmp_path / "state.npz"
    save_state(path, {"first": np.arange(3), "nested": [{"second": np.ones(2)}]})
    content = path.read_bytes()
    assert content.count(name) == 2  # before the member and in the list at the end
    path.write_bytes(content.replace(name, damaged))
    with pytest.raises(ValueError, match=r"state\.npz is not a curriculum_bandits state file"):
        load_state(path)


@pytest.mark.parametrize("structure", [b"[1, 2]", b"3", b'{"a": {"__array__": [0]}}', b'{"a": {"__array__": "a7"}}'])
def test_a_structure_that_no_save_wrote_is_refused(tmp_path, structure):
    np.savez(tmp_path / "other.npz", **{"structure.json": np.frombuffer(structure, dtype=np.uint8)})
    with pytest.raises(ValueError, match=r"other\.npz is not a curriculum_bandits state file"):
        load_state(tmp_path / "other.npz")


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_state(tmp_path / "none.npz")
