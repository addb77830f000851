"""Records made by hand, line by line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Write = Callable[..., Path]


def begin(**changes: Any) -> dict[str, Any]:
    return {
        "kind": "run",
        "version": 1,
        "method": "osmd",
        "problems": 4,
        "groups": ["x", "y"],
        "n_rollouts": 2,
    } | changes


def draw(step: int, **changes: Any) -> dict[str, Any]:
    """Two problems, one of either group."""
    return {
        "kind": "draw",
        "step": step,
        "draw": step - 1,
        "items": ["a", "b"],
        "group": ["x", "y"],
        "difficulty": [1.0, 3.0],
        "probability": [0.5, 0.5],
        "inclusion": [0.5, 0.25],
        "reward": [0.5, 1.0],
        "spread": [True, False],
        "utility": [0.4, 0.0],
        "trained": [True, True],
        "completion_tokens": [30.0, 10.0],
        "examples": [{"id": "a", "prompt": "1+1?", "completion": "2", "reward": 1.0}],
    } | changes


def cost(step: int, **changes: Any) -> dict[str, Any]:
    seconds = {"step": 2.0, "ask": 0.1, "rescore": 0.3, "tell": 0.1}
    metrics = {"effective_problems": 2.5}
    return {"kind": "step", "step": step, "tokens": 100 * step, "seconds": seconds, "metrics": metrics} | changes


def regret(step: int, **changes: Any) -> dict[str, Any]:
    """The first group was met and is behind; the second has no interval yet."""
    return {
        "kind": "regret",
        "step": step,
        "plays": 2 * step,
        "earned": 0.4 * step,
        "regret": [-0.1 * step, 0.2 * step],
        "half_width": [0.5 * step, None],
        "unbiased": True,
    } | changes


def evaluation(step: int, **metrics: float) -> dict[str, Any]:
    return {"kind": "evaluation", "step": step, "tokens": 100 * step, "metrics": metrics}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def writes(*entries: Any, tail: str = "") -> Path:
        path = tmp_path / "curriculum.jsonl"
        path.write_text("".join(json.dumps(entry) + "\n" for entry in entries) + tail, encoding="utf-8")
        return path

    return writes
