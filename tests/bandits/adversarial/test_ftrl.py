"""Follow the regularised leader: closed forms, the estimators, and where it must part from mirror descent."""

import numpy as np
import pytest

from curriculum_bandits.bandits import Ftrl, Osmd, Selection, Tsallis, exp3_anytime, tsallis_inf


def losses_after(bandit, rounds, rng, means):
    for _ in range(rounds):
        selection = bandit.select(1, rng)
        bandit.update(selection, (rng.random(selection.arms.shape) < means[selection.arms]).astype(float))
    return bandit


def test_entropy_gives_the_exponential_of_all_losses_so_far_at_the_step_of_the_round():
    bandit = Ftrl(3, step=lambda t: 1 / t)
    bandit.update(Selection([0], [0.5], [0.5]), [0.25])
    bandit.update(Selection([2], [0.2], [0.2]), [0.0])
    weights = np.exp(-(1 / 3) * np.array([0.75 / 0.5, 0.0, 1 / 0.2]))
    np.testing.assert_allclose(bandit.probabilities(), weights / weights.sum(), rtol=1e-12)


def test_half_tsallis_is_four_over_the_square_of_the_scaled_loss():
    bandit = Ftrl(3, step=lambda t: 0.7, regularizer=Tsallis(0.5))
    bandit.update(Selection([1], [0.5], [0.5]), [0.0])
    p = bandit.probabilities()
    roots = 2 / np.sqrt(p)  # eta (L - x)
    np.testing.assert_allclose(np.diff(roots), 0.7 * np.diff([0.0, 2.0, 0.0]), rtol=1e-9)


def test_with_a_constant_step_it_is_mirror_descent():
    rng = np.random.default_rng(0)
    for regularizer in (None, Tsallis(0.5)):
        leader = Ftrl(4, step=lambda t: 0.1, regularizer=regularizer)
        descent = Osmd(4, step=0.1, floor=0.0, utility_range=(0.0, 1.0), regularizer=regularizer)
        for _ in range(30):
            selection = leader.select(1, rng)
            values = rng.random(1)
            leader.update(selection, values)
            descent.update(selection, values)
            np.testing.assert_allclose(leader.probabilities(), descent.probabilities(), rtol=1e-7)


def test_with_a_shrinking_step_old_losses_are_weighed_anew():
    # Mirror descent would keep what the large early step did; the leader of the last round does not know it.
    bandit = Ftrl(2, step=lambda t: 1.0 if t == 1 else 0.01)
    bandit.update(Selection([0], [0.5], [0.5]), [0.0])
    np.testing.assert_allclose(bandit.probabilities()[1], 1 / (1 + np.exp(-0.02)), rtol=1e-9)


def test_the_reduced_variance_estimate_subtracts_a_half_where_p_is_not_small():
    bandit = Ftrl(2, step=lambda t: 0.1, reduced_variance=True)
    bandit.update(Selection([0], [0.5], [0.5]), [0.0])  # p = 1/2 >= 0.01 for both arms
    expected = np.array([0.5 + 0.5 / 0.5, 0.5])
    weights = np.exp(-0.1 * expected)
    np.testing.assert_allclose(bandit.probabilities(), weights / weights.sum(), rtol=1e-12)


def test_the_reduced_variance_estimate_is_the_plain_one_where_p_is_small():
    plain, reduced = (Ftrl(2, step=lambda t: 2.0, reduced_variance=flag) for flag in (False, True))
    for bandit in (plain, reduced):
        bandit.update(Selection([0], [0.5], [0.5]), [0.3])  # eta^2 = 4 > p
    np.testing.assert_allclose(plain.probabilities(), reduced.probabilities(), rtol=1e-12)


