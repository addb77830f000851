"""The posterior over last changes against Bayes' rule by enumeration, and each of its parts by hand."""

import itertools
import math

import numpy as np
import pytest
from scipy.special import betaln

from curriculum_bandits.bandits import ChangePosterior

ENDLESS = {"discounts": (1.0,), "contagion": 0.0, "hypotheses": 64}


def by_enumeration(gains, gaps, hazard):
    """P(start of the present mean | gains) over all patterns of changes: each stretch has a uniform mean of its own.

    `gaps` are the rounds between plays; a change falls between two plays with chance 1 - (1 - hazard) ** gap.
    """
    n, total = len(gains), {}
    for pattern in itertools.product((False, True), repeat=n - 1):
        log_p, begin = 0.0, 0
        for j, changed in enumerate(pattern, start=1):
            stays = (1.0 - hazard) ** gaps[j - 1]
            log_p += math.log1p(-stays) if changed else math.log(stays)
        bounds = [0, *(j for j, changed in enumerate(pattern, start=1) if changed), n]
        for begin, end in itertools.pairwise(bounds):
            wins = sum(gains[begin:end])
            log_p += betaln(1 + wins, 1 + (end - begin) - wins)
        total[bounds[-2]] = total.get(bounds[-2], 0.0) + math.exp(log_p)
    norm = sum(total.values())
    return {start: weight / norm for start, weight in total.items()}


def weights_by_start(statistics, row=0):
    weight, _, _, _, _, start = statistics._hypotheses[:, row]
    return {int(s): float(np.sum(weight[(start == s) & (weight > 0.0)])) for s in np.unique(start[weight > 0.0])}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("hazard", [0.02, 0.3])
def test_the_weights_are_the_posterior_over_the_last_change(seed, hazard):
    """One play each round or with pauses, in which another arm is played."""
    rng = np.random.default_rng(seed)
    statistics, rounds, gains = ChangePosterior(2, hazard=hazard, **ENDLESS), [], []
    for t in range(1, 17):
        if t == 1 or rng.random() < 0.6:
            rounds.append(t)
            gains.append(int(rng.random() < 0.5))
            statistics.record(np.array([0]), np.array([float(gains[-1])]))
        else:
            statistics.record(np.array([1]), np.array([1.0]))
    expected = by_enumeration(gains, np.diff(rounds), hazard)
    names = {start: 0 if start == 0 else rounds[start] for start in expected}
    found = weights_by_start(statistics)
    assert found == pytest.approx({names[start]: weight for start, weight in expected.items()}, rel=1e-9)
    pause = statistics.rounds + 1 - rounds[-1]
    assert statistics.unseen()[0] == pytest.approx(1.0 - (1.0 - hazard) ** pause)


def test_an_arm_never_played_is_a_fresh_one():
    statistics = ChangePosterior(2, hazard=0.1)
    np.testing.assert_array_equal(statistics.unseen(), [1.0, 1.0])
    statistics.record(np.array([1]), np.array([1.0]))
    assert statistics.unseen()[0] == 1.0
    np.testing.assert_array_equal(statistics.hypothesis(np.random.default_rng(0))[0][0], 1.0)
    np.testing.assert_array_equal(statistics.last_change(), [0.0, 0.0])  # a first play is no change


def test_hypotheses_are_drawn_by_their_weights_and_the_chance_of_a_change():
    runs = 40_000
    statistics = ChangePosterior(1, hazard=0.2, runs=runs, **ENDLESS)
    for gain in (1.0, 1.0, 0.0):
        statistics.record(np.zeros((runs, 1), dtype=int), np.full((runs, 1), gain))
    successes, failures = statistics.hypothesis(np.random.default_rng(0))
    weights, unseen = by_enumeration([1, 1, 0], [1, 1], 0.2), 0.2
    # Begun at the first, second or third play, or changed in the coming round.
    pairs = {(3.0, 2.0): weights[0], (2.0, 2.0): weights[1], (1.0, 2.0): weights[2]}
    expected = {pair: (1.0 - unseen) * weight for pair, weight in pairs.items()} | {(1.0, 1.0): unseen}
    for (a, b), chance in expected.items():
        share = np.mean((successes == a) & (failures == b))
        assert abs(share - chance) < 4.5 * math.sqrt(chance * (1.0 - chance) / runs)
    assert sum(expected.values()) == pytest.approx(1.0)


def test_a_gain_between_counts_as_both_in_proportion():
    statistics = ChangePosterior(1, hazard=0.5, **ENDLESS)
    for gain in (0.75, 0.25):
        statistics.record(np.array([0]), np.array([gain]))
    # Old: Beta(1.75, 1.25) predicts .25 by 1.75^.25 1.25^.75 / 3, half of the mass; new: one half, the other half.
    old, new = 0.5 * 1.75**0.25 * 1.25**0.75 / 3.0, 0.5 * 0.5
    assert weights_by_start(statistics) == pytest.approx({0: old / (old + new), 2: new / (old + new)})
    _, _, successes, failures, _, start = statistics._hypotheses[:, 0]
    old_row = np.argmax((start == 0.0) & (successes + failures > 3.5))
    assert (successes[old_row], failures[old_row]) == pytest.approx((2.0, 2.0))


