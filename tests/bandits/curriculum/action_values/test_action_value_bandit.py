"""Any estimate with any exploration rule: draws under capacity, and learning."""

import itertools
import math

import numpy as np
import pytest

from curriculum_bandits.bandits.contract import Selection
from curriculum_bandits.bandits.curriculum.action_values import (
    ActionValueBandit,
    Boltzmann,
    ExponentialAverage,
    Greedy,
    LearningProgress,
    RolloutWindow,
    ScoreSlope,
    UpperConfidence,
)
from curriculum_bandits.testing import BanditConformance, check_bandit

RULES = [Boltzmann(0.2), Greedy(0.2), UpperConfidence(0.5)]
AVERAGES = [ExponentialAverage, RolloutWindow]
QUICK = {"draws": 800, "long_run": 100, "rounds_to_learn": 250, "vectorized": False, "importance_weighted": False}


def played(*arms):
    return Selection(np.array(arms), np.full(len(arms), 0.5), None)


@pytest.mark.parametrize(("kind", "exploration"), list(itertools.product(AVERAGES, RULES)))
def test_averages_keep_every_law_under_every_rule(kind, exploration):
    plays = 1 if isinstance(exploration, Greedy) else 2
    check_bandit(lambda: ActionValueBandit(kind(5), exploration), **QUICK, plays=plays, most_plays=5)


@pytest.mark.parametrize("kind", [LearningProgress, ScoreSlope])
@pytest.mark.parametrize("exploration", RULES)
def test_rates_of_change_keep_every_law_but_that_utilities_which_do_not_change_teach(kind, exploration):
    class Suite(BanditConformance):
        plays, most_plays = 2, 9
        draws, long_run, rounds_to_learn = 800, 100, 250
        vectorized = importance_weighted = False

        def make(self):
            return ActionValueBandit(kind(5), exploration, by="magnitude", capacity=[1, 2, 3, 2, 1])

    Suite().check([law for law in Suite.laws() if law != "integer_utilities_teach"])


def test_the_distribution_is_the_rule_applied_to_the_values():
    bandit = ActionValueBandit(ExponentialAverage(3, rate=0.5), Boltzmann(0.25), capacity=9)
    bandit.update(played(0, 1), [1.0, 0.5])
    weights = np.exp(np.array([0.5, 0.25, 0.0]) / 0.25)
    np.testing.assert_allclose(bandit.probabilities(), weights / weights.sum(), rtol=1e-12)


def test_by_magnitude_a_fall_counts_as_much_as_a_rise():
    chosen = {}
    for by in ("value", "magnitude"):
        bandit = ActionValueBandit(LearningProgress(3, rate=0.5), Greedy(0.3), by=by)
        for utilities in ([0.0, 0.9, 0.1], [0.0, 0.0, 0.2]):
            bandit.update(played(0, 1, 2), utilities)
        chosen[by] = int(np.argmax(bandit.probabilities()))
    assert chosen == {"value": 2, "magnitude": 1}


def test_an_arm_gets_no_more_of_a_batch_than_it_holds():
    bandit = ActionValueBandit(ExponentialAverage(3), Boltzmann(0.01), capacity=[3, 40, 40])
    rng = np.random.default_rng(0)
    bandit.update(played(0), [1.0])
    np.testing.assert_allclose(bandit.probabilities(), [1.0, 0.0, 0.0], atol=1e-12)
    selection = bandit.select(8, rng)
    assert np.bincount(selection.arms, minlength=3)[0] == 3
    np.testing.assert_allclose(bandit.probabilities(), [3 / 8, 5 / 16, 5 / 16], rtol=1e-9)
    np.testing.assert_allclose(selection.inclusion, 8 * selection.probability, rtol=1e-12)
    bandit.select(1, rng)
    np.testing.assert_allclose(bandit.probabilities(), [1.0, 0.0, 0.0], atol=1e-12)
    everything = bandit.select(83, rng)
    assert np.bincount(everything.arms).tolist() == [3, 40, 40]


@pytest.mark.parametrize("exploration", RULES)
def test_counts_of_plays_are_their_expectation_up_or_down(exploration):
    bandit, rng = ActionValueBandit(ExponentialAverage(4), exploration, capacity=[3, 9, 9, 1]), np.random.default_rng(1)
    bandit.update(played(0, 1), [1.0, 0.6])
    bandit.select(8, rng)
    expected = 8 * bandit.probabilities()
    drawn = np.array([np.bincount(bandit.select(8, rng).arms, minlength=4) for _ in range(2000)])
    assert np.all(drawn >= np.floor(expected - 1e-9))
    assert np.all(drawn <= np.ceil(expected + 1e-9))
    error = np.sqrt(expected % 1 * (1 - expected % 1) / len(drawn))
    assert np.all(np.abs(drawn.mean(axis=0) - expected) <= 4 * error + 1e-9)


def test_rollouts_are_counted_not_problems():
    bandit = ActionValueBandit(RolloutWindow(2), UpperConfidence(0.1), capacity=9)
    bandit.update(played(0, 0, 1), [0.6, 0.2, 0.9], counts=[8, 8, 8])
    assert bandit.rollouts.tolist() == [16.0, 8.0]
    u = np.array([0.4 + math.sqrt(2 * math.log(25) / 17), 0.9 + math.sqrt(2 * math.log(25) / 9)])
    np.testing.assert_allclose(bandit.probabilities(), np.exp(u / 0.1) / np.exp(u / 0.1).sum(), rtol=1e-12)


def test_rollouts_weigh_what_an_arm_pays():
    bandit = ActionValueBandit(ExponentialAverage(2, rate=1.0), Boltzmann())
    bandit.update(played(0, 0), [1.0, 0.0], counts=[6, 2])
    assert bandit.values.tolist() == [0.75, 0.0]
    bandit.update(played(0, 0), [1.0, 0.0])
    assert bandit.values.tolist() == [0.5, 0.0]
    assert bandit.rollouts.tolist() == [10.0, 0.0]


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="by='size'"):
        ActionValueBandit(ExponentialAverage(2), Boltzmann(), by="size")
    with pytest.raises(ValueError, match="a capacity is 0"):
        ActionValueBandit(ExponentialAverage(2), Boltzmann(), capacity=[0, 2])
    bandit, rng = ActionValueBandit(ExponentialAverage(2), Boltzmann(), capacity=[1, 2]), np.random.default_rng(0)
    for size in (0, 4):
        with pytest.raises(ValueError, match=f"{size} plays are asked for but all arms together can be played 3"):
            bandit.select(size, rng)
    with pytest.raises(ValueError, match="takes no candidates"):
        bandit.select(1, rng, np.array([0]))


def test_a_state_of_larger_batches_than_the_arms_hold_is_refused_and_changes_nothing():
    bandit, rng = ActionValueBandit(ExponentialAverage(3), Boltzmann(), capacity=[1, 2, 3]), np.random.default_rng(0)
    bandit.select(5, rng)
    bandit.update(played(0, 1), [1.0, 0.5])
    before = bandit.probabilities()
    wide = ActionValueBandit(ExponentialAverage(3), Boltzmann(), capacity=[9, 9, 9])
    wide.select(20, rng)
    wide.update(played(2), [1.0])
    with pytest.raises(ValueError, match="20 plays"):
        bandit.load_state_dict(wide.state_dict())
    np.testing.assert_array_equal(bandit.probabilities(), before)
    assert bandit.rollouts.tolist() == [1.0, 1.0, 0.0]
