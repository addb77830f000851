"""Samplers: distinct places, the number to divide by, and probabilities so small that they vanish."""

import math

import numpy as np
import pytest

from curriculum_bandits.neural.samplers import Nucleus, exact, gumbel, independent

P = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
DISTINCT = {"exact": exact, "gumbel": gumbel, "nucleus": Nucleus(0.7)}


@pytest.mark.parametrize("name", DISTINCT)
@pytest.mark.parametrize("size", [1, 3, 5])
def test_places_are_distinct_and_as_many_as_asked_for(name, size):
    rng = np.random.default_rng(0)
    for _ in range(50):
        places, _ = DISTINCT[name](P, size, rng)
        assert places.shape == (size,)
        assert len(set(places.tolist())) == size
        assert set(places.tolist()) <= set(range(5))


@pytest.mark.parametrize("sampler", [exact, gumbel, independent])
@pytest.mark.parametrize("size", [1, 3])
def test_the_number_to_divide_by_is_unbiased(sampler, size):
    rng, draws = np.random.default_rng(1), 5000
    sums = np.zeros((draws, 5))
    for row in sums:
        places, inclusion = sampler(P, size, rng)
        np.add.at(row, places, 1.0 / inclusion)
    error = np.abs(sums.mean(axis=0) - 1.0)
    spread = sums.std(axis=0) / math.sqrt(draws)
    assert np.all(error < 4.5 * spread + 1e-9)
    assert np.all(4.5 * spread < 0.5)  # dividing by p instead of m p would show


def test_exact_inclusion_is_m_p_capped_with_the_rest_scaled_up():
    rng = np.random.default_rng(0)
    seen = {}
    for _ in range(200):
        places, inclusion = exact(P, 3, rng)
        seen.update(zip(places.tolist(), inclusion.tolist(), strict=True))
    expected = np.array([1.0, *(2 * P[1:] / 0.5)])
    np.testing.assert_allclose([seen[i] for i in range(5)], expected, rtol=1e-12)


@pytest.mark.parametrize("sampler", [exact, gumbel])
def test_what_underflowed_is_drawn_only_where_too_few_others_are_left(sampler):
    p, rng = np.array([0.5, 0.0, 0.5, 0.0]), np.random.default_rng(0)
    assert all(set(sampler(p, 2, rng)[0].tolist()) == {0, 2} for _ in range(50))
    places, inclusion = sampler(p, 3, rng)
    assert {0, 2} < set(places.tolist())
    assert np.all(np.isfinite(inclusion) & (inclusion > 0.0))
    assert set(sampler(p, 4, rng)[0].tolist()) == {0, 1, 2, 3}


def test_the_nucleus_states_no_inclusion_and_checks_its_mass():
    assert Nucleus(0.9)(P, 2, np.random.default_rng(0))[1] is None
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
            Nucleus(bad)


def test_the_nucleus_fills_up_from_outside_it_by_chance():
    # One item holds more than the mass: the nucleus is empty, and all draws are uniform.
    p, rng = np.array([0.96, 0.01, 0.01, 0.01, 0.01]), np.random.default_rng(0)
    counts = np.zeros(5)
    for _ in range(3000):
        counts[Nucleus(0.9)(p, 1, rng)[0]] += 1
    assert np.all(np.abs(counts - 600) < 4.5 * math.sqrt(3000 * 0.2 * 0.8))