def test_a_discount_forgets_what_is_beyond_the_prior():
    statistics = ChangePosterior(1, hazard=1e-9, discounts=(0.5,), contagion=0.0, hypotheses=4)
    for gain in (1.0, 1.0, 0.0):
        statistics.record(np.array([0]), np.array([gain]))
    weight, _, successes, failures, _, _ = statistics._hypotheses[:, 0]
    best = np.argmax(weight)
    assert (successes[best], failures[best]) == pytest.approx((1.0 + 0.25 + 0.5, 1.0 + 1.0))


def test_a_hypothesis_of_drift_fades_while_its_arm_rests_and_one_of_jumps_does_not():
    statistics = ChangePosterior(2, hazard=1e-9, discounts=(1.0, 0.5), idle=0.9, contagion=0.0, hypotheses=6, runs=4000)

    def round_of(arm, gain):
        statistics.record(np.full((4000, 1), arm), np.full((4000, 1), gain))

    round_of(0, 1.0)
    for _ in range(3):
        round_of(1, 0.0)
    drawn = statistics.hypothesis(np.random.default_rng(0))[0][:, 0]
    np.testing.assert_allclose(np.unique(drawn.round(9)), [1.0 + 0.9**3, 2.0])
    round_of(0, 1.0)
    _, _, successes, _, discount, start = statistics._hypotheses[:, 0]
    old = {pace: successes[(discount == pace) & (start == 0.0)].max() for pace in (1.0, 0.5)}
    assert old == pytest.approx({1.0: 3.0, 0.5: 1.0 + 0.5 * 0.9**3 + 1.0})


def test_every_play_begins_a_hypothesis_of_each_discount():
    rng, statistics = np.random.default_rng(6), ChangePosterior(1, hazard=1e-4)
    for t in range(1, 400):
        statistics.record(np.array([0]), np.array([float(rng.random() < 0.5)]))
        weight, _, _, _, discount, start = statistics._hypotheses[:, 0]
        begun = sorted(discount[(start == (t if t > 1 else 0)) & (weight > 0.0)])
        assert begun == [0.97, 1.0], t


def test_a_change_that_is_found_makes_the_others_suspect_and_a_suspicion_does_not_confirm_itself():
    statistics = ChangePosterior(3, hazard=1e-4, contagion=0.5)
    for _ in range(20):
        for arm, gain in ((0, 1.0), (1, 0.0), (2, 0.0)):
            statistics.record(np.array([arm]), np.array([gain]))
    calm = statistics.unseen()
    assert np.all(calm < 1e-3)
    for _ in range(12):
        statistics.record(np.array([0]), np.array([0.0]))
    assert statistics.last_change()[0] == 61.0  # the first round in which it paid nothing
    np.testing.assert_allclose(statistics.unseen()[1:], 0.5, atol=2e-3)
    # As ever: it lifts the suspicion from this arm, not from the other.
    statistics.record(np.array([1]), np.array([0.0]))
    assert statistics.unseen()[1] < 1e-3
    assert statistics.last_change()[1] == 0.0
    assert statistics.unseen()[2] == pytest.approx(0.5, abs=2e-3)


def test_without_contagion_only_the_hazard_speaks():
    statistics = ChangePosterior(2, hazard=0.01, contagion=0.0)
    statistics.record(np.array([0]), np.array([0.0]))
    for t in range(50):
        statistics.record(np.array([1]), np.array([float(t < 25)]))
    assert statistics.last_change()[1] == 27.0
    assert statistics.unseen()[0] == pytest.approx(1.0 - 0.99**51)


def test_the_least_likely_hypothesis_makes_room():
    statistics = ChangePosterior(1, hazard=1e-3, discounts=(1.0,), hypotheses=3)
    for gain in [1.0] * 10 + [0.0] * 6:
        statistics.record(np.array([0]), np.array([gain]))
    kept = weights_by_start(statistics)
    assert len(kept) <= 3
    assert sum(kept.values()) == pytest.approx(1.0)
    assert statistics.last_change()[0] == 11.0


def test_several_plays_a_round_are_learned_as_in_one_round():
    both, apart = (ChangePosterior(3, hazard=0.05) for _ in range(2))
    rng = np.random.default_rng(5)
    for _ in range(30):
        gains = rng.random(2)
        both.record(np.array([0, 2]), gains)
        apart.record(np.array([2, 0]), gains[::-1])
    np.testing.assert_array_equal(both._hypotheses[:, [0, 2]], apart._hypotheses[:, [0, 2]])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hazard": 0.0}, "hazard is 0.0"),
        ({"hazard": 1.0}, "hazard is 1.0"),
        ({"contagion": 1.0}, "contagion is 1.0"),
        ({"contagion": -0.1}, "contagion is -0.1"),
        ({"discounts": ()}, "at least one"),
        ({"discounts": (1.0, 0.0)}, "above 0"),
        ({"discounts": (0.9, 0.9)}, "each once"),
        ({"idle": 0.0}, "idle is 0.0"),
        ({"hypotheses": 2}, "hypotheses is 2"),
    ],
)
def test_a_setting_out_of_range_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        ChangePosterior(3, **{"hazard": 0.1, **settings})


@pytest.mark.parametrize(("field", "message"), [(0, "weights"), (2, "counts"), (4, "counts"), (5, "round 2000")])
def test_hypotheses_that_no_plays_lead_to_are_refused(field, message):
    statistics = ChangePosterior(2, hazard=0.1)
    statistics.record(np.array([0, 1]), np.array([1.0, 0.0]))
    state = statistics.state_dict()
    state["hypotheses"][field, 1, 0] = 2000.0 if field != 2 else 0.5
    with pytest.raises(ValueError, match=message):
        statistics.load_state_dict(state)
