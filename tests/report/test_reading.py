"""Every sum against records made by hand; what is no record is refused in one line; large ones are read in part."""

import math

import numpy as np
import pytest

from curriculum_bandits import ProblemBank, Rollouts, methods
from curriculum_bandits.draw import Draw, Feedback, Ticket
from curriculum_bandits.report._figures import _Windows, figures_of
from curriculum_bandits.report._reading import find_record, read_example, read_record
from curriculum_bandits.tracking import Record

from .conftest import begin, cost, draw, evaluation, regret
from .simulated import write_large


def test_columns_of_a_small_record(write):
    path = write(
        begin(),
        draw(1),
        cost(1),
        evaluation(1, accuracy=0.25),
        regret(1),
        draw(2, items=["b", "c"], group=["y", "y"], reward=[0.25, None], spread=[True, False], trained=[True, False]),
        draw(2, items=["a", "a"], group=["x", "x"], reward=[0.75, 1.0]),
        cost(2),
        evaluation(2, accuracy=0.5),
        regret(2, half_width=[1.5, 0.5]),
    )
    run = read_record(path.parent)
    assert (run.method, run.bank_size, run.n_rollouts, run.groups) == ("osmd", 4, 2, ["x", "y"])
    assert (run.first_step, run.last_step, run.draws, run.draw_lines) == (1, 2, 3, 3)
    assert run.problems == ["a", "b", "c"]
    assert run.drawn["step"].tolist() == [1, 1, 2, 2, 2, 2]
    assert run.drawn["problem"].tolist() == [0, 1, 1, 2, 0, 0]
    assert run.drawn["group"].tolist() == [0, 1, 1, 1, 0, 0]
    np.testing.assert_array_equal(run.drawn["reward"], [0.5, 1.0, 0.25, np.nan, 0.75, 1.0])
    assert run.drawn["informative"].tolist() == [True, False, True, False, True, False]
    assert run.drawn["trained"].tolist() == [True, True, True, False, True, True]
    assert run.drawn["tokens"].tolist() == [30, 10] * 3
    assert run.by_group(1.0).tolist() == [3, 3]
    np.testing.assert_allclose(run.by_group(run.drawn["reward"]), [2.25, 1.25])
    np.testing.assert_allclose(run.by_problem(run.drawn["utility"]), [0.8, 0.4, 0.0])
    assert run.steps["step"].tolist() == [1, 2]
    assert run.steps["effective"].tolist() == [2.5, 2.5]
    np.testing.assert_allclose(run.seconds["rescore"], [0.3, 0.3])
    assert run.tokens == 200
    assert [one.metrics["accuracy"] for one in run.evaluations] == [0.25, 0.5]
    assert [one.step for one in run.estimates] == [1, 2]
    assert run.estimates[1].half_width.tolist() == [1.5, 0.5]


def test_windows_of_steps_lose_nothing(write):
    steps = range(1, 1001)
    run = read_record(write(begin(), *(line for step in steps for line in (draw(step), cost(step)))))
    windows = _Windows(run)
    assert len(windows.middles) <= 60
    assert (windows.edges[0], windows.edges[-1]) == (1, 1001)
    np.testing.assert_array_equal(windows.sums(1.0)[:3], [34, 34, 34])
    assert windows.sums(1.0).sum() == 2000
    by_group = windows.sums(1.0, run.drawn["group"], 2)
    np.testing.assert_array_equal(by_group.sum(axis=0), [1000, 1000])
    np.testing.assert_allclose(windows.means_of_steps(run.seconds["ask"]), 0.1)


def test_difficulty_has_a_colour_for_each_of_a_few_levels_and_a_map_for_many(write):
    for levels, legend in ((5, ["0", "1", "2", "3", "4"]), (40, ["mean difficulty"])):
        lines = [draw(step, difficulty=[float(step % levels), 4.0]) for step in range(1, 81)]
        figures = {figure.key: figure for figure in figures_of(read_record(write(begin(), *lines)))}
        assert [entry.name for entry in figures["difficulty"].legend] == legend


def test_groups_are_known_without_the_first_line(write):
    columns = ("difficulty", "inclusion", "reward", "utility", "completion_tokens", "spread", "trained")
    nothing = dict.fromkeys(columns)
    line = draw(1, items=[str(i) for i in range(500)], group=[f"g{i}" for i in range(500)]) | nothing
    run = read_record(write(begin(groups=None), line))
    assert run.groups == [f"g{i}" for i in range(500)]
    assert run.by_group(1.0).tolist() == [1] * 500


