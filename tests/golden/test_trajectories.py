"""The committed trajectories are still what is drawn and learned; see `trajectories.py`, which also writes them."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("joblib")
pytest.importorskip("trl")
pytest.importorskip("reasoning_gym")
pytest.importorskip("gymnasium")

SPEC = importlib.util.spec_from_file_location("trajectories", Path(__file__).with_name("trajectories.py"))
trajectories = importlib.util.module_from_spec(SPEC)
sys.modules[SPEC.name] = trajectories
SPEC.loader.exec_module(trajectories)

ENTRIES = trajectories.entries()
STORED = json.loads(trajectories.FILE.read_text())


@pytest.mark.parametrize("name", ENTRIES)
def test_it_is_as_stored(name):
    assert trajectories.differences(name, ENTRIES[name]().entry(), STORED.get(name)) == []


def test_every_stored_entry_is_still_made():
    assert set(STORED) == set(ENTRIES)


def test_a_change_is_noticed():
    trace = trajectories.Trace()
    trace.drew([1, 2])
    trace.reported([0.5, 0.25])
    stored = trace.entry()
    assert trajectories.differences("bandit x", stored, stored) == []
    assert trajectories.differences("bandit x", {**stored, "drawn": "another"}, stored) == [
        "bandit x: something else is drawn"
    ]
    swapped = trajectories.Trace()
    swapped.drew([1, 2])
    swapped.reported([0.25, 0.5])
    (message,) = trajectories.differences("bandit x", swapped.entry(), stored)
    assert "its numbers sum to" in message
