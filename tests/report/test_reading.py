"""Every sum against records made by hand; what is no record is refused in one line; large ones are read in part."""

import math

import numpy as np
import pytest

from curriculum_bandits import ProblemBank, Rollouts
from curriculum_bandits.draw import Draw, Feedback, Ticket
from curriculum_bandits.record import Record
from curriculum_bandits.report.reading import find_record, read_example, read_record
from curriculum_bandits.report.totals import MOST_BINS, MOST_GROUPS, OTHER_GROUPS

from .conftest import begin, cost, draw, evaluation
from .simulated import write_large


def test_sums_of_a_small_record(write):
    path = write(
        begin(),
        draw(1),
        cost(1),
        evaluation(1, accuracy=0.25),
        draw(2, items=["b", "c"], group=["y", "y"], reward=[0.25, None], spread=[True, False], trained=[True, False]),
        draw(2, items=["a", "a"], group=["x", "x"], reward=[0.75, 1.0]),
        cost(2),
        evaluation(2, accuracy=0.5),
    )
    totals = read_record(path.parent)
    assert (totals.method, totals.bank_size, totals.generations, totals.groups) == ("osmd", 4, 2, ["x", "y"])
    assert (totals.first_step, totals.last_step, totals.draws, totals.step_lines) == (1, 2, 3, 2)
    np.testing.assert_array_equal(totals.by_group["drawn"][:2], [[1, 1], [2, 2]])
    np.testing.assert_array_equal(totals.by_group["judged"][:2], [[1, 1], [2, 1]])
    np.testing.assert_array_equal(totals.by_group["informative"][:2], [[1, 0], [1, 1]])
    np.testing.assert_array_equal(totals.by_group["rewards"][:2], [[0.5, 1.0], [1.75, 0.25]])
    np.testing.assert_array_equal(totals.by_bin["tokens"][:2], [40, 80])
    np.testing.assert_array_equal(totals.by_bin["wasted"][:2], [10, 20])
    np.testing.assert_array_equal(totals.by_bin["rejected"][:2], [0, 1])
    np.testing.assert_allclose(totals.by_bin["effective"][:2], [math.e, 2 * math.e])
    np.testing.assert_allclose(totals.seconds["rescore"][:2], [0.3, 0.3])
    assert totals.tokens == 200
    assert [one.metrics["accuracy"] for one in totals.evaluations] == [0.25, 0.5]
    problems = totals.problems
    assert problems.ids == ["a", "b", "c"]
    assert problems.drawn.tolist() == [3, 2, 1]
    np.testing.assert_array_equal(problems.first, [0.5, 1.0, np.nan])
    np.testing.assert_array_equal(problems.last, [1.0, 0.25, np.nan])
    np.testing.assert_allclose(problems.utility, [0.8, 0.4, 0.0])


def test_first_and_last_reward_are_those_of_the_run_whatever_is_added_together(write, monkeypatch):
    rewards = np.random.default_rng(0).random((40, 2))
    lines = [draw(step + 1, reward=row.tolist()) for step, row in enumerate(rewards)]
    path = write(begin(), *lines)
    together = read_record(path)
    monkeypatch.setattr("curriculum_bandits.report.totals._AT_ONCE", 3)
    apart = read_record(path)
    for totals in (together, apart):
        np.testing.assert_array_equal(totals.problems.first, rewards[0])
        np.testing.assert_array_equal(totals.problems.last, rewards[-1])
    np.testing.assert_allclose(together.clusters["weighted_ab"], apart.clusters["weighted_ab"])
    np.testing.assert_allclose(together.by_difficulty, apart.by_difficulty)


def test_windows_of_steps_double_and_lose_nothing(write):
    steps = range(1, 1001)
    totals = read_record(write(begin(), *(line for step in steps for line in (draw(step), cost(step)))))
    assert totals.axis.width == 8
    np.testing.assert_array_equal(totals.by_group["drawn"][:3, 0], [7, 8, 8])
    assert totals.by_group["drawn"].sum() == 2000
    assert totals.by_bin["steps"].sum() == 1000
    assert totals.by_difficulty.sum() == 2000
    starts, edges = totals.windows(60)
    assert len(starts) <= 60
    assert (edges[0], edges[-1]) == (1, 1001)
    assert totals.joined(totals.by_bin["draws"], starts).sum() == 1000
    assert totals.axis.used <= MOST_BINS


