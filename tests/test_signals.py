"""The utility is V(pi') - V(pi): proved by summing over every outcome of a policy small enough to do so."""

import functools
import itertools

import numpy as np
import pytest

from curriculum_bandits.rollouts import Rollouts
from curriculum_bandits.signals import (
    absolute_advantage,
    advantages,
    episode_improvements,
    mean_reward,
    needs_log_ratio,
    policy_improvement,
    reward_variance,
    success_rate,
    success_rate_and_kl,
    tent,
    value_loss,
)

RATIOS = ("length_normalized", "sequence")
ADVANTAGES = ("zscore", "centered", "leave_one_out")
EVERY_SWITCH = [{"ratio": r, "advantage": a} for r in RATIOS for a in ADVANTAGES]


def token_logprobs(first, second):
    """Log-probabilities of the two tokens of the answers (0, 0), (0, 1), (1, 0), (1, 1): shape (4, 2)."""
    log_softmax = [x - np.log(np.sum(np.exp(x), axis=-1, keepdims=True)) for x in (first, second)]
    return np.array([[log_softmax[0][a], log_softmax[1][a, b]] for a in (0, 1) for b in (0, 1)])


RNG = np.random.default_rng(0)
BEFORE = token_logprobs(RNG.normal(size=2), RNG.normal(size=(2, 2)))
AFTER = token_logprobs(RNG.normal(size=2), RNG.normal(size=(2, 2)))
REWARD = np.array([1.0, 0.0, 0.3, 1.0])
IMPROVEMENT = np.sum((np.exp(AFTER.sum(1)) - np.exp(BEFORE.sum(1))) * REWARD)


def expectation(n, **switches):
    """E of the utility over all joint outcomes of n independent rollouts: one outcome is one row."""
    outcomes = np.array(list(itertools.product(range(4), repeat=n)))
    weight = np.exp(np.sum(BEFORE.sum(1)[outcomes], axis=1))
    assert np.sum(weight) == pytest.approx(1.0, abs=1e-14)
    rollouts = Rollouts(
        rewards=REWARD[outcomes],
        logprobs_before=BEFORE.sum(1)[outcomes],
        logprobs_after=AFTER.sum(1)[outcomes],
        lengths=np.full(outcomes.shape, 2),
    )
    return np.sum(weight * policy_improvement(rollouts, **switches).values)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_sequence_with_leave_one_out_is_unbiased(n):
    assert abs(IMPROVEMENT) > 0.01
    assert expectation(n, ratio="sequence", advantage="leave_one_out") == pytest.approx(IMPROVEMENT, abs=1e-13)


@pytest.mark.parametrize("n", [2, 3, 4])
def test_centered_shrinks_it_by_one_in_n(n):
    assert expectation(n, ratio="sequence", advantage="centered") == pytest.approx((1 - 1 / n) * IMPROVEMENT, abs=1e-13)


def test_missing_rollouts_leave_it_unbiased():
    outcomes = np.array(list(itertools.product(range(4), repeat=2)))
    weight = np.exp(np.sum(BEFORE.sum(1)[outcomes], axis=1))
    lost = np.full((len(outcomes), 1), np.nan)
    rollouts = Rollouts(
        rewards=np.hstack([REWARD[outcomes], lost]), log_ratio=np.hstack([(AFTER - BEFORE).sum(1)[outcomes], lost])
    )
    feedback = policy_improvement(rollouts, ratio="sequence", advantage="leave_one_out")
    assert np.all(feedback.counts == 2)
    assert np.sum(weight * feedback.values) == pytest.approx(IMPROVEMENT, abs=1e-13)


def test_the_default_is_length_normalized_and_zscore_by_hand():
    rewards, log_ratio, lengths = (
        np.array([1.0, 0.0, 0.0, 1.0]),
        np.array([0.4, -0.3, 0.1, 0.0]),
        np.array([4, 3, 1, 2]),
    )
    z = (rewards - 0.5) / (np.std(rewards, ddof=1) + 1e-6)
    expected = np.mean(np.exp(log_ratio / lengths) * z)
    feedback = policy_improvement(Rollouts(rewards=[rewards], log_ratio=[log_ratio], lengths=[lengths]))
    assert feedback.values[0] == pytest.approx(expected, rel=1e-12)
    assert feedback.counts[0] == 4


