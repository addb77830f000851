"""Every line says what happened, and a record resumed forgets what a checkpoint does not know."""

import json
import math

import numpy as np
import pytest

from curriculum_bandits import Draw, Feedback, ProblemBank, Rollouts, methods
from curriculum_bandits.draw import Ticket
from curriculum_bandits.tracking import Record


@pytest.fixture
def curriculum():
    bank = ProblemBank(["a?", "b?", "c?"], ids=["a", "b", "c"], groups=["x", "y", "y"], difficulty=[1, 2, 3])
    return methods.osmd(bank, floor=0.2)


def lines_of(record):
    return [json.loads(line) for line in record.path.read_text(encoding="utf-8").splitlines()]


def answer(record, serial=0, completions=None):
    draw = Draw([2, 0], [0.5, 0.25], [0.8, 0.4], Ticket("run", serial))
    rollouts = Rollouts(
        [[1.0, 0.0, None], [1.0, 1.0, 1.0]],
        lengths=[[3, 4, 5], [1, 1, 1]],
        trained=[[1] * 3, [0] * 3],
        completions=completions,
    )
    record.answered(draw, rollouts, Feedback([0.25, np.nan], [2, 0]))


def test_a_draw_is_written_with_its_numbers_and_nothing_is_not_a_number(tmp_path, curriculum):
    record = Record(tmp_path / "deep" / "curriculum.jsonl", curriculum, n_rollouts=3)
    answer(record, 4, completions=[["no", "42", None], ["unvalued", "b", "c"]])
    record.stepped(5, {})
    run, draw, regret = lines_of(record)
    assert run == {
        "kind": "run",
        "version": 1,
        "method": "osmd",
        "settings": {
            "arms": "groups",
            "seed": "0",
            "floor": "0.2",
            "share": "0.1",
            "step": "ScaleFree(memory=5)",
            "utility_range": "None",
            "signal": "policy_improvement",
        },
        "problems": 3,
        "groups": ["x", "y"],
        "n_rollouts": 3,
    }
    assert draw == {
        "kind": "draw",
        "step": 5,
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
        "completion_tokens": [12.0, 3.0],
        "examples": [{"id": "c", "prompt": "c?", "completion": "no", "reward": 1.0}],
    }
    # One play of c stands for 1 / 0.8 problems of its group of two; x was not met.
    earned = {"plays": 1, "earned": 0.25, "regret": [None, 2 * 0.25 / 0.8 / 2 - 0.25], "half_width": [None, None]}
    assert regret == {"kind": "regret", "step": 5, "unbiased": True} | earned


def test_examples_are_the_best_of_the_problems_with_the_greatest_and_the_least_utility(tmp_path):
    curriculum = methods.uniform(ProblemBank(list("abcdefg")))
    record = Record(tmp_path / "curriculum.jsonl", curriculum)
    rewards = np.tile([0.0, 1.0, np.nan, 0.5], (7, 1))
    texts = np.array([[f"{item}{k}" for k in range(4)] for item in "abcdefg"], dtype=object)
    texts[0] = None  # rolled out elsewhere
    texts[6, 1] = None
    draw = Draw(np.arange(7), np.full(7, 1 / 7), None, Ticket("run", 0))
    values = [9.0, 0.1, 0.5, 0.2, 0.4, 0.3, 0.6]
    record.answered(draw, Rollouts(rewards, completions=texts), Feedback(values, [3] * 7))
    record.stepped(1, {})
    examples = lines_of(record)[1]["examples"]
    assert [(e["id"], e["completion"], e["reward"]) for e in examples] == [
        ("6", "g3", 0.5),
        ("2", "c1", 1.0),
        ("1", "b1", 1.0),
        ("3", "d1", 1.0),
    ]


def test_resuming_cuts_later_steps_and_what_a_kill_left_half_written(tmp_path, curriculum):
    record = Record(tmp_path / "curriculum.jsonl", curriculum)
    for step in (1, 2, 3):
        answer(record, step)
        record.stepped(step, {"tokens": 100.0 * step, "seconds/step": 1.0, "reward": float("nan")})
        if step == 2:
            saved = record.state_dict()
    record.evaluated(3, {"accuracy": 0.5})
    with open(record.path, "a", encoding="utf-8") as file:
        file.write('{"kind":"draw","step":2,"it')
    again = Record(record.path, curriculum)
    again.load_state_dict(saved)
    assert [row["step"] for row in again.rows()] == [0, 1, 2]
    kinds = [(line["kind"], line.get("step")) for line in lines_of(again)]
    assert kinds == [("run", None), *((kind, step) for step in (1, 2) for kind in ("draw", "step", "regret"))]
    assert lines_of(again)[2] == {
        "kind": "step",
        "step": 1,
        "tokens": 100.0,
        "seconds": {"step": 1.0},
        "metrics": {"reward": None},
    }
    again.evaluated(2, {"accuracy": 0.25})
    assert lines_of(again)[-1] == {"kind": "evaluation", "step": 2, "tokens": 200.0, "metrics": {"accuracy": 0.25}}
    assert again.rows()[2]["accuracy"] == 0.25
    assert math.isnan(again.rows()[2]["reward"])
    assert again.rows()[2]["seconds/step"] == 1.0
    answer(again, 3)
    again.stepped(3, {"tokens": 300.0})
    assert lines_of(again)[-1]["plays"] == 3


def test_beginning_anew_drops_what_another_run_left(tmp_path, curriculum):
    record = Record(tmp_path / "curriculum.jsonl", curriculum)
    answer(record)
    record.stepped(1, {"tokens": 1.0})
    for other in (record, Record(record.path, curriculum)):
        other.begin()
        assert [line["kind"] for line in lines_of(record)] == ["run"]
        answer(other)
        other.stepped(1, {})
        assert lines_of(other)[-1]["plays"] == 1
    Record(record.path, curriculum).evaluated(0, {"accuracy": 0.5})  # a new record of the same path begins by itself
    assert [line["kind"] for line in lines_of(record)] == ["run", "evaluation"]


def test_many_groups_are_estimated_every_few_steps(tmp_path):
    curriculum = methods.uniform(ProblemBank(["?"] * 100, groups=[str(i) for i in range(100)]))
    record = Record(tmp_path / "curriculum.jsonl", curriculum)
    for step in range(1, 9):
        draw = curriculum.ask(2)
        record.answered(draw, Rollouts([[0.0, 1.0]] * 2), Feedback([0.5, 0.5], [2, 2]))
        record.stepped(step, {"tokens": 1.0})
    assert [line["step"] for line in lines_of(record) if line["kind"] == "regret"] == [4, 8]


def test_texts_are_cut_and_halves_of_pairs_do_not_break_the_file(tmp_path):
    bank = ProblemBank([[{"role": "user", "content": "why? " * 300}]] * 3)
    record = Record(tmp_path / "curriculum.jsonl", methods.uniform(bank))
    draw = Draw([0], [0.3], None, Ticket("run", 0))
    texts = [["half a pair \ud800 and\x00a null"]]
    record.answered(draw, Rollouts([[None]], completions=texts), Feedback([0.5], [1]))
    record.stepped(1, {})
    example = lines_of(record)[1]["examples"][0]
    assert len(example["prompt"]) == 500
    assert example["prompt"].startswith("why? why? ")
    assert example["completion"] == "half a pair ? and\x00a null"
    assert example["reward"] is None