def test_difficulty_has_a_cell_for_each_level(write):
    lines = [draw(step, difficulty=[float(step % 5), 4.0]) for step in range(1, 11)]
    totals = read_record(write(begin(), *lines))
    cells = np.flatnonzero(totals.by_difficulty.sum(axis=0))
    counts = totals.by_difficulty.sum(axis=0)[cells]
    np.testing.assert_allclose(totals.difficulty_sum[cells] / counts, [0, 1, 2, 3, 4])
    assert counts.tolist() == [2, 2, 2, 2, 12]


def test_too_many_groups_are_counted_together(write):
    lines = [draw(1, items=[str(i) for i in range(500)], group=[f"g{i}" for i in range(500)])]
    for name in ("difficulty", "inclusion", "reward", "utility", "completion_tokens", "spread", "trained"):
        lines[0][name] = None
    totals = read_record(write(begin(groups=None), *lines))
    assert len(totals.groups) == MOST_GROUPS + 1
    assert totals.groups[-1] == OTHER_GROUPS
    assert totals.by_group["drawn"].sum(axis=0)[-1] == 500 - MOST_GROUPS


def test_a_record_by_the_writer_is_read(tmp_path):
    bank = ProblemBank(["a?", "b?", "c?"], ids=["a", "b", "c"], groups=["x", "y", "y"], difficulty=[1, 2, 3])
    record = Record(tmp_path / "curriculum.jsonl")
    record.begin("osmd", bank, 3)
    ticket = Draw([2, 0], [0.5, 0.25], [0.8, 0.4], Ticket("run", 0))
    rollouts = Rollouts([[1.0, 0.0, None], [1.0, 1.0, 1.0]], lengths=[[3, 4, 5], [1, 1, 1]])
    record.draw(1, bank, ticket, rollouts, Feedback([0.25, np.nan], [2, 0]), entropy=0.5, examples=[(1, "42", 1.0)])
    record.step(1, 100.0, {"step": 1.0, "ask": 0.25}, {"reward": float("nan")})
    record.evaluation(1, 100.0, {"accuracy": 0.5})
    totals = read_record(tmp_path)
    assert totals.groups == ["x", "y"]
    assert totals.by_group["drawn"][0].tolist() == [1, 1]
    assert totals.by_bin["tokens"][0] == 15
    row = totals.problems.ids.index("a")
    offset, slot = totals.problems.example_offset[row], totals.problems.example_slot[row]
    assert read_example(tmp_path, int(offset), int(slot)) == {"prompt": "a?", "completion": "42", "reward": 1.0}


def test_a_run_still_going_is_read_as_far_as_it_is(write):
    totals = read_record(write(begin(), draw(1), cost(1), tail='{"kind":"draw","step":2,"it'))
    assert (totals.draws, totals.broken_lines, totals.last_step) == (1, 1, 1)


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


@pytest.mark.parametrize("changes", [{"version": 3}, {"kind": "draw"}])
def test_a_first_line_of_another_kind_or_version_is_refused(write, changes):
    with pytest.raises(ValueError, match="record"):
        read_record(write(begin(**changes)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reward": [1.0]}, "line 2 .* 2 items, but its reward has 1"),
        ({"utility": ["high", 0.0]}, "utility holds something that is no number"),
        ({"utility": [[1.0], [2.0]]}, "utility holds lists"),
        ({"inclusion": [0.0, 0.5]}, "an inclusion is 0.0; it must be above 0"),
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
    totals = read_record(path)
    assert sum(half["count"].sum() for half in totals.utility) == 1
    assert totals.by_difficulty.sum() == 1
    assert math.isnan(totals.tokens)


def test_a_missing_record_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"holds no curriculum\.jsonl"):
        find_record(tmp_path)
    with pytest.raises(ValueError, match="does not exist"):
        find_record(tmp_path / "nowhere")


def test_of_a_large_record_a_random_part_is_read(tmp_path):
    path = write_large(tmp_path / "curriculum.jsonl", steps=400, batch=8)
    totals = read_record(path, most_bytes=path.stat().st_size // 4)
    assert totals.draw_lines == 400
    assert 60 < totals.draws < 140
    assert totals.step_lines == 400
    assert len(totals.evaluations) == 400
    assert totals.by_bin["draws"].sum() == totals.draws
