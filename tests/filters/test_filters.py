"""Filters train on what is worth it, tell every draw what its own signal says, and leave no draw open."""

import copy

import numpy as np
import pytest

from curriculum_bandits import Curriculum, Feedback, ProblemBank, Rollouts, methods, run
from curriculum_bandits.bandits import Selection
from curriculum_bandits.environments import SkillStudent, SoftmaxStudent, Training
from curriculum_bandits.filters import (
    Greso,
    Screening,
    TopLearnability,
    VarianceThreshold,
    ZeroVarianceFilter,
    variance_score,
)
from curriculum_bandits.rollouts import PendingRollouts
from curriculum_bandits.signals import policy_improvement, success_rate

N = 40


class Script:
    """A bandit that plays 0, 1, 2, ... and keeps what it was told."""

    n_arms = N

    def __init__(self):
        self.next, self.told = 0, []

    def select(self, size, rng, candidates=None):
        arms = (self.next + np.arange(size)) % N
        self.next += size
        return Selection(arms, np.full(size, 1 / N), np.full(size, size / N))

    def update(self, selection, values, *, counts=None, kl=None, cost=None):
        self.told.append((selection.arms.tolist(), values.tolist()))

    def state_dict(self):
        return {"next": self.next}

    def load_state_dict(self, state):
        self.next = state["next"]


class Solver:
    """Solves problem x in ``success[x]`` of the rollouts, always the first ones; remembers what it was trained on."""

    def __init__(self, success):
        self.success, self.updates, self.asked = np.asarray(success), [], []

    def roll_out(self, items, n_rollouts=None):
        n = 4 if n_rollouts is None else n_rollouts
        self.asked.append((list(items), n))
        rewards = (np.arange(n) < np.round(self.success[items] * n)[:, None]).astype(float)
        return PendingRollouts(np.array(items), Rollouts(rewards, lengths=np.full(rewards.shape, 2)))

    def update(self, groups, used):
        self.updates.append((groups.items[used].tolist(), groups))
        rewards = groups.rollouts.rewards
        moved = np.where(groups.rollouts.valid & used.any(), np.where(rewards > 0.5, 0.1, -0.1), 0.0)
        trained = groups.rollouts.valid & used[:, None]
        return Rollouts(rewards, lengths=groups.rollouts.lengths, log_ratio=moved, trained=trained)

    def evaluate(self):
        return {"accuracy": 0.0}

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def scripted(signal=success_rate):
    bank = ProblemBank([f"problem {i}" for i in range(N)], ids=[f"id-{i}" for i in range(N)])
    return Curriculum(bank, Script(), signal, name="script", seed=0)


