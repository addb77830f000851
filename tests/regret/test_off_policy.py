"""Estimates without known means: unbiased by enumeration and z-test, intervals that cover, draws that are refused."""

import itertools

import numpy as np
import pytest

from curriculum_bandits import checkpoint
from curriculum_bandits.draw import Draw, Feedback, Ticket
from curriculum_bandits.regret import GroupRegretEstimator, group_earnings
from curriculum_bandits.sampling import gumbel_top_k, inclusion_probabilities, systematic, with_replacement

GROUPS = np.array([0, 0, 1, 2, 2, 2])
UTILITIES = np.array([0.5, 1.0, -0.25, 0.0, 2.0, 0.7])
MEANS = np.array([0.75, -0.25, 0.9])
P = np.array([0.3, 0.1, 0.25, 0.05, 0.1, 0.2])


def ticket():
    return Ticket("run", 0)


def draw_of(items, inclusion, **fields):
    return Draw(items=items, probability=np.zeros(len(items)), inclusion=inclusion, ticket=ticket(), **fields)


def complete(items):
    return Feedback(UTILITIES[items], np.ones(len(items), dtype=int))


def of_items(items, inclusion, **fields):
    return group_earnings(draw_of(items, inclusion, **fields), complete(np.asarray(items)), GROUPS)


def assert_mean(samples, expected):
    samples = np.asarray(samples)
    error = np.abs(np.mean(samples, axis=0) - expected)
    assert np.all(error <= 4.5 * np.std(samples, axis=0, ddof=1) / np.sqrt(len(samples)) + 1e-9), error


# Unbiased


@pytest.mark.parametrize("m", [1, 2, 3])
def test_independent_draws_by_enumeration(m):
    earnings, coverage = np.zeros(3), np.zeros(3)
    for items in itertools.product(range(6), repeat=m):
        chance = np.prod(P[list(items)])
        estimate = of_items(items, m * P[list(items)])
        earnings += chance * estimate[0]
        coverage += chance * estimate[1]
    np.testing.assert_allclose(earnings, m * MEANS, rtol=1e-12)
    np.testing.assert_allclose(coverage, 1.0, rtol=1e-12)


def test_uniform_candidates_by_enumeration():
    # Every set of four candidates, then one or two independent draws among them from the weights restricted to it.
    for m in (1, 2):
        earnings = np.zeros(3)
        for candidates in itertools.combinations(range(6), 4):
            p = P[list(candidates)] / np.sum(P[list(candidates)])
            for places in itertools.product(range(4), repeat=m):
                items = np.array(candidates)[list(places)]
                estimate, _ = of_items(
                    items, m * p[list(places)], candidates=candidates, candidate_inclusion=np.full(4, 4 / 6)
                )
                earnings += np.prod(p[list(places)]) * estimate / 15
        np.testing.assert_allclose(earnings, m * MEANS, rtol=1e-12)


def test_candidates_of_the_whole_bank_are_no_candidates():
    whole, _ = of_items([1, 4], [0.2, 0.2])
    same, _ = of_items([1, 4], [0.2, 0.2], candidates=np.arange(6), candidate_inclusion=np.ones(6))
    assert np.array_equal(whole, same)


def test_systematic_draws_by_z_test():
    rng = np.random.default_rng(0)
    inclusion = inclusion_probabilities(P, 3)
    draws = systematic(np.tile(inclusion, (4000, 1)), rng)
    assert_mean([of_items(items, inclusion[items])[0] for items in draws], 3 * MEANS)


def test_gumbel_draws_by_z_test():
    rng = np.random.default_rng(1)
    items, inclusion = gumbel_top_k(np.tile(np.log(P), (4000, 1)), 3, rng)
    assert_mean([of_items(*draw)[0] for draw in zip(items, inclusion, strict=True)], 3 * MEANS)


def test_answers_lost_at_random_count_for_neither_side():
    # Each item answers with probability 1/2: expected earnings on either side are half of the complete ones.
    rng = np.random.default_rng(2)
    samples, earned = [], []
    for _ in range(4000):
        items, inclusion = with_replacement(P, 3, rng)
        answered = rng.random(3) < 0.5
        feedback = Feedback(np.where(answered, UTILITIES[items], np.nan), answered)
        samples.append(group_earnings(draw_of(items, inclusion), feedback, GROUPS)[0])
        earned.append(np.sum(UTILITIES[items][answered]))
    assert_mean(samples, 0.5 * 3 * MEANS)
    assert_mean(earned, 0.5 * 3 * P @ UTILITIES)


