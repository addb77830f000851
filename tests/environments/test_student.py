"""What holds for every student: exact truth, learning where it is informative, forgetting, and an exact resume."""

import numpy as np
import pytest

from curriculum_bandits import methods, run
from curriculum_bandits.checkpoint import load_state, save_state
from curriculum_bandits.environments import SkillStudent, SoftmaxStudent, Training, graded_problems
from curriculum_bandits.signals import policy_improvement

STUDENTS = [SkillStudent, SoftmaxStudent]
KINDS = ["half_hopeless", "mostly_solved", "drifting"]
each_student = pytest.mark.parametrize("student_class", STUDENTS)


def train(student, steps, items=None, size=128, seed=0):
    rng = np.random.default_rng(seed)
    pool = np.arange(len(student.bank)) if items is None else np.flatnonzero(items)
    for _ in range(steps):
        student.learn(rng.choice(pool, size=size))
    return student


@each_student
@pytest.mark.parametrize("kind", KINDS)
def test_the_named_kinds_begin_as_they_are_named(student_class, kind):
    student = getattr(student_class, kind)(n_problems=3000, seed=1)
    success = student.success()
    hopeless, solved = np.mean(success < 0.01), np.mean(success > 0.95)
    if kind == "half_hopeless":
        assert 0.4 < hopeless < 0.6
        assert solved < 0.1
    if kind == "mostly_solved":
        assert 0.72 < solved < 0.88
        assert hopeless < 0.05
    if kind == "drifting":
        assert student.training.forgetting == 0.01
        assert 0.4 < success.mean() < 0.6


@each_student
@pytest.mark.parametrize("kind", KINDS)
def test_training_raises_accuracy(student_class, kind):
    student = getattr(student_class, kind)(seed=1)
    before = student.evaluate()
    after = train(student, 60).evaluate()
    assert set(before) == {"accuracy", "bank_success"}
    assert after["accuracy"] > before["accuracy"] + 0.02
    assert after["bank_success"] > before["bank_success"] + 0.02
    assert after["accuracy"] == pytest.approx(after["bank_success"], abs=0.03)  # drawn the same way


@each_student
def test_hopeless_and_solved_problems_teach_nothing(student_class):
    student = student_class(graded_problems(600, easiest=-40, hardest=40, families=2, levels=3))
    before = student.success()
    for level in (0, 2):
        train(student, 20, student.problems.cell % 3 == level)
    np.testing.assert_array_equal(student.success(), before)
    assert student.true_improvement().tolist() == [0.0] * 600


@each_student
def test_hopeless_problems_stay_hopeless_when_trained_alone_but_not_when_the_frontier_reaches_them(student_class):
    hopeless = student_class.half_hopeless().success() < 1e-3
    alone = train(student_class.half_hopeless(), 200, hopeless, size=64).success()[hopeless].mean()
    reached = train(student_class.half_hopeless(), 200, ~hopeless, size=64).success()[hopeless].mean()
    assert alone < 1e-3
    assert reached > 5 * alone


@each_student
def test_gains_reach_neighbouring_levels_and_no_other_family(student_class):
    problems = graded_problems(600, easiest=-1, hardest=1, families=2, levels=5, family_spread=0.0)
    student = student_class(problems, Training(transfer=0.3), tokens=(3, 3))
    before = student.success_by_cell()
    gain = train(student, 20, problems.cell == 2).success_by_cell() - before
    assert gain[0, 2] > gain[0, 1] > gain[0, 0] > 0.0
    assert gain[0, 2] > gain[0, 3] > gain[0, 4] > 0.0
    np.testing.assert_array_equal(gain[1], 0.0)
    isolated = student_class(problems, Training(transfer=0.0), tokens=(3, 3))
    moved = train(isolated, 5, problems.cell == 2).success_by_cell() != before
    assert np.flatnonzero(moved.ravel() & (np.arange(10) != 2)).size == 0


@each_student
def test_what_is_not_practised_is_forgotten_down_to_the_depth(student_class):
    student = student_class.drifting(training=Training(forgetting=0.05, depth=2.0))
    practised = student.problems.cell < 10  # the first family
    before = student.success()
    train(student, 30, practised)
    assert np.all(student.success()[~practised] < before[~practised])
    assert student.success()[practised].mean() > before[practised].mean()
    train(student, 300, practised)
    floor = 1 / (1 + np.exp(student.problems.difficulty + 2.0))
    np.testing.assert_allclose(student.success_by_cell()[1:], floor[1:], rtol=1e-4)


@each_student
def test_true_improvement_is_the_difference_of_success(student_class):
    student = student_class.half_hopeless()
    assert student.true_improvement().tolist() == [0.0] * 2000
    before = student.success()
    student.learn(np.arange(0, 2000, 10))
    improvement = student.true_improvement()
    np.testing.assert_allclose(improvement, student.success() - before, atol=1e-15)
    np.testing.assert_array_equal(student.true_improvement([7, 1999]), improvement[[7, 1999]])
    assert np.abs(improvement).max() > 1e-3


@each_student
def test_policy_improvement_on_fresh_rollouts_is_unbiased_for_the_truth(student_class):
    problems = graded_problems(60, easiest=-2, hardest=2, families=2, levels=3)
    student = student_class(problems, Training(rate=30.0))
    student.learn(np.arange(60))
    items = np.array([5, 25, 45])
    truth = student.true_improvement(items)
    assert np.abs(truth).max() > 0.02
    fresh = student.fresh_rollouts(np.repeat(items, 5000), 3, np.random.default_rng(0))
    estimates = policy_improvement(fresh, ratio="sequence", advantage="leave_one_out").values.reshape(3, 5000)
    z = (estimates.mean(axis=1) - truth) / (estimates.std(axis=1) / np.sqrt(5000))
    assert np.all(np.abs(z) < 4)


