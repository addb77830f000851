"""Counts are discounted, inferred and forgotten exactly as the recursions say, worked out by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curriculum_bandits.bandits.curriculum.pass_rates import (
    BetaPosterior,
    InterpolatedPosterior,
    KlDiscountedPosterior,
    thompson_rates,
)


def learn(rates, problems, successes, rollouts, kl=None):
    heard = None if kl is None else np.atleast_1d(np.asarray(kl, dtype=float))
    return rates.learn(np.array(problems), np.array(successes, float), np.array(rollouts, float), heard)


def test_counts_are_discounted_on_a_visit_only():
    rates = BetaPosterior(3, discount=0.5, prior=(2.0, 4.0))
    learn(rates, [0, 2], [3, 1], [4, 8])
    np.testing.assert_allclose(rates.successes, [2 + 3, 2, 2 + 1])
    np.testing.assert_allclose(rates.failures, [4 + 1, 4, 4 + 7])
    learn(rates, [0], [0], [4])
    np.testing.assert_allclose(rates.successes, [0.5 * 5 + 0.5 * 2 + 0, 2, 3])
    np.testing.assert_allclose(rates.failures, [0.5 * 5 + 0.5 * 4 + 4, 4, 11])
    assert rates.seen.tolist() == [True, False, True]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 8)), max_size=30))
def test_without_discount_they_are_plain_counts(visits):
    rates, k, n = BetaPosterior(4, discount=1.0, prior=(1.0, 2.0)), np.zeros(4), np.zeros(4)
    for problem, successes in visits:
        learn(rates, [problem], [successes], [8])
        k[problem] += successes
        n[problem] += 8
    np.testing.assert_allclose(rates.successes, 1 + k)
    np.testing.assert_allclose(rates.failures, 2 + n - k)


def test_what_fades_returns_to_the_prior_whether_visited_or_not():
    rates = BetaPosterior(2, discount=1.0, prior=(1.0, 3.0), fading=0.9)
    learn(rates, [0], [4], [8])
    for _ in range(5):
        assert learn(rates, [1], [0], [1]) is None
    assert rates.successes[0] == pytest.approx(1 + 4 * 0.9**5)
    assert rates.failures[0] == pytest.approx(3 + 4 * 0.9**5)
    assert rates.failures[1] == pytest.approx(3 + sum(0.9**i for i in range(5)))


def test_kl_adds_up_while_a_problem_is_not_drawn_and_halves_what_is_known():
    rates = KlDiscountedPosterior(3, half_life=1.0, kept=(0.01, 1.0), prior=(4.0, 8.0))
    learn(rates, [0], [2], [2], [0.25])  # nothing had moved before: all is kept
    np.testing.assert_allclose([rates.successes[0], rates.failures[0]], [6, 8])
    learn(rates, [1], [0], [1], [0.5, np.nan, 1.0])  # moved .25 since the start; this one moves .75
    np.testing.assert_allclose([rates.successes[1], rates.failures[1]], [4 * 2**-0.25, 8 * 2**-0.25 + 1])
    np.testing.assert_allclose(rates.kl, [1.0, 0.75, 1.0])
    learn(rates, [0], [1], [3], [0.0])  # one half-life after its own rollouts, their update included
    np.testing.assert_allclose([rates.successes[0], rates.failures[0]], [3 + 1, 4 + 2])
    np.testing.assert_allclose(rates.kl, [0.0, 0.75, 1.0])


@pytest.mark.parametrize(
    ("moved", "kept"),
    [(0.0, 0.96), (0.001, 0.96), (0.06 * 0.1, 2**-0.1), (0.012, 0.875), (1.0, 0.875), (np.inf, 0.875)],
)
def test_what_is_kept_is_clipped_at_both_published_ends(moved, kept):
    rates = KlDiscountedPosterior(2)
    learn(rates, [1], [1], [1], [moved])
    learn(rates, [0], [0], [1], [0.0])
    assert rates.successes[0] == pytest.approx(kept)
    assert rates.failures[0] == pytest.approx(kept + 1)


@pytest.mark.parametrize("kl", [None, [np.nan], [-0.3]])
def test_kl_that_is_unknown_or_below_zero_counts_as_none(kl):
    rates = KlDiscountedPosterior(1)
    learn(rates, [0], [1], [1], kl)
    assert rates.kl[0] == 0.0
    learn(rates, [0], [1], [1], kl)
    assert rates.successes[0] == pytest.approx(0.96 * 1.96 + 1)


def test_rates_measured_beforehand_count_as_so_many_rollouts():
    rates = KlDiscountedPosterior(3, offline=[0.25, np.nan, 1.0], prior=(1.0, 2.0))
    np.testing.assert_allclose(rates.successes, [2, 1, 8])
    np.testing.assert_allclose(rates.failures, [6, 2, 0])


def test_implicit_evidence_by_hand():
    rates = InterpolatedPosterior(
        [0.1, 0.0, 0.2, 0.9], [0.5, 0.6, 0.4, 1.0], forgetting=0.25, implicit=0.2, prior=(1, 2)
    )
    learn(rates, [0, 1], [1, 3], [4, 4])  # mean rate .5; references .05 and .55: c = .9
    assert rates.coefficient == pytest.approx(0.9)
    # weight .2 * 4 rollouts; problem 2 is guessed at .2 + .9 * .2, problem 3 at .9 + .9 * .1
    np.testing.assert_allclose(rates.successes, [1 + 1, 1 + 3, 1 + 0.8 * 0.38, 1 + 0.8 * 0.99])
    np.testing.assert_allclose(rates.failures, [2 + 3, 2 + 1, 2 + 0.8 * 0.62, 2 + 0.8 * 0.01])
    learn(rates, [1], [6], [6])  # rate 1 between 0 and .6: 5/3
    assert rates.coefficient == pytest.approx(0.9 * 0.9 + 0.1 * 5 / 3)
    c = rates.coefficient
    np.testing.assert_allclose(rates.successes[1], 0.75 * 4 + 0.25 * 1 + 6)
    np.testing.assert_allclose(rates.failures[1], 0.75 * 3 + 0.25 * 2)
    np.testing.assert_allclose(rates.successes[0], 0.75 * 2 + 0.25 + 0.2 * 6 * (0.1 + 0.4 * c))
    np.testing.assert_allclose(rates.successes[3], 0.75 * (1 + 0.8 * 0.99) + 0.25 + 1.2 * min(1, 0.9 + 0.1 * c))


@pytest.mark.parametrize(("successes", "guessed"), [(0, [1.0, 2.0]), (5, [2.0, 1.0])])
def test_no_problem_is_guessed_beyond_a_rate(successes, guessed):
    rates = InterpolatedPosterior([0.2, 0.1], [0.4, 0.9])
    learn(rates, [0], [successes], [5])  # c = -1 or 4: the other would be at -.7 or 3.3
    np.testing.assert_allclose([rates.successes[1], rates.failures[1]], guessed)


def test_references_that_agree_on_a_batch_say_nothing():
    rates = InterpolatedPosterior([0.3, 0.0], [0.3, 1.0])
    learn(rates, [0], [3], [4])
    assert rates.coefficient is None
    np.testing.assert_allclose(rates.successes, [4.0, 1.0])
    learn(rates, [1], [2], [4])
    learn(rates, [0], [0], [4])
    assert rates.coefficient == 0.5


def test_a_draw_from_what_is_known_has_its_mean_and_deviation():
    a, b = np.array([1.0, 4.0, 0.5]), np.array([1.0, 2.0, 1.0])
    draws = np.array([thompson_rates(a, b, rng) for rng in [np.random.default_rng(0)] for _ in range(20_000)])
    mean, variance = a / (a + b), a * b / (a + b) ** 2 / (a + b + 1)
    assert np.all(np.abs(draws.mean(axis=0) - mean) < 4 * np.sqrt(variance / 20_000))
    np.testing.assert_allclose(draws.var(axis=0), variance, rtol=0.05)


KINDS = {
    "beta": lambda n=3: BetaPosterior(n),
    "kl": lambda n=3: KlDiscountedPosterior(n),
    "interpolated": lambda n=3: InterpolatedPosterior([0.1] * n, [0.8] * n),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_posterior_is_the_same_posterior(kind):
    one, other = KINDS[kind](), KINDS[kind]()
    learn(one, [0, 2], [1, 3], [4, 4], [0.01, 0.03])
    other.load_state_dict(one.state_dict())
    for rates in (one, other):
        learn(rates, [0], [2], [4], [0.02])
    for name in ("successes", "failures", "seen"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "damage",
    [
        {"failures": [1, -1, 1]},
        {"successes": [1, np.nan, 1]},
    ],
)
def test_damaged_counts_are_refused_and_change_nothing(kind, damage):
    rates = KINDS[kind]()
    state = rates.state_dict()
    with pytest.raises(ValueError, match="saved"):
        rates.load_state_dict({**state, "successes": np.full(3, 5.0), **damage})
    np.testing.assert_array_equal(rates.successes, np.ones(3))


@pytest.mark.parametrize("damage", [{"moved": 0.1, "moved_at": [0.0, 0.2, 0.0]}, {"moved": np.inf}, {"moved": -1.0}])
def test_a_problem_visited_beyond_all_updates_is_refused(damage):
    rates = KlDiscountedPosterior(3)
    with pytest.raises(ValueError, match="saved"):
        rates.load_state_dict({**rates.state_dict(), **damage})
    assert rates.kl.tolist() == [0.0] * 3


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: BetaPosterior(0), "n_problems is 0"),
        (lambda: BetaPosterior(2, discount=1.5), "discount is 1.5"),
        (lambda: BetaPosterior(2, prior=(0, 1)), "prior is"),
        (lambda: BetaPosterior(2, fading=0.0), "fading is 0"),
        (lambda: KlDiscountedPosterior(0), "n_problems is 0"),
        (lambda: KlDiscountedPosterior(2, half_life=0.0), "half_life is 0"),
        (lambda: KlDiscountedPosterior(2, kept=(0.9, 0.8)), "kept is"),
        (lambda: KlDiscountedPosterior(2, strength=-1.0), "strength is -1"),
        (lambda: KlDiscountedPosterior(2, offline=[0.5, 1.5]), "offline rates"),
        (lambda: InterpolatedPosterior([0.1], [0.2, 0.3]), "weak has 1 rates, strong 2"),
        (lambda: InterpolatedPosterior([0.1, np.nan], [0.2, 0.3]), r"weak reference rates hold nan \(problem 1\)"),
        (lambda: InterpolatedPosterior([0.1], [1.2]), "strong reference rates hold 1.2"),
        (lambda: InterpolatedPosterior([[0.1]], [[0.2]]), "have shape"),
        (lambda: InterpolatedPosterior([0.1], [0.2], forgetting=-0.1), "forgetting is"),
        (lambda: InterpolatedPosterior([0.1], [0.2], implicit=2.0), "implicit is"),
        (lambda: InterpolatedPosterior([0.1], [0.2], memory=1.0), "memory is"),
    ],
)
def test_settings_out_of_range_are_named(make, named):
    with pytest.raises(ValueError, match=named):
        make()
