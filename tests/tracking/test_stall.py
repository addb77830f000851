"""One warning, with its cause, after many steps in which no problem could teach."""

import logging
import re

import numpy as np
import pytest

from curriculum_bandits import Draw, Feedback, Rollouts
from curriculum_bandits.draw import Ticket
from curriculum_bandits.tracking import StallMonitor


def step(monitor, *groups, completions=None):
    m = len(groups)
    draw = Draw(np.arange(m), np.full(m, 0.5), None, Ticket("run", 0))
    monitor.answered(draw, Rollouts(groups, completions=completions), Feedback([0.0] * m, [2] * m))
    monitor.stepped(1, {})


@pytest.mark.parametrize(
    ("groups", "cause"),
    [
        ([(0, 0), (0, 0)], "every reward was 0. The problems are too hard"),
        ([(1, 1), (1, 1)], "every reward was 1. The problems are solved already"),
        ([(0, 0), (1, 1)], "either solved .up to 1. or hopeless .0."),
    ],
)
def test_many_steps_of_equal_rewards_bring_one_warning_with_its_cause(caplog, groups, cause):
    monitor = StallMonitor(patience=3)
    for _ in range(10):
        step(monitor, *groups, completions=[["x", "y"], ["<a>", None]])
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "in the last 3 steps" in caplog.text
    assert "'<a>'" in caplog.text
    assert re.search(cause, caplog.text)


def test_one_group_that_can_teach_ends_the_row_and_missing_rewards_do_not_count(caplog):
    monitor = StallMonitor(patience=3)
    for other in ((0, 0), (0, 0), (0, 1), (0, 0), (0, 0)):
        step(monitor, (0, 0), other)
    step(monitor, (None, None))
    monitor.stepped(1, {})
    assert not caplog.records
    step(monitor, (0, 0))
    assert len(caplog.records) == 1
