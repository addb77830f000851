"""Graves' curriculum over groups: settings, batches, and what it finds."""

import numpy as np
import pytest

from curriculum_bandits import Feedback, ProblemBank, Rollouts, methods
from curriculum_bandits.bandits import ExponentialWeights
from curriculum_bandits.signals import absolute_advantage, policy_improvement

GROUPS = ["few"] * 3 + ["some"] * 17 + ["many"] * 40


def a_bank(groups=GROUPS):
    return ProblemBank([f"p{i}" for i in range(60)], groups=groups)


def test_it_starts_as_uniform_over_groups_with_published_settings():
    curriculum = methods.graves(a_bank())
    np.testing.assert_allclose(curriculum.bandit.probabilities(), 1 / 3, rtol=1e-12)
    weights = curriculum.bandit._weights
    assert isinstance(weights, ExponentialWeights)
    assert (weights.step, weights.mixing, weights.sharing, weights.bonus) == (1e-3, 0.05, 1e-3, 0.0)
    assert weights.sharing_form == "others"
    rollouts = Rollouts([[1, 0, 0]], log_ratio=[[0.2, -0.1, 0.0]], lengths=[[2, 2, 2]])
    assert curriculum.signal(rollouts).values == policy_improvement(rollouts).values
    other = methods.graves(a_bank(), signal=absolute_advantage)
    assert other.signal(rollouts).values == absolute_advantage(rollouts).values


def test_settings_reach_the_bandit():
    bandit = methods.graves(a_bank(), step=0.1, mixing=0.2, sharing=0.3, bonus=0.4, history=50).bandit
    weights = bandit._weights
    assert (weights.step, weights.mixing, weights.sharing, weights.bonus) == (0.1, 0.2, 0.3, 0.4)
    assert bandit.history == 50


@pytest.mark.parametrize("unit", [1e-4, 1e4])
def test_it_finds_the_group_that_improves_in_any_unit_and_fills_it(unit):
    curriculum, rng = methods.graves(a_bank(), step=0.02), np.random.default_rng(0)
    for _ in range(300):
        draw = curriculum.ask(8)
        assert len(np.unique(draw.items)) == 8
        assert np.all(draw.inclusion <= 1 + 1e-9)
        np.testing.assert_allclose(draw.inclusion, 8 * draw.probability, rtol=1e-9)
        curriculum.tell(draw, unit * ((draw.items < 3) + 0.1 * rng.normal(size=8)))
    np.testing.assert_allclose(curriculum.bandit.probabilities()[0], 3 / 8, rtol=1e-9)
    assert np.sum(curriculum.ask(8).items < 3) == 3
    assert curriculum.bandit.probabilities().min() >= 0.05 / 3 - 1e-12


def test_missing_answers_teach_nothing_and_leave_the_others_more_weight():
    silent, partial = methods.graves(a_bank(), step=0.1), methods.graves(a_bank(), step=0.1)
    draw = silent.ask(8)
    before = silent.state_dict()["bandit"]["weights"]["log_weights"]
    silent.tell(draw, Feedback(np.full(8, np.nan), np.zeros(8)))
    np.testing.assert_array_equal(silent.state_dict()["bandit"]["weights"]["log_weights"], before)
    draw, heard = partial.ask(8), []
    partial.bandit.update = lambda selection, values, **others: heard.append(selection.inclusion)
    partial.tell(draw, Feedback(np.ones(8), [1, 1, 0, 0, 0, 0, 0, 0]))
    sizes = np.array([3, 17, 40])[np.searchsorted([3, 20, 60], draw.items[:2], side="right")]
    np.testing.assert_allclose(heard[0], draw.inclusion[:2] * sizes * 2 / 8, rtol=1e-12)


def test_a_bank_that_gives_no_choice_is_refused():
    with pytest.raises(ValueError, match="the bank has one group, 'all'; give ProblemBank groups= of two or more"):
        methods.graves(a_bank(["all"] * 60))
