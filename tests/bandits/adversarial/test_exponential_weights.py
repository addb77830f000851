"""Exponential weights with mixing: the published updates by hand, sharing, restarts, and finiteness."""

import numpy as np
import pytest

from curriculum_bandits.bandits import ExponentialWeights, GravesExp3S, Selection


def test_the_update_of_exp3_by_hand():
    bandit = ExponentialWeights(3, step=0.2, mixing=0.3)
    bandit.update(Selection([1], [1 / 3], [1 / 3]), [0.6])
    weights = np.exp([0.0, 0.2 * 0.6 * 3, 0.0])
    np.testing.assert_allclose(bandit.probabilities(), 0.7 * weights / weights.sum() + 0.1, rtol=1e-12)


def test_the_bonus_goes_to_every_arm_divided_by_its_probability():
    bandit = ExponentialWeights(2, step=0.5, mixing=0.2, bonus=0.1)
    bandit.update(Selection([0], [0.5], [0.5]), [1.0])
    before = bandit.probabilities()
    bandit.update(Selection([1], [before[1]], [before[1]]), [0.4])
    logits = 0.5 * np.array([1.1 / 0.5, 0.1 / 0.5]) + 0.5 * np.array([0.1 / before[0], 0.5 / before[1]])
    weights = np.exp(logits)
    np.testing.assert_allclose(bandit.probabilities(), 0.8 * weights / weights.sum() + 0.1, rtol=1e-12)


def test_auer_shares_from_the_weights_before_the_update():
    bandit = ExponentialWeights(2, step=0.5, mixing=0.1, sharing=0.2, sharing_form="auer")
    w = np.ones(2)
    for arm, value in ((0, 1.0), (1, 0.5), (0, 0.25)):
        p = 0.9 * w / w.sum() + 0.05
        np.testing.assert_allclose(bandit.probabilities(), p, rtol=1e-12)
        bandit.update(Selection([arm], [p[arm]], [p[arm]]), [value])
        gain = np.zeros(2)
        gain[arm] = value / p[arm]
        w = w * np.exp(0.5 * gain) + np.e * 0.2 / 2 * w.sum()


def test_graves_shares_among_the_others_after_the_update():
    bandit = ExponentialWeights(3, step=0.5, mixing=0.0, sharing=0.3, sharing_form="others")
    bandit.update(Selection([0], [0.5], [0.5]), [1.0])
    new = np.exp([1.0, 0.0, 0.0])
    mixed = 0.7 * new + 0.3 / 2 * (new.sum() - new)
    np.testing.assert_allclose(bandit.probabilities(), mixed / mixed.sum(), rtol=1e-12)


def test_without_sharing_both_forms_are_exp3():
    forms = [ExponentialWeights(3, step=0.3, mixing=0.1, sharing_form=form) for form in ("auer", "others")]
    for bandit in forms:
        bandit.update(Selection([2], [0.25], [0.25]), [0.7])
    np.testing.assert_array_equal(forms[0].probabilities(), forms[1].probabilities())


def test_a_restart_forgets():
    bandit = ExponentialWeights(2, step=0.5, mixing=0.1, restart_every=2)
    bandit.update(Selection([0], [0.5], [0.5]), [1.0])
    assert bandit.probabilities()[0] > 0.5
    bandit.update(Selection([0], [0.5], [0.5]), [1.0])
    np.testing.assert_array_equal(bandit.probabilities(), [0.5, 0.5])


def test_utilities_of_another_range_are_scaled():
    unit = ExponentialWeights(2, step=0.5, mixing=0.1)
    wide = ExponentialWeights(2, step=0.5, mixing=0.1, utility_range=(-10.0, 10.0))
    unit.update(Selection([0], [0.5], [0.5]), [0.75])
    wide.update(Selection([0], [0.5], [0.5]), [5.0])
    np.testing.assert_allclose(unit.probabilities(), wide.probabilities(), rtol=1e-12)


@pytest.mark.parametrize("form", ["auer", "others"])
def test_weights_stay_finite_for_ever(form):
    bandit = ExponentialWeights(3, step=500.0, mixing=0.01, sharing=1e-3, sharing_form=form)
    for _ in range(3000):
        bandit.update(Selection([1], [0.01], [0.01]), [1.0])
    p = bandit.probabilities()
    assert np.all(np.isfinite(p))
    assert p[1] == np.max(p)


