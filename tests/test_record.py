"""Every line says what happened, and a record resumed forgets what a checkpoint does not know."""

import json

import numpy as np
import pytest

from curriculum_bandits import Draw, Feedback, ProblemBank, Rollouts
from curriculum_bandits.draw import Ticket
from curriculum_bandits.record import Record


@pytest.fixture
def bank():
    return ProblemBank(["a?", "b?", "c?"], ids=["a", "b", "c"], groups=["x", "y", "y"], difficulty=[1, 2, 3])


def lines_of(record):
    return [json.loads(line) for line in record.path.read_text(encoding="utf-8").splitlines()]


def write_draw(record, bank, step, **options):
    draw = Draw([2, 0], [0.5, 0.25], [0.8, 0.4], Ticket("run", step))
    rollouts = Rollouts([[1.0, 0.0, None], [1.0, 1.0, 1.0]], lengths=[[3, 4, 5], [1, 1, 1]], trained=[[1] * 3, [0] * 3])
    record.draw(step, bank, draw, rollouts, Feedback([0.25, np.nan], [2, 0]), **options)


def test_a_draw_is_written_with_its_numbers_and_nothing_is_not_a_number(tmp_path, bank):
    record = Record(tmp_path / "deep" / "curriculum.jsonl")
    record.begin("osmd", bank, 3)
    write_draw(record, bank, 4, examples=[(1, "42", 1.0)])
    run, draw = lines_of(record)
    assert run == {
        "kind": "run",
        "version": 1,
        "method": "osmd",
        "problems": 3,
        "groups": ["x", "y"],
        "generations": 3,
    }
    assert draw == {
        "kind": "draw",
        "step": 4,
        "draw": 4,
        "items": ["c", "a"],
        "group": ["y", "x"],
        "difficulty": [3.0, 1.0],
        "probability": [0.5, 0.25],
        "inclusion": [0.8, 0.4],
        "reward": [0.5, 1.0],
        "spread": [True, False],
        "utility": [0.25, None],
        "trained": [True, False],
        "entropy": None,
        "completion_tokens": [12.0, 3.0],
        "examples": [{"id": "a", "prompt": "a?", "completion": "42", "reward": 1.0}],
    }


def test_resuming_cuts_later_steps_and_what_a_kill_left_half_written(tmp_path, bank):
    record = Record(tmp_path / "curriculum.jsonl")
    record.begin("osmd", bank, 3)
    for step in (1, 2, 3):
        write_draw(record, bank, step)
        record.step(step, 100.0 * step, {"step": 1.0}, {"reward": float("nan")})
    record.evaluation(3, 300.0, {"accuracy": 0.5})
    with open(record.path, "a", encoding="utf-8") as file:
        file.write('{"kind":"draw","step":2,"it')
    record.resume(2)
    assert [(line["kind"], line.get("step")) for line in lines_of(record)] == [
        ("run", None),
        ("draw", 1),
        ("step", 1),
        ("draw", 2),
        ("step", 2),
    ]
    assert lines_of(record)[2] == {
        "kind": "step",
        "step": 1,
        "tokens": 100.0,
        "seconds": {"step": 1.0},
        "metrics": {"reward": None},
    }
    record.evaluation(2, 200.0, {"accuracy": 0.25})
    assert lines_of(record)[-1]["metrics"] == {"accuracy": 0.25}


def test_beginning_anew_drops_what_another_run_left(tmp_path, bank):
    record = Record(tmp_path / "curriculum.jsonl")
    record.begin("osmd", bank, 3)
    write_draw(record, bank, 1)
    record.begin("uniform", bank, 3)
    assert [line["kind"] for line in lines_of(record)] == ["run"]


def test_texts_are_cut_and_halves_of_pairs_do_not_break_the_file(tmp_path):
    bank = ProblemBank([[{"role": "user", "content": "why? " * 300}]] * 3)
    record = Record(tmp_path / "curriculum.jsonl")
    write_draw(record, bank, 1, examples=[(0, "half a pair \ud800 and\x00a null", None)])
    example = lines_of(record)[0]["examples"][0]
    assert len(example["prompt"]) == 500
    assert example["prompt"].startswith("why? why? ")
    assert example["completion"] == "half a pair ? and\x00a null"
    assert example["reward"] is None
