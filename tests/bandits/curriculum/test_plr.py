"""PLR's distribution by hand, ties, caps, and the order that is kept against one that is sorted anew."""

import numpy as np
import pytest

from curriculum_bandits.bandits import Selection
from curriculum_bandits.bandits.curriculum.plr import PrioritizedLevels, _by_rank
from curriculum_bandits.sampling.simplex import capped


def test_four_seen_levels_by_hand():
    levels = PrioritizedLevels(4, temperature=0.5, staleness=0.2)
    levels.update(Selection([0, 1], None, None), [0.3, 0.9])  # update 1
    levels.update(Selection([2], None, None), [0.1])  # update 2
    levels.update(Selection([3], None, None), [0.5])  # update 3: ranks 3, 1, 4, 2, and waits of 2, 2, 1, 0 updates
    by_rank = np.array([1 / 9, 1.0, 1 / 16, 1 / 4])
    by_wait = np.array([2.0, 2.0, 1.0, 0.0])
    expected = 0.8 * by_rank / by_rank.sum() + 0.2 * by_wait / by_wait.sum()
    np.testing.assert_allclose(levels.probabilities(), expected, atol=1e-12)


def test_unseen_levels_have_the_share_that_is_unseen():
    levels = PrioritizedLevels(5, temperature=1.0, staleness=0.0)
    np.testing.assert_allclose(levels.probabilities(), 0.2)
    levels.update(Selection([4, 2], None, None), [0.1, 0.2])
    np.testing.assert_allclose(levels.probabilities(), [0.2, 0.2, 0.4 * 2 / 3, 0.2, 0.4 / 3])
    assert levels.diagnostics() == {"seen": 0.4}


def test_when_all_have_just_answered_staleness_is_uniform():
    levels = PrioritizedLevels(2, temperature=1.0, staleness=1.0)
    levels.update(Selection([0, 1], None, None), [0.1, 0.2])
    np.testing.assert_allclose(levels.probabilities(), 0.5)


def test_staleness_counts_updates_since_the_last_answer():
    levels = PrioritizedLevels(3, staleness=1.0)
    for arms in ([0, 1, 2], [0], [0], [1]):
        levels.update(Selection(arms, None, None), np.ones(len(arms)))
    np.testing.assert_allclose(levels.probabilities(), np.array([1, 0, 3]) / 4, atol=1e-12)


def test_equal_scores_share_the_probability_of_their_ranks():
    levels = PrioritizedLevels(4, temperature=1.0, staleness=0.0)
    levels.update(Selection([0, 1, 2, 3], None, None), [0.5, 0.9, 0.5, 0.1])
    w = np.array([(1 / 2 + 1 / 3) / 2, 1.0, (1 / 2 + 1 / 3) / 2, 1 / 4])
    np.testing.assert_allclose(levels.probabilities(), w / w.sum(), atol=1e-12)


def test_a_batch_caps_rank_and_staleness_each_and_then_mixes_them():
    levels = PrioritizedLevels(8, temperature=0.1, staleness=0.25)
    levels.update(Selection([0, 1, 2, 3], None, None), [0.4, 0.3, 0.2, 0.1])
    levels.update(Selection([4, 5], None, None), [0.6, 0.5])
    levels.select(3, np.random.default_rng(0))
    cap = 8 / (3 * 6)  # replays have 6/8 of the draw
    by_rank = capped(np.arange(1.0, 7.0) ** -10, cap)[[2, 3, 4, 5, 0, 1]]
    by_wait = np.array([1, 1, 1, 1, 0, 0]) / 4
    expected = np.full(8, 1 / 8)
    expected[:6] = 6 / 8 * (0.75 * by_rank + 0.25 * by_wait)
    np.testing.assert_allclose(levels.probabilities(), expected, atol=1e-12)
    assert levels.probabilities().max() <= 1 / 3 + 1e-12


@pytest.mark.parametrize("power", [0.5, 1.0, 10.0, 100.0, 400.0])
@pytest.mark.parametrize("cap", [1.0, 0.3, 0.06, 0.02, 1 / 60])
def test_ranks_are_capped_as_the_projection_does_it(power, cap):
    ranks = np.arange(1.0, 61.0)
    fast = _by_rank(np.log(ranks), power, cap)
    slow = capped(np.maximum(np.exp(-power * np.log(ranks)), 1e-300), cap)
    assert abs(fast.sum() - 1.0) < 1e-9
    if power <= 100.0:  # beyond, the weights of the slow way underflow
        np.testing.assert_allclose(fast, slow, atol=1e-9)
    assert np.all(np.diff(fast) <= 1e-15)


def test_ranks_whose_weights_underflow_keep_their_ratios():
    fast = _by_rank(np.log(np.arange(1.0, 61.0)), 400.0, 0.02)
    assert fast[:49] == pytest.approx(0.02)
    assert fast[51] / fast[50] == pytest.approx((51 / 52) ** 400)


def test_the_order_is_the_same_as_if_all_were_sorted_again():
    rng = np.random.default_rng(0)
    levels = PrioritizedLevels(40)
    for _ in range(60):
        arms = rng.choice(40, 7, replace=False)
        levels.update(Selection(arms, None, None), rng.integers(0, 5, 7) / 4)
        sorted_anew = PrioritizedLevels(40)
        sorted_anew.load_state_dict(levels.state_dict())
        np.testing.assert_array_equal(levels.probabilities(), sorted_anew.probabilities())


def test_a_level_that_answers_twice_in_a_batch_has_one_rank():
    levels = PrioritizedLevels(3)
    levels.update(Selection([1, 1, 2], None, None), [0.1, 0.4, 0.2])
    assert levels.diagnostics()["seen"] == pytest.approx(2 / 3)
    assert levels.probabilities().sum() == pytest.approx(1.0)


def test_every_batch_size_can_be_drawn_with_the_inclusion_it_states():
    levels, rng = PrioritizedLevels(9), np.random.default_rng(3)
    for seen in range(10):
        for size in range(1, 10):
            drawn = levels.select(size, rng)
            assert len(set(drawn.arms)) == size
            assert levels.probabilities().sum() == pytest.approx(1.0)
            np.testing.assert_allclose(drawn.inclusion, size * levels.probabilities()[drawn.arms])
        levels.update(Selection([seen % 9], None, None), [rng.random()])


def test_bad_settings_are_refused():
    for temperature in (0.0, -1.0, np.nan):
        with pytest.raises(ValueError, match="temperature is"):
            PrioritizedLevels(3, temperature=temperature)
    for staleness in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="staleness is"):
            PrioritizedLevels(3, staleness=staleness)


def test_an_answer_from_the_future_is_refused():
    levels = PrioritizedLevels(3)
    with pytest.raises(ValueError, match="answered in update 2, after 0 updates"):
        levels.load_state_dict({**levels.state_dict(), "answered": np.array([0, 2, 0])})
