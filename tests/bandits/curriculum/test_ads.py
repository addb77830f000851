"""ADS by hand: what the shares of clusters become, and which places of the windows move."""

import numpy as np
import pytest

from curriculum_bandits.bandits import Selection
from curriculum_bandits.bandits.curriculum.ads import ClusterWindows


def one_cluster(n=8, width=3, **settings):
    return ClusterWindows(np.arange(n), np.zeros(n, dtype=int), width=width, reset_after=0, **settings)


def test_shares_move_toward_the_success_rates():
    bandit = ClusterWindows([1, 2, 1, 2, 1, 2], [0, 0, 1, 1, 2, 2], reset_after=0)
    bandit.update(Selection([0, 1, 2], None, None), [1.0, 0.5, 0.25])  # r = .75, .25 and .5, as at first
    first = 0.7 / 3 + 0.3 * np.array([0.75, 0.25, 0.5]) / 1.5
    np.testing.assert_allclose(bandit.shares, first)
    bandit.update(Selection([4], None, None), [0.0])  # the others keep their rates
    np.testing.assert_allclose(bandit.shares, 0.7 * first + 0.3 * np.array([0.75, 0.25, 0.0]))


def test_where_all_fail_shares_move_toward_uniform():
    bandit = ClusterWindows([1, 1], [0, 1], reset_after=0)
    bandit.update(Selection([0], None, None), [1.0])
    skewed = bandit.shares
    bandit.update(Selection([0, 1], None, None), [0.0, 0.0])
    np.testing.assert_allclose(bandit.shares, 0.7 * skewed + 0.15)


def test_windows_begin_at_the_easy_end_of_each_cluster():
    bandit = ClusterWindows([5, 1, 3, 2, 9, 4], [0, 0, 0, 1, 1, 1], width=2)
    assert [window.tolist() for window in bandit.windows] == [[1, 2], [3, 5]]


def test_a_window_that_is_too_easy_moves_on_by_one_and_one_too_hard_back():
    bandit = one_cluster()
    for rate, window in ((1.0, [1, 2, 3]), (0.68, [2, 3, 4]), (0.67, [2, 3, 4]), (0.33, [2, 3, 4]), (0.32, [1, 2, 3])):
        bandit.update(Selection(bandit.windows[0], None, None), np.full(3, rate))
        assert bandit.windows[0].tolist() == window


def test_problems_change_for_the_nearest_free_place():
    bandit = one_cluster()
    bandit.update(Selection([0], None, None), [1.0])
    assert bandit.windows[0].tolist() == [1, 2, 3]
    bandit.update(Selection([2], None, None), [0.0])
    assert bandit.windows[0].tolist() == [0, 1, 3]
    bandit.update(Selection([0, 3], None, None), [1.0, 0.5])
    assert bandit.windows[0].tolist() == [1, 2, 3]


def test_windows_stay_within_their_cluster():
    bandit = ClusterWindows(np.arange(6), [0, 0, 0, 1, 1, 1], width=2, reset_after=0)
    for rate, windows in ((0.0, [[0, 1], [3, 4]]), (1.0, [[1, 2], [4, 5]]), (1.0, [[1, 2], [4, 5]])):
        bandit.update(Selection(np.concatenate(bandit.windows), None, None), np.full(4, rate))
        assert [window.tolist() for window in bandit.windows] == windows


def test_an_answer_from_outside_the_window_counts_for_the_cluster_alone():
    bandit = ClusterWindows(np.arange(6), [0, 0, 0, 1, 1, 1], width=2, reset_after=0)
    bandit.update(Selection([2], None, None), [1.0])
    assert bandit.windows[0].tolist() == [0, 1]
    np.testing.assert_allclose(bandit.shares, 0.35 + 0.3 * np.array([2 / 3, 1 / 3]))


def test_a_problem_has_its_clusters_share_of_the_window():
    bandit = ClusterWindows([1, 2, 3, 1, 2, 3, 4], [0, 0, 0, 1, 1, 1, 1], width=2, reset_after=0)
    bandit.update(Selection([0, 3], None, None), [0.6, 0.4])
    p, (one, other) = bandit.probabilities(), bandit.shares
    np.testing.assert_allclose(p, [one / 2, one / 2, 0, other / 2, other / 2, 0, 0])
    assert one == pytest.approx(0.35 + 0.3 * 0.6)


def test_a_small_cluster_has_its_share_too():
    bandit = ClusterWindows(np.arange(4), [0, 1, 1, 1], width=2)
    np.testing.assert_allclose(bandit.probabilities(), [0.5, 0.25, 0.25, 0.0])


def test_a_batch_larger_than_all_windows_is_filled_up_from_outside():
    bandit = one_cluster(n=8, width=3)
    drawn = bandit.select(5, np.random.default_rng(0))
    assert {0, 1, 2} <= set(drawn.arms)
    np.testing.assert_allclose(bandit.probabilities(), np.where(np.arange(8) < 3, 1 / 5, 2 / 5 / 5))
    assert set(bandit.select(8, np.random.default_rng(0)).arms) == set(range(8))


def test_all_begins_anew_after_so_many_answers():
    bandit = ClusterWindows(np.arange(6), [0, 0, 0, 1, 1, 1], width=1)  # after 6
    bandit.update(Selection([0, 3, 1, 4], None, None), [1.0, 0.5, 0.5, 0.5])
    assert bandit.windows[0].tolist() == [1]
    assert bandit.shares[0] > 0.5
    bandit.update(Selection([1, 3], None, None), [1.0, 0.5])
    assert [window.tolist() for window in bandit.windows] == [[0], [3]]
    np.testing.assert_array_equal(bandit.shares, 0.5)
    bandit.update(Selection([0, 3, 1, 4], None, None), [1.0, 0.5, 0.5, 0.5])
    assert bandit.windows[0].tolist() == [1]


def test_a_rate_outside_0_and_1_is_refused_without_a_trace():
    bandit = one_cluster()
    before = bandit.state_dict()
    for rate in (-0.1, 1.1):
        with pytest.raises(ValueError, match=f"arm 1 is {rate}; a success rate is between 0 and 1"):
            bandit.update(Selection([0, 1], None, None), [1.0, rate])
    np.testing.assert_equal(bandit.state_dict(), before)


def test_states_of_other_clusters_or_widths_are_refused():
    bandit = ClusterWindows(np.arange(6), [0, 0, 0, 1, 1, 1], width=2)
    other = ClusterWindows(np.arange(6), [0, 0, 1, 1, 1, 1], width=2)
    with pytest.raises(ValueError, match="other clusters"):
        bandit.load_state_dict(other.state_dict())
    wider = ClusterWindows(np.arange(6), [0, 0, 0, 1, 1, 1], width=3)
    with pytest.raises(ValueError, match="another width"):
        bandit.load_state_dict(wider.state_dict())


def test_bad_arguments_are_refused():
    for message, arguments in {
        "have shapes": ([1.0, 2.0], [0]),
        "difficulty of problem 1 is nan": ([1.0, np.nan], [0, 0]),
        "without gaps": ([1.0, 2.0], [0, 2]),
    }.items():
        with pytest.raises(ValueError, match=message):
            ClusterWindows(*arguments)
    for name, value in {
        "width": 0, "target": np.nan, "tolerance": -1.0, "smoothing": 1.5, "first_rate": 0.0, "reset_after": -1
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=name):
            ClusterWindows([1.0], [0], **{name: value})