def test_regret_is_unbiased_for_a_policy_that_moves_by_enumeration():
    # Two rounds; the second distribution depends on what the first draw brought.
    expected = np.zeros(3)
    truth = np.zeros(3)
    for first, second in itertools.product(range(6), repeat=2):
        moved = P * np.exp(UTILITIES[first] * np.arange(6) / 6)
        moved /= np.sum(moved)
        chance = P[first] * moved[second]
        estimator = GroupRegretEstimator(GROUPS)
        estimator.update(draw_of([first], [P[first]]), complete(np.array([first])))
        estimator.update(draw_of([second], [moved[second]]), complete(np.array([second])))
        expected += chance * estimator.estimate().regret
        truth += chance * (2 * MEANS - UTILITIES[first] - UTILITIES[second])
    np.testing.assert_allclose(expected, truth, rtol=1e-10)


def test_by_hand():
    # Item 0 has a group of two problems, item 4 one of three; the group between was not met.
    earnings, coverage = of_items([0, 4], [0.25, 0.5])
    np.testing.assert_allclose(earnings, [2 / 2 * 0.5 / 0.25, 0.0, 2 / 3 * 2.0 / 0.5])
    np.testing.assert_allclose(coverage, [1 / (2 * 0.25), 0.0, 1 / (3 * 0.5)])
    halved, _ = of_items([0, 4], [0.25, 0.5], candidates=[0, 2, 4], candidate_inclusion=[0.5, 0.5, 0.5])
    np.testing.assert_allclose(halved, 2 * earnings)


# Intervals


def run_of(rng, rounds, estimator):
    """A run with noisy utilities under a distribution that wanders; returns the true regret against each group."""
    truth = np.zeros(3)
    p = np.full(6, 1 / 6)
    for _ in range(rounds):
        items, inclusion = with_replacement(p, 2, rng)
        values = UTILITIES[items] + 0.3 * rng.normal(size=2)
        estimator.update(draw_of(items, inclusion), Feedback(values, [1, 1]))
        truth += 2 * MEANS - np.sum(values)
        p = 0.5 * p + 0.5 * (0.4 / 6 + 0.6 * np.bincount(items, minlength=6) / 2)
    return truth


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(150):
        estimator = GroupRegretEstimator(GROUPS, minimum_rounds=5)
        truth = run_of(rng, 80, estimator)
        estimate = estimator.estimate(0.9)
        inside.append((estimate.lower <= truth) & (truth <= estimate.upper))
    share = np.mean(inside, axis=0)
    assert np.all(share > 0.9 - 4 * np.sqrt(0.09 / 150))
    assert np.all(share < 0.9 + 4 * np.sqrt(0.09 / 150))


def test_the_interval_is_the_formula_and_grows_with_confidence():
    estimator = GroupRegretEstimator(GROUPS, minimum_rounds=2)
    rng = np.random.default_rng(4)
    rounds = []
    for _ in range(60):
        items, inclusion = with_replacement(P, 2, rng)
        estimator.update(draw_of(items, inclusion), complete(items))
        rounds.append(of_items(items, inclusion)[0])
    estimate = estimator.estimate(0.95)
    np.testing.assert_allclose(estimate.regret, np.sum(rounds, axis=0) - estimator.earned, rtol=1e-12)
    half = 1.959963984540054 * np.sqrt(60 * np.var(rounds, axis=0, ddof=1))
    np.testing.assert_allclose(estimate.upper - estimate.regret, half, rtol=1e-9)
    np.testing.assert_allclose(estimate.regret - estimate.lower, half, rtol=1e-9)
    assert np.all(estimator.estimate(0.99).upper > estimate.upper)
    assert estimator.rounds == 60


def test_a_group_that_was_hardly_met_has_no_finite_interval():
    estimator = GroupRegretEstimator(GROUPS)
    for _ in range(40):
        estimator.update(draw_of([0], [0.5]), complete(np.array([0])))
    estimate = estimator.estimate()
    assert estimate.rounds_met.tolist() == [40, 0, 0]
    assert np.isfinite(estimate.upper).tolist() == [True, False, False]
    assert np.isneginf(estimate.lower).tolist() == [False, True, True]
    assert estimate.coverage.tolist() == [1.0, 0.0, 0.0]


