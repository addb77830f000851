"""What a batch brought: what is missing stays missing, what is infinite is refused with its place."""

import numpy as np
import pytest

from curriculum_bandits.rollouts import Rollouts


def test_none_and_nan_rewards_are_missing_and_a_zero_is_not():
    rollouts = Rollouts(rewards=[[1, None, 0.0], [float("nan"), 0, -1]])
    assert rollouts.valid.tolist() == [[True, False, True], [False, True, True]]


def test_a_rollout_of_length_zero_is_missing():
    rollouts = Rollouts(rewards=[[1.0, 0.0, None]], lengths=[[3, 0, 5]])
    assert rollouts.valid.tolist() == [[True, False, False]]


def test_the_log_ratio_is_after_minus_before():
    rollouts = Rollouts(rewards=[[1, 0]], logprobs_before=[[-2.0, -3.0]], logprobs_after=[[-1.5, -4.0]])
    assert rollouts.log_ratio.tolist() == [[0.5, -1.0]]


def test_a_log_ratio_of_ones_own_is_kept():
    rollouts = Rollouts(rewards=[[1.0]], logprobs_before=[[-2.0]], logprobs_after=[[-2.0]], log_ratio=[[1e-9]])
    assert rollouts.log_ratio.tolist() == [[1e-9]]


def test_log_probabilities_are_subtracted_in_float64():
    before = np.array([[-1000.0, -1.0]], dtype=np.float32)
    after = before.astype(np.float64) + 1e-9
    rollouts = Rollouts(rewards=[[1, 0]], logprobs_before=before, logprobs_after=after)
    np.testing.assert_allclose(rollouts.log_ratio, 1e-9, rtol=1e-3)
    assert rollouts.rewards.dtype == np.float64


def test_what_was_never_rolled_out_may_have_no_log_ratio():
    rollouts = Rollouts(rewards=[[1.0, None]], log_ratio=[[0.1, float("nan")]])
    assert rollouts.valid.tolist() == [[True, False]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rewards": [[0, 1], [np.inf, 0]]}, "rewards of problem 1 in the batch, rollout 0, is inf"),
        ({"rewards": [[0, -np.inf]]}, "rewards of problem 0 in the batch, rollout 1, is -inf"),
        ({"rewards": [[0, 1]], "log_ratio": [[0, np.inf]]}, "log_ratio of problem 0 in the batch, rollout 1, is inf"),
        ({"rewards": [[0, 1]], "log_ratio": [[np.nan, 0]]}, "log_ratio of problem 0 in the batch, rollout 0, is nan"),
        ({"rewards": [0, 1]}, r"rewards has shape \(2,\)"),
        ({"rewards": [[0, 1]], "log_ratio": [[0.1]]}, r"log_ratio has shape \(1, 1\) where rewards have \(1, 2\)"),
        ({"rewards": [[0, 1]], "lengths": [[1, 2, 3]]}, r"lengths has shape \(1, 3\)"),
        ({"rewards": [[0, 1]], "trained": [[True]]}, r"trained has shape \(1, 1\)"),
        ({"rewards": [[0, 1]], "lengths": [[1, -2]]}, "lengths must be token counts"),
        ({"rewards": [[0, 1]], "lengths": [[1, None]]}, "lengths must be token counts"),
        ({"rewards": [[0, 1]], "logprobs_before": [[-1, -1]]}, "needed together"),
        ({"rewards": [[0, 1]], "logprobs_after": [[-1, -1]]}, "needed together"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(fields, message):
    with pytest.raises(ValueError, match=message):
        Rollouts(**fields)


def test_stacking_keeps_order_and_every_field():
    first = Rollouts(rewards=[[1, 0]], log_ratio=[[0.1, 0.2]], lengths=[[3, 4]], trained=[[True, False]])
    second = Rollouts(rewards=[[0, None]], log_ratio=[[0.3, 0.4]], lengths=[[5, 6]], trained=[[False, False]])
    both = Rollouts.concatenate([first, second])
    assert len(both) == 2
    np.testing.assert_equal(both.rewards, [[1, 0], [0, np.nan]])
    assert both.log_ratio.tolist() == [[0.1, 0.2], [0.3, 0.4]]
    assert both.lengths.tolist() == [[3, 4], [5, 6]]
    assert both.trained.tolist() == [[True, False], [False, False]]
    assert both.logprobs_before is None


def test_stacking_refuses_a_field_that_only_some_have():
    with pytest.raises(ValueError, match="lengths is present in some"):
        Rollouts.concatenate([Rollouts(rewards=[[1]], lengths=[[2]]), Rollouts(rewards=[[1]])])


@pytest.mark.parametrize("name", ["successes", "improvements", "absolute_advantages", "value_losses", "kl"])
def test_what_a_learner_says_must_be_there_for_every_valid_rollout(name):
    Rollouts([[1.0, None]], **{name: [[0.5, np.nan]]})
    with pytest.raises(ValueError, match=f"{name} of problem 0 in the batch, rollout 1, is nan"):
        Rollouts([[1.0, 0.0]], **{name: [[0.5, np.nan]]})


def test_a_success_is_between_zero_and_one():
    with pytest.raises(ValueError, match=r"successes of problem 0 in the batch, rollout 1, is 1\.5"):
        Rollouts([[10.0, 20.0]], successes=[[1.0, 1.5]])


def test_some_rows_keep_every_field():
    rollouts = Rollouts(
        [[1, 0], [0, 0], [1, 1]], lengths=[[1, 2], [3, 4], [5, 6]], trained=[[1, 0], [0, 0], [1, 1]], kl=np.ones((3, 2))
    )
    for chosen in ([2, 0], np.array([True, False, True])):
        some = rollouts[chosen]
        assert len(some) == 2
        assert some.trained.dtype == bool
    assert rollouts[[2, 0]].lengths.tolist() == [[5, 6], [1, 2]]
    assert rollouts[[2, 0]].log_ratio is None


def test_a_problem_is_informative_where_two_valid_rewards_differ():
    nan = float("nan")
    pairs = Rollouts([[0, 0], [1, 0], [nan, 1], [nan, nan], [0.5, nan], [2, 2]])
    assert pairs.informative.tolist() == [False, True, False, False, False, False]
    assert Rollouts([[1, nan, 0], [1, 1, nan], [nan, nan, nan]]).informative.tolist() == [True, False, False]
    assert Rollouts([[1, 0, 0]], lengths=[[0, 3, 3]]).informative.tolist() == [False]
    assert Rollouts(np.zeros((2, 0))).informative.tolist() == [False, False]
