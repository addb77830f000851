"""A problem's worth by finite differences and by what training really brings, and the oracle that plays by it."""

import time

import numpy as np
import pytest

from curriculum_bandits import Curriculum, run
from curriculum_bandits.environments import GreedyOracle, SkillStudent, SoftmaxStudent, Training, graded_problems
from curriculum_bandits.methods import uniform
from curriculum_bandits.signals import success_rate
from curriculum_bandits.testing import CurriculumConformance

PROBLEMS = graded_problems(60, easiest=-2, hardest=2, families=2, levels=3, seed=3)
STUDENTS = {
    "skill": lambda training: SkillStudent(PROBLEMS, training, seed=1),
    "softmax": lambda training: SoftmaxStudent(PROBLEMS, training, tokens=(2, 4), vocabulary=3, seed=1),
}
each_student = pytest.mark.parametrize("make", STUDENTS.values(), ids=STUDENTS)


def warm(make, **training):
    """A student whose policy is in no special place, as it is after a few batches."""
    student = make(Training(**training))
    rng = np.random.default_rng(0)
    for _ in range(10):
        student.learn(rng.choice(60, size=20, replace=False))
    return student


def moved(student, policy):
    twin_state = {**student.state_dict(), "policy": policy}
    student.load_state_dict(twin_state)
    return student


def finite_differences(student, measure, width=1e-5):
    """Gradient in every number of the policy of what `measure(student)` returns, (..., measured)."""
    start = student.state_dict()
    policy, columns = start["policy"], []
    for place in np.ndindex(policy.shape):
        values = []
        for sign in (1, -1):
            shifted = policy.copy()
            shifted[place] += sign * width
            values.append(np.atleast_1d(measure(moved(student, shifted))))
        columns.append((values[0] - values[1]) / (2 * width))
    student.load_state_dict(start)
    return np.array(columns).reshape(*policy.shape, -1)


@each_student
def test_the_expected_gain_is_the_inner_product_of_finite_differences(make):
    student = warm(make, rate=3.0, transfer=0.4)
    of_problems = finite_differences(student, lambda s: s.success())
    of_bank = finite_differences(student, lambda s: s.evaluate()["bank_success"])
    kernel = np.kron(np.eye(2), 0.4 ** np.abs(np.subtract.outer(np.arange(3), np.arange(3))))
    carried = np.tensordot(kernel, of_problems, axes=1).reshape(-1, 60)
    expected = 3.0 * of_bank.ravel() @ carried
    assert expected.max() > 3 * expected.min() > 0  # something to tell apart
    np.testing.assert_allclose(student.expected_gain(), expected, rtol=1e-6)


@each_student
def test_a_step_along_the_exact_gradient_of_a_problem_brings_the_expected_gain(make):
    student, rate = warm(make, transfer=0.4), 1e-4
    gain = student.expected_gain() * rate / student.training.rate
    of_problems = finite_differences(student, lambda s: s.success())
    start, before = student.state_dict(), student.evaluate()["bank_success"]
    for item in (0, 25, 59):
        student.load_state_dict(start)
        gradient = of_problems[..., item].reshape(2, 3, -1)
        kernel = 0.4 ** np.abs(np.subtract.outer(np.arange(3), np.arange(3)))
        moved(student, start["policy"] + rate * (kernel @ gradient).reshape(start["policy"].shape))
        assert student.evaluate()["bank_success"] - before == pytest.approx(gain[item], rel=1e-3)


@each_student
def test_what_learning_brings_on_average_is_the_expected_gain(make):
    student = warm(make, n_rollouts=4, holdout=1)
    tiny = make(Training(n_rollouts=4, holdout=1, rate=1e-6))
    state = {**student.state_dict(), "rng": tiny.state_dict()["rng"]}
    for item in (5, 30, 55):
        gains = []
        for _ in range(40):  # a batch that holds one problem 500 times is the mean of 500 calls, to first order
            tiny.load_state_dict({**state, "rng": tiny.state_dict()["rng"]})
            expected = tiny.expected_gain([item])[0]
            tiny.learn(np.full(500, item))
            gains.append(tiny.true_improvement().mean())
        error = np.std(gains, ddof=1) / np.sqrt(len(gains))
        assert error < 0.05 * expected
        assert abs(np.mean(gains) - expected) < 4 * error


