"""A restarted bandit is a fresh one, in every bit, and nothing else."""

import numpy as np
import pytest

from curriculum_bandits.bandits import (
    RandomizedBandit,
    RestartedAt,
    Selection,
    epsilon_greedy,
    glr_kl_ucb,
    kl_ucb,
    sliding_window_ucb,
    thompson,
    tsallis_inf,
)

BANDITS = {
    "epsilon greedy": lambda: epsilon_greedy(3, runs=2),
    "glr": lambda: glr_kl_ucb(3, 200, runs=2),
    "kl-ucb": lambda: kl_ucb(3, runs=2),
    "sliding window": lambda: sliding_window_ucb(3, 50, runs=2),
    "thompson": lambda: thompson(3, runs=2),
    "tsallis-inf": lambda: tsallis_inf(3, runs=2),
}


def arms_of(bandit, rounds, seed):
    rng, arms = np.random.default_rng(seed), []
    for _ in range(rounds):
        selection = bandit.select(1, rng)
        bandit.update(selection, 0.3 * selection.arms)
        arms.append(selection.arms.ravel().tolist())
    return arms


@pytest.mark.parametrize("name", BANDITS)
def test_after_a_restart_it_is_a_fresh_bandit(name):
    bandit = RestartedAt(BANDITS[name](), [90, 40])
    assert arms_of(bandit, 40, seed=0) == arms_of(BANDITS[name](), 40, seed=0)
    np.testing.assert_equal(bandit.bandit.state_dict(), BANDITS[name]().state_dict())
    assert arms_of(bandit, 50, seed=1) == arms_of(BANDITS[name](), 50, seed=1)
    np.testing.assert_equal(bandit.bandit.state_dict(), BANDITS[name]().state_dict())
    assert arms_of(bandit, 30, seed=2) == arms_of(BANDITS[name](), 30, seed=2)


def test_it_tells_probabilities_if_the_bandit_does():
    assert isinstance(RestartedAt(epsilon_greedy(3), []), RandomizedBandit)
    assert not isinstance(RestartedAt(kl_ucb(3), []), RandomizedBandit)


def test_a_refused_answer_is_no_round():
    bandit = RestartedAt(kl_ucb(3), [1])
    with pytest.raises(ValueError, match="utility"):
        bandit.update(Selection([0], None, None), [2.0])
    assert bandit.state_dict()["updates"] == 0


def test_a_restart_before_the_first_round_is_refused():
    with pytest.raises(ValueError, match="after 0 rounds"):
        RestartedAt(kl_ucb(3), [5, 0])