def test_a_new_estimator_knows_nothing():
    estimate = GroupRegretEstimator(GROUPS).estimate()
    assert estimate.regret.tolist() == [0.0, 0.0, 0.0]
    assert np.all(np.isinf(estimate.upper))


def test_a_draw_without_any_answer_is_passed_over():
    estimator = GroupRegretEstimator(GROUPS)
    estimator.update(draw_of([0, 1], [0.5, 0.5]), Feedback([np.nan, np.nan], [0, 0]))
    assert estimator.rounds == 0


# State and errors


def test_saved_state_continues_bit_for_bit(tmp_path):
    whole, first, second = (GroupRegretEstimator(GROUPS) for _ in range(3))
    rng = np.random.default_rng(5)
    for t in range(20):
        items, inclusion = with_replacement(P, 2, rng)
        draw = draw_of(items, inclusion)
        whole.update(draw, complete(items))
        (first if t < 9 else second).update(draw, complete(items))
        if t == 8:
            checkpoint.save_state(tmp_path / "estimator", first.state_dict())
            second.load_state_dict(checkpoint.load_state(tmp_path / "estimator"))
    for name, value in whole.state_dict().items():
        assert np.array_equal(value, second.state_dict()[name]), name


REFUSED = {
    "no inclusion": (draw_of([0], None), Feedback([1.0], [1]), "no inclusion.*use a sampler that states one"),
    "no candidate inclusion": (
        draw_of([0], [0.5], candidates=[0, 1]),
        Feedback([1.0], [1]),
        "no candidate_inclusion.*need the uniform proposal",
    ),
    "another proposal": (
        draw_of([0], [0.5], candidates=[0, 1, 2], candidate_inclusion=[0.5, 0.5, 0.6]),
        Feedback([1.0], [1]),
        "not 0.5 = M/N for every candidate",
    ),
    "an item that is no candidate": (
        draw_of([5], [0.5], candidates=[0, 1, 2], candidate_inclusion=[0.5, 0.5, 0.5]),
        Feedback([1.0], [1]),
        "not among its candidates",
    ),
    "inclusion zero": (draw_of([0], [0.0]), Feedback([1.0], [1]), "an inclusion of the draw is zero"),
    "another bank": (draw_of([6], [0.5]), Feedback([1.0], [1]), "outside 0..5"),
    "too many answers": (draw_of([0], [0.5]), Feedback([1.0, 1.0], [1, 1]), "2 utilities answer a draw of 1"),
    "no number": (draw_of([4], [0.5]), Feedback([np.inf], [1]), "the utility of item 4 is inf"),
}


@pytest.mark.parametrize(("draw", "feedback", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_estimated_is_refused_and_leaves_the_state_as_it_was(draw, feedback, message):
    estimator = GroupRegretEstimator(GROUPS)
    estimator.update(draw_of([0], [0.5]), complete(np.array([0])))
    before = estimator.state_dict()
    with pytest.raises(ValueError, match=message):
        estimator.update(draw, feedback)
    for name, value in before.items():
        assert np.array_equal(value, estimator.state_dict()[name])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: GroupRegretEstimator([0, 2]), "group 1 has no problem"),
        (lambda: GroupRegretEstimator([]), "one whole number"),
        (lambda: GroupRegretEstimator([0.5]), "one whole number"),
        (lambda: GroupRegretEstimator([0], minimum_rounds=1), "minimum_rounds is 1"),
        (lambda: GroupRegretEstimator([0]).estimate(1.0), "confidence is 1.0"),
        (lambda: GroupRegretEstimator([0]).load_state_dict({"kind": "osmd"}), "'osmd', not to a 'group_regret'"),
        (
            lambda: GroupRegretEstimator([0]).load_state_dict(GroupRegretEstimator([0, 1]).state_dict()),
            r"count of group_regret has shape \(2,\) where \(1,\) is needed",
        ),
    ],
)
def test_errors_name_the_value_and_the_remedy(call, message):
    with pytest.raises(ValueError, match=message):
        call()
