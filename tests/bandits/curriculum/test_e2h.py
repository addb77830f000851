"""The two schedules at their beginning, middle and end; the clock; what a batch can hold."""

import math

import numpy as np
import pytest

from curriculum_bandits.bandits import EasyToHard
from curriculum_bandits.testing import check_bandit


def after(batches, **settings):
    bandit, rng = EasyToHard([2, 0, 1], **{"steps": 4, "capacity": 9, **settings}), np.random.default_rng(0)
    for _ in range(batches):
        bandit.select(1, rng)
    return bandit.probabilities()


@pytest.mark.parametrize("schedule", ["cosine", "gaussian"])
def test_it_keeps_every_law(schedule):
    settings = {"learns": False, "vectorized": False, "plays": 2, "most_plays": 5, "draws": 800}
    check_bandit(lambda: EasyToHard([3, 1, 4, 0, 2], steps=3, schedule=schedule), **settings)


@pytest.mark.parametrize(
    ("batches", "weights"), [(0, [1, 3, 2]), (1, None), (2, [1, 1, 1]), (4, [3, 1, 2]), (9, [3, 1, 2])]
)
def test_the_cosine_by_hand(batches, weights):
    if weights is None:
        a = 0.5 * (1 + math.cos(math.pi / 4))
        weights = [a * 1 + (1 - a) * 3, a * 3 + (1 - a) * 1, 2]
    np.testing.assert_allclose(after(batches), np.array(weights) / np.sum(weights), rtol=1e-12)


@pytest.mark.parametrize(("batches", "mean"), [(0, 0.0), (2, 2 * math.sqrt(0.5)), (4, 2.0), (9, 2.0)])
def test_the_gaussian_by_hand(batches, mean):
    weights = np.exp(-((np.array([2, 0, 1]) - mean) ** 2) / (2 * 0.5**2))
    np.testing.assert_allclose(after(batches, schedule="gaussian"), weights / weights.sum(), rtol=1e-12)


def test_power_and_width_shape_the_gaussian():
    weights = np.exp(-((np.array([2, 0, 1]) - 2 * 0.25**2) ** 2) / (2 * 1.5**2))
    p = after(1, schedule="gaussian", power=2.0, width=1.5)
    np.testing.assert_allclose(p, weights / weights.sum(), rtol=1e-12)


def test_the_clock_counts_batches_whatever_their_size_and_not_refusals():
    bandit, rng = EasyToHard([0, 1], steps=10, capacity=[3, 9]), np.random.default_rng(0)
    bandit.select(8, rng)
    bandit.select(2, rng)
    for size in (0, 13):
        with pytest.raises(ValueError, match=f"{size} plays are asked for"):
            bandit.select(size, rng)
    with pytest.raises(ValueError, match="takes no candidates"):
        bandit.select(1, rng, np.array([0]))
    assert bandit.batches == 2


def test_a_small_level_fills_up_and_leaves_the_rest_to_the_others():
    bandit, rng = EasyToHard([0, 1, 2], steps=10, schedule="gaussian", capacity=[3, 9, 9]), np.random.default_rng(0)
    selection = bandit.select(8, rng)
    assert np.bincount(selection.arms, minlength=3)[0] == 3
    np.testing.assert_allclose(selection.inclusion, 8 * selection.probability, rtol=1e-12)
    assert np.max(selection.inclusion) <= 9


def test_the_clock_is_saved():
    bandit, twin, rng = EasyToHard([0, 1], steps=5), EasyToHard([0, 1], steps=5), np.random.default_rng(0)
    for _ in range(3):
        bandit.select(2, rng)
    twin.load_state_dict(bandit.state_dict())
    assert twin.batches == 3
    np.testing.assert_array_equal(twin.probabilities(), bandit.probabilities())
    for foreign in (EasyToHard([0, 1, 2], 5).state_dict(), {**bandit.state_dict(), "plays": 3}):
        with pytest.raises(ValueError, match=r"n_arms of easy_to_hard is 3|3 plays"):
            twin.load_state_dict(foreign)
        assert twin.batches == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"levels": [0, 2]}, "levels are"),
        ({"levels": [[0, 1]]}, "levels are"),
        ({"steps": 0}, "steps is 0"),
        ({"schedule": "linear"}, "schedule='linear'"),
        ({"power": 0.0}, "power is 0.0"),
        ({"width": np.inf}, "width is inf"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        EasyToHard(**{"levels": [0, 1], "steps": 3, **settings})
