"""From plays of arms to problems and back."""

import numpy as np
import pytest

from curriculum_bandits.sampling.partition import Partition


def test_problems_belong_to_the_arm_that_was_played_and_are_distinct():
    arms = Partition([2, 0, 1, 0, 2, 2])
    rng = np.random.default_rng(0)
    for _ in range(200):
        played = rng.permutation([2, 2, 0, 1, 0])
        items = arms.problems(played, rng)
        assert arms.arm_of[items].tolist() == played.tolist()
        assert len(set(items.tolist())) == 5


def test_inside_an_arm_every_problem_is_equally_likely():
    arms, rng, draws = Partition([0, 1, 0, 0, 1]), np.random.default_rng(1), 4000
    counts = np.bincount(np.concatenate([arms.problems([0, 1, 0], rng) for _ in range(draws)]), minlength=5)
    p = np.array([2 / 3, 1 / 2, 2 / 3, 2 / 3, 1 / 2])
    assert np.all(np.abs(counts - draws * p) < 4.5 * np.sqrt(draws * p * (1 - p)))


def test_an_arm_of_one_problem_is_that_problem():
    arms = Partition([2, 0, 1])
    assert arms.problems([2, 1], np.random.default_rng(0)).tolist() == [0, 2]
    assert len(arms) == 3


def test_entropy_is_that_of_the_distribution_over_problems():
    arms, p = Partition([0, 0, 0, 1, 2, 2]), np.array([0.6, 0.4, 0.0])
    over_problems = np.repeat(p / arms.sizes, arms.sizes)
    expected = -np.sum(over_problems[over_problems > 0] * np.log(over_problems[over_problems > 0]))
    assert arms.entropy(p) == pytest.approx(expected, rel=1e-12)
    assert arms.entropy(arms.sizes / 6) == pytest.approx(np.log(6), rel=1e-12)


def test_an_arm_without_a_problem_is_refused():
    with pytest.raises(ValueError, match="arm 1 has no problem"):
        Partition([0, 2, 2])


def test_more_plays_than_problems_are_refused():
    with pytest.raises(ValueError, match="arm 1 is played 2 times but holds 1"):
        Partition([0, 0, 1]).problems([1, 1], np.random.default_rng(0))


def test_a_shuffled_arm_goes_round_before_it_repeats():
    arms, rng = Partition([0] * 7 + [1] * 3, within="epochs"), np.random.default_rng(0)
    drawn = np.concatenate([arms.problems([0, 0, 1], rng) for _ in range(21)])  # 6 rounds of arm 0, 7 of arm 1
    of_first, of_second = drawn[drawn < 7], drawn[drawn >= 7]
    assert np.bincount(of_first).tolist() == [6] * 7
    assert np.bincount(of_second)[7:].tolist() == [7] * 3
    assert sorted(of_second[:3].tolist()) == [7, 8, 9]


def test_a_shuffled_batch_across_the_end_of_a_list_holds_no_problem_twice_and_has_equal_chances():
    rng, counts = np.random.default_rng(0), np.zeros(5)
    for _ in range(3000):
        arms = Partition([0] * 5, within="epochs")
        arms.problems([0] * 3, rng)
        second = arms.problems([0] * 4, rng)
        assert len(set(second.tolist())) == 4
        counts[second] += 1
    assert np.all(np.abs(counts - 2400) < 4 * np.sqrt(3000 * 0.8 * 0.2))


def test_shuffled_lists_are_saved_and_continue():
    one, rng = Partition([0] * 4 + [1] * 6, within="epochs"), np.random.default_rng(0)
    one.problems([0, 1, 1, 0], rng)
    other = Partition([0] * 4 + [1] * 6, within="epochs")
    other.load_state_dict(one.state_dict())
    draws = [
        [arms.problems([0, 1, 1, 0], generator).tolist() for _ in range(9)]
        for arms, generator in ((one, np.random.default_rng(1)), (other, np.random.default_rng(1)))
    ]
    assert draws[0] == draws[1]


def test_a_list_of_other_arms_is_refused_and_nothing_is_changed():
    arms = Partition([0, 0, 1, 1], within="epochs")
    arms.problems([0, 1], np.random.default_rng(0))
    kept = arms.state_dict()
    moved = Partition([0, 1, 0, 1], within="epochs").state_dict()
    iid = Partition([0, 0, 1, 1]).state_dict()
    for state in (iid, moved, {**kept, "used": np.array([3, 0])}, {**kept, "order": np.array([0, 0, 2, 3])}):
        with pytest.raises(ValueError, match="saved"):
            arms.load_state_dict(state)
    assert np.array_equal(arms.state_dict()["order"], kept["order"])
    with pytest.raises(ValueError, match="within='sorted'"):
        Partition([0], within="sorted")


def test_a_refused_play_uses_up_no_list():
    arms, rng = Partition([0] * 4 + [1] * 2, within="epochs"), np.random.default_rng(0)
    arms.problems([0, 1], rng)
    kept = arms.state_dict()
    with pytest.raises(ValueError, match="arm 1 is played 3 times"):
        arms.problems([0, 1, 1, 1], rng)
    assert arms.state_dict()["used"].tolist() == kept["used"].tolist()
