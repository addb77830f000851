"""What is chosen has the chance it says, and is what a slow search would choose."""

import numpy as np
import pytest
from scipy import integrate, stats

from curriculum_bandits.bandits.contract import RefusedUtility, Selection
from curriculum_bandits.bandits.curriculum.pass_rates import (
    BetaPosterior,
    DistanceToTarget,
    KlDiscountedPosterior,
    ListedAndFresh,
    ProximalWeight,
    Shortlist,
    UncertaintyWeight,
    Variance,
    Weighted,
)
from curriculum_bandits.bandits.curriculum.pass_rates.pass_rate_bandit import top_at_random

CHOICES = {
    "shortlist": lambda n=6: Shortlist(BetaPosterior(n), DistanceToTarget(0.5)),
    "weighted": lambda n=6: Weighted(BetaPosterior(n), UncertaintyWeight()),
    "listed": lambda n=6: ListedAndFresh(BetaPosterior(n), Variance(), listed=0.3),
}


def z_score(hits, chance, draws):
    return np.abs(hits - draws * chance) / np.sqrt(draws * np.maximum(chance * (1 - chance), 1e-12) + 1e-9)


def played(*arms):
    return Selection(np.array(arms), np.full(len(arms), 0.1), None)


def known(rates, successes, failures):
    """A posterior with these counts."""
    state = rates.state_dict()
    seen = np.ones(len(successes), dtype=bool)
    rates.load_state_dict({**state, "successes": successes, "failures": failures, "seen": seen})
    return rates


def test_a_thompson_draw_chooses_each_of_two_with_the_chance_that_it_is_nearer():
    a, b, draws = np.array([3.0, 2.0]), np.array([5.0, 2.0]), 10_000
    bandit = Shortlist(known(BetaPosterior(2), a, b), DistanceToTarget(0.5), candidates=None)
    # P(|X - .5| < |Y - .5|): X anywhere, Y farther out on either side.
    nearer, _ = integrate.quad(
        lambda x: (
            stats.beta.pdf(x, 3, 5) * (1 - np.diff(stats.beta.cdf([0.5 - abs(x - 0.5), 0.5 + abs(x - 0.5)], 2, 2))[0])
        ),
        0,
        1,
        points=[0.5],
    )
    rng = np.random.default_rng(0)
    hits = sum(bandit.select(1, rng).arms[0] == 0 for _ in range(draws))
    assert 0.1 < nearer < 0.9
    assert z_score(hits, nearer, draws) < 4