def test_a_record_by_the_writer_is_read(tmp_path):
    bank = ProblemBank(["a?", "b?", "c?"], ids=["a", "b", "c"], groups=["x", "y", "y"], difficulty=[1, 2, 3])
    record = Record(tmp_path / "curriculum.jsonl", methods.osmd(bank, floor=0.2), n_rollouts=3)
    ticket = Draw([2, 0], [0.5, 0.25], [0.8, 0.4], Ticket("run", 0))
    texts = [[None, None, None], ["42", "no", None]]
    lengths = [[3, 4, 5], [1, 1, 1]]
    rollouts = Rollouts([[1.0, 0.0, None], [1.0, 1.0, 1.0]], lengths=lengths, completions=texts)
    record.answered(ticket, rollouts, Feedback([0.25, 0.5], [2, 3]))
    record.stepped(1, {"tokens": 100.0, "seconds/step": 1.0, "seconds/ask": 0.25, "reward": float("nan")})
    record.evaluated(1, {"accuracy": 0.5})
    run = read_record(tmp_path)
    assert (run.groups, run.n_rollouts) == (["x", "y"], 3)
    assert (run.settings["floor"], run.settings["step"]) == ("0.2", "ScaleFree(memory=5)")
    assert run.drawn["group"].tolist() == [1, 0]
    assert run.drawn["tokens"].tolist() == [12, 3]
    assert run.seconds["ask"].tolist() == [0.25]
    assert run.evaluations[0].tokens == 100.0
    assert run.estimates[0].earned == 0.75
    assert run.estimates[0].unbiased
    assert read_example(tmp_path, *run.examples[run.problems.index("a")]) == {
        "prompt": "a?",
        "completion": "42",
        "reward": 1.0,
    }


def test_a_run_still_going_is_read_as_far_as_it_is(write):
    run = read_record(write(begin(), draw(1), cost(1), tail='{"kind":"draw","step":2,"it'))
    assert (run.draws, run.broken_lines, run.last_step) == (1, 1, 1)


def test_a_run_that_just_began_is_read(write):
    assert read_record(write(begin())).last_step == -1


def test_kinds_of_later_formats_are_passed_over(write):
    assert read_record(write(begin(), {"kind": "weather", "step": 9}, draw(1))).last_step == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n\n", "nothing but blank lines"),
        ('{"loss": 1.0}\n', "is no record of a run"),
        ("step,reward\n1,2\n", "is no record of a run"),
        ("[" * 100_000, "is no record of a run"),
        ("\x00\x01\x02", "is no record of a run"),
        ('{"kind":"draw","version":1}\n', "is no record of a run"),
        ('{"kind":"run"}\n', "is no record of a run"),
        ('{"kind":"run","version":2}\n', "version 2"),
        ('{"kind":"run","version":true}\n', "version True"),
    ],
)
def test_what_is_no_record_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "curriculum.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_record(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": [1.0]}, "line 2 .* reward has 1 entries where 2 are needed"),
        ({"utility": ["high", 0.0]}, "utility holds something that is no number"),
        ({"utility": [[1.0], [2.0]]}, "utility holds lists"),
        ({"items": "ab"}, "not a list"),
        ({"step": -1}, "step is -1"),
        ({"step": "first"}, "step is 'first'"),
    ],
)
def test_a_line_that_makes_no_sense_is_named(write, changes, message):
    with pytest.raises(ValueError, match=message):
        read_record(write(begin(), draw(1) | changes))


def test_a_draw_without_items_is_named(write):
    entry = draw(1)
    del entry["items"]
    with pytest.raises(ValueError, match="'items' is missing"):
        read_record(write(begin(), entry))


def test_infinite_and_absurd_numbers_count_as_missing(write):
    path = write(begin(), draw(1, utility=[math.inf, 1.0], difficulty=[1e300, 2.0]), cost(1, tokens=10**400))
    run = read_record(path)
    np.testing.assert_array_equal(run.drawn["utility"], [np.nan, 1.0])
    np.testing.assert_array_equal(run.drawn["difficulty"], [np.nan, 2.0])
    assert math.isnan(run.tokens)


def test_a_missing_record_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"holds no curriculum\.jsonl"):
        find_record(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        find_record(tmp_path / "nowhere")


def test_of_a_large_record_a_random_part_is_read(tmp_path):
    path = write_large(tmp_path / "curriculum.jsonl", steps=400, batch=8)
    run = read_record(path, most_bytes=path.stat().st_size // 4)
    assert run.draw_lines == 400
    assert 60 < run.draws < 140
    assert len(run.steps["step"]) == 400
    assert len(run.evaluations) == 400
    assert len(run.drawn["step"]) == 8 * run.draws
