"""Exp3.M: the published truncation and update by hand."""

import numpy as np
import pytest

from curriculum_bandits.bandits import Exp3M


def by_hand(weights, plays, mixing):
    """Truncation as published: find alpha with alpha / (sum of w' ) = (1/m - gamma/K) / (1 - gamma)."""
    arms = len(weights)
    share = (1 / plays - mixing / arms) / (1 - mixing)
    cut = np.zeros(arms, dtype=bool)
    w = weights.copy()
    if np.max(weights) >= share * np.sum(weights):
        order = np.argsort(-weights)
        for count in range(1, arms):
            rest = np.sum(weights[order[count:]])
            alpha = share * rest / (1 - count * share)
            if weights[order[count - 1]] >= alpha > weights[order[count]]:
                w[order[:count]] = alpha
                cut[order[:count]] = True
                break
    return plays * ((1 - mixing) * w / np.sum(w) + mixing / arms), cut


def test_truncation_and_update_are_those_of_the_paper():
    bandit, rng = Exp3M(5, 2, mixing=0.2), np.random.default_rng(0)
    weights = np.ones(5)
    ever_cut = False
    for t in range(400):
        expected, cut = by_hand(weights, 2, 0.2)
        ever_cut |= bool(np.any(cut))
        selection = bandit.select(2, rng)
        np.testing.assert_allclose(2 * bandit.probabilities(), expected, rtol=1e-8)
        np.testing.assert_allclose(selection.inclusion, expected[selection.arms], rtol=1e-8)
        values = np.array([1.0, 0.9, 0.1, 0.1, 0.0] if t < 250 else [0.0, 0.1, 0.9, 0.9, 0.0])[selection.arms]
        bandit.update(selection, values)
        for arm, value, q in zip(selection.arms, values, selection.inclusion, strict=True):
            if not cut[arm]:
                weights[arm] *= np.exp(2 * 0.2 / 5 * value / q)
        weights /= np.max(weights)
    assert ever_cut


def test_no_arm_is_played_twice_nor_more_often_than_once():
    bandit, rng = Exp3M(4, 3, mixing=0.05, runs=50), np.random.default_rng(1)
    for _ in range(60):
        selection = bandit.select(3, rng)
        assert np.all(np.diff(np.sort(selection.arms, axis=-1), axis=-1) > 0)
        assert np.all(selection.inclusion <= 1.0 + 1e-9)
        bandit.update(selection, (selection.arms < 3).astype(float))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"plays": 3}, "plays is 3"), ({"plays": 0}, "plays is 0"), ({"mixing": 0.0}, "mixing is 0.0")],
)
def test_a_setting_out_of_range_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Exp3M(**{"n_arms": 3, "plays": 2, "mixing": 0.1, **settings})
