"""The history against a slow one of plain dictionaries, and coverage and staleness against their definitions."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curriculum_bandits.neural.history import History


class Slow:
    """Every utility of every problem in a list, and the last time it was seen."""

    def __init__(self, n, window, groups):
        self.n, self.window = n, window
        self.groups = [0] * n if groups is None else groups.tolist()
        self.utilities, self.seen = {}, {}

    def record(self, items, utilities, time):
        for item, utility in zip(items, utilities, strict=True):
            self.utilities.setdefault(item, []).append(utility)
            self.seen[item] = time
        return [np.mean(self.utilities[item][-self.window :]) for item in items]

    def by_group(self, value):
        members = [[i for i in range(self.n) if self.groups[i] == g] for g in range(max(self.groups) + 1)]
        return [np.mean([value(i) for i in group]) for group in members]

    def coverage(self):
        return self.by_group(lambda i: float(i in self.seen))

    def staleness(self, time):
        return self.by_group(lambda i: time - self.seen.get(i, 0))


N = 7
batches = st.lists(
    st.lists(st.tuples(st.integers(0, N - 1), st.floats(-1e3, 1e3)), min_size=1, max_size=6), min_size=1, max_size=12
)


@settings(max_examples=60)
@given(batches=batches, window=st.integers(1, 4), grouped=st.booleans(), saved_after=st.integers(0, 11))
def test_it_remembers_what_plain_lists_remember_also_through_a_save(batches, window, grouped, saved_after):
    groups = np.array([0, 1, 1, 2, 0, 2, 2]) if grouped else None
    fast, slow = History(N, window, groups), Slow(N, window, groups)
    for number, batch in enumerate(batches):
        items, utilities = (np.array(column) for column in zip(*batch, strict=True))
        before = fast.state_dict()
        means = fast.preview(items, utilities)
        np.testing.assert_equal(fast.state_dict(), before)
        fast.record(items, utilities, number + 1)
        np.testing.assert_allclose(means, slow.record(items, utilities, number + 1), rtol=1e-9, atol=1e-9)
        if number == saved_after:
            state = fast.state_dict()
            fast = History(N, window, groups)
            fast.load_state_dict(state)
            np.testing.assert_equal(fast.state_dict(), state)
        np.testing.assert_allclose(fast.coverage(), slow.coverage(), rtol=1e-12)
        np.testing.assert_allclose(fast.staleness(number + 3), slow.staleness(number + 3), rtol=1e-12)


def test_repeats_in_a_batch_count_in_the_order_they_came():
    history = History(3, window=2)
    items, utilities = np.array([1, 1, 0, 1]), np.array([1.0, 2.0, 9.0, 4.0])
    np.testing.assert_allclose(history.preview(items, utilities), [3.0, 3.0, 9.0, 3.0])
    history.record(items, utilities, time=1)
    assert history.utility.tolist() == [[4.0, 2.0], [9.0, 0.0]]


def test_it_grows_past_its_first_room():
    n = 3000
    history, order = History(n, window=2), np.random.default_rng(0).permutation(n)
    for start in range(0, n, 500):
        batch = order[start : start + 500]
        history.record(batch, batch.astype(float), time=1)
    np.testing.assert_allclose(history.preview(order[:9], order[:9] + 2.0), order[:9] + 1.0)
    assert history.coverage().tolist() == [1.0]
    assert len(history.state_dict()["item"]) == n


def test_coverage_and_staleness_in_closed_form():
    # Ten problems in two groups; one of each is seen at every time up to 20, then never again.
    history = History(10, groups=np.array([0] * 4 + [1] * 6))
    assert history.coverage().tolist() == [0.0, 0.0]
    assert history.staleness(5).tolist() == [5.0, 5.0]
    for time in range(1, 21):
        history.record(np.array([0, 9]), np.zeros(2), time)
    assert history.group_sizes.tolist() == [4, 6]
    np.testing.assert_allclose(history.coverage(), [1 / 4, 1 / 6])
    np.testing.assert_allclose(history.staleness(30), [(10 + 3 * 30) / 4, (10 + 5 * 30) / 6])


def test_an_older_state_replaces_all_that_is_known():
    history = History(8, window=2)
    history.record(np.array([1, 2]), np.array([1.0, 2.0]), time=1)
    state = history.state_dict()
    kept = copy.deepcopy(state)
    history.record(np.array([5, 1]), np.array([7.0, 7.0]), time=2)
    np.testing.assert_equal(state, kept)
    history.load_state_dict(state)
    np.testing.assert_equal(history.state_dict(), kept)
    assert history.preview(np.array([5]), np.array([3.0])).tolist() == [3.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"utility": np.zeros((2, 3))}, r"saved utility of history has shape \(2, 3\) where \(any, 2\)"),
        ({"count": np.ones(3, dtype=int)}, "one per observed problem"),
        ({"count": np.zeros(2, dtype=int)}, "saved count of history holds 0; at least 1"),
        ({"seen": np.array(0)}, "saved seen of history has shape"),
        ({"item": np.array([1, 8])}, "not in the bank of 8"),
        ({"item": np.array([-1, 3])}, "saved item of history holds -1"),
        ({"item": np.array([3, 3])}, "a problem twice"),
    ],
)
def test_tables_that_do_not_fit_are_refused(changes, message):
    history = History(8, window=2)
    history.record(np.array([1, 2]), np.array([1.0, 2.0]), time=1)
    before = history.state_dict()
    with pytest.raises(ValueError, match=message):
        history.load_state_dict({**before, **changes})
    np.testing.assert_equal(history.state_dict(), before)
