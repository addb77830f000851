"""Each regulariser's dual is the derivative of its value, its primal the inverse, its slope the derivative of that."""

import numpy as np
import pytest

from curriculum_bandits.bandits import LogBarrier, NegativeEntropy, Tsallis

EACH = [NegativeEntropy(), Tsallis(0.1), Tsallis(0.5), Tsallis(0.9), LogBarrier()]
P = np.array([1e-6, 0.01, 0.2, 0.5, 0.99])


@pytest.mark.parametrize("regularizer", EACH, ids=repr)
def test_primal_inverts_dual(regularizer):
    np.testing.assert_allclose(regularizer.primal(regularizer.dual(P)), P, rtol=1e-9)


@pytest.mark.parametrize("regularizer", EACH, ids=repr)
def test_dual_is_the_derivative_of_the_value_up_to_a_constant(regularizer):
    # A constant is common to all arms and changes no projection; entropy leaves its 1 out.
    h = 1e-6
    p = np.array([0.1, 0.2, 0.3, 0.4])
    slopes = [
        (regularizer.value(p + h * np.eye(4)[i]) - regularizer.value(p - h * np.eye(4)[i])) / (2 * h) for i in range(4)
    ]
    difference = np.array(slopes) - regularizer.dual(p)
    np.testing.assert_allclose(difference, difference[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("regularizer", EACH, ids=repr)
def test_slope_is_the_derivative_of_the_way_back(regularizer):
    p = np.array([0.05, 0.3, 0.7])
    y, h = regularizer.dual(p), 1e-6
    numeric = (regularizer.primal(y + h) - regularizer.primal(y - h)) / (2 * h)
    np.testing.assert_allclose(regularizer.slope(p), numeric, rtol=1e-4)


@pytest.mark.parametrize(
    ("regularizer", "supremum"), [(Tsallis(0.1), 1.0 / 0.9), (Tsallis(0.5), 2.0), (LogBarrier(), 0.0)], ids=repr
)
def test_beyond_the_supremum_of_its_dual_the_probability_is_infinite(regularizer, supremum):
    assert np.all(np.isposinf(regularizer.primal(np.array([supremum, supremum + 1.0]))))
    assert regularizer.dual(np.array(1e12)) <= supremum


def test_a_power_near_one_acts_like_entropy_and_near_zero_like_the_log_barrier():
    p = np.array([0.2, 0.7])
    np.testing.assert_allclose(np.diff(Tsallis(1 - 1e-7).dual(p)), np.diff(NegativeEntropy().dual(p)), rtol=1e-5)
    np.testing.assert_allclose(np.diff(Tsallis(1e-7).dual(p)), np.diff(LogBarrier().dual(p)), rtol=1e-5)


@pytest.mark.parametrize("power", [0.0, 1.0, -0.5, 1.5, float("nan")])
def test_a_power_outside_its_range_is_refused(power):
    with pytest.raises(ValueError, match=f"power is {power}"):
        Tsallis(power)
