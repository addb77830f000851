"""SEC, DUMP and TSCL: settings as published, whole rounds by hand, and the corners of a batch."""

import math

import numpy as np
import pytest

from curriculum_bandits import Feedback, ProblemBank, Rollouts, methods
from curriculum_bandits.bandits.curriculum.action_values import (
    Boltzmann,
    ExponentialAverage,
    LearningProgress,
    RolloutWindow,
    ScoreSlope,
)
from curriculum_bandits.signals import absolute_advantage, mean_reward, success_rate

GROUPS = ["few"] * 3 + ["some"] * 17 + ["many"] * 40
METHODS = {
    "sec": methods.sec,
    "dump": methods.dump,
    "tscl": methods.tscl,
    "tscl, window": lambda bank, seed=0, **settings: methods.tscl(bank, seed, variant="window", **settings),
}
every_method = pytest.mark.parametrize("make", METHODS.values(), ids=METHODS)


def a_bank(groups=GROUPS):
    return ProblemBank([f"p{i}" for i in range(60)], groups=groups)


def groups_of(draw):
    return np.searchsorted([3, 20, 60], draw.items, side="right")


@every_method
def test_it_starts_as_uniform_over_groups(make):
    np.testing.assert_allclose(make(a_bank()).bandit.probabilities(), 1 / 3, rtol=1e-12)


@every_method
def test_a_group_of_three_gives_at_most_three_of_eight(make):
    curriculum = make(a_bank())
    for round_number in range(60):
        draw = curriculum.ask(8)
        assert len(np.unique(draw.items)) == 8
        np.testing.assert_allclose(draw.inclusion, 8 * draw.probability, rtol=1e-9)
        assert np.all(draw.inclusion <= 1 + 1e-9)
        curriculum.tell(draw, (groups_of(draw) == 0) * (0.5 + round_number / 120))
    p = curriculum.bandit.probabilities()
    assert p[0] <= 3 / 8 + 1e-12
    assert len(curriculum.ask(60)) == 60


@every_method
def test_missing_answers_teach_nothing(make):
    curriculum = make(a_bank())
    draw = curriculum.ask(8)
    values = curriculum.bandit.values
    curriculum.tell(draw, Feedback(np.full(8, np.nan), np.zeros(8)))
    np.testing.assert_array_equal(curriculum.bandit.values, values)
    assert curriculum.bandit.rollouts.tolist() == [0, 0, 0]
    draw = curriculum.ask(8)
    answered = groups_of(draw) == 1
    curriculum.tell(draw, Feedback(np.where(answered, 0.8, np.nan), answered * 8))
    changed = curriculum.bandit.rollouts
    assert changed[0] == changed[2] == 0
    assert changed[1] == 8 * answered.sum() > 0


@every_method
def test_the_signal_can_be_replaced(make):
    rollouts = Rollouts([[3.0, 5.0]])
    assert make(a_bank(), signal=mean_reward).signal(rollouts).values == [4.0]


def test_settings_as_published():
    sec, dump, tscl = (make(a_bank()) for make in (methods.sec, methods.dump, methods.tscl))
    window = methods.tscl(a_bank(), variant="window")
    assert isinstance(sec.bandit.estimate, ExponentialAverage)
    assert (sec.bandit.estimate.rate, sec.bandit.estimate.unheard) == (0.5, "stay")
    assert sec.bandit.exploration.temperature == 1.0
    assert sec.arms.within == "epochs"
    assert isinstance(dump.bandit.estimate, RolloutWindow)
    assert (dump.bandit.estimate.window, dump.bandit.exploration.temperature) == (300, 0.1)
    assert isinstance(tscl.bandit.estimate, LearningProgress)
    assert (tscl.bandit.estimate.rate, tscl.bandit.exploration.epsilon, tscl.bandit.by) == (0.1, 0.1, "magnitude")
    assert isinstance(window.bandit.estimate, ScoreSlope)
    assert (window.bandit.estimate.length, window.settings["variant"]) == (10, "window")
    rollouts = Rollouts([[1, 0, 0, 0]])
    for curriculum, signal in ((sec, absolute_advantage), (dump, absolute_advantage), (tscl, success_rate)):
        assert curriculum.signal(rollouts).values == signal(rollouts).values


