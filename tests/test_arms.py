"""From plays of arms to problems and back."""

import numpy as np
import pytest

from curriculum_bandits.arms import Arms


def test_problems_belong_to_the_arm_that_was_played_and_are_distinct():
    arms = Arms([2, 0, 1, 0, 2, 2])
    rng = np.random.default_rng(0)
    for _ in range(200):
        played = rng.permutation([2, 2, 0, 1, 0])
        items = arms.problems(played, rng)
        assert arms.arm_of[items].tolist() == played.tolist()
        assert len(set(items.tolist())) == 5


def test_inside_an_arm_every_problem_is_equally_likely():
    arms, rng, draws = Arms([0, 1, 0, 0, 1]), np.random.default_rng(1), 4000
    counts = np.bincount(np.concatenate([arms.problems([0, 1, 0], rng) for _ in range(draws)]), minlength=5)
    p = np.array([2 / 3, 1 / 2, 2 / 3, 2 / 3, 1 / 2])
    assert np.all(np.abs(counts - draws * p) < 4.5 * np.sqrt(draws * p * (1 - p)))


def test_an_arm_of_one_problem_is_that_problem():
    arms = Arms([2, 0, 1])
    assert arms.problems([2, 1], np.random.default_rng(0)).tolist() == [0, 2]
    assert len(arms) == 3


def test_entropy_is_that_of_the_distribution_over_problems():
    arms, p = Arms([0, 0, 0, 1, 2, 2]), np.array([0.6, 0.4, 0.0])
    over_problems = np.repeat(p / arms.sizes, arms.sizes)
    expected = -np.sum(over_problems[over_problems > 0] * np.log(over_problems[over_problems > 0]))
    assert arms.entropy(p) == pytest.approx(expected, rel=1e-12)
    assert arms.entropy(arms.sizes / 6) == pytest.approx(np.log(6), rel=1e-12)


def test_an_arm_without_a_problem_is_refused():
    with pytest.raises(ValueError, match="arm 1 has no problem"):
        Arms([0, 2, 2])


def test_more_plays_than_problems_are_refused():
    with pytest.raises(ValueError, match="arm 1 is played 2 times but holds 1"):
        Arms([0, 0, 1]).problems([1, 1], np.random.default_rng(0))
