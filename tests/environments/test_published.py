"""The published instances have the published change points, variation, and regret of uniform play."""

import numpy as np
import pytest

from curriculum_bandits.environments import (
    INSTANCES,
    Bernoulli,
    besbes_sinusoid,
    besson_1,
    besson_2,
    garivier_moulines,
    liu_lee_shroff,
)


def uniform_regret(environment):
    """Dynamic pseudo-regret of playing every arm equally often."""
    return np.sum(np.max(environment.means, axis=1) - np.mean(environment.means, axis=1))


def variation(environment):
    return np.sum(np.max(np.abs(np.diff(environment.means, axis=0)), axis=1))


def test_besson_1_uniform_regret_is_the_published_1500():
    environment = besson_1()
    assert environment.means.shape == (5000, 3)
    assert uniform_regret(environment) == pytest.approx(1500.0, abs=1e-9)
    assert environment.change_points.tolist() == [1000, 2000, 3000, 4000]
    jumps = np.abs(np.diff(environment.means, axis=0))[environment.change_points - 1]
    assert np.all(np.sum(jumps > 0, axis=1) == 1)  # one arm at a time
    assert variation(environment) == pytest.approx(0.3 + 0.8 + 0.4 + 0.3)


def test_besson_2_changes_all_arms_at_once():
    environment = besson_2()
    jumps = np.abs(np.diff(environment.means, axis=0))[environment.change_points - 1]
    assert environment.change_points.tolist() == [1000, 2000, 3000, 4000]
    assert np.all(jumps > 0)
    assert variation(environment) == pytest.approx(0.2 + 0.2 + 0.2 + 0.2)


def test_garivier_moulines_counts_rounds_from_one():
    environment = garivier_moulines()
    third = environment.means[:, 2]
    assert environment.horizon == 10_000
    t = np.arange(1, 10_001)
    np.testing.assert_array_equal(third, np.where((t >= 3000) & (t < 5000), 0.9, 0.4))
    assert np.all(environment.means[:, :2] == [0.5, 0.3])
    assert uniform_regret(environment) == pytest.approx(8000 * 0.1 + 2000 * (0.9 - 1.7 / 3))


def test_besbes_sinusoid_is_the_papers_formula():
    environment = besbes_sinusoid(horizon=2000)
    wave = 0.3 * np.sin(5 * 3 * np.pi * np.arange(1, 2001) / (3 * 2000))
    np.testing.assert_allclose(environment.means, np.column_stack([0.5 + wave, 0.5 - wave]), atol=1e-12)
    assert variation(environment) == pytest.approx(3.0, abs=0.01)


def test_liu_lee_shroff_flips_twice():
    environment = liu_lee_shroff(horizon=3000, gap=0.3)
    assert environment.change_points.tolist() == [1000, 2000]
    assert variation(environment) == pytest.approx(2 * 0.6)


@pytest.mark.parametrize("name", INSTANCES)
def test_every_name_makes_a_bernoulli_instance(name):
    environment = INSTANCES[name]()
    assert environment.noise == Bernoulli()
    assert environment.horizon >= 5000
    assert len({INSTANCES[each]().name for each in INSTANCES}) == len(INSTANCES)
