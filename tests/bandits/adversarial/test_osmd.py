"""Mirror descent against a brute-force maximiser, its closed forms, its bound, and the faults other libraries have."""

import itertools
import json

import numpy as np
import pytest
from scipy.optimize import minimize

from curriculum_bandits.bandits import LogBarrier, Osmd, ScaleFree, Selection, Tsallis


def plain(n_arms, step=1.0, **changes):
    """Constant step, no floor, no centring: the bare map p exp(eta u) / Z."""
    return Osmd(n_arms, **{"floor": 0.0, "step": step, "center": False, **changes})


def played(bandit, rounds, rng, size=1, utility=lambda arms: arms.astype(float)):
    for _ in range(rounds):
        selection = bandit.select(size, rng)
        bandit.update(selection, utility(selection.arms))
    return bandit


def estimates(arms, inclusion, values, n_arms):
    return np.array(
        [sum(v / q for a, q, v in zip(arms, inclusion, values, strict=True) if a == k) for k in range(n_arms)]
    )


# The step


def test_the_step_is_the_exponential_of_the_estimates():
    bandit = plain(4, step=0.7, replacement=True)
    p = np.array([0.25, 0.25, 0.25, 0.25])
    for arms, inclusion, values in [([2, 0, 2], [0.5, 0.3, 0.5], [0.4, -0.2, 0.9]), ([3], [0.1], [0.05])]:
        bandit.update(Selection(arms, inclusion, inclusion), values)
        p = p * np.exp(0.7 * estimates(arms, inclusion, values, 4))
        p = p / np.sum(p)
        np.testing.assert_allclose(bandit.probabilities(), p, rtol=1e-12)


def test_the_loss_form_uses_the_shortfall_from_the_upper_end():
    bandit = plain(3, step=0.5, utility_range=(-1.0, 2.0), replacement=True)
    bandit.update(Selection([0, 1, 1], None, [0.9, 0.4, 0.4]), [2.0, -1.0, 0.5])
    losses = np.array([0.0, 3.0 / 0.4 + 1.5 / 0.4, 0.0])
    expected = np.exp(-0.5 * losses) / np.sum(np.exp(-0.5 * losses))
    np.testing.assert_allclose(bandit.probabilities(), expected, rtol=1e-12)


def brute_force(eta, estimate, p, low, high):
    """argmax of eta <u, x> - KL(x || p) over the set, by a general solver."""
    result = minimize(
        lambda x: -eta * estimate @ x + np.sum(x * np.log(x / p)),
        p,
        jac=lambda x: -eta * estimate + np.log(x / p) + 1,
        bounds=[(max(lo, 1e-12), hi) for lo, hi in zip(low, high, strict=True)],
        constraints={"type": "eq", "fun": lambda x: np.sum(x) - 1, "jac": np.ones_like},
        method="SLSQP",
        options={"ftol": 1e-12, "maxiter": 1000},
    )
    assert result.success, result.message
    return result.x


@pytest.mark.parametrize("eta", [0.05, 1.0])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"floor": 0.4},
        {"plays": 3},
        {"plays": 3, "floor": 0.5},
        {"plays": 4, "capacity": [3, 2, 1, 1, 2], "floor": 0.2, "prior": [0.3, 0.2, 0.1, 0.1, 0.3]},
        {"plays": 3, "replacement": True, "floor": 0.1},
    ],
    ids=str,
)
def test_the_step_maximises_gain_less_divergence_over_the_set(settings, eta):
    bandit, rng = plain(5, step=eta, **settings), np.random.default_rng(0)
    prior = np.array(settings.get("prior", np.full(5, 0.2)))
    low = settings.get("floor", 0.0) * prior
    m = settings.get("plays", 1)
    capacity = np.broadcast_to(np.inf if settings.get("replacement") else settings.get("capacity", 1), 5)
    high = np.minimum(1.0, capacity / m)
    for _ in range(4):
        p = bandit.probabilities()
        selection = bandit.select(m, rng)
        np.testing.assert_allclose(selection.probability, p[selection.arms])
        np.testing.assert_allclose(selection.inclusion, m * p[selection.arms])
        values = rng.normal(size=m)
        bandit.update(selection, values)
        expected = brute_force(eta, estimates(selection.arms, selection.inclusion, values, 5), p, low, high)
        np.testing.assert_allclose(bandit.probabilities(), expected, atol=5e-5)


