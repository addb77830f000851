"""Which hooks are called when, what observers may add, and that their state continues with the run's."""

import numpy as np
import pytest

from curriculum_bandits import methods, run
from curriculum_bandits.environments import SkillStudent
from curriculum_bandits.filters import Greso, VarianceThreshold
from curriculum_bandits.observer import Observer, Observers
from curriculum_bandits.regret import GroupRegretEstimator


class Witness(Observer):
    """Notes every call."""

    def __init__(self):
        self.calls, self.draws, self.answers = [], [], []

    def drawn(self, draw):
        self.calls.append("drawn")
        self.draws.append(draw)

    def answered(self, draw, rollouts, feedback):
        self.calls.append("answered")
        self.answers.append((draw, rollouts, feedback))

    def stepped(self, step, metrics):
        self.calls.append(f"stepped {step}")
        metrics["seen"] = float(len(self.calls))

    def evaluated(self, step, scores):
        self.calls.append(f"evaluated {step}")
        assert "accuracy" in scores

    def close(self):
        self.calls.append("close")


class Counting(Observer):
    """Counts steps, and keeps the count with the checkpoint."""

    def __init__(self):
        self.steps = 0

    def stepped(self, step, metrics):
        self.steps += 1

    def state_dict(self):
        return {"steps": self.steps}

    def load_state_dict(self, state):
        if state["steps"] < 0:
            raise ValueError("negative")
        self.steps = state["steps"]


def test_answers_are_put_together_only_where_somebody_hears_them():
    assert not Observers().hears_answers
    assert not Observers([Counting()]).hears_answers
    assert Observers([Counting(), Witness()]).hears_answers


def play(observers, steps=2, filter=None, **settings):
    student = SkillStudent.half_hopeless(300, seed=0)
    curriculum = methods.osmd(student.bank, seed=0)
    settings = {"evaluate_every": 2, "progress": False, **settings}
    return curriculum, run(curriculum, student, steps, 10, filter=filter, observers=observers, **settings)


def test_the_hooks_are_called_in_order_and_what_is_added_is_in_the_row():
    witness, late = Witness(), Witness()
    _, rows = play([witness, late])
    step = ["drawn", "answered"]
    order = ["evaluated 0", *step, "stepped 1", *step, "stepped 2", "evaluated 2", "close"]
    assert witness.calls == late.calls == order
    assert [row.get("seen") for row in rows] == [None, 4.0, 7.0]
    for draw, (same, rollouts, feedback) in zip(witness.draws, witness.answers, strict=True):
        assert draw is same
        assert len(rollouts) == len(feedback) == len(draw) == 10


def test_observers_change_nothing():
    assert [row["reward"] for row in play([])[1][1:]] == [row["reward"] for row in play([Witness()])[1][1:]]


@pytest.mark.parametrize("filter", [Greso(seed=0), VarianceThreshold(seed=0)])
def test_with_a_filter_every_draw_has_its_own_rollouts_and_what_was_skipped_is_missing(filter):
    witness = Witness()
    _, rows = play([witness], steps=8, filter=filter)
    assert len(witness.draws) == sum(row["filter/draws"] for row in rows[1:])
    skipped = 0
    for draw, rollouts, feedback in witness.answers:
        assert len(draw) == len(rollouts) == len(feedback)
        here = rollouts.valid.any(axis=1)
        skipped += np.count_nonzero(~here)
        assert not feedback.answered[~here].any()
        assert not rollouts.trained[~here].any()
        assert rollouts.lengths[~here].sum() == 0
    assert skipped == sum(row["filter/skipped"] for row in rows[1:])


def test_state_continues_with_the_run_and_other_observers_are_refused(tmp_path):
    whole, first, second = Counting(), Counting(), Counting()
    play([whole], steps=6)
    play([first], steps=3, directory=tmp_path)
    play([second], steps=6, directory=tmp_path)
    assert (whole.steps, first.steps, second.steps) == (6, 3, 6)
    with pytest.raises(ValueError, match="pass the observers it was saved with"):
        play([], steps=8, directory=tmp_path)
    with pytest.raises(ValueError, match="pass the observers it was saved with"):
        play([Counting(), Counting()], steps=8, directory=tmp_path)


def test_a_state_that_one_observer_refuses_leaves_all_as_they_were():
    one, other = Counting(), Counting()
    observers = Observers([one, Observer(), other])
    one.steps, other.steps = 3, 4
    state = observers.state_dict()
    assert state["stateful"] == [{"steps": 3}, {"steps": 4}]
    with pytest.raises(ValueError, match="negative"):
        observers.load_state_dict({**state, "stateful": [{"steps": 7}, {"steps": -1}]})
    assert (one.steps, other.steps) == (3, 4)


def test_the_regret_of_a_run_is_estimated_as_it_goes_and_continues(tmp_path):
    bank = SkillStudent.half_hopeless(300, seed=0).bank
    whole, first, second = (GroupRegretEstimator(bank.groups, minimum_rounds=5) for _ in range(3))
    play([whole], steps=20)
    play([first], steps=9, directory=tmp_path)
    play([second], steps=20, directory=tmp_path)
    assert whole.rounds == second.rounds == 20
    np.testing.assert_array_equal(whole.estimate().regret, second.estimate().regret)
    assert np.isfinite(whole.estimate().upper).any()


def test_a_draw_that_an_observer_cannot_take_is_given_up():
    class Refuses(Observer):
        def drawn(self, draw):
            raise OSError("no room")

    student = SkillStudent.half_hopeless(300, seed=0)
    curriculum = methods.osmd(student.bank, seed=0)
    with pytest.raises(OSError, match="no room"):
        run(curriculum, student, 1, 10, observers=[Refuses()], progress=False)
    assert curriculum.outstanding == ()
