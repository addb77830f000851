"""The token policy against brute force: all answers enumerated, the gradient by differences."""

import itertools

import numpy as np
import pytest

from curriculum_bandits.environments import SoftmaxStudent, Training, graded_problems

PROBLEMS = graded_problems(60, easiest=-2, hardest=2, families=2, levels=3)


def a_student(steps=5, **settings):
    """Trained a little with a large step, so that its logits are no longer symmetric."""
    student = SoftmaxStudent(PROBLEMS, Training(rate=40.0), tokens=(2, 4), vocabulary=3, **settings)
    for _ in range(steps):
        student.learn(np.arange(60))
    return student


def every_answer(length, longest=4):
    """All answers of a length over 3 tokens, padded with 0, shape (1, 3 ** length, longest)."""
    answers = np.array(list(itertools.product(range(3), repeat=length)))
    return np.pad(answers, ((0, 0), (0, longest - length)))[None]


@pytest.mark.parametrize("level", [0, 1, 2])
def test_success_is_the_sum_over_all_answers(level):
    student = a_student()
    item = int(np.flatnonzero(PROBLEMS.cell == 3 + level)[4])
    place = PROBLEMS.cell[[item]], PROBLEMS.offset[[item]]
    answers = every_answer(2 + level)
    probability = np.exp(student._log_probability(student._policy, *place, answers))[0]
    right = np.all(answers[0] == 0, axis=1)
    assert probability.sum() == pytest.approx(1.0, abs=1e-13)
    assert probability[right].sum() == pytest.approx(student.success([item])[0], rel=1e-12)


def test_answers_are_drawn_with_their_probabilities():
    student = a_student()
    place = PROBLEMS.cell[[15]], PROBLEMS.offset[[15]]
    answers, rewards = student._answer(student._policy, *place, 40_000, np.random.default_rng(0))
    every = every_answer(3)
    probability = np.exp(student._log_probability(student._policy, *place, every))[0]
    counts = np.array([np.sum(np.all(answers[0] == answer, axis=1)) for answer in every[0]])
    assert counts.sum() == 40_000
    common = 40_000 * probability > 20
    z = (counts - 40_000 * probability)[common] / np.sqrt(40_000 * probability * (1 - probability))[common]
    assert common.sum() >= 4
    assert np.abs(z).max() < 4
    np.testing.assert_array_equal(rewards[0], np.all(answers[0] == 0, axis=1))


def test_the_gradient_is_that_of_the_log_probabilities():
    student = a_student()
    rng = np.random.default_rng(1)
    items = np.array([0, 25, 26, 59])
    cell, offset = PROBLEMS.cell[items], PROBLEMS.offset[items]
    answers, _ = student._answer(student._policy, cell, offset, 5, rng)
    weights = rng.normal(size=(4, 5))
    weights -= weights.mean(axis=1, keepdims=True)

    def weighted(policy):
        return np.sum(weights * student._log_probability(policy, cell, offset, answers))

    numeric = np.zeros_like(student._policy)
    for place in np.ndindex(*numeric.shape):
        bump = np.zeros_like(numeric)
        bump[place] = 1e-5
        numeric[place] = (weighted(student._policy + bump) - weighted(student._policy - bump)) / 2e-5
    np.testing.assert_allclose(student._gradient(cell, answers, weights), numeric, atol=1e-8)


def test_an_update_climbs_the_exact_gradient_of_the_batch():
    """Averaged over seeds, a small step raises mean success by rate * |gradient|^2, to first order."""
    items = np.flatnonzero(PROBLEMS.cell == 1)
    rate = 1e-3
    gains = []
    for seed in range(400):
        student = SoftmaxStudent(PROBLEMS, Training(rate=rate, transfer=0.0), tokens=(2, 4), vocabulary=3, seed=seed)
        student.learn(items)
        gains.append(student.true_improvement(items).mean())
    policy = student._previous
    gradient = np.zeros_like(policy)
    for place in np.ndindex(*policy.shape):
        if place[0] == 1:
            for sign in (1, -1):
                moved = policy.copy()
                moved[place] += sign * 1e-5
                success = np.exp(student._log_success(moved, PROBLEMS.cell[items], PROBLEMS.offset[items]))
                gradient[place] += sign * success.mean() / 2e-5
    z = (np.mean(gains) - rate * np.sum(gradient**2)) / (np.std(gains) / np.sqrt(len(gains)))
    assert abs(z) < 4


def test_a_typical_problem_begins_as_its_difficulty_says():
    student = a_student(steps=0)
    np.testing.assert_allclose(student.success_by_cell(), 1 / (1 + np.exp(PROBLEMS.difficulty)), rtol=1e-12)


def test_a_vocabulary_of_one_is_refused():
    with pytest.raises(ValueError, match="vocabulary is 1"):
        SoftmaxStudent(PROBLEMS, vocabulary=1)