def test_floor_and_cap_may_bind_together():
    bandit = plain(4, plays=2, floor=0.4)
    bandit.update(Selection([0, 1], [0.5, 0.5], [0.5, 0.5]), [10.0, -10.0])
    np.testing.assert_allclose(bandit.probabilities(), [0.5, 0.1, 0.2, 0.2], rtol=1e-12)


def test_fixed_share_returns_to_the_prior():
    prior = np.array([0.5, 0.3, 0.2])
    moved, shared = plain(3, prior=prior), plain(3, prior=prior, share=0.1)
    for bandit in (moved, shared):
        bandit.update(Selection([1], [0.3], [0.3]), [0.7])
    np.testing.assert_allclose(shared.probabilities(), 0.9 * moved.probabilities() + 0.1 * prior, rtol=1e-12)


@pytest.mark.parametrize("runs", [None, 4])
@pytest.mark.parametrize(
    "settings",
    [
        {"step": 0.3, "utility_range": (0.0, 1.0), "floor": 0.0, "share": 0.01},
        {"step": 0.3, "utility_range": (0.0, 1.0), "floor": 0.2, "implicit_exploration": 0.1},
        {"step": ScaleFree(memory=10)},
        {"step": ScaleFree(), "center": False, "share": 0.1, "prior": [0.4, 0.3, 0.2, 0.1]},
        {"step": 40.0, "floor": 0.01},  # exponents beyond what the short way takes
    ],
)
def test_the_short_way_after_one_play_is_the_long_way(settings, runs, monkeypatch):
    short, long = Osmd(4, runs=runs, **settings), Osmd(4, runs=runs, **settings)
    monkeypatch.setattr(long, "_moved_by_one", lambda arms, terms: None)
    rng = np.random.default_rng(0)
    for _ in range(200):
        selection = short.select(1, rng)
        values = rng.random(selection.arms.shape) ** (1 + selection.arms)
        for bandit in (short, long):
            bandit.update(selection, values)
        np.testing.assert_allclose(short.probabilities(), long.probabilities(), rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(short.state_dict()["spent"], long.state_dict()["spent"], rtol=1e-6)


def test_an_arm_at_exactly_zero_can_come_back_the_short_way_too():
    bandit = Osmd(2, floor=0.0, step=0.1, utility_range=(0.0, 1.0))
    bandit.update(Selection([1], [1e-4], [1e-4]), [0.0])  # an exponent of -1000
    assert bandit.probabilities()[1] < 1e-200
    for _ in range(8000):
        bandit.update(Selection([0], [1.0], [1.0]), [0.0])
    assert bandit.probabilities()[1] > 0.99


def test_a_state_that_cannot_be_played_leaves_the_bandit_as_it_was():
    bandit = Osmd(3)
    before, state = bandit.state_dict(), {**Osmd(3, plays=2).state_dict(), "plays": 5}
    with pytest.raises(ValueError, match="5 plays"):
        bandit.load_state_dict(state)
    after = bandit.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_an_inclusion_too_small_to_divide_by_is_refused():
    with pytest.raises(ValueError, match="inclusion is 1e-320"):
        Osmd(3).update(Selection([0], [1e-320], [1e-320]), [1.0])


def test_an_arm_that_fell_to_nothing_can_come_back():
    bandit = plain(2)
    bandit.update(Selection([0], [1.0], [1.0]), [-1e6])
    assert bandit.probabilities()[0] < 1e-290
    for _ in range(20):
        bandit.update(Selection([0], [1.0], [1.0]), [100.0])
    assert bandit.probabilities()[0] > 0.99


def test_a_step_of_zero_changes_nothing():
    bandit = plain(3, step=0.0, prior=[0.2, 0.3, 0.5])
    bandit.update(Selection([0], [0.2], [0.2]), [5.0])
    np.testing.assert_allclose(bandit.probabilities(), [0.2, 0.3, 0.5], rtol=1e-15)


# The distribution that is reported is the one that is played


@pytest.mark.parametrize("replacement", [False, True])
def test_arms_are_played_m_p_times_on_average(replacement):
    runs, m = 20_000, 4
    bandit = plain(6, step=0.8, plays=m, replacement=replacement, floor=0.05, capacity=[1, 2, 1, 3, 1, 1], runs=runs)
    skewing = Selection(np.broadcast_to([0, 1, 2, 3], (runs, m)), None, np.full((runs, m), 0.5))
    bandit.update(skewing, np.broadcast_to([2.0, 0.3, -1.0, 0.8], (runs, m)))
    p = bandit.probabilities()[0]
    selection = bandit.select(m, np.random.default_rng(1))
    np.testing.assert_allclose(selection.probability, p[selection.arms])
    np.testing.assert_allclose(selection.inclusion, m * p[selection.arms])
    counts = np.sum(selection.arms[..., None] == np.arange(6), axis=1)
    spread = np.std(counts, axis=0, ddof=1) / np.sqrt(runs)
    assert np.all(np.abs(np.mean(counts, axis=0) - m * p) <= 4.5 * spread + 1e-9)
    if not replacement:
        assert np.all(m * p <= bandit._capacity * (1 + 1e-12))
        assert np.all((counts == np.floor(m * p + 1e-9)) | (counts == np.ceil(m * p - 1e-9)))


@pytest.mark.parametrize("m", [1, 3, 8])
def test_no_arm_is_asked_for_more_often_than_it_can_be_played(m):
    bandit, rng = Osmd(8, plays=m, floor=0.0), np.random.default_rng(2)
    for _ in range(200):
        selection = bandit.select(m, rng)
        assert len(set(selection.arms.tolist())) == m
        bandit.update(selection, (selection.arms == 0).astype(float))
        assert np.all(m * bandit.probabilities() <= 1 + 1e-12)
        assert np.sum(bandit.probabilities()) == pytest.approx(1.0, abs=1e-12)


def test_asking_for_another_number_of_plays_projects_on_the_new_set():
    bandit = plain(4, prior=[0.7, 0.1, 0.1, 0.1])
    selection = bandit.select(2, np.random.default_rng(3))
    np.testing.assert_allclose(bandit.probabilities(), [0.5, 1 / 6, 1 / 6, 1 / 6], rtol=1e-12)
    np.testing.assert_allclose(selection.inclusion, 2 * bandit.probabilities()[selection.arms])
    assert bandit.plays == 2


def test_a_prior_that_cannot_be_played_is_projected():
    bandit = plain(3, plays=2, prior=[0.8, 0.15, 0.05])
    np.testing.assert_allclose(bandit.probabilities(), [0.5, 0.375, 0.125], rtol=1e-12)


# Scale


@pytest.mark.parametrize("settings", [{}, {"plays": 3}, {"step": ScaleFree(memory=20), "share": 0.02}], ids=str)
@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_utilities_of_any_unit_give_the_same_draws(settings, factor):
    noise, m = np.random.default_rng(4).normal(size=(300, 8)), settings.get("plays", 1)
    one, other = Osmd(8, **settings), Osmd(8, **settings)
    rng, other_rng = np.random.default_rng(5), np.random.default_rng(5)
    for u in noise + np.linspace(0, 1, 8):
        mine, theirs = one.select(m, rng), other.select(m, other_rng)
        assert mine.arms.tolist() == theirs.arms.tolist()
        one.update(mine, u[mine.arms])
        other.update(theirs, factor * u[theirs.arms])
        np.testing.assert_allclose(other.probabilities(), one.probabilities(), rtol=1e-9)
    assert np.max(one.probabilities()) > 1.5 / 8  # it did move


def test_a_constant_added_to_every_utility_changes_nothing_when_centred():
    rng, one, other = np.random.default_rng(6), Osmd(5, plays=2), Osmd(5, plays=2)
    for _ in range(100):
        selection = one.select(2, rng)
        values = rng.normal(size=2)
        one.update(selection, values)
        other.select(2, np.random.default_rng(0))
        other.update(selection, values + 100.0)
        np.testing.assert_allclose(other.probabilities(), one.probabilities(), rtol=1e-8)


def test_centring_subtracts_the_mean_of_earlier_rounds_and_the_first_batch_its_own():
    bandit = Osmd(3, floor=0.0, step=0.1, replacement=True)
    p = np.full(3, 1 / 3)
    batches = [([0, 1], [1.0, 3.0]), ([2, 2], [5.0, 7.0]), ([0, 2], [0.0, 1.0])]
    for (arms, values), baseline in zip(batches, [2.0, 2.0, 4.0], strict=True):  # 4 = mean of the batch means 2 and 6
        bandit.update(Selection(arms, [0.5, 0.5], [0.5, 0.5]), values)
        p = p * np.exp(0.1 * estimates(arms, [0.5, 0.5], np.array(values) - baseline, 3))
        p = p / np.sum(p)
        np.testing.assert_allclose(bandit.probabilities(), p, rtol=1e-12)


def test_the_baseline_forgets_with_the_memory_of_the_step():
    bandit = Osmd(2, floor=0.0, step=ScaleFree(memory=2), replacement=True)
    for value in (0.0, 4.0, 8.0):
        bandit.update(Selection([0], [1.0], [1.0]), [value])
    # 0, then 0 + (4 - 0)/2 = 2, then 2 + (8 - 2)/2 = 5: with memory 2 the pace never falls below one half.
    assert float(bandit.state_dict()["baseline"]) == 5.0


def test_the_scale_free_step_by_hand():
    bandit = Osmd(4, floor=0.0, center=False)
    bandit.update(Selection([1], [0.25], [0.25]), [1.0])
    eta = min(np.sqrt(np.log(4) / (0.25 * 4.0**2)), 1 / 4.0)
    w = np.exp([0, 4 * eta, 0, 0])
    np.testing.assert_allclose(bandit.probabilities(), w / np.sum(w), rtol=1e-12)


def test_equal_utilities_teach_nothing():
    bandit = played(Osmd(6, plays=2), 50, np.random.default_rng(7), size=2, utility=lambda arms: np.full(2, 0.25))
    np.testing.assert_allclose(bandit.probabilities(), 1 / 6, rtol=1e-12)


# Learning


@pytest.mark.parametrize("dtype", [float, int])
@pytest.mark.parametrize(
    "settings",
    [{}, {"step": 0.05}, {"utility_range": (0, 1)}, {"step": ScaleFree(memory=50), "share": 0.02}, {"center": False}],
    ids=str,
)
def test_it_finds_a_deterministic_gap(settings, dtype):
    bandit = Osmd(6, **settings)
    played(bandit, 400, np.random.default_rng(8), utility=lambda arms: (arms == 3).astype(dtype))
    assert bandit.probabilities()[3] > 0.5


def test_several_plays_find_the_best_subset():
    bandit = played(Osmd(12, plays=3), 400, np.random.default_rng(9), size=3, utility=lambda arms: (arms < 3) * 1)
    assert np.sum(bandit.probabilities()[:3]) > 0.9
    assert np.max(bandit.probabilities()) <= 1 / 3 + 1e-12


def test_it_follows_an_arm_that_changes():
    bandit, rng = Osmd(5, step=ScaleFree(memory=50), share=0.02, floor=0.1), np.random.default_rng(10)
    for best in (0, 3, 1):
        played(bandit, 400, rng, utility=lambda arms, best=best: (arms == best).astype(float))
        assert np.argmax(bandit.probabilities()) == best
        assert bandit.probabilities()[best] > 0.5


def test_a_negative_utility_is_avoided():
    bandit = played(Osmd(4), 500, np.random.default_rng(11), utility=lambda arms: -(arms == 2).astype(float))
    assert np.argmin(bandit.probabilities()) == 2


@pytest.mark.parametrize("m", [1, 3])
def test_the_regret_of_the_loss_form_stays_below_its_bound(m):
    n, rounds, runs, rng = 8, 1500, 30, np.random.default_rng(12)
    means = np.where(np.arange(n) == 4, 0.8, 0.3)
    alpha, factor = 1 / rounds, n / m + 1
    eta = np.sqrt(2 * np.log(n) / (rounds * factor))
    bound = np.log(n) / eta + eta / 2 * rounds * factor + alpha * rounds
    bandit = Osmd(n, runs=runs, plays=m, replacement=True, floor=alpha, step=eta, utility_range=(0, 1))
    regret = np.zeros(runs)
    for _ in range(rounds):
        regret += np.max(means) - bandit.probabilities() @ means
        selection = bandit.select(m, rng)
        bandit.update(selection, (rng.random(selection.arms.shape) < means[selection.arms]).astype(float))
    assert bound < 0.7 * rounds * 0.5 * 0.9  # playing uniformly for ever would break it
    assert np.mean(regret) < bound


def test_the_estimate_is_unbiased_so_the_average_step_is_the_full_information_step():
    # With a tiny constant step, log p moves by eta (u - <p, u>) in expectation.
    u, runs, eta = np.array([1.0, -0.5, 0.25, 2.0]), 50_000, 1e-4
    prior = np.array([0.4, 0.3, 0.2, 0.1])
    bandit = plain(4, step=eta, runs=runs, plays=2, prior=prior)
    selection = bandit.select(2, np.random.default_rng(13))
    bandit.update(selection, u[selection.arms])
    moved = np.log(bandit.probabilities() / prior) / eta
    error = np.mean(moved, axis=0) - (u - prior @ u)
    assert np.all(np.abs(error) < 4.5 * np.std(moved, axis=0) / np.sqrt(runs) + 10 * eta)


# Many rounds, many runs, state


def test_exponents_that_add_up_to_millions_stay_finite():
    bandit, rng = plain(3, step=50.0), np.random.default_rng(14)
    for t in range(2000):
        selection = bandit.select(1, rng)
        bandit.update(selection, [100.0 if t % 4 < 2 else -100.0])
        p = bandit.probabilities()
        assert np.all(np.isfinite(p))
        assert np.sum(p) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("settings", [{}, {"step": ScaleFree(memory=50), "share": 0.02}, {"step": 0.1}], ids=str)
def test_the_state_after_a_million_rounds_is_as_good_as_any(settings):
    bandit, rounds = Osmd(4, **settings), 1_000_000
    grown = {"rounds": rounds, "spent": np.array(4.0 * rounds), "largest": np.array(100.0)}
    bandit.load_state_dict({**bandit.state_dict(), **grown})
    played(bandit, 300, np.random.default_rng(25), utility=lambda arms: 10.0 * (arms == 2))
    p = bandit.probabilities()
    assert np.all(np.isfinite(p))
    assert np.sum(p) == pytest.approx(1.0, abs=1e-12)
    assert np.argmax(p) == 2
    assert bandit.state_dict()["rounds"] == rounds + 300


def test_a_state_goes_through_json():
    original, twin = (played(Osmd(5, runs=3, plays=2), n, np.random.default_rng(n), size=2) for n in (20, 1))
    text = json.dumps({k: v.tolist() if hasattr(v, "tolist") else v for k, v in original.state_dict().items()})
    twin.load_state_dict(json.loads(text))
    np.testing.assert_equal(twin.state_dict(), original.state_dict())


# Errors


@pytest.mark.parametrize(
    ("arms", "inclusion", "values", "message"),
    [
        ([0, 1], None, [0.1, 0.2], "no inclusion probability"),
        ([0, 1], [0.5, 0.5], [0.1, np.nan], "utility of arm 1 is nan"),
        ([0, 2], [0.5, 0.5], [0.1, np.inf], "utility of arm 2 is inf"),
        ([0, 1], [0.5, 0.0], [0.1, 0.2], "inclusion"),
        ([0, 1], [0.5, -0.5], [0.1, 0.2], "inclusion"),
        ([0, 1], [np.nan, 0.5], [0.1, 0.2], "inclusion"),
        ([0, 3], [0.5, 0.5], [0.1, 0.2], r"outside 0\.\.2"),
        ([0, -1], [0.5, 0.5], [0.1, 0.2], r"outside 0\.\.2"),
        ([0, 1], [0.5], [0.1, 0.2], r"shapes \(2,\), \(1,\) and \(2,\)"),
        ([0, 1], [0.5, 0.5], [0.1], r"shapes \(2,\), \(2,\) and \(1,\)"),
        ([], [], [], "at least one play"),
        ([[0, 1]], [[0.5, 0.5]], [[0.1, 0.2]], "shapes"),
    ],
)
def test_a_bad_answer_is_refused_and_the_state_is_as_it_was(arms, inclusion, values, message):
    bandit = played(Osmd(3, plays=2), 5, np.random.default_rng(21), size=2)
    before = bandit.state_dict()
    with pytest.raises(ValueError, match=message):
        bandit.update(Selection(arms, inclusion, inclusion), values)
    np.testing.assert_equal(bandit.state_dict(), before)


@pytest.mark.parametrize("value", [1.5, -0.1])
def test_a_utility_outside_its_range_is_refused_by_value(value):
    bandit = Osmd(3, utility_range=(0, 1))
    before = bandit.state_dict()
    with pytest.raises(ValueError, match=f"arm 1 is {value}; utility_range"):
        bandit.update(Selection([1], [0.3], [0.3]), [value])
    np.testing.assert_equal(bandit.state_dict(), before)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_arms": 0}, "n_arms is 0"),
        ({"runs": 0}, "runs is 0"),
        ({"plays": 0}, "0 plays"),
        ({"plays": 4}, "4 plays are asked for but all arms together can be played 3"),
        ({"floor": 1.0}, "floor is 1.0"),
        ({"floor": -0.1}, "floor is -0.1"),
        ({"floor": float("nan")}, "floor is nan"),
        ({"share": 1.0}, "share is 1.0"),
        ({"step": -1.0}, "step is -1.0"),
        ({"step": float("inf")}, "step is inf"),
        ({"utility_range": (1.0, 1.0)}, r"utility_range is \(1.0, 1.0\)"),
        ({"utility_range": (0.0, float("inf"))}, "utility_range is"),
        ({"capacity": [1, 0, 1]}, "capacity is 0"),
        ({"prior": [0.5, 0.5]}, r"shape \(3,\)"),
        ({"prior": [0.5, 0.7, -0.2]}, "prior must be a distribution"),
        ({"prior": [0.5, 0.5, 0.5]}, "prior must be a distribution"),
        ({"prior": [float("nan"), 0.5, 0.5]}, "prior must be a distribution"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        Osmd(**{"n_arms": 3, **settings})


@pytest.mark.parametrize("size", [0, 4])
def test_an_impossible_batch_is_refused_and_the_state_is_as_it_was(size):
    bandit, rng = Osmd(3), np.random.default_rng(22)
    before, random_before = bandit.state_dict(), rng.bit_generator.state
    with pytest.raises(ValueError, match=f"{size} plays"):
        bandit.select(size, rng)
    with pytest.raises(ValueError, match="takes no candidates"):
        bandit.select(1, rng, candidates=np.array([0]))
    np.testing.assert_equal(bandit.state_dict(), before)
    assert rng.bit_generator.state == random_before


def test_every_pair_of_plays_and_arms_can_be_asked_for_in_any_order():
    bandit, rng = Osmd(6, floor=0.3, capacity=[1, 2, 1, 1, 3, 1]), np.random.default_rng(23)
    for m, _ in itertools.product([1, 9, 2, 8, 5, 1], range(5)):
        selection = bandit.select(m, rng)
        bandit.update(selection, rng.normal(size=m))
        p = bandit.probabilities()
        assert np.sum(p) == pytest.approx(1.0, abs=1e-12)
        assert np.all(m * p <= np.minimum(m, [1, 2, 1, 1, 3, 1]) * (1 + 1e-12))
        assert np.all(p > 0)


# Implicit exploration, restarts, other regularisers


def test_implicit_exploration_is_added_to_what_is_divided_by():
    bandit = Osmd(2, step=0.5, floor=0.0, implicit_exploration=0.25, utility_range=(0.0, 1.0))
    bandit.update(Selection([0], [0.5], [0.5]), [0.0])
    weights = np.exp(-0.5 * np.array([1 / 0.75, 0.0]))
    np.testing.assert_allclose(bandit.probabilities(), weights / weights.sum(), rtol=1e-12)


def test_a_restart_forgets_everything():
    bandit, fresh = Osmd(3, restart_every=4), Osmd(3)
    for arm, value in ((0, 2.0), (1, 9.0), (2, 0.5)):
        bandit.update(Selection([arm], [0.4], [0.4]), [value])
    assert not np.allclose(bandit.probabilities(), 1 / 3)
    bandit.update(Selection([1], [0.4], [0.4]), [5.0])  # the fourth
    np.testing.assert_array_equal(bandit.probabilities(), fresh.probabilities())
    for each in (bandit, fresh):
        each.update(Selection([0], [0.3], [0.3]), [2.0])
        each.update(Selection([1], [0.3], [0.3]), [1.0])
    np.testing.assert_array_equal(bandit.probabilities(), fresh.probabilities())


@pytest.mark.parametrize("regularizer", [Tsallis(0.5), LogBarrier()], ids=repr)
def test_other_regularisers_take_the_step_in_their_own_dual(regularizer):
    bandit = Osmd(4, step=0.3, floor=0.0, center=False, regularizer=regularizer, replacement=True)
    p = np.full(4, 0.25)
    for arm, value in ((2, 0.5), (0, -0.4), (2, 0.2)):
        bandit.update(Selection([arm], [0.25], [0.25]), [value])
        dual = regularizer.dual(p)
        dual[arm] += 0.3 * value / 0.25
        low, high = -1e3, 1e3
        for _ in range(200):  # bisection for the multiplier, independent of the code under test
            middle = 0.5 * (low + high)
            low, high = (middle, high) if np.sum(regularizer.primal(dual + middle)) < 1 else (low, middle)
        p = regularizer.primal(dual + low)
        np.testing.assert_allclose(bandit.probabilities(), p, rtol=1e-8)


@pytest.mark.parametrize("regularizer", [Tsallis(0.3), LogBarrier()], ids=repr)
def test_the_scale_free_step_does_not_care_about_the_unit_under_any_regulariser(regularizer):
    results = []
    for unit in (1e-4, 1e4):
        bandit = Osmd(4, regularizer=regularizer)
        played(bandit, 60, np.random.default_rng(5), utility=lambda arms, unit=unit: unit * arms.astype(float))
        results.append(bandit.probabilities())
    np.testing.assert_allclose(results[0], results[1], rtol=1e-6)
    assert results[0][3] > 0.3
