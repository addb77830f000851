"""The scale-free step against its formula, worked out by hand."""

import math

import numpy as np
import pytest

from curriculum_bandits.bandits import ScaleFree

P = np.array([0.5, 0.25, 0.25])


def stepped(rule, estimate, p, divergence, spent, largest):
    energy, peak = np.sum(p * estimate**2, axis=-1), np.max(np.abs(estimate), axis=-1)
    return rule.step(energy, peak, divergence, spent, largest)


def test_the_first_step_by_hand():
    # V = 0.25 * 4^2 = 4, so sqrt(D / V) = 0.5 with D = 1; the largest estimate allows 1/4.
    eta, spent, largest = stepped(ScaleFree(), np.array([0.0, 4.0, 0.0]), P, 1.0, np.array(0.0), np.array(0.0))
    assert (float(eta), float(spent), float(largest)) == (0.25, 4.0, 4.0)


def test_the_balance_takes_over_when_much_was_spent():
    eta, spent, largest = stepped(
        ScaleFree(scale=3.0), np.array([1.0, 0.0, 0.0]), P, 2.0, np.array(31.5), np.array(0.5)
    )
    assert float(spent) == 32.0
    assert float(largest) == 1.0
    assert float(eta) == pytest.approx(3.0 * math.sqrt(2.0 / 32.0))


def test_memory_forgets_geometrically():
    eta, spent, largest = stepped(ScaleFree(memory=4), np.array([0.0, 0.0, -2.0]), P, 1.0, np.array(8.0), np.array(8.0))
    assert ScaleFree(memory=4).retention == 0.75
    assert (float(spent), float(largest)) == (0.75 * 8.0 + 0.25 * 4.0, 6.0)
    assert float(eta) == pytest.approx(min(math.sqrt(1 / 7), 1 / 6))


def test_without_memory_only_the_last_round_counts():
    _, spent, largest = stepped(ScaleFree(memory=1), np.array([1.0, 0.0, 0.0]), P, 1.0, np.array(9.0), np.array(9.0))
    assert (float(spent), float(largest)) == (0.5, 1.0)


def test_endless_memory_keeps_everything():
    assert ScaleFree().retention == 1.0


def test_no_exponent_exceeds_the_scale():
    rng, spent, largest = np.random.default_rng(0), np.array(0.0), np.array(0.0)
    for _ in range(100):
        estimate = rng.standard_cauchy(3)
        eta, spent, largest = stepped(ScaleFree(scale=0.7, memory=10), estimate, P, 5.0, spent, largest)
        assert np.max(np.abs(eta * estimate)) <= 0.7 * (1 + 1e-12)


def test_the_step_is_zero_while_every_estimate_was_zero():
    eta, spent, largest = stepped(ScaleFree(), np.zeros(3), P, 1.0, np.array(0.0), np.array(0.0))
    assert (float(eta), float(spent), float(largest)) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("factor", [1e-8, 1e8])
def test_the_move_does_not_depend_on_the_unit_of_the_estimates(factor):
    rng = np.random.default_rng(1)
    one, other = (np.array(0.0), np.array(0.0)), (np.array(0.0), np.array(0.0))
    for estimate in rng.normal(size=(20, 3)):
        eta, *one = stepped(ScaleFree(memory=5), estimate, P, 1.0, *one)
        eta_scaled, *other = stepped(ScaleFree(memory=5), factor * estimate, P, 1.0, *other)
        assert eta_scaled * factor == pytest.approx(eta, rel=1e-12)


def test_runs_have_steps_of_their_own():
    estimates, p = np.array([[0.0, 4.0, 0.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]), np.tile(P, (3, 1))
    eta, spent, largest = stepped(ScaleFree(), estimates, p, 1.0, np.zeros(3), np.zeros(3))
    alone = [stepped(ScaleFree(), e, P, 1.0, np.array(0.0), np.array(0.0)) for e in estimates]
    np.testing.assert_array_equal(np.stack([eta, spent, largest], axis=1), alone)


@pytest.mark.parametrize("scale", [0.0, -1.0, math.inf, math.nan])
def test_a_scale_that_cannot_work_is_refused(scale):
    with pytest.raises(ValueError, match=f"scale is {scale}"):
        ScaleFree(scale=scale)


@pytest.mark.parametrize("memory", [0, 0.5, -3, math.nan])
def test_a_memory_that_cannot_work_is_refused(memory):
    with pytest.raises(ValueError, match=f"memory is {memory}"):
        ScaleFree(memory=memory)
