"""Indices and weights of a success rate against their closed forms and against counting outcomes one by one."""

import itertools

import numpy as np
import pytest

from curriculum_bandits.bandits.curriculum.pass_rates import (
    DistanceToTarget,
    ProbabilityInformative,
    ProximalWeight,
    UncertaintyWeight,
    Variance,
)

RATES = np.linspace(0.0, 1.0, 11)


@pytest.mark.parametrize("n", [2, 3, 5, 8])
def test_informative_is_the_chance_that_outcomes_differ(n):
    outcomes = [each for each in itertools.product([0, 1], repeat=n) if 0 < sum(each) < n]
    chance = [sum(p ** sum(each) * (1 - p) ** (n - sum(each)) for each in outcomes) for p in RATES]
    np.testing.assert_allclose(ProbabilityInformative(n)(RATES), chance, atol=1e-12)


@pytest.mark.parametrize(
    "acquisition",
    [DistanceToTarget(0.5), Variance(), ProbabilityInformative(8), UncertaintyWeight(), ProximalWeight(20.0)],
    ids=repr,
)
def test_one_half_is_highest_and_both_sides_alike(acquisition):
    values = acquisition(RATES)
    np.testing.assert_allclose(values, values[::-1], atol=1e-12)
    assert np.all(np.diff(values[:6]) > 0)


def test_closed_forms():
    np.testing.assert_allclose(DistanceToTarget(0.3)(RATES), -((RATES - 0.3) ** 2))
    np.testing.assert_allclose(Variance()(RATES), RATES - RATES**2)
    np.testing.assert_allclose(np.exp(UncertaintyWeight(0.05)(RATES)), np.sqrt(RATES * (1 - RATES)) + 0.05)
    np.testing.assert_allclose(np.exp(ProximalWeight(3.0, 0.8)(RATES)), np.exp(3 * RATES * (0.8 - RATES)))
    assert RATES[np.argmax(ProximalWeight(3.0, 0.8)(RATES))] == pytest.approx(0.4)


def test_a_sharp_weight_does_not_overflow():
    assert np.all(np.isfinite(ProximalWeight(1e6)(RATES)))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: DistanceToTarget(1.5), "target is 1.5"),
        (lambda: ProbabilityInformative(1), "n_rollouts is 1"),
        (lambda: UncertaintyWeight(0.0), "least is 0"),
        (lambda: ProximalWeight(-1.0), "sharpness is -1"),
        (lambda: ProximalWeight(1.0, 0.0), "best is 0"),
    ],
)
def test_settings_out_of_range_are_named(make, named):
    with pytest.raises(ValueError, match=named):
        make()
