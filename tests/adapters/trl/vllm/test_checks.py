"""Each check of the two runs fails where what it is about is wrong, and a whole report says so."""

import copy

import numpy as np
import pytest

from .checks import Answer, CheckSettings, Observed, judged

SETTINGS = CheckSettings(steps=2, still_steps=1)


def sound():
    """Two runs of which nothing can be complained."""
    engine = Observed()
    for step in range(3):
        utility = np.zeros(4) if step == 2 else np.array([0.0, 0.3, -0.1, 0.2])
        engine.answers.append(Answer(np.arange(4), utility, np.ones((4, 2)), 0.0 if step == 2 else 1.5))
        engine.ratio.append(1.0 + 1e-7)
        engine.difference.append(5e-7)
        engine.difference_from_start.append(0.1 * step)
    return engine, copy.deepcopy(engine)


def stale(engine, again):
    engine.difference, engine.difference_from_start = [0.0, 0.1, 0.2], [0.0, 0.0, 0.0]


def biased(engine, again):
    engine.ratio[1] = 1.01


def other_sign(engine, again):
    again.answers[1].utility = np.array([0.0, 0.3, 0.1, 0.2])


def other_rank(engine, again):
    again.answers[0].utility = np.array([0.0, 0.2, -0.1, 0.3])


def drifts_at_rest(engine, again):
    engine.answers[2].largest_log_ratio = 1e-9


def credits_at_rest(engine, again):
    engine.answers[2].utility = np.array([0.0, 1e-9, 0.0, 0.0])


def learns_nothing(engine, again):
    for answer in [*engine.answers, *again.answers]:
        answer.utility = np.zeros(4)


def loses_a_step(engine, again):
    engine.answers.pop(1), again.answers.pop(1)


def test_sound_runs_pass_every_check():
    assert all(check.holds for check in judged(SETTINGS, *sound()))


@pytest.mark.parametrize(
    ("fault", "failing"),
    [
        (stale, {"log-probability of a token, engine - trainer", "the same, engine - model at the start"}),
        (biased, {"importance ratio, distance of its mean from 1"}),
        (other_sign, {"utilities of another sign without vLLM"}),
        (other_rank, {"rank correlation of utilities with and without"}),
        (drifts_at_rest, {"largest log-ratio at learning rate 0"}),
        (credits_at_rest, {"largest utility at learning rate 0"}),
        (learns_nothing, {"problems with a utility other than 0"}),
        (loses_a_step, {"steps answered"}),
    ],
)
def test_each_fault_is_found(fault, failing):
    engine, again = sound()
    fault(engine, again)
    assert failing <= {check.name for check in judged(SETTINGS, engine, again) if not check.holds}
