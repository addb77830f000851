"""The tracker against the functions of whole tables, and its state."""

import numpy as np
import pytest

from curriculum_bandits import checkpoint
from curriculum_bandits.regret import (
    RegretTracker,
    dynamic_regret,
    earned_by_batches,
    earned_by_distribution,
    external_regret,
    normalised_score,
    switching_regret,
    variation_budget,
)

SETTINGS = [
    {"switches": 2},
    {"runs": 3, "switches": 0},
    {"runs": 3, "plays": 2},
    {"plays": 3, "capacity": [1, 2, 1, 3, 1]},
]


def played(settings, seed=0, rounds=12):
    rng = np.random.default_rng(seed)
    leading = () if "runs" not in settings else (settings["runs"],)
    means = rng.normal(size=(*leading, rounds, 5))
    return means, rng.integers(0, 5, (*leading, rounds, settings.get("plays", 1)))


@pytest.mark.parametrize("settings", SETTINGS)
def test_it_agrees_with_whole_tables_after_every_round(settings):
    means, arms = played(settings)
    options = {name: settings[name] for name in ("plays", "capacity") if name in settings}
    earned = earned_by_batches(means, arms)
    tracker = RegretTracker(5, **settings)
    for t in range(means.shape[-2]):
        tracker.update(means[..., t, :], arms[..., t, :])
        np.testing.assert_allclose(tracker.external, external_regret(means, earned, **options)[..., t], atol=1e-12)
        np.testing.assert_allclose(tracker.dynamic, dynamic_regret(means, earned, **options)[..., t], atol=1e-12)
        np.testing.assert_allclose(tracker.variation, variation_budget(means[..., : t + 1, :]), atol=1e-12)
        score = normalised_score(means[..., : t + 1, :], earned[..., : t + 1], **options)
        np.testing.assert_allclose(tracker.score, score, atol=1e-9)
        if "switches" in settings:
            curve = switching_regret(means, earned, settings["switches"]).curve
            np.testing.assert_allclose(tracker.switching, curve[..., t], atol=1e-12)
    np.testing.assert_allclose(tracker.earned, np.sum(earned, axis=-1), atol=1e-12)
    assert tracker.rounds == 12


def test_expected_earnings_come_from_the_distribution():
    rng = np.random.default_rng(1)
    means, p = rng.random((8, 4)), rng.dirichlet(np.ones(4), size=(2, 8))
    tracker = RegretTracker(4, runs=2, plays=3)
    for t in range(8):
        tracker.update_expected(means[t], p[:, t])  # one row of means serves both runs
    earned = earned_by_distribution(means, p, plays=3)
    np.testing.assert_allclose(tracker.dynamic, dynamic_regret(means, earned, plays=3)[:, -1], atol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS)
def test_saved_state_continues_bit_for_bit(settings, tmp_path):
    means, arms = played(settings)
    whole, first, second = (RegretTracker(5, **settings) for _ in range(3))
    for t in range(12):
        whole.update(means[..., t, :], arms[..., t, :])
        (first if t < 5 else second).update(means[..., t, :], arms[..., t, :])
        if t == 4:
            checkpoint.save_state(tmp_path / "tracker", first.state_dict())
            second.load_state_dict(checkpoint.load_state(tmp_path / "tracker"))
    for name, value in whole.state_dict().items():
        assert np.array_equal(value, second.state_dict()[name]), name
    assert np.array_equal(whole.external, second.external)
    assert first.rounds == 5  # what was saved and what continues share nothing


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda tracker: tracker.update([1.0, 2.0], [0]), r"means have shape \(2,\); they must be \(3,\)"),
        (lambda tracker: tracker.update([1.0, 2.0, np.nan], [0]), "means holds nan"),
        (lambda tracker: tracker.update([1.0, 2.0, 3.0], [3]), "arm 3 does not exist"),
        (lambda tracker: tracker.update([1.0, 2.0, 3.0], [0, 1]), r"arms have shape \(2,\); they must be \(1,\)"),
        (lambda tracker: tracker.update_expected([1.0, 2.0, 3.0], [0.5, 0.5]), r"shape \(2,\); it must be \(3,\)"),
        (lambda tracker: tracker.update_expected([1.0, 2.0, 3.0], [0.5, 0.5, 0.5]), "does not sum to 1"),
        (lambda tracker: tracker.load_state_dict({"kind": "osmd"}), "'osmd', not to a 'regret_tracker'"),
        (
            lambda tracker: tracker.load_state_dict(RegretTracker(4).state_dict()),
            r"totals of regret_tracker has shape \(4,\)",
        ),
        (lambda tracker: tracker.switching, "make it with switches=S"),
    ],
)
def test_errors_leave_the_state_as_it_was(call, message):
    tracker = RegretTracker(3)
    tracker.update([0.1, 0.2, 0.3], [1])
    before = tracker.state_dict()
    with pytest.raises(ValueError, match=message):
        call(tracker)
    for name, value in before.items():
        assert np.array_equal(value, tracker.state_dict()[name])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_arms": 0}, "n_arms is 0"),
        ({"n_arms": 2, "runs": 0}, "runs is 0"),
        ({"n_arms": 2, "plays": 3}, "plays is 3, but all arms together can be played 2"),
        ({"n_arms": 3, "plays": 2, "switches": 1}, "one play a round"),
        ({"n_arms": 3, "switches": -1}, "switches is -1"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        RegretTracker(**settings)
