"""The bank reveals family and difficulty with noise, in the shares it was asked for."""

import numpy as np
import pytest

from curriculum_bandits.environments import graded_problems


def test_cells_groups_and_difficulty_agree():
    problems = graded_problems(605, easiest=-2, hardest=4, families=3, levels=4, held_out=50)
    bank = problems.bank
    assert problems.difficulty.shape == (3, 4)
    assert [bank.group_names[g] for g in bank.groups] == [f"family{c // 4}/level{c % 4}" for c in problems.cell]
    np.testing.assert_array_equal(bank.difficulty, problems.difficulty.ravel()[problems.cell] + problems.offset)
    assert problems.held_out_cell.shape == problems.held_out_offset.shape == (50,)
    assert problems.difficulty.mean(axis=0) == pytest.approx([-2, 0, 2, 4])
    assert np.ptp(np.bincount(problems.cell)) <= 1
    assert problems.offset.std() == pytest.approx(0.5, rel=0.15)


def test_levels_have_their_shares_in_the_bank_and_held_out():
    problems = graded_problems(1000, easiest=0, hardest=1, families=2, levels=3, level_share=[3, 1, 1], held_out=100)
    assert np.bincount(problems.cell).tolist() == [300, 100, 100] * 2
    assert np.bincount(problems.held_out_cell).tolist() == [30, 10, 10] * 2


def test_features_reveal_family_and_difficulty_up_to_the_noise():
    exact = graded_problems(900, easiest=-3, hardest=3, families=3, levels=3, feature_noise=0.0)
    np.testing.assert_array_equal(exact.bank.features[:, :3], np.eye(3)[exact.cell // 3])
    assert np.corrcoef(exact.bank.features[:, 3], exact.bank.difficulty)[0, 1] == pytest.approx(1.0)
    noisy = graded_problems(900, easiest=-3, hardest=3, families=3, levels=3, feature_noise=0.3)
    assert (noisy.bank.features - exact.bank.features).std() == pytest.approx(0.3, rel=0.05)
    assert 0.9 < np.corrcoef(noisy.bank.features[:, 3], noisy.bank.difficulty)[0, 1] < 0.99


def test_the_bank_is_seeded():
    settings = {"easiest": -1, "hardest": 1}
    once, again, other = (graded_problems(50, seed=seed, **settings) for seed in (0, 0, 1))
    assert once.bank.fingerprint == again.bank.fingerprint
    np.testing.assert_array_equal(once.bank.features, again.bank.features)
    np.testing.assert_array_equal(once.held_out_offset, again.held_out_offset)
    assert not np.array_equal(once.offset, other.offset)


def test_one_problem_of_one_kind_is_a_bank():
    problems = graded_problems(1, easiest=0, hardest=0, families=1, levels=1, problem_spread=0.0)
    assert problems.bank.features.shape == (1, 2)
    assert problems.bank.difficulty.tolist() == [0.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_problems": 0}, "do not fit"),
        ({"held_out": 0}, "do not fit"),
        ({"easiest": 2}, "do not fit"),
        ({"level_share": [1, 1]}, "level_share"),
        ({"level_share": [0.0] * 10}, "level_share"),
    ],
)
def test_what_makes_no_bank_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        graded_problems(**{"n_problems": 10, "easiest": 0, "hardest": 1, **change})
