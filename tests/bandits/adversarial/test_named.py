"""Every named bandit has the numbers of its theorem, and finds what it is for."""

import itertools
import math

import numpy as np
import pytest

from curriculum_bandits import bandits
from curriculum_bandits.bandits import Oracle, Uniform

K, T = 5, 2000
NAMED = {
    "exp3": lambda **o: bandits.exp3(K, T, **o),
    "exp3_anytime": lambda **o: bandits.exp3_anytime(K, **o),
    "exp3_ix": lambda **o: bandits.exp3_ix(K, T, **o),
    "exp3_p": lambda **o: bandits.exp3_p(K, T, **o),
    "exp3_s": lambda **o: bandits.exp3_s(K, T, 2, **o),
    "fixed_share": lambda **o: bandits.fixed_share(K, T, 2, **o),
    "rexp3": lambda **o: bandits.rexp3(K, T, 1.0, **o),
    "osmd_tsallis": lambda **o: bandits.osmd_tsallis(K, T, **o),
    "tsallis_inf": lambda **o: bandits.tsallis_inf(K, **o),
    "tsallis_inf_rv": lambda **o: bandits.tsallis_inf(K, reduced_variance=True, **o),
}


def earned(bandit, means, rounds, seed, plays=1):
    rng, total = np.random.default_rng(seed), 0.0
    for _ in range(rounds):
        selection = bandit.select(plays, rng)
        bandit.update(selection, (rng.random(selection.arms.shape) < means[selection.arms]).astype(float))
        total += np.mean(np.sum(means[selection.arms], axis=-1))
    return total / rounds


