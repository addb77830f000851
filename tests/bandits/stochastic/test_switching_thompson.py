"""Switching Thompson sampling: Thompson where nothing changes, and quick where something does."""

import numpy as np
import pytest
from scipy import stats

from curriculum_bandits.bandits import (
    ChangePosterior,
    Selection,
    SwitchingThompson,
    glr_kl_ucb,
    switching_thompson,
    thompson,
)
from curriculum_bandits.environments import besson_1, play
from curriculum_bandits.regret import dynamic_regret, earned_by_arms

DRAWS = 20_000


@pytest.mark.parametrize("sharpness", [1.0, 3.0])
def test_the_draws_are_beta_with_sharpened_counts(sharpness):
    statistics = ChangePosterior(2, hazard=1e-12, discounts=(1.0,), runs=DRAWS)
    bandit = SwitchingThompson(statistics, sharpness=sharpness)
    for gain in (1.0, 0.0, 1.0):
        bandit.update(Selection(np.zeros((DRAWS, 1), dtype=int), None, None), np.full((DRAWS, 1), gain))
    draws = bandit.scores(np.random.default_rng(0))
    for arm, (a, b) in enumerate([(3.0, 2.0), (1.0, 1.0)]):
        posterior = stats.beta(sharpness * a, sharpness * b)
        assert stats.kstest(draws[:, arm], posterior.cdf).pvalue > 1e-4


def test_it_is_thompson_sampling_where_no_change_is_possible():
    """With the same generator the same arms, for the hypothesis takes one number and the draws are the same."""
    world = besson_1(horizon=5).means[:1].repeat(300, axis=0)
    bandit = SwitchingThompson(ChangePosterior(3, hazard=1e-15, discounts=(1.0,), contagion=0.0, runs=2000))
    played = {}
    for name, policy in (("switching", bandit), ("plain", thompson(3, runs=2000))):
        rng = np.random.default_rng(1)
        counts = np.zeros(3)
        for means in world:
            selection = policy.select(1, rng)
            arms = selection.arms
            policy.update(selection, (rng.random(arms.shape) < means[arms]).astype(float))
            counts += np.bincount(arms[:, 0], minlength=3)
        played[name] = counts / counts.sum()
    np.testing.assert_allclose(played["switching"], played["plain"], atol=0.01)


def test_it_finds_a_change_of_an_arm_it_was_not_playing():
    bandit, rng = switching_thompson(2, 2000, hazard=0.002, runs=40), np.random.default_rng(2)
    late = []
    for t in range(2000):
        selection = bandit.select(1, rng)
        arms, means = selection.arms, np.array([0.5, 0.2 if t < 1000 else 0.9])
        bandit.update(selection, (rng.random(arms.shape) < means[arms]).astype(float))
        if t >= 1800:
            late.append(np.mean(arms == 1))
    assert np.mean(late) > 0.9


def test_on_besson_1_it_loses_less_than_glr_klucb():
    world = besson_1()
    regret = {}
    for name, bandit in (
        ("switching", switching_thompson(3, world.horizon, runs=60)),
        ("glr", glr_kl_ucb(3, world.horizon, runs=60)),
    ):
        arms = play(bandit, world, runs=60, seed=3)[..., 0]
        regret[name] = dynamic_regret(world.means, earned_by_arms(world.means, arms))[:, -1]
    difference = regret["glr"] - regret["switching"]
    assert np.mean(difference) > 3.0 * np.std(difference, ddof=1) / np.sqrt(60)


@pytest.mark.parametrize("sharpness", [0.0, -1.0, np.inf, np.nan])
def test_a_sharpness_out_of_range_is_named(sharpness):
    with pytest.raises(ValueError, match=f"sharpness is {sharpness}"):
        SwitchingThompson(ChangePosterior(2, hazard=0.1), sharpness=sharpness)


def test_a_horizon_out_of_range_is_named():
    with pytest.raises(ValueError, match="horizon is 0"):
        switching_thompson(2, 0)