@pytest.mark.parametrize("switches", EVERY_SWITCH, ids=lambda s: "-".join(s.values()))
@pytest.mark.parametrize("reward", [0.0, 1.0, 0.1, -0.7, 1 / 3, 1e6])
def test_it_is_exactly_zero_for_constant_rewards(reward, switches):
    rng = np.random.default_rng(1)
    rollouts = Rollouts(rewards=np.full((5, 7), reward), log_ratio=rng.normal(size=(5, 7)), lengths=np.full((5, 7), 3))
    feedback = policy_improvement(rollouts, **switches)
    assert np.all(feedback.values == 0.0)
    assert np.all(feedback.counts == 7)


@pytest.mark.parametrize("switches", EVERY_SWITCH, ids=lambda s: "-".join(s.values()))
def test_it_is_exactly_zero_for_an_unchanged_policy(switches):
    rng = np.random.default_rng(2)
    logprobs = -rng.exponential(size=(5, 7)) * 1000
    rollouts = Rollouts(rng.normal(size=(5, 7)), logprobs, logprobs.copy(), lengths=np.full((5, 7), 3))
    assert np.all(policy_improvement(rollouts, **switches).values == 0.0)


@pytest.mark.parametrize("switches", EVERY_SWITCH, ids=lambda s: "-".join(s.values()))
def test_it_has_the_sign_of_the_improvement(switches):
    up = Rollouts(rewards=[[1.0, 0.0]], log_ratio=[[0.2, -0.2]], lengths=[[2, 2]])
    down = Rollouts(rewards=[[1.0, 0.0]], log_ratio=[[-0.2, 0.2]], lengths=[[2, 2]])
    assert policy_improvement(up, **switches).values[0] > 0 > policy_improvement(down, **switches).values[0]


def test_it_does_not_lose_ratios_next_to_one():
    rollouts = Rollouts(rewards=[[1.0, 0.0]], log_ratio=[[1e-12, -1e-12]])
    feedback = policy_improvement(rollouts, ratio="sequence", advantage="leave_one_out")
    assert feedback.values[0] == pytest.approx(1e-12, rel=1e-9)


def test_constant_rewards_are_zero_however_far_the_policy_moved():
    rollouts = Rollouts(rewards=[[1.0, 1.0]], log_ratio=[[800.0, -800.0]])
    with np.errstate(over="ignore"):
        feedback = policy_improvement(rollouts, ratio="sequence")
    assert feedback.values[0] == 0.0


def test_a_long_rollout_counts_per_token_only_when_length_normalized():
    fields = {"rewards": [[1.0, 0.0]], "log_ratio": [[1.0, 0.0]], "lengths": [[10, 10]]}
    per_token = policy_improvement(Rollouts(**fields), advantage="centered").values[0]
    whole = policy_improvement(Rollouts(**fields), ratio="sequence", advantage="centered").values[0]
    assert per_token == pytest.approx(np.expm1(0.1) / 4)
    assert whole == pytest.approx(np.expm1(1.0) / 4)


# Hold-out


