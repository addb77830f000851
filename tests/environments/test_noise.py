"""Noise keeps the mean it was given, stays in [0, 1], and is the same drawn whole or in blocks."""

import numpy as np
import pytest

from curriculum_bandits.environments import Bernoulli, ClippedGaussian, Deterministic

EVERY = [Bernoulli(), Deterministic(), ClippedGaussian(0.1), ClippedGaussian(0.8)]
MEANS = np.array([0.0, 0.03, 0.3, 0.5, 0.9, 1.0])


@pytest.mark.parametrize("noise", EVERY, ids=str)
def test_the_mean_is_exact(noise):
    n = 40_000
    rewards = noise.draw(np.broadcast_to(MEANS, (n, 6)), np.random.default_rng(0))
    assert np.all((rewards >= 0) & (rewards <= 1))
    spread = np.maximum(rewards.std(axis=0), 1e-12)
    assert np.all(np.abs(rewards.mean(axis=0) - MEANS) / spread * np.sqrt(n) < 4)


@pytest.mark.parametrize("noise", EVERY, ids=str)
def test_blocks_make_the_whole(noise):
    means = np.random.default_rng(1).random((50, 3))
    rng = np.random.default_rng(2)
    parts = [noise.draw(means[:7], rng), noise.draw(means[7:], rng)]
    np.testing.assert_array_equal(np.concatenate(parts), noise.draw(means, np.random.default_rng(2)))


def test_what_each_kind_looks_like():
    rng = np.random.default_rng(0)
    means = np.full(1000, 0.5)
    assert set(Bernoulli().draw(means, rng)) == {0.0, 1.0}
    np.testing.assert_array_equal(Deterministic().draw(means, rng), means)
    assert ClippedGaussian(0.1).draw(means, rng).std() == pytest.approx(0.1, rel=0.1)


@pytest.mark.parametrize("deviation", [-0.1, np.nan, np.inf])
def test_a_senseless_deviation_is_refused(deviation):
    with pytest.raises(ValueError, match="deviation"):
        ClippedGaussian(deviation)
