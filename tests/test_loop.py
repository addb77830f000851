"""The loop: what it logs, what it refuses, and that a killed run ends up where an uninterrupted one does."""

import math
from dataclasses import replace

import numpy as np
import pytest

from curriculum_bandits import ProblemBank, Rollouts, methods, run
from curriculum_bandits.environments import SkillStudent
from curriculum_bandits.filters import ZeroVarianceFilter
from curriculum_bandits.tracking import RECORD_FILE, Record

NAMES = ["easy"] * 6 + ["hard"] * 6


class SkillLearner:
    """A softmax policy with one logit per group: the chance of a right answer grows with what it was taught."""

    def __init__(self, seed=0, rollouts=4, fail_at=None, error=None):
        self.skill = np.array([0.5, -1.0])
        self.rng = np.random.default_rng(seed)
        self.rollouts, self.fail_at, self.error = rollouts, fail_at, error or RuntimeError("killed")
        self.calls = []

    def learn(self, items):
        self.calls.append(items.tolist())
        if len(self.calls) == self.fail_at:
            raise self.error
        groups = np.asarray(items) // 6
        before = 1 / (1 + np.exp(-self.skill))
        right = self.rng.random((len(items), self.rollouts)) < before[groups][:, None]
        np.add.at(self.skill, groups, 0.1 * right.std(axis=1))
        after = 1 / (1 + np.exp(-self.skill))

        def logprob(p):
            return np.where(right, np.log(p)[groups][:, None], np.log1p(-p)[groups][:, None])

        return Rollouts(right * 1.0, logprob(before), logprob(after), lengths=np.ones(right.shape))

    def evaluate(self):
        return {"accuracy": float(np.mean(1 / (1 + np.exp(-self.skill))))}

    def state_dict(self):
        return {"skill": self.skill.copy(), "rng": self.rng.bit_generator.state}

    def load_state_dict(self, state):
        self.skill = np.array(state["skill"])
        self.rng.bit_generator.state = state["rng"]


class Fleeting:
    """A learner that cannot be saved."""

    def __init__(self):
        self.learner = SkillLearner()
        self.learn, self.evaluate = self.learner.learn, self.learner.evaluate


def a_bank():
    return ProblemBank([f"p{i}" for i in range(12)], groups=NAMES)


def go(learner, steps, directory=None, method=methods.osmd, batch_size=4, **changes):
    settings = {"evaluate_every": 5, "checkpoint_every": 3, "progress": False, **changes}
    return run(method(a_bank(), seed=1), learner, steps, batch_size, directory=directory, **settings)


def timeless(rows):
    return [{k: v for k, v in row.items() if not k.startswith("seconds/")} for row in rows]


def recorded(directory):
    """The rows of a run, read from its record."""
    rows = Record(directory / RECORD_FILE, methods.uniform(a_bank())).rows()
    return [rows[0] | {"rollouts": 0.0}, *rows[1:]]


def test_it_asks_learns_tells_and_evaluates():
    learner = SkillLearner()
    rows = go(learner, 12)
    assert len(learner.calls) == 12
    assert all(len(set(items)) == 4 for items in learner.calls)
    assert [row["step"] for row in rows] == list(range(13))
    assert [row["step"] for row in rows if "accuracy" in row] == [0, 5, 10, 12]
    assert [row["rollouts"] for row in rows] == [16 * t for t in range(13)]
    assert rows[-1]["accuracy"] > rows[0]["accuracy"]


def test_a_row_names_what_was_drawn_and_what_it_cost():
    learner = SkillLearner()
    row = go(learner, 1)[1]
    easy = np.mean(np.array(learner.calls[0]) < 6)
    assert (row["drawn/easy"], row["drawn/hard"]) == (easy, 1 - easy)
    assert row["effective_problems"] == pytest.approx(math.exp(row["entropy"]))
    assert row["entropy"] <= math.log(12) + 1e-12
    expected = {"ask", "learn", "tell", "evaluate", "step"}
    assert {k.removeprefix("seconds/") for k in row if k.startswith("seconds/")} == expected
    assert {"reward", "informative_share", "answered_share", "utility_mean", "log_ratio_std"} <= set(row)


