"""Pools by the latest result: which pool, what share, and that nobody is excluded for ever."""

import numpy as np
import pytest

from curriculum_bandits.bandits import Selection
from curriculum_bandits.bandits.curriculum.difficulty_pools import DifficultyPools
from curriculum_bandits.sampling.simplex import capped


def test_probabilities_are_proportional_to_the_weight_of_the_pool():
    pools = DifficultyPools(5, boundaries=(0.2, 0.8), weights=(1.0, 5.0, 2.0), unseen_weight=3.0)
    pools.update(Selection([0, 1, 2, 3], None, None), [0.2, 0.5, 0.8, 0.0])
    np.testing.assert_allclose(pools.probabilities(), np.array([1, 5, 2, 1, 3]) / 12)
    assert pools.diagnostics() == {"pool/hard": 0.4, "pool/normal": 0.2, "pool/easy": 0.2, "pool/unseen": 0.2}


def test_by_default_only_what_never_or_always_succeeds_is_set_apart():
    pools = DifficultyPools(4)
    pools.update(Selection([0, 1, 2], None, None), [0.0, 1.0, 0.01])
    np.testing.assert_allclose(pools.probabilities(), np.array([0.1, 0.1, 1.0, 1.0]) / 2.2)


def test_the_latest_result_alone_counts_in_both_directions():
    pools = DifficultyPools(2)
    for value, expected in ((1.0, 0.1), (0.5, 1.0), (0.0, 0.1), (0.5, 1.0)):
        pools.update(Selection([0], None, None), [value])
        np.testing.assert_allclose(pools.probabilities()[0], expected / (1.0 + expected))


@pytest.mark.parametrize("size", range(1, 13))
def test_a_batch_caps_every_problem_as_the_projection_of_all_does(size):
    pools = DifficultyPools(12, boundaries=(0.2, 0.8), weights=(0.01, 50.0, 7.0))
    pools.update(Selection(np.arange(7), None, None), [0.0, 0.0, 0.5, 0.9, 0.9, 0.9, 0.1])
    pools.select(size, np.random.default_rng(0))
    weights = np.array([0.01, 0.01, 50, 7, 7, 7, 0.01, 1, 1, 1, 1, 1])
    np.testing.assert_allclose(pools.probabilities(), capped(weights, 1.0 / size), atol=1e-12)


@pytest.mark.parametrize("size", [1, 3, 8])
def test_inclusion_is_exact(size):
    pools = DifficultyPools(8, weights=(0.5, 2.0, 0.25))
    pools.update(Selection(np.arange(6), None, None), [0.0, 0.5, 0.5, 1.0, 1.0, 0.0])
    rng, counts, draws = np.random.default_rng(1), np.zeros(8), 4000
    for _ in range(draws):
        drawn = pools.select(size, rng)
        assert len(set(drawn.arms)) == size
        np.testing.assert_allclose(drawn.inclusion, size * pools.probabilities()[drawn.arms])
        np.testing.assert_allclose(drawn.probability, pools.probabilities()[drawn.arms])
        counts[drawn.arms] += 1
    expected = size * pools.probabilities()
    error = np.sqrt(np.maximum(expected * (1 - expected), 0.0) / draws)
    assert np.all(np.abs(counts / draws - expected) <= 4 * error + 1e-9)


def test_a_pool_that_would_keep_its_problems_for_ever_is_refused():
    for name, weights in {"hard": (0, 1, 1), "normal": (1, 0, 1), "easy": (1, 1, -1)}.items():
        with pytest.raises(ValueError, match=f"weight of {name} problems is"):
            DifficultyPools(3, weights=weights)
    with pytest.raises(ValueError, match="weight of unseen problems is 0"):
        DifficultyPools(3, unseen_weight=0)
    with pytest.raises(ValueError, match="give three"):
        DifficultyPools(3, weights=(1, 1))
    for boundaries in ((1.0, 0.0), (0.5, 0.5), (0.0, np.inf)):
        with pytest.raises(ValueError, match="boundaries are"):
            DifficultyPools(3, boundaries=boundaries)
