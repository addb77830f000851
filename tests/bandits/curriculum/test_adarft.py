"""AdaRFT's target by hand, and its batches against a search through all problems."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum_bandits.bandits import Selection
from curriculum_bandits.bandits.curriculum.adarft import MovingTarget

SCALE = np.arange(101.0)


def test_the_target_moves_by_the_published_rule():
    bandit = MovingTarget(SCALE, step=50.0)
    assert bandit.target == 0.0
    bandit.update(Selection([3, 5], None, None), [1.0, 0.5])
    first = 50 * math.tanh(2 * 0.25)
    assert bandit.target == pytest.approx(first)
    bandit.update(Selection([3, 5, 7], None, None), [0.5, 0.5, 0.5])
    assert bandit.target == pytest.approx(first)
    bandit.update(Selection([3], None, None), [0.4])
    assert bandit.target == pytest.approx(first - 50 * math.tanh(0.2))


def test_the_target_stays_within_the_difficulties():
    bandit = MovingTarget([2.0, 9.0, 4.0], step=100.0)
    for reward, end in ((1.0, 9.0), (1.0, 9.0), (0.0, 2.0), (0.0, 2.0)):
        bandit.update(Selection([0], None, None), [reward])
        assert bandit.target == end


def test_settings_of_the_rule_do_what_they_say():
    bandit = MovingTarget(SCALE, step=10.0, sensitivity=3.0, target_reward=0.2, start=50.0)
    bandit.update(Selection([0], None, None), [0.1])
    assert bandit.target == pytest.approx(50 + 10 * math.tanh(3 * -0.1))


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=30),
    st.integers(1, 30),
    st.floats(0.0, 1.0),
    st.integers(0, 2**32 - 1),
)
def test_a_batch_is_what_lies_nearest(difficulty, size, position, seed):
    size, low, high = min(size, len(difficulty)), min(difficulty), max(difficulty)
    bandit = MovingTarget(difficulty, step=1.0, start=min(high, low + position * (high - low)))
    drawn = bandit.select(size, np.random.default_rng(seed))
    assert len(set(drawn.arms)) == size
    distance = np.abs(np.array(difficulty) - bandit.target)
    np.testing.assert_array_equal(np.sort(distance[drawn.arms]), np.sort(distance)[:size])
    assert drawn.inclusion is None


def test_problems_at_the_same_distance_are_drawn_alike():
    bandit = MovingTarget([1, 1, 1, 2, 3, 3, 3, 3, 3], step=1.0, start=2.0)
    rng, counts = np.random.default_rng(0), np.zeros(9)
    for _ in range(4000):
        counts[bandit.select(3, rng).arms] += 1
    assert counts[3] == 4000
    others = np.delete(counts, 3) / 4000
    assert np.all(np.abs(others - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 4000))


def test_bad_difficulties_and_settings_are_refused():
    for difficulty in ([1.0, np.nan], [1.0, np.inf]):
        with pytest.raises(ValueError, match="difficulty of problem 1 is"):
            MovingTarget(difficulty, step=1.0)
    with pytest.raises(ValueError, match=r"shape \(1, 2\)"):
        MovingTarget([[1.0, 2.0]], step=1.0)
    with pytest.raises(ValueError, match="step is -1"):
        MovingTarget([1.0], step=-1.0)
    with pytest.raises(ValueError, match="sensitivity is nan"):
        MovingTarget([1.0], step=1.0, sensitivity=math.nan)
    with pytest.raises(ValueError, match="target_reward is inf"):
        MovingTarget([1.0], step=1.0, target_reward=math.inf)
    with pytest.raises(ValueError, match="start is 5"):
        MovingTarget([1.0, 2.0], step=1.0, start=5.0)


def test_answers_and_states_that_do_not_fit_leave_no_trace():
    bandit = MovingTarget([1.0, 2.0], step=1.0, start=1.5)
    for call, message in (
        (lambda: bandit.update(Selection([0], None, None), [np.nan]), "arm 0 is nan"),
        (lambda: bandit.update(Selection([2], None, None), [1.0]), "arm 2 is outside"),
        (lambda: bandit.select(3, np.random.default_rng(0)), "3 arms are asked for"),
        (lambda: bandit.select(1, np.random.default_rng(0), np.array([0])), "takes no candidates"),
        (lambda: bandit.load_state_dict({"kind": "moving_target", "n_arms": 3, "target": 1.0}), "is 3, and 2 here"),
        (lambda: bandit.load_state_dict({"kind": "moving_target", "n_arms": 2, "target": 7.0}), "saved target is 7"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
        assert bandit.target == 1.5
    assert bandit.diagnostics() == {"target": 1.5}
