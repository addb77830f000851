"""What the skill student alone promises: the logistic law, and gains equal to the reward variance it saw."""

import numpy as np
import pytest

from curriculum_bandits.environments import SkillStudent, Training, graded_problems

PROBLEMS = graded_problems(120, easiest=-2, hardest=2, families=2, levels=3)


def test_success_is_the_logistic_of_skill_minus_difficulty():
    student = SkillStudent(PROBLEMS)
    assert student.skill == pytest.approx(np.zeros((2, 3)), abs=1e-12)
    student.learn(np.arange(120))
    logit = student.skill.ravel()[PROBLEMS.cell] - PROBLEMS.bank.difficulty
    np.testing.assert_allclose(student.success(), 1 / (1 + np.exp(-logit)), rtol=1e-12)


def test_the_gain_is_the_variance_of_the_rewards_and_reaches_neighbours_by_transfer():
    student = SkillStudent(PROBLEMS, Training(n_rollouts=6, holdout=2, rate=5.0, transfer=0.5))
    items = np.flatnonzero(PROBLEMS.cell == 1)[:10]
    rollouts = student.learn(items)
    variance = np.var(rollouts.rewards[:, :4], axis=1, ddof=1)
    assert variance.max() > 0
    gain = 5.0 * variance.mean()
    assert student.skill == pytest.approx(np.array([[0.5 * gain, gain, 0.5 * gain], [0, 0, 0]]), abs=1e-12)


def test_log_probabilities_are_those_of_right_and_wrong():
    student = SkillStudent(PROBLEMS, Training(n_rollouts=20))
    before = student.success()[:, None]
    rollouts = student.learn(np.arange(120))
    after = student.success()[:, None]
    right = rollouts.rewards == 1
    np.testing.assert_allclose(np.exp(rollouts.logprobs_before), np.where(right, before, 1 - before), rtol=1e-12)
    np.testing.assert_allclose(np.exp(rollouts.logprobs_after), np.where(right, after, 1 - after), rtol=1e-12)
    assert rollouts.rewards.mean() == pytest.approx(before.mean(), abs=4 * 0.5 / np.sqrt(2400))
    assert set(rollouts.lengths[[0, -1]].ravel()) == {16, 64}