@pytest.mark.parametrize("name", NAMED)
def test_it_earns_more_than_uniform(name):
    means = np.array([0.2, 0.2, 0.9, 0.2, 0.2])
    uniform = np.mean(means)
    assert earned(NAMED[name](runs=20), means, T // 2, seed=0) > uniform + 0.2


@pytest.mark.parametrize(
    "make", [bandits.exp3_m, bandits.osmd_entropy, bandits.osmd_tsallis], ids=["exp3.m", "entropy", "tsallis"]
)
def test_many_plays_find_the_best_subset(make):
    means = np.array([0.9, 0.1, 0.1, 0.9, 0.1, 0.1, 0.1, 0.1])
    assert earned(make(8, T, 2, runs=10), means, T, seed=1, plays=2) > 1.4  # uniform earns 0.6, the best subset 1.8


def test_the_tunings_are_those_of_the_theorems():
    assert bandits.exp3(K, T).step == pytest.approx(math.sqrt(2 * math.log(K) / (T * K)))
    assert bandits.osmd_entropy(8, T, 2).step == pytest.approx(math.sqrt(2 * 2 * math.log(4) / (T * 8)))
    many = bandits.exp3_m(8, T, 2).mixing
    assert many == pytest.approx(math.sqrt(8 * math.log(4) / ((math.e - 1) * 2 * T)))
    assert bandits.exp3_anytime(K).step(9) == pytest.approx(math.sqrt(math.log(K) / (9 * K)))
    assert bandits.tsallis_inf(K).step(16) == pytest.approx(0.5)
    assert bandits.tsallis_inf(K, reduced_variance=True).step(16) == pytest.approx(1.0)
    p = bandits.exp3_p(K, T, 0.1)
    assert p.bonus == pytest.approx(math.sqrt(math.log(K / 0.1) / (K * T)))
    assert p.step == pytest.approx(0.95 * math.sqrt(math.log(K) / (K * T)))
    assert p.mixing == pytest.approx(1.05 * math.sqrt(K * math.log(K) / T))
    s = bandits.exp3_s(K, T, 3)
    gamma = math.sqrt(K * (3 * math.log(K * T) + math.e) / ((math.e - 1) * T))
    assert (s.mixing, s.step, s.sharing) == pytest.approx((gamma, gamma / K, 1 / T))
    f = bandits.fixed_share(K, T, 3)
    distance = 3 * math.log(K) - 2 * math.log(2 / (T - 1)) - (T - 3) * math.log(1 - 2 / (T - 1))
    assert (f.share, f.step, f.floor) == pytest.approx((2 / (T - 1), math.sqrt(2 * distance / (K * T)), 0.0))
    r = bandits.rexp3(2, 10_000, 3.0)
    batch = math.ceil((2 * math.log(2)) ** (1 / 3) * (10_000 / 3.0) ** (2 / 3))
    assert r.restart_every == batch
    assert r.mixing == pytest.approx(math.sqrt(2 * math.log(2) / ((math.e - 1) * batch)))


def test_the_tsallis_step_gives_the_constant_of_its_theorem():
    # Regret <= m D / eta + (eta / 2) T sqrt(K), D at most 4 sqrt(K): at eta = sqrt(8 m / T) that is 2 sqrt(2 m K T).
    for arms, plays in ((5, 1), (20, 4)):
        eta = bandits.osmd_tsallis(arms, T, plays).step
        cost = plays * 4 * math.sqrt(arms) / eta + eta / 2 * T * math.sqrt(arms)
        assert cost == pytest.approx(2 * math.sqrt(2 * plays * arms * T))


def test_steps_shrink_with_the_width_of_the_utilities():
    wide = {"utility_range": (-5.0, 5.0)}
    assert bandits.exp3(K, T, **wide).step == pytest.approx(bandits.exp3(K, T).step / 10)
    assert bandits.fixed_share(K, T, 2, **wide).step == pytest.approx(bandits.fixed_share(K, T, 2).step / 10)
    assert bandits.osmd_tsallis(K, T, **wide).step == pytest.approx(bandits.osmd_tsallis(K, T).step / 10)


def test_fixed_share_is_bayes_rule_over_sequences_under_the_prior_its_bound_is_proved_with():
    horizon, arms = 5, 3
    bandit, losses = bandits.fixed_share(arms, horizon, 2), np.zeros((horizon, arms))
    rng = np.random.default_rng(4)
    for t in range(horizon - 1):
        selection = bandit.select(1, rng)
        utility = rng.random(1)
        bandit.update(selection, utility)
        losses[t, selection.arms] = (1 - utility) / selection.inclusion
    mass = np.zeros(arms)
    for sequence in itertools.product(range(arms), repeat=horizon):
        stays = [now == then for then, now in itertools.pairwise(sequence)]
        prior = math.prod([1 / arms, *(bandit.share / arms + stay * (1 - bandit.share) for stay in stays)])
        mass[sequence[-1]] += prior * math.exp(-bandit.step * np.sum(losses[np.arange(horizon), sequence]))
    np.testing.assert_allclose(bandit.probabilities(), mass / np.sum(mass), rtol=1e-12)


@pytest.mark.parametrize("name", ["exp3_s", "fixed_share"])
def test_what_shares_follows_a_change_that_exp3_misses(name):
    first, second = np.array([0.9, 0.1, 0.1, 0.1, 0.1]), np.array([0.1, 0.1, 0.1, 0.1, 0.9])
    scores = {}
    for each in ("exp3", name):
        bandit = NAMED[each](runs=30)
        earned(bandit, first, T // 2, seed=2)
        scores[each] = earned(bandit, second, T // 2, seed=3)
    assert scores[name] > scores["exp3"] + 0.1


def test_the_oracle_plays_the_best_of_each_round_and_uniform_all_alike():
    means = np.array([[0.1, 0.9, 0.5], [0.8, 0.2, 0.5]])
    oracle, rng = Oracle(means, runs=2), np.random.default_rng(0)
    assert oracle.select(2, rng).arms.tolist() == [[1, 2], [1, 2]]
    assert oracle.select(1, rng).arms.tolist() == [[0], [0]]
    assert oracle.select(1, rng).arms.tolist() == [[0], [0]]  # the last row stands for all later rounds
    counts = np.bincount(Uniform(4, runs=4000).select(2, rng).arms.ravel(), minlength=4)
    np.testing.assert_allclose(counts / 4000, 0.5, atol=4 * 0.5 / math.sqrt(4000))
    assert set(Uniform(6).select(3, rng, candidates=np.array([1, 3, 5])).arms.tolist()) == {1, 3, 5}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bandits.exp3_p(K, T, 0.0), "confidence is 0.0"),
        (lambda: bandits.rexp3(K, T, 0.0), "variation is 0.0"),
        (lambda: Oracle([0.1, 0.2]), r"shape \(2,\)"),
        (lambda: Uniform(0), "n_arms is 0"),
        (lambda: Uniform(3).select(4, np.random.default_rng(0)), "4 arms are asked for"),
        (lambda: Oracle([[0.1]]).select(2, np.random.default_rng(0)), "2 arms are asked for"),
    ],
)
def test_a_number_that_makes_no_sense_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