def coin_flips_after_training(problems, n, seed):
    """Softmax policies over four answers, trained by one policy gradient step on half their rollouts.

    Rewards are coin flips that no answer can influence, so the true improvement is zero.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(problems, 4))
    p = np.exp(logits) / np.sum(np.exp(logits), axis=1, keepdims=True)
    answers = np.sum(rng.random((problems, n, 1)) > np.cumsum(p, axis=1)[:, None, :3], axis=2)
    rewards = rng.integers(0, 2, (problems, n)).astype(float)
    trained = np.broadcast_to(np.arange(n) < n // 2, (problems, n))
    credit = np.where(trained, rewards - np.mean(rewards[:, : n // 2], axis=1, keepdims=True), 0.0)
    step = np.sum(credit[..., None] * (np.eye(4)[answers] - p[:, None, :]), axis=1)
    q = p * np.exp(0.5 * step)
    log_move = np.log(q / np.sum(q, axis=1, keepdims=True)) - np.log(p)
    return Rollouts(rewards, log_ratio=np.take_along_axis(log_move, answers, axis=1), trained=trained)


def z_score(values):
    return np.mean(values) / (np.std(values, ddof=1) / np.sqrt(len(values)))


def test_holdout_finds_nothing_in_coin_flips_and_trained_rollouts_do():
    rollouts = coin_flips_after_training(problems=20_000, n=8, seed=3)
    held_out = policy_improvement(rollouts, ratio="sequence", advantage="leave_one_out", holdout=True)
    assert np.all(held_out.counts == 4)
    assert abs(z_score(held_out.values)) < 4
    everything = policy_improvement(rollouts, ratio="sequence", advantage="leave_one_out")
    assert z_score(everything.values) > 20


def test_holdout_uses_only_what_was_not_trained_on():
    fields = {"rewards": [[1, 0, 1, 0]], "log_ratio": [[5.0, -5.0, 0.1, 0.2]]}
    held_out = policy_improvement(
        Rollouts(**fields, trained=[[True, True, False, False]]), ratio="sequence", advantage="centered", holdout=True
    )
    assert held_out.values[0] == pytest.approx((np.expm1(0.1) - np.expm1(0.2)) / 4)
    assert held_out.counts[0] == 2


def test_too_few_held_out_rollouts_are_missing():
    rollouts = Rollouts([[1, 0, 1]], log_ratio=[[0.1, 0.1, 0.1]], trained=[[True, True, False]])
    assert policy_improvement(rollouts, ratio="sequence", holdout=True).counts.tolist() == [0]


# What is missing


@pytest.mark.parametrize("signal", [policy_improvement, absolute_advantage, reward_variance])
def test_fewer_than_two_valid_rollouts_are_missing_and_not_zero(signal):
    rollouts = Rollouts(
        rewards=[[1, None, None], [None, None, None], [1, 0, 1], [1, 0, None]],
        log_ratio=np.full((4, 3), 0.1),
        lengths=[[2, 2, 2], [2, 2, 2], [0, 2, 0], [2, 2, 2]],
    )
    feedback = signal(rollouts)
    assert feedback.answered.tolist() == [False, False, False, True]
    assert feedback.counts.tolist() == [0, 0, 0, 2]
    assert np.isfinite(feedback.values[3])


@pytest.mark.parametrize("signal", [policy_improvement, absolute_advantage, reward_variance, success_rate])
def test_a_missing_rollout_is_as_if_it_had_never_been(signal):
    rng = np.random.default_rng(4)
    rewards, moves = rng.integers(0, 2, (20, 4)).astype(float), rng.normal(size=(20, 4))
    rewards[:, 0] = 1.0
    lengths = rng.integers(1, 9, (20, 4))
    whole = signal(Rollouts(rewards, log_ratio=moves, lengths=lengths))
    no_reward, no_token = np.full((20, 1), np.nan), np.zeros((20, 1))
    padded = signal(
        Rollouts(
            np.hstack([rewards, no_reward, np.full((20, 1), 77.0)]),
            log_ratio=np.hstack([moves, np.full((20, 2), 9.0)]),
            lengths=np.hstack([lengths, np.full((20, 1), 3), no_token]),
        )
    )
    np.testing.assert_allclose(padded.values, whole.values, rtol=1e-12, atol=1e-15)
    assert padded.counts.tolist() == whole.counts.tolist()


def test_one_valid_rollout_is_enough_for_a_success_rate():
    feedback = success_rate(Rollouts(rewards=[[1, None], [None, None], [1, 0]]))
    assert feedback.counts.tolist() == [1, 0, 2]
    assert feedback.values[[0, 2]].tolist() == [1.0, 0.5]


# Advantages and the other signals


@pytest.mark.parametrize("kind", ADVANTAGES)
def test_advantages_of_a_problem_sum_to_zero(kind):
    rng = np.random.default_rng(5)
    rewards, valid = rng.normal(size=(30, 6)), rng.random((30, 6)) < 0.7
    a = advantages(rewards, valid, kind)
    np.testing.assert_allclose(np.sum(a, axis=1), 0.0, atol=1e-12)
    assert np.all(a[~valid] == 0.0)


def test_advantages_by_hand():
    rewards, valid = np.array([[3.0, 1.0, 2.0, 99.0]]), np.array([[True, True, True, False]])
    assert advantages(rewards, valid, "centered")[0].tolist() == [1.0, -1.0, 0.0, 0.0]
    np.testing.assert_allclose(advantages(rewards, valid, "leave_one_out")[0], [1.5, -1.5, 0.0, 0.0])  # 3 - (1 + 2)/2
    np.testing.assert_allclose(advantages(rewards, valid, "zscore")[0], np.array([1, -1, 0, 0]) / (1.0 + 1e-6))


@pytest.mark.parametrize(("right", "n"), [(1, 2), (1, 8), (4, 8), (7, 8), (3, 5)])
def test_absolute_advantage_of_binary_rewards_has_a_closed_form(right, n):
    p = right / n
    feedback = absolute_advantage(Rollouts(rewards=[[1.0] * right + [0.0] * (n - right)]))
    assert feedback.values[0] == pytest.approx(2 * np.sqrt(p * (1 - p)) * np.sqrt((n - 1) / n), rel=1e-5)
    centered = absolute_advantage(Rollouts(rewards=[[1.0] * right + [0.0] * (n - right)]), advantage="centered")
    assert centered.values[0] == pytest.approx(2 * p * (1 - p), rel=1e-12)


@pytest.mark.parametrize(("right", "n"), [(0, 4), (1, 4), (2, 4), (4, 4)])
def test_reward_variance_of_binary_rewards_is_p_times_one_minus_p(right, n):
    p = right / n
    rollouts = Rollouts(rewards=[[1.0] * right + [0.0] * (n - right)])
    assert reward_variance(rollouts).values[0] == pytest.approx(p * (1 - p), abs=1e-15)
    assert success_rate(rollouts).values[0] == p


# Errors


@pytest.mark.parametrize(
    ("fields", "switches", "message"),
    [
        ({}, {}, "needs log-probabilities before and after"),
        ({"log_ratio": [[0.1, 0.2]]}, {}, "needs Rollouts.lengths"),
        ({"log_ratio": [[0.1, 0.2]]}, {"ratio": "sequence", "holdout": True}, "needs Rollouts.trained"),
        ({"log_ratio": [[0.1, 0.2]]}, {"ratio": "geometric"}, "ratio='geometric' is unknown"),
        ({"log_ratio": [[0.1, 0.2]]}, {"ratio": "sequence", "advantage": "z"}, "advantage='z' is unknown"),
    ],
)
def test_a_missing_field_or_an_unknown_switch_is_named(fields, switches, message):
    with pytest.raises(ValueError, match=message):
        policy_improvement(Rollouts(rewards=[[1, 0]], **fields), **switches)


# Signals of learners that know more than rewards


def test_episode_improvement_is_the_first_order_gain_of_a_two_step_decision_process():
    """Exhaustively: sum over trajectories of the old policy equals the linearised difference of returns."""
    before = np.array([[0.6, 0.4], [0.3, 0.7]])  # probability of two actions at two steps
    direction = np.array([[0.5, -0.5], [-1.0, 1.0]])
    gain = np.array([[1.0, 0.0], [0.0, 2.0]])  # reward of an action at a step; steps do not influence one another
    errors = []
    for size in (1e-2, 1e-3):
        after = before + size * direction
        value = [float(np.sum(policy * gain)) for policy in (before, after)]
        advantage = gain - np.sum(before * gain, axis=1, keepdims=True)
        expected = 0.0
        for a, b in itertools.product((0, 1), repeat=2):
            delta = [np.log(after[0, a] / before[0, a]), np.log(after[1, b] / before[1, b])]
            taken = [advantage[0, a], advantage[1, b]]
            expected += before[0, a] * before[1, b] * float(episode_improvements(delta, taken, [True, True]))
        errors.append(abs(expected - (value[1] - value[0])))
    assert max(errors) < 1e-12  # exact here, because the steps do not influence one another


def test_steps_that_did_not_happen_are_not_read_and_others_must_be_finite():
    assert episode_improvements([[0.1, np.nan]], [[2.0, np.inf]], [[True, False]])[0] == np.expm1(0.1) * 2.0
    with pytest.raises(ValueError, match=r"log_ratio at \(0, 1\) is nan"):
        episode_improvements([[0.1, np.nan]], [[2.0, 1.0]], [[True, True]])
    assert episode_improvements(np.zeros(3), np.ones(3), np.ones(3)) == 0.0


def test_a_learners_own_numbers_take_the_place_of_comparing_rewards():
    rollouts = Rollouts(
        [[10.0], [-3.0], [None]],
        successes=[[1.0], [0.25], [np.nan]],
        improvements=[[0.5], [-0.5], [np.nan]],
        absolute_advantages=[[2.0], [1.0], [np.nan]],
        value_losses=[[4.0], [9.0], [np.nan]],
        kl=[[0.1], [0.2], [np.nan]],
    )
    for signal, expected in (
        (success_rate, [1.0, 0.25]),
        (mean_reward, [10.0, -3.0]),
        (policy_improvement, [0.5, -0.5]),
        (absolute_advantage, [2.0, 1.0]),
        (value_loss, [4.0, 9.0]),
        (tent, [0.0, 0.5]),
    ):
        feedback = signal(rollouts)
        assert feedback.values[:2].tolist() == expected, signal
        assert feedback.counts.tolist() == [1, 1, 0]
    assert success_rate_and_kl(rollouts).kl[:2].tolist() == [0.1, 0.2]
    assert success_rate_and_kl(Rollouts([[1.0]])).kl is None
    with pytest.raises(ValueError, match=r"needs Rollouts\.value_losses"):
        value_loss(Rollouts([[1.0]]))


def test_variance_is_that_of_successes_where_they_are_given():
    assert reward_variance(Rollouts([[7.0, 3.0]], successes=[[1.0, 0.0]])).values.tolist() == [0.25]


def test_the_kl_is_unbiased_for_the_divergence():
    """Over every answer of a policy small enough to enumerate: KL(before, after) per token."""
    before, after = BEFORE.sum(axis=1), AFTER.sum(axis=1)
    estimates = [
        float(success_rate_and_kl(Rollouts([[0.0]], log_ratio=[[after[k] - before[k]]], lengths=[[2]])).kl[0])
        for k in range(len(before))
    ]
    assert min(estimates) >= 0.0
    assert np.dot(np.exp(before), estimates) == pytest.approx(np.dot(np.exp(before), before - after) / 2)


@pytest.mark.parametrize("signal", [absolute_advantage, mean_reward, reward_variance, success_rate, tent])
def test_a_signal_without_need_of_log_ratios_judges_alike_whatever_the_policy_did(signal):
    rewards = [[1.0, 0.0, None], [0.0, 0.0, 1.0]]
    alone = Rollouts(rewards, lengths=np.ones((2, 3)))
    moved = Rollouts(rewards, lengths=np.ones((2, 3)), log_ratio=np.arange(6.0).reshape(2, 3))
    assert not needs_log_ratio(signal)
    np.testing.assert_array_equal(signal(alone).values, signal(moved).values)


def test_what_nobody_marked_may_need_anything_also_behind_a_partial():
    assert needs_log_ratio(policy_improvement)
    assert needs_log_ratio(success_rate_and_kl)
    assert needs_log_ratio(functools.partial(policy_improvement, holdout=True))
    assert not needs_log_ratio(functools.partial(functools.partial(absolute_advantage), advantage="centered"))
    assert needs_log_ratio(lambda rollouts: success_rate(rollouts))

    def marked(rollouts):
        return success_rate(rollouts)

    marked.needs_log_ratio = False
    assert not needs_log_ratio(marked)
