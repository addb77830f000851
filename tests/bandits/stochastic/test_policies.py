"""Every policy beside a slow one that is written from its paper for one run, one arm at a time."""

import math

import numpy as np
import pytest
from scipy.optimize import brentq

from curriculum_bandits import bandits
from curriculum_bandits.bandits import IndexBandit, RefusedUtility, Selection, SinceChange
from curriculum_bandits.bandits.stochastic.index import kl_ucb_index

K, T, RUNS = 4, 300, 3


def rewards(binary):
    """Rewards of all arms, shape (RUNS, T, K); the best arm changes half way."""
    rng = np.random.default_rng(5)
    means = np.where(np.arange(T)[:, None] < T // 2, [0.2, 0.5, 0.8, 0.1], [0.9, 0.5, 0.2, 0.3])
    if binary:
        return (rng.random((RUNS, T, K)) < means) * 1.0
    return np.clip(means + rng.uniform(-0.1, 0.1, (RUNS, T, K)), 0.0, 1.0)


def played(bandit, table):
    """The arms that the vectorised bandit plays, shape (RUNS, T)."""
    rng, arms = np.random.default_rng(0), np.empty((RUNS, T), dtype=int)
    for t in range(T):
        selection = bandit.select(1, rng)
        arms[:, t] = selection.arms[:, 0]
        bandit.update(selection, np.take_along_axis(table[:, t], selection.arms, axis=1))
    return arms


def slowly(index, table):
    """The arms that an index policy plays; `index(past, arm)` sees the list of (arm, gain) so far."""
    past, arms = [], []
    for t in range(T):
        indices = [index(past, arm) for arm in range(K)]
        arm = indices.index(max(indices))
        past.append((arm, table[t, arm]))
        arms.append(arm)
    return arms


def ucb1(past, arm):
    gains = [gain for a, gain in past if a == arm]
    return np.mean(gains) + math.sqrt(2 * math.log(len(past)) / len(gains)) if gains else math.inf


def discounted_ucb(gamma, xi):
    def index(past, arm):
        t = len(past)
        weights = [gamma ** (t - 1 - s) for s in range(t)]
        n = [sum(w for w, (a, _) in zip(weights, past, strict=True) if a == i) for i in range(K)]
        if n[arm] == 0.0:
            return math.inf
        mean = sum(w * gain for w, (a, gain) in zip(weights, past, strict=True) if a == arm) / n[arm]
        return mean + 2 * math.sqrt(xi * math.log(sum(n)) / n[arm])

    return index


def sliding_window_ucb(window, xi):
    def index(past, arm):
        gains = [gain for a, gain in past[-window:] if a == arm]
        if not gains:
            return math.inf
        return np.mean(gains) + math.sqrt(xi * math.log(min(len(past), window)) / len(gains))

    return index


def kl(p, q):
    left = p * math.log(p / q) if p > 0 else 0.0
    return left + ((1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0)


def kl_index(gains, time):
    if not gains:
        return math.inf
    p, budget = float(np.mean(gains)), math.log(max(time, 1)) / len(gains)
    top = 1 - 1e-15
    if p >= top or kl(p, top) <= budget:
        return 1.0
    if budget == 0.0:
        return p
    return brentq(lambda q: kl(p, q) - budget, max(p, 1e-15), top, xtol=1e-13)


def kl_ucb(past, arm):
    return kl_index([gain for a, gain in past if a == arm], len(past))


def slow_glr(table, *, alpha, delta, restart, test_every, split_every):
    """GLR-klUCB with lists; returns arms and the number of restarts."""
    gains, starts, found, arms = [[] for _ in range(K)], [0] * K, 0, []
    for t in range(T):
        turn = t % math.ceil(K / min(1.0, alpha * math.sqrt(1 + found)))
        indices = [kl_index(gains[arm], t - starts[arm]) for arm in range(K)]
        arm = turn if turn < K else indices.index(max(indices))
        arms.append(arm)
        gains[arm].append(table[t, arm])
        x, n = gains[arm], len(gains[arm])
        ratios = [
            s * kl(np.mean(x[:s]), np.mean(x)) + (n - s) * kl(np.mean(x[s:]), np.mean(x))
            for s in range(split_every, n, split_every)
            if n % test_every == 0 and 0.0 < np.mean(x) < 1.0
        ]
        if ratios and max(ratios) >= math.log(n**1.5 / delta):
            found += 1
            for other in range(K) if restart == "global" else [arm]:
                gains[other], starts[other] = [], t + 1
    return arms, found


CASES = {
    "ucb1": (lambda: bandits.ucb1(K, runs=RUNS), ucb1),
    "discounted_ucb": (
        lambda: bandits.discounted_ucb(K, T, changes=3, xi=0.6, runs=RUNS),
        discounted_ucb(1 - math.sqrt(3 / T) / 4, 0.6),
    ),
    "sliding_window_ucb": (
        lambda: bandits.sliding_window_ucb(K, T, changes=3, xi=0.6, runs=RUNS),
        sliding_window_ucb(math.floor(2 * math.sqrt(T * math.log(T) / 3)), 0.6),
    ),
    "kl_ucb": (lambda: bandits.kl_ucb(K, runs=RUNS), kl_ucb),
}


@pytest.mark.parametrize("name", CASES)
def test_an_index_policy_plays_as_its_slow_twin(name):
    make, index = CASES[name]
    table = rewards(binary=False)  # fractions, so that no two indices tie but by symmetry
    arms = played(make(), table)
    for run in range(RUNS):
        assert arms[run].tolist() == slowly(index, table[run])


@pytest.mark.parametrize("restart", ["local", "global"])
@pytest.mark.parametrize(("test_every", "split_every"), [(1, 1), (4, 3)])
def test_glr_kl_ucb_plays_as_its_slow_twin(restart, test_every, split_every):
    table = rewards(binary=True) * 0.96 + 0.001 * np.random.default_rng(6).random((RUNS, T, K))
    options = {"restart": restart, "test_every": test_every, "split_every": split_every}
    bandit = bandits.glr_kl_ucb(K, T, exploration=0.5, runs=RUNS, **options)
    arms = played(bandit, table)
    for run in range(RUNS):
        alpha, delta = 0.5 * math.sqrt(K * math.log(T) / T), 1 / math.sqrt(T)
        expected, found = slow_glr(table[run], alpha=alpha, delta=delta, **options)
        assert arms[run].tolist() == expected
        assert bandit.statistics.restarts[run] == found
    assert np.sum(bandit.statistics.restarts) >= 2


def test_without_restarts_and_turns_glr_kl_ucb_is_kl_ucb():
    table = rewards(binary=False)
    never = SinceChange(K, delta=1e-300, runs=RUNS)
    plain = played(IndexBandit(never, kl_ucb_index), table)
    np.testing.assert_array_equal(plain, played(bandits.kl_ucb(K, runs=RUNS), table))
    lazy = bandits.GlrKlUcb(SinceChange(K, delta=1e-300, runs=RUNS), exploration=0.0)
    np.testing.assert_array_equal(plain, played(lazy, table))


@pytest.mark.parametrize(
    "make",
    [
        bandits.ucb1,
        bandits.kl_ucb,
        bandits.thompson,
        bandits.discounted_thompson,
        bandits.epsilon_greedy,
        lambda *a, **o: bandits.discounted_ucb(*a, 2000, **o),
        lambda *a, **o: bandits.sliding_window_ucb(*a, 2000, changes=2, **o),
        lambda *a, **o: bandits.glr_kl_ucb(*a, 2000, **o),
    ],
)
def test_it_finds_the_best_arms(make):
    bandit, rng, means = make(6, runs=20), np.random.default_rng(1), np.array([0.1, 0.9, 0.1, 0.8, 0.1, 0.1])
    earned = 0.0
    for t in range(800):
        selection = bandit.select(2, rng)
        assert selection.arms.shape == selection.probability.shape == (20, 2)
        bandit.update(selection, (rng.random(selection.arms.shape) < means[selection.arms]).astype(float))
        earned += np.mean(np.sum(means[selection.arms], axis=-1)) if t >= 400 else 0.0
    assert earned / 400 > 1.2  # at random 0.7, the best two 1.7


def test_the_tunings_are_those_of_the_papers():
    gamma = bandits.discounted_ucb(3, 5000, changes=4).statistics.gamma
    assert gamma == pytest.approx(1 - 0.25 * math.sqrt(4 / 5000))
    assert bandits.sliding_window_ucb(3, 5000, changes=4).statistics.window == int(
        2 * math.sqrt(5000 * math.log(5000) / 4)
    )
    share = math.log(5000) / 5000
    for changes, restart, alpha, delta in (
        (None, "local", 0.05 * math.sqrt(3 * share), 5000**-0.5),
        (None, "global", 0.05 * math.sqrt(3 * share), 5000**-0.5),
        (4, "local", 0.05 * math.sqrt(12 * share), 60_000**-0.5),
        (4, "global", 0.05 * math.sqrt(4 * share), 20_000**-0.5),
    ):
        glr = bandits.glr_kl_ucb(3, 5000, changes=changes, restart=restart)
        assert (glr.exploration, glr.statistics.delta) == pytest.approx((alpha, delta))
        assert glr.growing == (changes is None)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bandits.ucb1(0), "n_arms is 0"),
        (lambda: bandits.ucb1(2, utility_range=(1.0, 1.0)), r"utility_range is \(1.0, 1.0\)"),
        (lambda: bandits.discounted_ucb(2, 100, changes=0), "changes is 0"),
        (lambda: bandits.sliding_window_ucb(2, 100, changes=101), "changes is 101"),
        (lambda: bandits.glr_kl_ucb(2, 100, restart="never"), "restart='never'"),
        (lambda: bandits.glr_kl_ucb(2, 100, test_every=0), "test_every is 0"),
        (lambda: bandits.glr_kl_ucb(2, 100, split_every=0), "split_every is 0"),
        (lambda: bandits.SinceChange(2, delta=1.0), "delta is 1.0"),
        (lambda: bandits.GlrKlUcb(SinceChange(2, delta=0.1), exploration=-0.1), "exploration is -0.1"),
    ],
)
def test_a_setting_out_of_range_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_what_cannot_be_played_is_refused():
    bandit, rng = bandits.ucb1(3), np.random.default_rng(0)
    with pytest.raises(ValueError, match="IndexBandit draws from all arms and takes no candidates"):
        bandit.select(1, rng, np.array([0, 1]))
    for size in (0, 4):
        with pytest.raises(ValueError, match=f"{size} arms are asked for but there are 3"):
            bandit.select(size, rng)
    with pytest.raises(RefusedUtility, match="utility_range"):
        bandit.update(Selection([0], None, None), [1.5])


def test_utilities_are_scaled_to_gains():
    bandit = bandits.ucb1(2, utility_range=(-10.0, 30.0))
    bandit.update(Selection([1], None, None), [0.0])
    np.testing.assert_array_equal(bandit.statistics.sums, [0.0, 0.25])
