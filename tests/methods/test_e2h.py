"""Easy to hard: the order of the groups, the clock, and what a bank must have."""

import numpy as np
import pytest

from curriculum_bandits import ProblemBank, Rollouts, methods
from curriculum_bandits.signals import absolute_advantage, success_rate

GROUPS = ["hard"] * 20 + ["easy"] * 3 + ["middle"] * 37
DIFFICULTY = [9, 11] * 10 + [1, 2, 3] + [6, 40, *[5] * 35]  # hard has the larger mean, middle the larger sum


def a_bank(groups=GROUPS, difficulty=DIFFICULTY):
    return ProblemBank([f"p{i}" for i in range(60)], groups=groups, difficulty=difficulty)


@pytest.mark.parametrize(("batches", "weights"), [(0, [1, 3, 2]), (5, [1, 1, 1]), (10, [3, 1, 2]), (13, [3, 1, 2])])
def test_groups_are_ordered_by_their_mean_difficulty_and_time_is_batches_drawn(batches, weights):
    curriculum = methods.e2h(a_bank(), steps=10)
    for _ in range(batches):
        curriculum.discard(curriculum.ask(2))
    np.testing.assert_allclose(curriculum.bandit.probabilities(), np.array(weights) / np.sum(weights), rtol=1e-12)


def test_the_gaussian_walks_from_the_easiest_to_the_hardest():
    curriculum = methods.e2h(a_bank(), steps=20, schedule="gaussian")
    seen = []
    for _ in range(21):
        seen.append(int(np.argmax(curriculum.bandit.probabilities())))
        curriculum.ask(2)
    assert list(dict.fromkeys(seen)) == [1, 2, 0]


def test_settings_reach_the_bandit_and_the_signal_is_only_reported():
    curriculum = methods.e2h(a_bank(), steps=7, power=2.0, width=3.0)
    bandit = curriculum.bandit
    assert (bandit.steps, bandit.power, bandit.width, bandit.schedule) == (7, 2.0, 3.0, "cosine")
    rollouts = Rollouts([[1, 0, 0]])
    assert curriculum.signal(rollouts).values == success_rate(rollouts).values
    other = methods.e2h(a_bank(), steps=7, signal=absolute_advantage)
    assert other.signal(rollouts).values == absolute_advantage(rollouts).values


def test_an_easy_group_of_three_gives_three_of_eight():
    curriculum = methods.e2h(a_bank(), steps=1000, schedule="gaussian")
    draw = curriculum.ask(8)
    assert np.sum((draw.items >= 20) & (draw.items < 23)) == 3
    assert np.all(draw.inclusion <= 1 + 1e-9)


@pytest.mark.parametrize(
    ("bank", "message"),
    [
        (a_bank(difficulty=None), "the bank has no difficulty, .* give ProblemBank difficulty="),
        (a_bank(difficulty=[*DIFFICULTY[:-1], np.nan]), "the mean difficulty of group 'middle' is nan; give"),
    ],
)
def test_a_bank_that_lacks_something_is_refused(bank, message):
    with pytest.raises(ValueError, match=message):
        methods.e2h(bank, steps=10)


def test_the_number_of_steps_is_required():
    with pytest.raises(TypeError, match="steps"):
        methods.e2h(a_bank())