def test_the_utilities_are_told_to_the_curriculum():
    curriculum = methods.osmd(a_bank(), seed=1)
    before = curriculum.bandit.probabilities()
    run(curriculum, SkillLearner(), 5, 4, progress=False)
    assert curriculum.outstanding == ()
    assert not np.allclose(curriculum.bandit.probabilities(), before)


def test_without_evaluation_there_is_none():
    rows = go(SkillLearner(), 3, evaluate_every=0)
    assert rows[0] == {"step": 0.0, "rollouts": 0.0, "tokens": 0.0}
    assert not any("accuracy" in row for row in rows)


@pytest.mark.parametrize("method", [methods.osmd, methods.uniform])
@pytest.mark.parametrize("error", [RuntimeError("killed"), KeyboardInterrupt()])
@pytest.mark.parametrize("fail_at", [1, 3, 4, 8])
def test_a_killed_run_that_is_resumed_equals_one_that_was_not(tmp_path, fail_at, error, method):
    expected = timeless(go(SkillLearner(), 10, method=method))
    with pytest.raises(type(error)):
        go(SkillLearner(fail_at=fail_at, error=error), 10, tmp_path, method=method)
    assert [row["step"] for row in recorded(tmp_path)] == list(range(fail_at))
    learner = SkillLearner(seed=99)  # everything it needs is in the checkpoint, if there is one
    if fail_at <= 3:
        learner = SkillLearner()
    rows = go(learner, 10, tmp_path, method=method)
    assert len(learner.calls) == 10 - (fail_at - 1) // 3 * 3
    assert timeless(rows) == expected
    assert timeless(recorded(tmp_path)) == expected  # every step once


def test_a_run_can_be_killed_again_and_again(tmp_path):
    expected = timeless(go(SkillLearner(), 12))
    for _ in range(3):
        with pytest.raises(RuntimeError):
            go(SkillLearner(fail_at=5), 12, tmp_path)
    assert timeless(go(SkillLearner(), 12, tmp_path)) == expected


def test_a_finished_run_goes_on_with_more_steps_and_is_not_run_again(tmp_path):
    expected = timeless(go(SkillLearner(), 10))
    go(SkillLearner(), 5, tmp_path)
    for calls in (5, 0):
        learner = SkillLearner()
        assert timeless(go(learner, 10, tmp_path)) == expected
        assert len(learner.calls) == calls


def test_without_checkpoints_any_learner_will_do(tmp_path):
    assert len(go(Fleeting(), 3, tmp_path, checkpoint_every=0)) == 4
    assert len(go(Fleeting(), 3)) == 4
    assert [p.name for p in tmp_path.iterdir()] == ["curriculum.jsonl"]


def test_nothing_is_written_without_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    go(SkillLearner(), 2)
    assert list(tmp_path.iterdir()) == []


def test_tensorboard_events_hold_the_same_numbers(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.util.tensor_util import make_ndarray

    rows = go(SkillLearner(), 6, tmp_path, tensorboard=True)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert "entropy" in tags["tensors"] + tags["scalars"]
    for name in ("reward", "accuracy", "drawn/easy"):
        if name in tags["scalars"]:
            found = {e.step: e.value for e in events.Scalars(name)}
        else:
            found = {e.step: float(make_ndarray(e.tensor_proto)) for e in events.Tensors(name)}
        assert found == pytest.approx({int(row["step"]): row[name] for row in rows if name in row}, rel=1e-6)


# What is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"batch_size": 0}, "batch_size is 0, but the bank has 12"),
        ({"batch_size": 13}, "batch_size is 13, but the bank has 12"),
        ({"evaluate_every": -1}, "evaluate_every"),
        ({"checkpoint_every": -1}, "checkpoint_every"),
        ({"tensorboard": True}, "tensorboard=True needs a directory"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(changes, message):
    learner = SkillLearner()
    with pytest.raises(ValueError, match=message):
        go(learner, **{"steps": 3, **changes})
    assert learner.calls == []


def test_a_learner_that_cannot_be_saved_is_refused_before_the_first_step(tmp_path):
    learner = Fleeting()
    with pytest.raises(TypeError, match="Fleeting has no state_dict and load_state_dict"):
        go(learner, 3, tmp_path)
    assert learner.learner.calls == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 3}, "batch_size of run is 4, and 3 here"),
        ({"method": methods.uniform}, "name of curriculum is 'osmd'"),
        (
            {"method": lambda bank, seed: methods.osmd(bank, seed=seed, floor=0.2)},
            "floor was 0.1 there and is 0.2 here",
        ),
        (
            {"method": lambda _, seed: methods.osmd(ProblemBank(["x"] * 12, groups=NAMES))},
            "load the bank it was saved with",
        ),
    ],
)
def test_the_directory_of_another_run_is_refused_and_left_as_it_was(tmp_path, changes, message):
    go(SkillLearner(), 4, tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=message):
        go(SkillLearner(), 8, tmp_path, **changes)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["step", "reward", "entropy", "drawn/easy", "curator/loss", "seconds/learn"])