def test_a_shared_weight_can_come_back():
    bandit = ExponentialWeights(2, step=0.1, mixing=0.05, sharing=0.01)
    for arm in (0, 1):
        for _ in range(200):
            probability = bandit.probabilities()[[arm]]
            bandit.update(Selection([arm], probability, probability), [1.0])
        assert bandit.probabilities()[arm] > 0.8


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_arms": 1}, "n_arms is 1"),
        ({"mixing": 1.5}, "mixing is 1.5"),
        ({"sharing": -0.1}, "sharing is -0.1"),
        ({"bonus": -1.0}, "bonus is -1.0"),
        ({"step": float("inf")}, "step is inf"),
        ({"sharing_form": "all"}, "sharing_form='all'"),
        ({"sharing": 0.7, "sharing_form": "others"}, "sharing is 0.7"),
        ({"restart_every": 0}, "restart_every is 0"),
        ({"utility_range": (1.0, 1.0)}, "utility_range"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ExponentialWeights(**{"n_arms": 3, "step": 0.1, "mixing": 0.1, **settings})


def test_graves_maps_utilities_by_the_percentiles_of_their_history():
    bandit = GravesExp3S(2, step=0.1, mixing=0.0, sharing=0.0)
    values = [3.0, 8.0, 5.0, 1.0, 7.0]
    logits = np.zeros(2)
    for number, value in enumerate(values, start=1):
        low, high = np.percentile(values[:number], [20, 80])
        scaled = 0.0 if high == low else np.clip(2 * (value - low) / (high - low) - 1, -1, 1)
        logits[number % 2] += 0.1 * scaled / 0.5
        bandit.update(Selection([number % 2], [0.5], [0.5]), [value])
    np.testing.assert_allclose(bandit.probabilities(), np.exp(logits) / np.exp(logits).sum(), rtol=1e-12)


def test_graves_does_not_care_about_the_unit():
    small, large = GravesExp3S(3, step=0.1), GravesExp3S(3, step=0.1)
    rng = np.random.default_rng(0)
    for _ in range(50):
        arm, value = int(rng.integers(3)), rng.normal()
        small.update(Selection([arm], [0.3], [0.3]), [1e-4 * value])
        large.update(Selection([arm], [0.3], [0.3]), [1e4 * value + 7.0])
    np.testing.assert_allclose(small.probabilities(), large.probabilities(), rtol=1e-6)


def test_graves_hears_the_rare_arm_that_differs_from_all_others():
    bandit = GravesExp3S(3, step=0.1, mixing=0.0, sharing=0.0)
    for _ in range(10):
        bandit.update(Selection([0], [0.5], [0.5]), [2.0])
    np.testing.assert_allclose(bandit.probabilities(), 1 / 3, rtol=1e-12)
    bandit.update(Selection([1], [0.5], [0.5]), [2.5])
    bandit.update(Selection([2], [0.5], [0.5]), [1.0])
    weights = np.exp([0.0, 0.1 / 0.5, -0.1 / 0.5])
    np.testing.assert_allclose(bandit.probabilities(), weights / weights.sum(), rtol=1e-12)


def test_graves_history_forgets_beyond_its_length():
    short = GravesExp3S(2, step=0.1, sharing=0.0, history=2)
    for value in (1e6, 0.0, 1.0):
        short.update(Selection([0], [0.5], [0.5]), [value])
    assert short.state_dict()["seen"].tolist() == [0.0, 1.0]


# Many plays a round


def test_many_plays_a_round_need_a_capacity():
    rng = np.random.default_rng(0)
    for bandit in (ExponentialWeights(3, step=0.1, mixing=0.1), GravesExp3S(3)):
        with pytest.raises(ValueError, match="2 plays are asked for; this rule plays 1 a round, give it a capacity"):
            bandit.select(2, rng)
    for bandit in (ExponentialWeights(3, step=0.1, mixing=0.1, capacity=[1, 2, 3]), GravesExp3S(3, capacity=[1, 2, 3])):
        with pytest.raises(ValueError, match="7 plays are asked for but all arms together can be played 6"):
            bandit.select(7, rng)


def test_one_play_is_the_same_with_a_capacity():
    single, many = (GravesExp3S(3, step=0.1, capacity=capacity) for capacity in (None, [1, 2, 3]))
    rngs = [np.random.default_rng(4), np.random.default_rng(4)]
    for _ in range(30):
        selections = [bandit.select(1, rng) for bandit, rng in zip((single, many), rngs, strict=True)]
        for bandit, selection in zip((single, many), selections, strict=True):
            bandit.update(selection, selection.arms * 0.3)
    np.testing.assert_array_equal(single.probabilities(), many.probabilities())
    np.testing.assert_array_equal(selections[0].inclusion, selections[1].inclusion)


def test_without_sharing_a_round_of_many_plays_is_exp3_on_estimates_divided_by_expected_plays():
    bandit, rng = ExponentialWeights(3, step=0.2, mixing=0.3, capacity=9), np.random.default_rng(0)
    selection = bandit.select(6, rng)
    np.testing.assert_allclose(selection.probability, 1 / 3)
    np.testing.assert_allclose(selection.inclusion, 2.0)
    assert np.bincount(selection.arms).tolist() == [2, 2, 2]
    bandit.update(selection, np.array([0.9, 0.5, 0.1])[selection.arms])
    weights = np.exp(0.2 * 2 * np.array([0.9, 0.5, 0.1]) / 2)
    np.testing.assert_allclose(bandit.probabilities(), 0.7 * weights / weights.sum() + 0.1, rtol=1e-12)


def test_the_bonus_is_divided_by_expected_plays_too():
    bandit, rng = ExponentialWeights(2, step=0.5, mixing=0.2, bonus=0.1, capacity=[1, 9]), np.random.default_rng(0)
    selection = bandit.select(4, rng)
    np.testing.assert_allclose(np.sort(selection.inclusion), [1.0, 3.0, 3.0, 3.0])
    bandit.update(selection, np.zeros(4))
    weights = np.exp(0.5 * np.array([0.1 / 1.0, 0.1 / 3.0]))
    expected = 0.8 * weights / weights.sum() + 0.1
    bandit.select(1, rng)
    np.testing.assert_allclose(bandit.probabilities(), expected, rtol=1e-12)


def test_a_batch_bounds_what_an_arm_can_take_and_the_next_one_frees_it():
    bandit, rng = GravesExp3S(3, step=2.0, capacity=[3, 9, 9], mixing=0.06), np.random.default_rng(0)
    for value in (0.0, 1.0, 1.0, 1.0):
        bandit.update(Selection([int(value == 0.0)], [0.3], [0.3]), [value])
    alone = bandit.probabilities()
    assert alone[0] > 0.9
    selection = bandit.select(8, rng)
    assert np.bincount(selection.arms, minlength=3)[0] == 3
    p = bandit.probabilities()
    np.testing.assert_allclose(p, [3 / 8, *(5 / 8 * alone[1:] / alone[1:].sum())], rtol=1e-9)
    np.testing.assert_allclose(selection.inclusion, 8 * p[selection.arms], rtol=1e-12)
    bandit.select(1, rng)
    np.testing.assert_allclose(bandit.probabilities(), alone, rtol=1e-12)


def test_a_state_of_more_plays_than_there_is_room_for_is_refused():
    wide, narrow = GravesExp3S(3, capacity=9), GravesExp3S(3, capacity=[1, 2, 3])
    wide.select(8, np.random.default_rng(0))
    for other in (narrow, GravesExp3S(3)):
        with pytest.raises(ValueError, match=r"8 (plays|arms)"):
            other.load_state_dict(wide.state_dict())
        assert other.state_dict()["weights"]["plays"] == 1


def test_weights_and_histories_that_no_answers_lead_to_are_refused():
    bandit, graves = ExponentialWeights(2, step=0.1, mixing=0.1), GravesExp3S(2, history=3)
    with pytest.raises(ValueError, match="a largest that is not 0"):
        bandit.load_state_dict({**bandit.state_dict(), "log_weights": np.full(2, -9e9)})
    with pytest.raises(ValueError, match="history has 4 utilities, this one 3"):
        graves.load_state_dict({**graves.state_dict(), "seen": np.zeros(4)})
