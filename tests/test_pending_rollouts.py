"""Groups of rollouts are picked, stacked and extended without mixing up whose rollouts are whose."""

import numpy as np
import pytest

from curriculum_bandits.rollouts import PendingRollouts, Rollouts


def some(items, n, start=0):
    """Rewards and answers that say which item and which rollout they are."""
    items = np.array(items)
    marks = items[:, None] * 100.0 + np.arange(start, start + n)
    return PendingRollouts(
        items, Rollouts(marks, lengths=np.full(marks.shape, 3)), {"marks": marks[..., None] + [0, 0.5]}
    )


def test_rows_keep_problem_rollouts_and_answers_together():
    for chosen in ([2, 0], np.array([True, False, True])):
        picked = some([4, 5, 6], 2)[chosen]
        assert np.array_equal(picked.rollouts.rewards[:, 0], picked.items * 100.0)
        assert np.array_equal(picked.answers["marks"][:, 1, 1], picked.items * 100.0 + 1.5)


def test_more_rollouts_stand_beside_the_first():
    both = some([4, 5], 2).beside(some([4, 5], 3, start=2))
    assert both.rollouts.rewards.tolist() == [[400, 401, 402, 403, 404], [500, 501, 502, 503, 504]]
    assert both.answers["marks"][1, :, 0].tolist() == [500, 501, 502, 503, 504]
    with pytest.raises(ValueError, match="other problems"):
        some([4, 5], 2).beside(some([5, 4], 2))


def test_groups_of_different_size_are_padded_with_what_is_missing_not_with_zeros():
    groups = PendingRollouts.stacked([some([4], 1), some([5, 6], 3)])
    assert groups.items.tolist() == [4, 5, 6]
    assert groups.rollouts.valid.tolist() == [[True, False, False], [True] * 3, [True] * 3]
    assert np.isnan(groups.rollouts.rewards[0, 1:]).all()
    assert groups.rollouts.lengths[0].tolist() == [3, 0, 0]
    assert groups.answers["marks"].shape == (3, 3, 2)


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"items have shape \(2,\)"):
        PendingRollouts(np.array([1, 2]), Rollouts([[1.0, 0.0]]))
    with pytest.raises(ValueError, match=r"answers\['tokens'\] has shape \(2, 1\)"):
        PendingRollouts(np.array([1]), Rollouts([[1.0, 0.0]]), {"tokens": np.zeros((2, 1))})
    with pytest.raises(ValueError, match="lengths is present in some"):
        some([4], 1).beside(PendingRollouts(np.array([4]), Rollouts([[1.0]]), {"marks": np.zeros((1, 1, 2))}))


def test_more_rollouts_must_hold_the_same_answers():
    other = some([4], 1)
    for one, further in (
        (other, PendingRollouts(other.items, other.rollouts)),
        (PendingRollouts(other.items, other.rollouts), other),
    ):
        with pytest.raises(ValueError, match="give the same"):
            one.beside(further)