def test_an_evaluation_that_takes_a_name_of_the_loop_is_refused_before_anything_was_trained(name):
    learner = SkillLearner()
    learner.evaluate = lambda: {name: 1.0}
    with pytest.raises(ValueError, match=name):
        go(learner, 6)
    assert learner.calls == []


def test_an_infinite_reward_stops_the_run_with_its_place(tmp_path):
    class Broken(SkillLearner):
        def learn(self, items):
            good = super().learn(items)
            rewards = good.rewards.copy()
            rewards[2, 1] = np.inf if len(self.calls) == 5 else rewards[2, 1]
            return Rollouts(rewards, log_ratio=good.log_ratio, lengths=good.lengths)

    with pytest.raises(ValueError, match="rewards of problem 2 in the batch, rollout 1, is inf"):
        go(Broken(), 10, tmp_path)
    assert timeless(go(SkillLearner(), 10, tmp_path)) == timeless(go(SkillLearner(), 10))  # nothing was lost


# Diagnostics


def curated(bank, seed):
    neural = pytest.importorskip("curriculum_bandits.neural", exc_type=ImportError)
    return methods.actor_curator(
        bank, seed=seed, settings=replace(neural.DEFAULT, learning_rate=0.05, gradient_steps=1)
    )


def test_what_a_curator_says_of_itself_is_in_every_row_under_its_own_prefix(tmp_path):
    rows = go(SkillLearner(), 4, tmp_path, curated)
    for row in rows[1:]:
        said = {name for name in row if name.startswith("curator/")}
        assert {"curator/loss", "curator/ratio_max", "curator/coverage", "curator/staleness/easy"} <= said
        assert "curator/entropy" not in said
        assert row["curator/ratio_max"] == pytest.approx(1.0, abs=1e-4)
        assert row["effective_problems"] == pytest.approx(math.exp(row["entropy"]))
        assert 1.0 <= row["effective_problems"] <= 12.0001
    assert rows[-1]["curator/coverage"] > rows[1]["curator/coverage"] > 0.0
    assert not any(name.startswith("curator/") for name in go(SkillLearner(), 2)[-1])


def test_a_killed_run_with_a_curator_equals_one_that_was_not(tmp_path):
    whole = timeless(go(SkillLearner(), 8, tmp_path / "whole", curated))
    with pytest.raises(RuntimeError):
        go(SkillLearner(fail_at=6), 8, tmp_path / "killed", curated)
    np.testing.assert_equal(timeless(go(SkillLearner(seed=9), 8, tmp_path / "killed", curated)), whole)


def a_student():
    return SkillStudent.half_hopeless(300, seed=0)


