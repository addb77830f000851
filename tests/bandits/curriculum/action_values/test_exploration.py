"""Values into distributions: each by hand."""

import math

import numpy as np
import pytest

from curriculum_bandits.bandits.curriculum.action_values import Boltzmann, Greedy, UpperConfidence

NONE = np.zeros(3)


def distribution(rule, values, rollouts=NONE):
    weights = np.exp(rule.log_weights(np.array(values, dtype=float), np.array(rollouts, dtype=float)))
    return weights / weights.sum()


def test_boltzmann_by_hand():
    p = distribution(Boltzmann(0.4), [0.0, 0.4, -0.8])
    np.testing.assert_allclose(p, np.array([1, math.e, math.exp(-2)]) / (1 + math.e + math.exp(-2)), rtol=1e-12)


def test_the_greedy_rule_shares_among_equals():
    np.testing.assert_allclose(distribution(Greedy(0.3), [0.0, 2.0, 1.0]), [0.1, 0.8, 0.1], rtol=1e-12)
    np.testing.assert_allclose(distribution(Greedy(0.3), [2.0, 2.0, 1.0]), [0.45, 0.45, 0.1], rtol=1e-12)
    np.testing.assert_allclose(distribution(Greedy(1.0), [2.0, 2.0, 1.0]), [1 / 3] * 3, rtol=1e-12)


def test_the_upper_bound_by_hand():
    p = distribution(UpperConfidence(0.1), [0.5, 0.6, 0.0], [16, 32, 8])
    total = 16 + 32 + 8
    u = [q + math.sqrt(2 * math.log(total + 1) / (n + 1)) for q, n in ((0.5, 16), (0.6, 32), (0.0, 8))]
    weights = np.exp(np.array(u) / 0.1)
    np.testing.assert_allclose(p, weights / weights.sum(), rtol=1e-12)


def test_before_any_rollout_the_upper_bound_is_the_value():
    np.testing.assert_array_equal(UpperConfidence(0.1).log_weights(np.array([0.5, 0.1]), np.zeros(2)), [5.0, 1.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Boltzmann(0.0), "temperature is 0.0"),
        (lambda: Boltzmann(math.inf), "temperature is inf"),
        (lambda: UpperConfidence(-1.0), "temperature is -1.0"),
        (lambda: Greedy(0.0), "epsilon is 0.0"),
        (lambda: Greedy(1.1), "epsilon is 1.1"),
    ],
)
def test_a_setting_out_of_range_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