@each_student
def test_rollouts_trained_on_flatter_and_held_out_ones_do_not(student_class):
    switches = {"ratio": "sequence", "advantage": "leave_one_out"}
    student = student_class.half_hopeless(n_problems=600, training=Training(n_rollouts=8, holdout=4))
    rng = np.random.default_rng(0)
    flattery, honest = [], []
    for _ in range(300):
        items = rng.integers(600, size=32)
        rollouts = student.learn(items)
        truth = student.true_improvement(items)
        honest.append(np.mean(policy_improvement(rollouts, holdout=True, **switches).values - truth))
        flattery.append(np.mean(policy_improvement(rollouts, **switches).values - truth))
    assert abs(np.mean(honest) / np.std(honest)) * np.sqrt(300) < 4
    assert np.mean(flattery) / np.std(flattery) * np.sqrt(300) > 4


@each_student
def test_rollouts_are_complete_and_consistent(student_class):
    student = student_class.half_hopeless(training=Training(n_rollouts=6, holdout=1))
    rollouts = student.learn([3, 3, 1500])
    assert rollouts.rewards.shape == (3, 6)
    assert set(np.unique(rollouts.rewards)) <= {0.0, 1.0}
    assert rollouts.valid.all()
    assert rollouts.trained.tolist() == [[True] * 5 + [False]] * 3
    assert np.all(rollouts.logprobs_before <= 0)
    np.testing.assert_array_equal(rollouts.log_ratio, rollouts.logprobs_after - rollouts.logprobs_before)
    assert not student.fresh_rollouts([3], 4, np.random.default_rng(0)).trained.any()


@each_student
def test_evaluating_and_asking_for_the_truth_change_nothing(student_class):
    watched, alone = student_class.drifting(seed=2), student_class.drifting(seed=2)
    for step in range(4):
        watched.evaluate(), watched.true_improvement(), watched.success_by_cell()
        watched.fresh_rollouts([0, 1], 3, np.random.default_rng(0))
        items = np.arange(step, 2000, 50)
        np.testing.assert_array_equal(watched.learn(items).rewards, alone.learn(items).rewards)
    assert watched.evaluate() == alone.evaluate()


@each_student
@pytest.mark.parametrize("items", [[2000], [-1], [], [[0, 1]]])
def test_items_that_are_not_there_are_refused_and_change_nothing(student_class, items):
    student = student_class.half_hopeless()
    before = student.state_dict()
    for method in (student.learn, student.success, student.true_improvement):
        with pytest.raises(ValueError, match="item"):
            method(items)
    after = student.state_dict()
    assert after["rng"] == before["rng"]
    np.testing.assert_array_equal(after["policy"], before["policy"])


@each_student
def test_saved_state_continues_bit_for_bit(student_class, tmp_path):
    original = train(student_class.drifting(), 3)
    save_state(tmp_path / "student.npz", original.state_dict())
    restored = student_class.drifting()
    restored.load_state_dict(load_state(tmp_path / "student.npz"))
    np.testing.assert_array_equal(restored.true_improvement(), original.true_improvement())
    for student in (original, restored):
        train(student, 3, seed=1)
    np.testing.assert_array_equal(restored.success(), original.success())
    assert restored.state_dict()["rng"] == original.state_dict()["rng"]


@pytest.mark.parametrize(
    "change",
    [
        {"n_rollouts": 1},
        {"n_rollouts": 4, "holdout": 3},
        {"holdout": -1},
        {"rate": 0.0},
        {"rate": np.inf},
        {"transfer": 1.0},
        {"forgetting": -0.1},
        {"depth": np.nan},
    ],
)
def test_senseless_training_is_refused(change):
    with pytest.raises(ValueError, match=f"{list(change)[-1]} is|holdout is"):
        Training(**change)


def test_an_answer_without_tokens_is_refused():
    with pytest.raises(ValueError, match="tokens"):
        SkillStudent(graded_problems(10, easiest=0, hardest=1), tokens=(0, 4))


def timeless(rows):
    return [{name: value for name, value in row.items() if not name.startswith("seconds/")} for row in rows]


@each_student
@pytest.mark.parametrize("method", [methods.osmd, methods.uniform])
def test_it_goes_through_the_loop_and_resumes_bit_for_bit(student_class, method, tmp_path):
    def go(steps, directory):
        student = student_class.half_hopeless(n_problems=300)
        settings = {"evaluate_every": 2, "checkpoint_every": 3, "progress": False}
        rows = run(method(student.bank, seed=1), student, steps, 16, directory=directory, **settings)
        return student, rows

    whole, rows = go(8, tmp_path / "whole")
    go(5, tmp_path / "parts")
    resumed, rows_of_parts = go(8, tmp_path / "parts")
    # Row 5 of the shorter run was its last, so it was evaluated as well.
    extra = {"accuracy", "bank_success"}
    trimmed = [{k: v for k, v in row.items() if i != 5 or k not in extra} for i, row in enumerate(rows_of_parts)]
    assert timeless(trimmed) == timeless(rows)
    np.testing.assert_array_equal(resumed.success(), whole.success())
    assert resumed.state_dict()["rng"] == whole.state_dict()["rng"]
    assert rows[-1]["log_ratio_std"] > 0


@each_student
def test_a_step_does_not_grow_with_the_bank(student_class):
    """No timing: what a step reads and writes besides the batch is the table of cells."""
    student = student_class.half_hopeless(n_problems=100_000)
    state = train(student, 20, size=256).state_dict()
    assert sum(np.size(value) for value in state.values()) < 5000
    assert len(student.bank) == 100_000
    assert student.evaluate()["accuracy"] > 0.15