@each_student
def test_items_have_the_gain_they_have_among_all(make):
    student = warm(make)
    np.testing.assert_array_equal(student.expected_gain([7, 7, 50]), student.expected_gain()[[7, 7, 50]])
    with pytest.raises(ValueError, match="item 60 is not in the bank"):
        student.expected_gain([60])


@each_student
def test_forgetting_does_not_count(make):
    twins = make(Training()), make(Training(forgetting=0.05))
    np.testing.assert_array_equal(*(student.expected_gain() for student in twins))


def test_what_is_solved_or_hopeless_is_worth_nothing():
    student = SkillStudent(graded_problems(60, easiest=-60, hardest=60, families=1, levels=3, family_spread=0.0))
    gain = student.expected_gain()
    assert np.all(gain[student.problems.cell == 1] > 1e-3)
    assert np.all(gain[student.problems.cell != 1] < 1e-20)


def test_a_large_bank_costs_milliseconds():
    student = SkillStudent.half_hopeless(n_problems=100_000)
    times = []
    for _ in range(5):
        begin = time.perf_counter()
        student.expected_gain()
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.05  # about 0.005 on an idle core


def test_the_oracle_plays_the_largest_gains_and_breaks_ties_at_random():
    class Fixed:
        bank = range(6)

        def expected_gain(self, items=None):
            gain = np.array([0.1, 0.5, 0.5, 0.9, 0.5, 0.0])
            return gain if items is None else gain[items]

    oracle, rng = GreedyOracle(Fixed()), np.random.default_rng(0)
    counts = np.zeros(6)
    for _ in range(3000):
        selection = oracle.select(2, rng)
        counts[selection.arms] += 1
        assert selection.inclusion is None
        assert selection.probability.tolist() == [0.5, 0.5]
    assert counts[3] == 3000
    assert counts[[0, 5]].tolist() == [0, 0]
    np.testing.assert_allclose(counts[[1, 2, 4]], 1000, atol=4 * np.sqrt(3000 * 2 / 9))
    assert sorted(oracle.select(2, rng, candidates=np.array([5, 0, 1])).arms) == [0, 1]
    assert sorted(oracle.select(6, rng).arms) == list(range(6))
    for size in (0, 7):
        with pytest.raises(ValueError, match=f"{size} problems are asked for but there are 6"):
            oracle.select(size, rng)


def test_the_oracle_teaches_faster_than_uniform():
    scores = {}
    for name in ("uniform", "oracle"):
        student = SkillStudent.half_hopeless(n_problems=2000, seed=5)
        oracle = Curriculum(student.bank, GreedyOracle(student), success_rate, name="greedy-oracle", seed=0)
        curriculum = oracle if name == "oracle" else uniform(student.bank)
        scores[name] = run(curriculum, student, 60, 32, evaluate_every=60, progress=False)[-1]
    assert scores["oracle"]["accuracy"] > scores["uniform"]["accuracy"] + 0.05
    assert scores["oracle"]["informative_share"] > scores["uniform"]["informative_share"] + 0.3


class TestGreedyOracle(CurriculumConformance):
    learns = False

    def make(self, seed=0):
        # Problems of a cell are all alike, so that ties leave something to the seed.
        problems = graded_problems(60, easiest=-2, hardest=2, families=2, levels=3, problem_spread=0.0, seed=3)
        student = SoftmaxStudent(problems)
        return Curriculum(student.bank, GreedyOracle(student), success_rate, name="greedy-oracle", seed=seed)