ALTERNATING = np.tile([0.0, 0.5, 1.0, 0.5], N // 4)  # every second problem is informative


def test_exactly_the_groups_without_variance_are_replaced_and_everything_is_told():
    curriculum, learner = scripted(), Solver(ALTERNATING)
    step = ZeroVarianceFilter().step(curriculum, learner, 8)
    ((trained, groups),) = learner.updates
    assert trained == [1, 3, 5, 7, 9, 11, 13, 15]
    assert groups.items.tolist() == list(range(16))
    told = curriculum.bandit.told
    assert [arms for arms, _ in told] == [list(range(8)), list(range(8, 16))]
    assert told[0][1] == ALTERNATING[:8].tolist()  # the success rate of rejected groups as well
    assert curriculum.outstanding == ()
    assert (step.spent, step.tokens) == (16 * 4, 16 * 4 * 2.0)
    assert dict(step.counts) == {
        "draws": 2, "rolled_out": 16, "skipped": 0, "rejected": 8, "replayed": 0, "trained": 8
    }  # fmt: skip


def test_a_rejected_group_has_improved_by_nothing_and_a_kept_one_by_something():
    curriculum = scripted(policy_improvement)
    ZeroVarianceFilter().step(curriculum, Solver(ALTERNATING), 8)
    values = np.array(curriculum.bandit.told[0][1])
    assert np.all(values[::2] == 0.0)
    assert np.all(values[1::2] > 0.0)


def test_what_is_kept_beyond_the_batch_is_told_but_not_trained_on():
    curriculum, learner = scripted(), Solver(np.where(np.arange(N) < 5, 0.0, 0.5))
    step = ZeroVarianceFilter().step(curriculum, learner, 8)
    assert learner.updates[0][0] == list(range(5, 13))
    assert curriculum.bandit.told[1] == (list(range(8, 16)), [0.5] * 8)
    assert step.rollouts.trained.any(axis=1).tolist() == [False] * 5 + [True] * 8 + [False] * 3


def test_refills_end_and_where_nothing_is_worth_it_there_is_no_update():
    curriculum, learner = scripted(), Solver(np.zeros(N))
    step = ZeroVarianceFilter(max_draws=3).step(curriculum, learner, 8)
    assert learner.updates[0][0] == []
    assert len(curriculum.bandit.told) == 3
    assert (step.counts["draws"], step.counts["trained"], step.spent) == (3, 0, 96)
    student = SkillStudent.half_hopeless(600, seed=1)
    before = student.state_dict()["policy"]
    groups = student.roll_out(np.arange(5))
    rollouts = student.update(groups, np.zeros(5, dtype=bool))
    assert np.array_equal(student.state_dict()["policy"], before)
    assert np.all(rollouts.log_ratio == 0.0)
    assert not rollouts.trained.any()


def test_screening_goes_on_only_where_the_matter_is_open():
    curriculum, learner = scripted(), Solver(ALTERNATING)
    step = Screening().step(curriculum, learner, 4)
    assert learner.asked == [([0, 1, 2, 3], 4), ([1, 3], 20), ([4, 5, 6, 7], 4), ([5, 7], 20)]
    assert step.rollouts.valid.sum(axis=1).tolist() == [4, 24, 4, 24] * 2
    assert step.spent == 2 * (4 * 4 + 2 * 20)
    assert learner.updates[0][0] == [1, 3, 5, 7]
    rewards = step.rollouts.rewards[1]
    assert rewards[:4].tolist() == [1, 1, 0, 0]
    assert rewards[4:].sum() == 10


@pytest.mark.parametrize("n", [2, 3, 4, 5, 8, 9])
def test_the_variance_score_is_one_at_the_middle_and_nowhere_more(n):
    rewards = np.array([[1.0] * k + [0.0] * (n - k) for k in range(n + 1)])
    scores = variance_score(Rollouts(rewards))
    k = np.arange(n + 1)
    largest = n / (4 * (n - 1)) if n % 2 == 0 else (n + 1) / (4 * n)
    np.testing.assert_allclose(scores, k * (n - k) / (n * (n - 1)) / largest, atol=1e-12)
    assert scores.max() == pytest.approx(1.0)
    assert scores[n // 2] == pytest.approx(1.0)
    assert variance_score(Rollouts([[1.0, None], [None, None]])).tolist() == [0.0, 0.0]


def test_a_memory_fills_the_batch_and_nobody_is_told_of_it():
    success = np.where(np.arange(N) < 8, 0.5, 0.0)
    curriculum, learner = scripted(), Solver(success)
    filter = VarianceThreshold(0.8, seed=0)
    filter.step(curriculum, learner, 8)
    step = filter.step(curriculum, learner, 8)
    assert sorted(learner.updates[1][0]) == list(range(8))
    assert [arms for arms, _ in curriculum.bandit.told] == [list(range(8)), list(range(8, 16))]
    assert (step.counts["replayed"], step.counts["trained"], step.spent) == (8, 8, 64)
    assert filter.state_dict()["items"].tolist() == list(range(8))
    learner.success[:] = 0.0  # what no longer varies leaves
    filter.step(curriculum, learner, 8)
    assert len(filter.state_dict()["items"]) == 0


def test_priorities_are_moving_averages_and_the_memory_is_bounded():
    curriculum, learner = scripted(), Solver(np.where(np.arange(N) % 8 < 4, 0.25, 0.5))
    filter = VarianceThreshold(0.5, memory=3, momentum=0.75)
    filter.step(curriculum, learner, 8)
    assert filter.state_dict()["items"].tolist() == [4, 5, 6]
    assert filter.state_dict()["priority"].tolist() == [1.0] * 3
    filter.after(np.array([4]), np.array([True]), Rollouts([[1, 0, 0, 0]]), N)
    state = filter.state_dict()
    assert dict(zip(state["items"], state["priority"], strict=True))[4] == 0.75 + 0.25 * 0.75


def test_greso_skips_what_taught_nothing_as_often_as_it_says():
    filter = Greso(seed=0)
    assert filter.admitted(np.arange(N)).all()  # nothing is skipped in the first epoch
    for visits in range(3):
        filter.after(np.array([7]), np.array([False]), Rollouts([[0, 0]]), N)
        assert filter.state_dict()["in_vain"][7] == visits + 1
    chance = filter.probability**3
    rolled = np.array([filter.admitted(np.array([7, 8])) for _ in range(4000)])
    assert rolled[:, 1].all()
    assert abs(rolled[:, 0].mean() - chance) < 4 * np.sqrt(chance * (1 - chance) / 4000)
    filter.after(np.array([7]), np.array([True]), Rollouts([[0, 1]]), N)
    assert filter.state_dict()["in_vain"][7] == 0
    never = Greso(probability=0.1, seed=0)
    never.load_state_dict({**never.state_dict(), "in_vain": np.full(N, 50)})
    assert abs(np.mean([never.admitted(np.arange(N)) for _ in range(1000)]) - 0.01) < 0.003  # not for ever


def test_greso_moves_its_probability_toward_a_quarter_without_variance():
    for vain, expected in ((0.0, 0.51), (0.2, 0.51), (0.25, 0.5), (0.3, 0.49), (0.9, 0.49)):
        filter = Greso()
        worth = np.arange(20) >= round(20 * vain)
        filter.after(np.arange(20), worth, Rollouts(np.zeros((20, 2))), N)
        assert filter.probability == pytest.approx(expected), vain


def test_what_greso_skips_costs_nothing_and_is_missing():
    curriculum, learner = scripted(), Solver(np.full(N, 0.5))
    filter = Greso(seed=3)
    filter.load_state_dict({**filter.state_dict(), "in_vain": np.full(N, 3)})
    step = filter.step(curriculum, learner, 8)
    rolled = [item for items, _ in learner.asked for item in items]
    assert step.spent == 4 * len(rolled)
    assert step.counts["skipped"] == 8 * step.counts["draws"] - len(rolled) > 0
    assert sorted(arm for arms, _ in curriculum.bandit.told for arm in arms) == sorted(rolled)
    assert curriculum.outstanding == ()


def test_greso_rolls_out_something_even_where_all_would_be_skipped():
    filter = Greso(probability=0.01, max_draws=2)
    filter.load_state_dict({**filter.state_dict(), "in_vain": np.full(N, 60)})
    for _ in range(20):
        assert filter.step(scripted(), Solver(np.full(N, 0.5)), 2).spent > 0


def test_the_most_learnable_of_a_pool_are_trained_on_with_ties_at_random():
    success = np.tile([0.0, 0.25, 0.5, 1.0], N // 4)
    curriculum, learner = scripted(), Solver(success)
    step = TopLearnability(pool=4, seed=1).step(curriculum, learner, 8)
    assert sorted(learner.updates[0][0]) == [i for i in range(32) if i % 4 == 2]
    assert (step.spent, step.counts["draws"]) == (128, 4)
    assert len(curriculum.bandit.told) == 4
    for seed in range(20):
        TopLearnability(8, seed).step(scripted(), learner, 1)
    assert {items[0] for items, _ in learner.updates[1:]} == {2, 6}


class Fails(Solver):
    def __init__(self, success, where):
        super().__init__(success)
        self.where = where

    def roll_out(self, items, n_rollouts=None):
        if self.where == "roll_out" and self.asked:
            raise OSError("the engine is gone")
        return super().roll_out(items, n_rollouts)

    def update(self, groups, used):
        if self.where == "update":
            raise OSError("the engine is gone")
        rollouts = super().update(groups, used)
        if self.where == "tell":
            rollouts.log_ratio[10:] = 1e4  # an infinite utility in the second draw
        return rollouts


@pytest.mark.parametrize("where", ["roll_out", "update", "tell"])
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_failure_leaves_no_draw_open(where):
    curriculum = scripted(policy_improvement)
    with pytest.raises((OSError, ValueError), match=r"engine is gone|id-"):
        ZeroVarianceFilter().step(curriculum, Fails(ALTERNATING, where), 8)
    assert curriculum.outstanding == ()


STAGES = [ZeroVarianceFilter(), Screening(), VarianceThreshold(), Greso(), TopLearnability()]


@pytest.mark.parametrize("filter", STAGES, ids=lambda filter: filter.KIND)
@pytest.mark.parametrize("method", ["uniform", "osmd", "actor_curator"])
def test_every_stage_goes_with_every_curriculum_and_resumes_bit_for_bit(filter, method, tmp_path):
    if method == "actor_curator":
        pytest.importorskip("torch")

    def parts(seed):
        student = SoftmaxStudent.half_hopeless(600, seed=3)
        return getattr(methods, method)(student.bank, seed=seed), student, type(filter)()

    def play(steps, folder, seed=5):
        curriculum, student, own = parts(seed)
        rows = run(
            curriculum, student, steps, 12, filter=own, directory=tmp_path / folder, checkpoint_every=2,
            evaluate_every=2, progress=False,
        )  # fmt: skip
        return rows, curriculum

    whole, _ = play(6, "whole")
    play(4, "cut")
    resumed, curriculum = play(6, "cut", seed=99)
    kept = [{name: value for name, value in row.items() if not name.startswith("seconds/")} for row in resumed]
    for row, other in zip(whole, kept, strict=True):
        for name, value in other.items():
            assert row[name] == value or (np.isnan(row[name]) and np.isnan(value)), name
    assert curriculum.outstanding == ()
    assert whole[-1]["rollouts"] >= 6 * 12 * 4
    assert whole[-1]["tokens"] > 0
    assert {"filter/trained", "filter/rejected", "seconds/ask", "seconds/learn", "seconds/tell"} <= set(whole[-1])


def test_a_broken_state_is_refused():
    for damage in ({"items": [1]}, {"items": [1, 1], "priority": [0.5, 0.5]}, {"items": [1], "priority": [0.0]}):
        with pytest.raises(ValueError, match="memory"):
            VarianceThreshold().load_state_dict({**VarianceThreshold().state_dict(), **damage})
    for damage in ({"probability": 2.0}, {"probability": 0.0}, {"in_vain": [0, -1]}):
        with pytest.raises(ValueError, match=r"saved (probability|in_vain)"):
            Greso().load_state_dict({**Greso().state_dict(), **damage})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ZeroVarianceFilter(0), "max_draws is 0"),
        (lambda: Screening(screening=1), "screening is 1"),
        (lambda: VarianceThreshold(0.0), "threshold is 0.0"),
        (lambda: VarianceThreshold(memory=-1), "memory is -1"),
        (lambda: Greso(probability=0.0), "probability is 0.0"),
        (lambda: Greso(target=2.0), "target is 2.0"),
        (lambda: TopLearnability(0), "pool is 0"),
    ],
)
def test_a_setting_out_of_range_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_student_trains_on_groups_of_different_size_each_by_its_own_mean():
    """Two kept groups of 4 and 24 rollouts weigh the same, and what was held out is not used."""
    student = SkillStudent.half_hopeless(600, seed=2)
    cell = student.problems.cell
    easy = int(np.flatnonzero(cell == cell.min())[0])
    first, second = student.roll_out([easy, easy + 1], 4), student.roll_out([easy + 1], 8)
    groups = PendingRollouts.stacked([first[[0]], first[[1]].beside(second)])
    rewards = np.array([[1, 1, 0, 0] + [np.nan] * 8, [1] * 6 + [0] * 6], dtype=float)
    lengths = groups.rollouts.lengths
    made = PendingRollouts(
        groups.items, Rollouts(rewards, lengths=lengths), {"answers": np.nan_to_num(rewards).astype(int)}
    )
    before = student.skill.copy()
    rollouts = student.update(made, np.array([True, True]))
    gain = (4 / 3 * 0.25 + 12 / 11 * 0.25) / 2  # the mean of the sample variances
    assert (student.skill - before).ravel()[cell.min()] == pytest.approx(student.training.rate * gain)
    assert rollouts.trained.sum(axis=1).tolist() == [4, 12]
    held = SkillStudent.half_hopeless(600, seed=2, training=Training(holdout=2))
    groups = held.roll_out([0, 1])
    assert held.update(groups, np.array([True, False])).trained.tolist() == [[True] * 6 + [False] * 2, [False] * 8]
    with pytest.raises(ValueError, match="has 1 rollouts to compare"):
        held.update(held.roll_out([0, 1], 3), np.array([True, True]))