def test_both_estimates_are_unbiased():
    # Every arm in turn, weighted by its probability: the mean of the estimates is the loss vector plus a constant.
    losses = np.array([0.1, 0.6, 0.9])
    for reduced in (False, True):
        mean = np.zeros(3)
        for arm in range(3):
            bandit = Ftrl(3, step=lambda t: 0.2, reduced_variance=reduced)
            p = bandit.probabilities()
            bandit.update(Selection([arm], [p[arm]], [p[arm]]), [1 - losses[arm]])
            mean += p[arm] * _raw(bandit)
        np.testing.assert_allclose(mean - mean[0], losses - losses[0], atol=1e-12)


def _raw(bandit):
    # Differences of cumulative losses are all that is kept; log-odds at a constant step give them back.
    log_p = np.log(bandit.probabilities())
    return -(log_p - log_p[0]) / 0.2


def test_utilities_are_scaled_by_their_range():
    unit, wide = Ftrl(2, lambda t: 0.3), Ftrl(2, lambda t: 0.3, utility_range=(-5.0, 5.0))
    unit.update(Selection([0], [0.5], [0.5]), [0.8])
    wide.update(Selection([0], [0.5], [0.5]), [3.0])
    np.testing.assert_allclose(unit.probabilities(), wide.probabilities(), rtol=1e-12)


def test_implicit_exploration_is_added_to_what_is_divided_by():
    bandit = Ftrl(2, step=lambda t: 0.5, implicit_exploration=lambda t: 0.25)
    bandit.update(Selection([0], [0.5], [0.5]), [0.0])
    weights = np.exp(-0.5 * np.array([1 / 0.75, 0.0]))
    np.testing.assert_allclose(bandit.probabilities(), weights / weights.sum(), rtol=1e-12)


def test_many_plays_are_capped_and_distinct():
    bandit = Ftrl(4, step=lambda t: 1.0, plays=2)
    bandit.update(Selection([0, 1], [0.5, 0.5], [0.5, 0.5]), [0.0, 0.0])
    p = bandit.probabilities()
    assert np.all(p <= 0.5 + 1e-12)
    arms = bandit.select(2, np.random.default_rng(0)).arms
    assert len(set(arms.tolist())) == 2


@pytest.mark.parametrize("make", [exp3_anytime, tsallis_inf], ids=["exp3", "tsallis"])
def test_it_finds_the_best_arm(make):
    rng = np.random.default_rng(1)
    bandit = losses_after(make(4, runs=20), 2000, rng, np.array([0.3, 0.3, 0.8, 0.3]))
    assert np.median(bandit.probabilities()[:, 2]) > 0.8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_arms": 0}, "n_arms is 0"),
        ({"utility_range": (1.0, 0.0)}, "utility_range"),
        ({"plays": 4}, "plays is 4"),
        ({"plays": 2, "reduced_variance": True}, "one play"),
        ({"runs": 0}, "runs is 0"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Ftrl(**{"n_arms": 3, "step": lambda t: 1.0, **settings})


def test_another_number_of_plays_is_refused():
    with pytest.raises(ValueError, match="made for 1"):
        Ftrl(3, lambda t: 1.0).select(2, np.random.default_rng(0))


def test_the_reduced_variance_level_is_arm_by_arm_at_the_square_of_the_step():
    bandit = Ftrl(2, step=lambda t: 0.6, reduced_variance=True)
    bandit.update(Selection([0], [0.5], [0.5]), [0.0])  # 1/2 >= 0.36: both arms at level 1/2
    losses = np.array([0.5 + 0.5 / 0.5, 0.5])
    p = np.exp(-0.6 * losses) / np.exp(-0.6 * losses).sum()
    assert p[0] < 0.36 < p[1] < 0.65  # now only the second arm is, and it is below the step itself
    bandit.update(Selection([1], [p[1]], [p[1]]), [1.0])
    losses += np.array([0.0, 0.5 - 0.5 / p[1]])
    np.testing.assert_allclose(bandit.probabilities(), np.exp(-0.6 * losses) / np.exp(-0.6 * losses).sum(), rtol=1e-9)