def test_a_budget_of_rollouts_ends_the_run_and_a_larger_one_goes_on(tmp_path):
    def play(budget, folder, filter=None):
        learner = a_student()
        return run(
            methods.uniform(learner.bank), learner, 1000, 10, filter=filter, rollout_budget=budget,
            evaluate_every=7, checkpoint_every=50, directory=tmp_path / folder, progress=False,
        )  # fmt: skip

    short = play(200, "plain")
    assert [row["rollouts"] for row in short] == [0, 80, 160, 240]
    assert "accuracy" in short[-1]
    assert len(play(200, "plain")) == 4  # nothing more to do
    longer = play(400, "plain")
    assert [row["rollouts"] for row in longer] == [0, 80, 160, 240, 320, 400]
    filtered = play(1500, "filtered", ZeroVarianceFilter())
    assert filtered[-2]["rollouts"] < 1500 <= filtered[-1]["rollouts"]
    with pytest.raises(ValueError, match="the saved filter of run is a dict where None is needed"):
        play(1600, "filtered")
    with pytest.raises(ValueError, match="the saved filter of run is None where"):
        play(1600, "plain", ZeroVarianceFilter())
    with pytest.raises(ValueError, match="rollout_budget is 0"):
        play(0, "none")


def test_a_filter_needs_a_learner_that_can_roll_out_apart():
    class LearnsAtOnce:
        def learn(self, items):
            raise AssertionError

        def evaluate(self):
            return {}

    with pytest.raises(TypeError, match="LearnsAtOnce has no roll_out and update"):
        run(methods.uniform(ProblemBank(["a"])), LearnsAtOnce(), 1, 1, filter=ZeroVarianceFilter(), progress=False)


def test_tokens_are_summed_where_lengths_are_known():
    learner = a_student()
    rows = run(methods.uniform(learner.bank), learner, 3, 5, progress=False)
    assert 0 < rows[1]["tokens"] < rows[3]["tokens"]


def test_looking_at_every_third_step_only_changes_nothing_else():
    rows, sparse = (
        run(methods.uniform(learner.bank), learner, 7, 5, metrics_every=every, evaluate_every=2, progress=False)
        for every, learner in ((1, a_student()), (3, a_student()))
    )
    assert [row["step"] for row in sparse if "reward" in row] == [3, 6]
    for row, other in zip(rows, sparse, strict=True):
        for name in (name for name in other if not name.startswith("seconds/")):
            assert row[name] == other[name], name

    def few(curriculum, items, rollouts, feedback):
        return {"drawn": len(items), "entropy": curriculum.entropy()}

    learner = a_student()
    measured = run(methods.uniform(learner.bank), learner, 7, 5, metrics=few, evaluate_every=2, progress=True)
    assert [row["drawn"] for row in measured[1:]] == [5] * 7
    assert [row["entropy"] for row in measured[1:]] == [row["entropy"] for row in rows[1:]]
    assert "reward" not in measured[1]
    with pytest.raises(ValueError, match="metrics_every is 0"):
        run(methods.uniform(ProblemBank(["a"])), a_student(), 1, 1, metrics_every=0)


@pytest.mark.parametrize(
    ("fault", "message"),
    [("raises", "the engine is gone"), ("one row too few", "rollouts of 4 problems for 5; return one row each")],
)
def test_a_learner_that_fails_leaves_no_draw_open(fault, message):
    class Faulty(SkillStudent):
        def learn(self, items):
            if fault == "raises":
                raise OSError("the engine is gone")
            return super().learn(items[1:])

    learner = Faulty.half_hopeless(300, seed=0)
    curriculum = methods.uniform(learner.bank)
    with pytest.raises((OSError, ValueError), match=message):
        run(curriculum, learner, 1, 5, progress=False)
    assert curriculum.outstanding == ()


def test_a_learner_that_refuses_its_state_leaves_the_curriculum_as_it_was(tmp_path):
    class Refuses(SkillLearner):
        def load_state_dict(self, state):
            raise ValueError("another learner")

    go(SkillLearner(), 2, tmp_path)
    curriculum = methods.osmd(a_bank(), seed=9)
    before = curriculum.state_dict()["run"]
    with pytest.raises(ValueError, match="another learner"):
        run(curriculum, Refuses(), 4, 4, directory=tmp_path, progress=False)
    assert curriculum.state_dict()["run"] == before