def test_a_signal_that_finds_too_little_is_missing_also_under_a_stage():
    curriculum = scripted(lambda rollouts: Feedback(np.full(len(rollouts), np.nan), np.zeros(len(rollouts), dtype=int)))
    ZeroVarianceFilter().step(curriculum, Solver(ALTERNATING), 4)
    assert curriculum.bandit.told == []
    assert curriculum.outstanding == ()


def test_the_gradient_is_the_mean_over_the_groups_that_are_used_alone():
    """A group that is rolled out but not used changes neither the step nor its size."""
    alone, beside = (SkillStudent.half_hopeless(600, seed=2) for _ in range(2))
    groups = alone.roll_out(np.arange(300, 340))
    used = np.ptp(groups.rollouts.rewards, axis=1) > 0
    assert 1 < used.sum() < 40
    alone.update(groups[used], np.ones(used.sum(), dtype=bool))
    beside.update(groups, used)
    np.testing.assert_allclose(beside.skill, alone.skill, rtol=1e-12)
    assert not np.allclose(alone.skill, 0.0, atol=1e-6)


def test_without_an_update_a_student_does_not_even_forget():
    student = SkillStudent.drifting(600, seed=2)
    groups = student.roll_out([0, 1])
    before = student.skill.copy()
    rollouts = student.update(groups, np.zeros(2, dtype=bool))
    np.testing.assert_array_equal(student.skill, before)
    assert not rollouts.log_ratio.any()
    assert not rollouts.trained.any()
    student.update(groups, np.ones(2, dtype=bool))
    assert not np.array_equal(student.skill, before)  # an update makes it forget, whatever was in it