def test_settings_reach_their_parts():
    sec = methods.sec(a_bank(), rate=0.2, temperature=0.4, unheard="decay").bandit
    assert (sec.estimate.rate, sec.estimate.unheard, sec.exploration) == (0.2, "decay", Boltzmann(0.4))
    dump = methods.dump(a_bank(), window=20, temperature=0.3).bandit
    assert (dump.estimate.window, dump.exploration.temperature) == (20, 0.3)
    online = methods.tscl(a_bank(), rate=0.5, exploration=Boltzmann(0.01)).bandit
    assert (online.estimate.rate, online.exploration) == (0.5, Boltzmann(0.01))
    assert methods.tscl(a_bank(), variant="window", length=4).bandit.estimate.length == 4
    with pytest.raises(ValueError, match="variant='naive' is unknown"):
        methods.tscl(a_bank(), variant="naive")


@pytest.mark.parametrize("k", range(9))
def test_the_reward_of_sec_is_twice_the_deviation_of_success_in_units_of_the_sample_deviation(k):
    p = k / 8
    rollouts = Rollouts([[1.0] * k + [0.0] * (8 - k)])
    expected = 2 * math.sqrt(p * (1 - p)) * math.sqrt(7 / 8)
    np.testing.assert_allclose(methods.sec(a_bank()).signal(rollouts).values, [expected], rtol=1e-5, atol=1e-12)
    centered = absolute_advantage(rollouts, advantage="centered").values
    np.testing.assert_allclose(centered, [2 * p * (1 - p)], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("unheard", ["stay", "decay"])
def test_rounds_of_sec_by_hand(unheard):
    curriculum = methods.sec(a_bank(), rate=0.5, temperature=0.4, unheard=unheard)
    q = np.zeros(3)
    for _ in range(6):
        draw = curriculum.ask(2)
        weights = np.exp(q / 0.4)
        np.testing.assert_allclose(draw.probability, (weights / weights.sum() / [3, 17, 40])[groups_of(draw)])
        counts = np.array([8, 4])
        utilities = np.array([0.9, 0.3])
        curriculum.tell(draw, Feedback(utilities, counts))
        for group in range(3):
            mine = groups_of(draw) == group
            if np.any(mine):
                q[group] = 0.5 * q[group] + 0.5 * np.average(utilities[mine], weights=counts[mine])
            elif unheard == "decay":
                q[group] *= 0.5
        np.testing.assert_allclose(curriculum.bandit.values, q, rtol=1e-12)


def test_inside_a_group_sec_walks_through_a_shuffled_list():
    curriculum = methods.sec(ProblemBank([f"p{i}" for i in range(12)], groups=["one"] * 12))
    for _ in range(3):
        assert sorted(curriculum.ask(5).items.tolist() + curriculum.ask(7).items.tolist()) == list(range(12))


def test_rounds_of_dump_by_hand_with_eight_rollouts_a_problem():
    curriculum = methods.dump(a_bank(), window=20)
    history = [[], [], []]
    for _ in range(20):
        draw = curriculum.ask(3)
        n = np.array([len(rollouts) for rollouts in history])
        mean = np.array([np.mean(rollouts[-20:]) if rollouts else 0.0 for rollouts in history])
        weights = np.exp((mean + np.sqrt(2 * np.log(n.sum() + 1) / (n + 1))) / 0.1)
        p = weights / weights.sum()
        np.testing.assert_allclose(draw.probability, (p / [3, 17, 40])[groups_of(draw)], rtol=1e-9)
        utilities = np.array([0.2, 0.5, 0.8])
        curriculum.tell(draw, Feedback(utilities, [8, 8, 8]))
        for group, utility in zip(groups_of(draw), utilities, strict=True):
            history[group] += [utility] * 8
    assert curriculum.bandit.rollouts.sum() == 20 * 3 * 8


@pytest.mark.parametrize("variant", ["online", "window"])
def test_tscl_prefers_the_task_that_changes_whichever_way(variant):
    for direction in (1, -1):
        curriculum = methods.tscl(a_bank(), variant=variant)
        for round_number in range(100):
            draw = curriculum.ask(6)
            moving = 0.5 + direction * 0.4 * min(1.0, round_number / 100)
            curriculum.tell(draw, np.array([0.9, moving, 0.1])[groups_of(draw)])
        assert np.argmax(curriculum.bandit.probabilities()) == 1
