"""What is remembered: by hand, against a re-summed past, and what never may be loaded."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum_bandits.bandits import Cumulative, Discounted, SinceChange, SlidingWindow

KINDS = {
    "cumulative": lambda runs=None: Cumulative(3, runs=runs),
    "discounted": lambda runs=None: Discounted(3, gamma=0.9, runs=runs),
    "sliding window": lambda runs=None: SlidingWindow(3, window=4, runs=runs),
    "since change": lambda runs=None: SinceChange(3, delta=0.05, test_every=2, split_every=2, runs=runs),
}


def recorded(statistics, rounds, seed=0, plays=2, start=0):
    rng = np.random.default_rng(seed)
    leading = statistics.counts.shape[:-1]
    for t in range(rounds):
        arms = rng.random((*leading, 3)).argsort(axis=-1)[..., :plays]
        gains = (rng.random((*leading, plays)) < 0.5 if t % 40 < 20 else np.ones((*leading, plays))) * 1.0
        if t >= start:
            statistics.record(arms, gains)
    return statistics


def test_every_arm_is_discounted_in_every_round_whether_played_or_not():
    statistics = Discounted(3, gamma=0.5)
    for arm, gain in ((0, 1.0), (1, 0.5), (1, 1.0), (2, 1.0)):
        statistics.record(np.array([arm]), np.array([gain]))
    np.testing.assert_array_equal(statistics.counts, [0.125, 0.25 + 0.5, 1.0])
    np.testing.assert_array_equal(statistics.sums, [0.125, 0.125 + 0.5, 1.0])
    assert statistics.time == 1.875
    assert statistics.time == np.sum(statistics.counts)


def test_a_discount_of_one_is_no_discount():
    discounted, cumulative = recorded(Discounted(3, gamma=1.0), 50), recorded(Cumulative(3), 50)
    np.testing.assert_array_equal(discounted.counts, cumulative.counts)
    assert discounted.time == cumulative.time == 50.0


def test_what_leaves_the_window_is_gone():
    statistics = SlidingWindow(3, window=2)
    seen = []
    for arm in (0, 1, 1, 2):
        statistics.record(np.array([arm]), np.array([0.75]))
        seen.append((statistics.counts.tolist(), statistics.sums.tolist(), statistics.time))
    assert seen == [
        ([1, 0, 0], [0.75, 0, 0], 1),
        ([1, 1, 0], [0.75, 0.75, 0], 2),
        ([0, 2, 0], [0, 1.5, 0], 2),
        ([0, 1, 1], [0, 0.75, 0.75], 2),
    ]


@given(
    st.integers(1, 7),
    st.lists(st.lists(st.tuples(st.integers(0, 2), st.floats(0.0, 1.0)), min_size=1, max_size=4), max_size=20),
)
def test_a_window_is_the_sum_over_its_rounds(window, rounds):
    statistics = SlidingWindow(3, window=window)
    for plays in rounds:
        statistics.record(np.array([arm for arm, _ in plays]), np.array([gain for _, gain in plays]))
    kept = [play for plays in rounds[-window:] for play in plays]
    for arm in range(3):
        gains = [gain for a, gain in kept if a == arm]
        assert statistics.counts[arm] == len(gains)
        assert statistics.sums[arm] == pytest.approx(sum(gains), abs=1e-7)
        assert gains or statistics.sums[arm] == 0.0


def test_fractions_leave_no_trace_in_a_window():
    statistics, rng = SlidingWindow(3, window=10, runs=2), np.random.default_rng(0)
    for _ in range(3000):
        statistics.record(rng.integers(3, size=(2, 1)), rng.random((2, 1)))
    for _ in range(10):
        statistics.record(np.zeros((2, 1), dtype=int), np.zeros((2, 1)))
    np.testing.assert_array_equal(statistics.sums, 0.0)
    np.testing.assert_array_equal(statistics.counts, [[10, 0, 0]] * 2)


@pytest.mark.parametrize("kind", KINDS)
def test_runs_are_recorded_as_each_alone(kind):
    together, alone, rng = KINDS[kind](3), [KINDS[kind]() for _ in range(3)], np.random.default_rng(1)
    for t in range(120):
        arms, gains = rng.integers(3, size=(3, 2)), (rng.random((3, 2)) < (0.1 if t < 60 else 0.9)) * 1.0
        together.record(arms, gains)
        for run, statistics in enumerate(alone):
            statistics.record(arms[run], gains[run])
    for run, statistics in enumerate(alone):
        np.testing.assert_allclose(together.counts[run], statistics.counts)
        np.testing.assert_allclose(together.sums[run], statistics.sums)


def test_a_window_takes_rounds_of_different_sizes_and_saves_them():
    statistics = SlidingWindow(3, window=2)
    for arms in ([0], [0, 1, 2], [1]):
        statistics.record(np.array(arms), np.ones(len(arms)))
    np.testing.assert_array_equal(statistics.counts, [1, 2, 1])
    twin = SlidingWindow(3, window=2)
    twin.load_state_dict(statistics.state_dict())
    twin.record(np.array([2]), np.array([1.0]))
    np.testing.assert_array_equal(twin.counts, [0, 1, 1])


@pytest.mark.parametrize(
    ("make", "damage", "message"),
    [
        (KINDS["cumulative"], {"sums": np.array([30.0, 0.0, 0.0])}, "sums exceed the counts"),
        (KINDS["sliding window"], {"arms": np.full((4, 2), 3)}, "arms below 3"),
        (KINDS["sliding window"], {"gains": np.zeros((4, 1))}, "shapes must be equal"),
        (KINDS["since change"], {"history": np.zeros((3, 1))}, "same split_every"),
        (KINDS["since change"], {"starts": np.full(3, 40.0)}, "lie ahead"),
    ],
)
def test_a_state_that_no_plays_lead_to_is_refused_and_leaves_no_trace(make, damage, message):
    statistics = recorded(make(), 30)
    before = statistics.state_dict()
    with pytest.raises(ValueError, match=message):
        statistics.load_state_dict({**before, **damage})
    np.testing.assert_equal(statistics.state_dict(), before)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Cumulative(0), "n_arms is 0"),
        (lambda: Cumulative(2, runs=0), "runs is 0"),
        (lambda: Discounted(2, gamma=0.0), "gamma is 0.0"),
        (lambda: Discounted(2, gamma=1.5), "gamma is 1.5"),
        (lambda: SlidingWindow(2, window=0), "window is 0"),
    ],
)
def test_a_setting_out_of_range_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