def test_padding_is_neither_a_rollout_nor_a_token_nor_missing():
    student = SkillStudent.half_hopeless(600, seed=2)
    rows = run(methods.uniform(student.bank, seed=1), student, 1, 12, filter=Screening(), progress=False)
    kept, rolled_out = rows[1]["filter/trained"], rows[1]["filter/rolled_out"]
    surplus = (rows[1]["rollouts"] - 4 * rolled_out) / 20 - kept
    assert surplus >= 0
    assert surplus == int(surplus)
    assert rows[1]["filter/rejected"] == rolled_out - kept - surplus > 0
    assert rows[1]["missing_rollouts"] == 0
    groups = PendingRollouts.stacked([student.roll_out([0], 2), student.roll_out([1], 5)])
    rollouts = student.update(groups, np.array([False, True]))
    assert (rollouts.lengths > 0).sum(axis=1).tolist() == [2, 5]


def test_what_is_too_little_rewarded_is_not_trained_on_even_if_the_pool_has_nothing_else():
    class Unrewarded(Solver):
        def roll_out(self, items, n_rollouts=None):
            groups = super().roll_out(items, n_rollouts)
            rewards = np.where((groups.items % 4 == 0)[:, None], np.nan, groups.rollouts.rewards)
            return PendingRollouts(groups.items, Rollouts(rewards, lengths=groups.rollouts.lengths))

    learner = Unrewarded(ALTERNATING)
    step = TopLearnability(pool=1).step(scripted(), learner, 8)
    assert learner.updates[0][0] == [1, 2, 3, 5, 6, 7]
    assert step.counts["trained"] == 6