@pytest.mark.parametrize("seed", range(20))
def test_the_nearest_are_kept(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(1, 9, 30) + 0.0, rng.integers(1, 9, 30) + 0.0
    bandit = Shortlist(known(BetaPosterior(30), a, b), DistanceToTarget(0.5), candidates=None, thompson=False)
    distance = np.abs(a / (a + b) - 0.5)
    arms = bandit.select(7, rng).arms
    assert len(set(arms.tolist())) == 7
    np.testing.assert_allclose(np.sort(distance[arms]), np.sort(distance)[:7])


def test_ties_are_broken_at_random():
    index, rng, draws = np.array([0.0, 1.0, 1.0, 2.0, 1.0]), np.random.default_rng(0), 6000
    hits = sum(np.bincount(top_at_random(index, 2, rng), minlength=5) for _ in range(draws))
    assert hits[0] == 0
    assert hits[3] == draws
    assert np.all(z_score(hits[[1, 2, 4]], 1 / 3, draws) < 4)
    assert len(top_at_random(index, 0, rng)) == 0


def test_a_shortlist_looks_at_so_many_candidates_and_no_more():
    # With 2 candidates for 1 problem the best of 20 is kept just when it is looked at.
    a = np.r_[1.0, np.full(19, 9.0)]
    bandit = Shortlist(known(BetaPosterior(20), a, np.ones(20)), DistanceToTarget(0.5), candidates=2.0, thompson=False)
    rng = np.random.default_rng(1)
    hits = sum(bandit.select(1, rng).arms[0] == 0 for _ in range(4000))
    assert z_score(hits, 2 / 20, 4000) < 4


def test_given_candidates_are_chosen_among():
    bandit = Shortlist(BetaPosterior(9), DistanceToTarget(0.5))
    selection = bandit.select(2, np.random.default_rng(0), np.array([3, 7, 8]))
    assert set(selection.arms.tolist()) < {3, 7, 8}
    assert selection.inclusion is None
    with pytest.raises(ValueError, match="there are 3"):
        bandit.select(4, np.random.default_rng(0), np.array([3, 7, 8]))


def test_weighted_inclusion_is_exact_and_proportional():
    a, b = np.array([1.0, 9.0, 5.0, 2.0, 1.0]), np.array([9.0, 1.0, 5.0, 6.0, 1.0])
    bandit = Weighted(known(BetaPosterior(5), a, b), ProximalWeight(4.0))
    rng, draws, hits, stated = np.random.default_rng(0), 10_000, np.zeros(5), np.zeros(5)
    p = a / (a + b)
    expected = 2 * np.exp(4 * p * (1 - p)) / np.sum(np.exp(4 * p * (1 - p)))
    for _ in range(draws):
        selection = bandit.select(2, rng)
        hits[selection.arms] += 1
        stated[selection.arms] = selection.inclusion
    np.testing.assert_allclose(stated, expected)
    assert np.all(z_score(hits, expected, draws) < 4)
    np.testing.assert_allclose(bandit.probabilities(), expected / 2)


def test_a_dominating_weight_is_capped_at_certainty():
    a, b = np.array([5.0, 1.0, 1.0, 1.0]), np.array([5.0, 99.0, 99.0, 99.0])
    bandit = Weighted(known(BetaPosterior(4), a, b), ProximalWeight(400.0))
    assert bandit.select(1, np.random.default_rng(0)).inclusion[0] == pytest.approx(1.0)  # one play has no such cap
    selection = bandit.select(2, np.random.default_rng(0))
    assert 0 in selection.arms
    np.testing.assert_allclose(bandit.probabilities(), [0.5, 1 / 6, 1 / 6, 1 / 6])
    np.testing.assert_allclose(np.sort(selection.inclusion), [1 / 3, 1.0])


@pytest.mark.parametrize("sharpness", [1.0, 40.0, 1e5])
@pytest.mark.parametrize("kind", [BetaPosterior, KlDiscountedPosterior])
def test_weights_kept_from_update_to_update_are_those_of_the_evidence(sharpness, kind):
    bandit, rng = Weighted(kind(37), ProximalWeight(sharpness)), np.random.default_rng(0)
    for _ in range(30):
        arms = bandit.select(5, rng).arms
        bandit.update(played(*arms), rng.integers(0, 9, 5) / 8, counts=np.full(5, 8), kl=np.full(5, 0.01))
    restored = Weighted(kind(37), ProximalWeight(sharpness))
    restored.load_state_dict(bandit.state_dict())
    np.testing.assert_array_equal(restored.probabilities(), bandit.probabilities())
    p = bandit.means()
    log_ratio = sharpness * (p * (1 - p) - p[0] * (1 - p[0]))
    free = (bandit.probabilities() < 0.2 - 1e-9) & (bandit.probabilities() > 1e-200)
    if free[0]:
        found = np.log(bandit.probabilities()[free] / bandit.probabilities()[0])
        np.testing.assert_allclose(found, log_ratio[free], atol=1e-6)


def test_fading_moves_every_weight():
    bandit = Weighted(BetaPosterior(3, fading=0.5, discount=1.0), UncertaintyWeight())
    bandit.update(played(0, 0, 0), [1.0, 1.0, 1.0])
    before = bandit.probabilities()[0]
    bandit.update(played(1), [0.0])
    p = (1 + 1.5) / 3.5
    weights = [np.sqrt(p * (1 - p)) + 0.05, np.sqrt(2 / 9) + 0.05, 0.55]
    np.testing.assert_allclose(bandit.probabilities(), weights / np.sum(weights))
    assert bandit.probabilities()[0] > before


def test_the_list_and_the_rest_are_drawn_with_the_chance_stated():
    a, b = np.array([5.0, 4.0, 5.0] + [9.0] * 7), np.array([5.0, 6.0, 5.0] + [1.0] * 7)
    bandit = ListedAndFresh(known(BetaPosterior(10), a, b), Variance(), listed=0.3, share=0.5)
    rng, draws, hits, stated = np.random.default_rng(0), 10_000, np.zeros(10), np.zeros(10)
    expected = np.r_[np.full(3, 2 / 3 + 1 / 3 * 2 / 8), np.full(7, 2 / 8)]
    for _ in range(draws):
        selection = bandit.select(4, rng)
        assert len(set(selection.arms.tolist())) == 4
        hits[selection.arms] += 1
        stated[selection.arms] = selection.inclusion
    np.testing.assert_allclose(stated, expected)
    assert np.all(z_score(hits, expected, draws) < 4)


def test_a_list_is_never_shorter_than_what_is_drawn_from_it_and_holds_what_was_seen():
    bandit = ListedAndFresh(BetaPosterior(10), Variance(), listed=0.01, share=0.5)
    bandit.update(played(2, 5, 6), [1.0, 1.0, 0.0])
    rng = np.random.default_rng(0)
    assert all(set(bandit.select(6, rng).arms[:3].tolist()) == {2, 5, 6} for _ in range(20))
    assert sorted(bandit.select(10, rng).arms.tolist()) == list(range(10))


@pytest.mark.parametrize("choice", CHOICES)
def test_counts_matter_and_plain_values_are_one_rollout(choice):
    four, eight, plain = (CHOICES[choice]() for _ in range(3))
    four.update(played(1), [0.75], counts=[4])
    eight.update(played(1), [0.75], counts=[8])
    plain.update(played(1), [0.75])
    found = [(each.rates.successes[1], each.rates.failures[1]) for each in (four, eight, plain)]
    assert found == [(4.0, 2.0), (7.0, 3.0), (1.75, 1.25)]


@pytest.mark.parametrize("choice", CHOICES)
def test_a_problem_that_answers_twice_is_visited_once(choice):
    bandit = CHOICES[choice]()
    bandit.update(played(4, 1, 4), [0.5, 1.0, 1.0], counts=[4, 1, 2])
    assert (bandit.rates.successes[4], bandit.rates.failures[4]) == (1 + 2 + 2, 1 + 2)
    bandit.update(played(4), [1.0])
    assert bandit.rates.successes[4] == 0.5 * 5 + 0.5 + 1


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("value", [1.5, -0.1, np.nan])
def test_a_value_that_is_no_rate_is_refused(choice, value):
    bandit = CHOICES[choice]()
    with pytest.raises(RefusedUtility, match="success rate") as caught:
        bandit.update(played(0, 3), [0.5, value], counts=[8, 8])
    assert caught.value.position == 1
    assert not bandit.rates.seen.any()


@pytest.mark.parametrize("choice", ["weighted", "listed"])
def test_restricting_a_distribution_is_refused(choice):
    with pytest.raises(ValueError, match="takes no candidates"):
        CHOICES[choice]().select(2, np.random.default_rng(0), np.array([1, 2, 3]))


@pytest.mark.parametrize("choice", CHOICES)
@pytest.mark.parametrize("size", [0, 7])
def test_an_impossible_batch_is_refused(choice, size):
    with pytest.raises(ValueError, match=f"{size} (arms|plays) are asked for"):
        CHOICES[choice]().select(size, np.random.default_rng(0))


def test_a_state_with_more_plays_than_problems_is_refused():
    bandit = CHOICES["weighted"]()
    with pytest.raises(ValueError, match="9 plays are asked for"):
        bandit.load_state_dict({**bandit.state_dict(), "plays": 9})


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Shortlist(BetaPosterior(2), Variance(), candidates=0.5), "candidates is 0.5"),
        (lambda: ListedAndFresh(BetaPosterior(2), Variance(), listed=0.0), "listed is 0"),
        (lambda: ListedAndFresh(BetaPosterior(2), Variance(), share=1.5), "share is 1.5"),
    ],
)
def test_settings_out_of_range_are_named(make, named):
    with pytest.raises(ValueError, match=named):
        make()