def test_as_many_are_replayed_as_are_missing_and_those_of_higher_priority_more_often():
    filter = VarianceThreshold(seed=0)
    filter.load_state_dict({**filter.state_dict(), "items": np.array([21, 25]), "priority": np.array([0.9, 0.1])})
    drawn = [int(filter.replayed(1, np.array([0]))[0]) for _ in range(4000)]
    share = np.mean(np.array(drawn) == 21)
    assert abs(share - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 4000)
    for memory, missing in ([33, 35, 37, 39], 3), ([33], 1):
        filter = VarianceThreshold(seed=0)
        filter.load_state_dict({**filter.state_dict(), "items": np.array(memory), "priority": np.ones(len(memory))})
        learner = Solver(np.where(np.arange(N) < 8, np.tile([0.5] * 5 + [0.0] * 3, N // 8), ALTERNATING))
        assert filter.step(scripted(), learner, 8).counts["replayed"] == missing


def test_a_variance_at_the_threshold_itself_is_kept():
    assert VarianceThreshold(0.75).keep(Rollouts([[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]])).tolist() == [
        True,
        True,
        False,
    ]


def test_the_probability_of_greso_is_saved_and_never_leaves_its_range():
    filter = Greso(step=0.5)
    everything, nothing = np.array([True] * 4), np.array([False] * 4)
    for worth, end in (nothing, 0.01), (everything, 1.0):
        for _ in range(5):
            filter.after(np.arange(4), worth, Rollouts(np.zeros((4, 2))), N)
        assert filter.probability == end
        again = Greso(step=0.5)
        again.load_state_dict(filter.state_dict())
        assert again.probability == end


def test_a_failed_step_takes_back_the_coins_of_the_stage_and_gives_up_a_draw_on_which_they_fail():
    filter = Greso(seed=3)
    before = copy.deepcopy(filter.state_dict()["rng"])
    curriculum = scripted()
    with pytest.raises(OSError, match="engine"):
        filter.step(curriculum, Fails(ALTERNATING, "update"), 8)
    assert filter.state_dict()["rng"] == before

    def fails(items):
        raise OSError("no coins")

    filter.admitted = fails
    with pytest.raises(OSError, match="no coins"):
        filter.step(curriculum, Solver(ALTERNATING), 8)
    assert curriculum.outstanding == ()


def test_kl_and_cost_reach_the_problems_they_were_measured_on():
    heard = []

    class Hears(Script):
        def update(self, selection, values, *, counts=None, kl=None, cost=None):
            heard.append((selection.arms.tolist(), kl.tolist(), cost.tolist()))

    def signal(rollouts):
        k = len(rollouts)
        return Feedback(np.zeros(k), np.ones(k, dtype=int), kl=np.arange(k, dtype=float))

    bank = ProblemBank([f"problem {i}" for i in range(N)])
    curriculum = Curriculum(bank, Hears(), signal, name="hears", seed=0)
    filter = Greso()
    filter.admitted = lambda items: items % 2 == 1
    filter.step(curriculum, Solver(ALTERNATING), 4)
    assert heard == [([1, 3], [0.0, 1.0], [8.0, 8.0]), ([5, 7], [2.0, 3.0], [8.0, 8.0])]


def test_a_refused_resume_leaves_the_stage_as_it_was(tmp_path):
    def play(method, filter):
        student = SkillStudent.half_hopeless(300, seed=0)
        run(method(student.bank), student, 3, 12, filter=filter, directory=tmp_path, progress=False)

    play(methods.uniform, Greso())
    other = Greso(seed=5)
    before = copy.deepcopy(other.state_dict())
    with pytest.raises(ValueError, match="saved name of curriculum"):
        play(methods.osmd, other)
    np.testing.assert_equal(other.state_dict(), before)


def test_what_was_just_rolled_out_is_not_replayed():
    filter = VarianceThreshold(0.5)
    filter.after(np.arange(6), np.ones(6, dtype=bool), Rollouts(np.tile([1.0, 0.0], (6, 1))), N)
    assert sorted(filter.replayed(6, np.array([1, 4, 9]))) == [0, 2, 3, 5]
    assert len(filter.replayed(3, np.arange(6))) == 0


def test_what_has_no_rewards_is_no_visit_and_loses_no_place():
    silent = Rollouts([[None, None], [0.0, None]])
    greso = Greso()
    greso.after(np.array([3, 4]), np.zeros(2, dtype=bool), silent, N)
    assert greso.probability == 0.5
    assert not greso.state_dict()["in_vain"].any()
    memory = VarianceThreshold(0.5)
    memory.after(np.array([3]), np.array([True]), Rollouts([[1, 0]]), N)
    memory.after(np.array([3]), np.array([False]), silent[[0]], N)
    assert memory.state_dict()["items"].tolist() == [3]


def test_the_latest_of_two_visits_in_one_step_counts():
    greso = Greso()
    greso.after(np.array([3, 3]), np.array([True, False]), Rollouts([[0, 1], [0, 0]]), N)
    assert greso.state_dict()["in_vain"][3] == 1


@pytest.mark.parametrize(("n", "k"), [(5, 4), (9, 1), (9, 3), (8, 2)])
def test_a_score_at_the_threshold_reaches_it(n, k):
    largest = n / (4 * (n - 1)) if n % 2 == 0 else (n + 1) / (4 * n)
    filter = VarianceThreshold(k * (n - k) / (n * (n - 1)) / largest)
    assert filter.keep(Rollouts([[1.0] * k + [0.0] * (n - k)])).all()
