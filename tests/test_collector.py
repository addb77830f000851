"""Whatever happens to rollouts on their way home, every draw is answered once, with what its rollouts said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curriculum_bandits import Collector, Curriculum, Delayed, ProblemBank, methods, signals
from curriculum_bandits.bandits import ShuffledEpochs
from curriculum_bandits.checkpoint import load_state, save_state

BANK = ProblemBank([f"problem {i}" for i in range(8)], ids=[f"p-{i}" for i in range(8)])


class Listener(ShuffledEpochs):
    """Remembers what it was told."""

    def __init__(self, n):
        super().__init__(n)
        self.told = []

    def update(self, selection, values, *, counts=None, kl=None, cost=None):
        self.told.append((selection.arms.tolist(), np.asarray(values).tolist()))


def make(batch_size=2, n_rollouts=2, signal=signals.mean_reward, **options):
    curriculum = Curriculum(BANK, Listener(len(BANK)), signal, name="listener", seed=0)
    return Collector(curriculum, batch_size, n_rollouts=n_rollouts, **options)


def told(collector):
    return collector.curriculum.bandit.told


def tell(collector, task, reward=1.0, **numbers):
    return collector.tell(task.ticket, task.place, reward, **numbers)


def some(collector):
    """The counts that are not zero."""
    return {name: count for name, count in collector.counts.items() if count}


def test_tasks_are_the_rollouts_of_a_draw_problem_by_problem():
    collector = make()
    tasks = collector.ask(5)
    first, second = collector.outstanding
    assert [task.item for task in tasks] == [*np.repeat(first.items, 2), second.items[0]]
    assert [task.place for task in tasks] == [0, 1, 2, 3, 0]
    assert [task.ticket for task in tasks] == [f"{first.ticket.run}:0"] * 4 + [f"{first.ticket.run}:1"]
    assert all(task.row == BANK.row(task.item) and task.id == BANK.ids[task.item] for task in tasks)


def test_a_draw_is_answered_with_its_last_rollout_whatever_the_order():
    answers = []
    collector = make(on_answer=answers.append)
    tasks = collector.ask(8)
    for task in reversed(tasks[1:]):
        assert tell(collector, task, task.place, length=3)
    assert len(answers) == 1
    assert answers[0].draw.ticket.serial == 1
    tell(collector, tasks[0], 7.0, length=3)
    assert answers[1].rollouts.rewards.tolist() == [[7.0, 1.0], [2.0, 3.0]]
    assert answers[1].rollouts.lengths.tolist() == [[3.0, 3.0]] * 2
    assert told(collector) == [(each.draw.items.tolist(), each.feedback.values.tolist()) for each in answers]
    assert collector.curriculum.outstanding == collector.outstanding == ()
    assert some(collector) == {"answered": 2, "told": 8}


@settings(max_examples=60)
@given(st.data())
def test_any_interleaving_tells_what_the_order_of_asking_tells(data):
    """Shuffled, repeated, withdrawn, given back and asked for again, over several open draws."""
    in_order, shuffled = make(signal=signals.success_rate), make(signal=signals.success_rate)
    tasks = in_order.ask(12)
    rewards = data.draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, None]), min_size=12, max_size=12))
    for task, reward in zip(tasks, rewards, strict=True):
        tell(in_order, task, reward)
    ours = shuffled.ask(12)
    reward_of = {(task.ticket, task.place): reward for task, reward in zip(ours, rewards, strict=True)}
    for index in data.draw(st.lists(st.integers(0, 11), max_size=6)):
        shuffled.give_back(ours[index].ticket, ours[index].place)
    again = 12 - sum(shuffled.is_out(task.ticket, task.place) for task in ours)
    ours = [*ours, *(shuffled.ask(again) if again else [])]
    for index in data.draw(st.permutations(range(len(ours)))):
        tell(shuffled, ours[index], reward_of[ours[index].ticket, ours[index].place])
    assert sorted(told(in_order)) == sorted(told(shuffled))
    assert shuffled.outstanding == ()
    assert shuffled.counts["told"] == in_order.counts["told"] == 12
    assert shuffled.counts["repeated"] + shuffled.counts["late"] == len(ours) - 12


def test_repeating_a_call_changes_nothing():
    collector = make()
    tasks = collector.ask(4)
    assert tell(collector, tasks[0], 1.0)
    before = {**collector.state_dict(), "counts": None}
    assert not tell(collector, tasks[0], 0.0)
    assert str(before) == str({**collector.state_dict(), "counts": None})
    for task in tasks[1:]:
        tell(collector, task, 1.0)
    assert not tell(collector, tasks[1], 0.0)
    assert [values for _, values in told(collector)] == [[1.0, 1.0]]
    assert some(collector) == {"answered": 1, "told": 4, "repeated": 1, "late": 1}


def test_a_draw_too_old_is_answered_with_what_it_has_and_what_comes_later_is_late():
    collector = make(n_rollouts=1, signal=signals.success_rate, max_age=2)
    first = collector.ask(2)
    tell(collector, first[1], 1.0)
    collector.ask(2)
    assert told(collector) == []
    collector.ask(1)  # begins the second later draw
    assert told(collector) == [([first[1].item], [1.0])]
    assert not tell(collector, first[0], 1.0)
    assert [draw.ticket.serial for draw in collector.outstanding] == [1, 2]
    collector.ask(2)  # the second is too old, and nothing of it is there
    assert [draw.ticket.serial for draw in collector.curriculum.outstanding] == [2, 3]
    assert some(collector) == {"answered": 1, "incomplete": 1, "given_up": 1, "told": 1, "late": 1, "lost": 3}


def test_age_counts_the_draws_issued_later_however_many_of_them_are_answered():
    collector = make(batch_size=1, n_rollouts=1, max_age=2)
    (stuck,) = collector.ask()
    tell(collector, *collector.ask())
    assert stuck.ticket in {f"{draw.ticket.run}:{draw.ticket.serial}" for draw in collector.outstanding}
    collector.ask()
    assert [draw.ticket.serial for draw in collector.outstanding] == [2]


def test_a_cancelled_rollout_is_missing_whether_it_was_out_told_or_given_back():
    collector = make(batch_size=2, n_rollouts=2, signal=signals.success_rate)
    out, withdrawn, back, kept = collector.ask(4)
    tell(collector, withdrawn, 1.0)
    collector.give_back(back.ticket, back.place)
    tell(collector, kept, 0.5)
    for task in (withdrawn, back, out):
        assert collector.cancel(task.ticket, task.place)
    assert told(collector) == [([kept.item], [0.5])]  # the last that was cancelled completed the draw
    assert not collector.cancel(out.ticket, out.place)
    assert some(collector) == {"answered": 1, "incomplete": 1, "told": 2, "cancelled": 3, "reissued": 1}


def test_a_rollout_told_after_it_was_cancelled_is_late():
    collector = make()
    task, *_ = collector.ask(2)
    collector.cancel(task.ticket, task.place)
    assert not tell(collector, task)
    assert some(collector) == {"cancelled": 1, "late": 1}


def test_a_draw_of_which_nothing_came_is_given_up():
    collector = make(n_rollouts=1)
    first, second = collector.ask(2)
    tell(collector, first, None)
    collector.cancel(second.ticket, second.place)
    assert told(collector) == []
    assert collector.curriculum.outstanding == ()
    assert some(collector) == {"given_up": 1, "told": 1, "cancelled": 1}


def test_a_task_given_back_goes_out_before_all_others_and_may_come_from_either():
    collector = make(batch_size=3, n_rollouts=1)
    first, second, third = collector.ask(3)
    newer = collector.ask(1)
    for task in (third, second, first):
        assert collector.give_back(task.ticket, task.place)
    assert not collector.give_back(second.ticket, second.place)
    assert tell(collector, second)  # it was not lost after all
    assert collector.ask(2) == [first, third]
    assert not collector.is_out(second.ticket, second.place)
    assert collector.is_out(third.ticket, third.place)
    assert collector.ask(1)[0].ticket == newer[0].ticket


def test_groups_come_in_any_size_under_their_own_place():
    answers = []
    collector = make(batch_size=3, n_rollouts=None, on_answer=answers.append)
    tasks = collector.ask(3)
    tell(collector, tasks[2], [1.0, None, 0.5], length=[3, 4, 5])
    tell(collector, tasks[0], [], length=[])
    tell(collector, tasks[1], [2.0], length=[6])
    rollouts = answers[0].rollouts
    np.testing.assert_array_equal(rollouts.rewards, [[np.nan] * 3, [2.0, np.nan, np.nan], [1.0, np.nan, 0.5]])
    np.testing.assert_array_equal(rollouts.lengths, [[0, 0, 0], [6, 0, 0], [3, 4, 5]])
    assert told(collector) == [([tasks[1].item, tasks[2].item], [2.0, 0.75])]


def test_tasks_of_a_problem_are_found_oldest_first():
    collector = Collector(methods.uniform(ProblemBank(["a"], ids=["only"])), 1, n_rollouts=2)
    tasks = collector.ask(5)
    tell(collector, tasks[1])
    assert collector.out("only") == [tasks[0], *tasks[2:]]
    with pytest.raises(KeyError, match="stranger"):
        collector.out("stranger")


def test_log_probabilities_may_follow_the_update_and_rollouts_without_them_are_missing():
    collector = make(batch_size=1, n_rollouts=4, signal=signals.policy_improvement, at_once=False)
    tasks = collector.ask(4)
    for task in tasks:
        tell(collector, task, float(task.place % 2), logp_before=-3.0, length=2)
    for task in tasks[:3]:
        assert collector.amend(task.ticket, task.place, logprobs_after=-2.5)
    (answered,) = collector.answer()
    assert answered.rollouts.valid.tolist() == [[True, True, True, False]]
    assert answered.rollouts.log_ratio[0, :3].tolist() == [0.5] * 3
    assert answered.feedback.counts.tolist() == [3]
    assert not collector.amend(tasks[0].ticket, tasks[0].place, logprobs_after=-2.0)


def test_a_field_that_some_lack_is_left_out_and_one_that_is_needed_makes_them_missing():
    answers = []
    for needs in ((), ("successes",)):
        collector = make(batch_size=1, needs=needs, on_answer=answers.append)
        first, second = collector.ask(2)
        tell(collector, first, 5.0, successes=1.0)
        tell(collector, second, 6.0)
    assert (answers[0].rollouts.successes, answers[0].feedback.values.tolist()) == (None, [5.5])
    assert answers[1].rollouts.successes[0, 0] == 1.0
    assert (answers[1].feedback.counts.tolist(), answers[1].feedback.values.tolist()) == ([1], [5.0])


def test_a_draw_is_held_until_it_is_asked_for_where_the_update_comes_first():
    collector = make(at_once=False)
    for task in reversed(collector.ask(8)):
        tell(collector, task)
    assert told(collector) == []
    assert [answered.draw.ticket.serial for answered in collector.answer()] == [0, 1]
    assert collector.answer() == []


def test_at_the_end_every_draw_is_answered_or_given_up_and_refusals_are_said():
    def picky(rollouts):
        if np.any(rollouts.rewards == 7.0):
            raise ValueError("no sevens")
        return signals.mean_reward(rollouts)

    for lenient in (False, True):
        collector = make(batch_size=1, signal=picky, at_once=False)
        tasks = collector.ask(6)
        for index, reward in ((0, 7.0), (2, 2.0)):
            tell(collector, tasks[index], reward)
        if lenient:
            assert len(collector.close(lenient=True)) == 1
        else:
            with pytest.raises(ValueError, match="1 of the open draws could not be answered and were given up: no"):
                collector.close()
        assert [values for _, values in told(collector)] == [[2.0]]
        assert collector.curriculum.outstanding == collector.outstanding == ()
        assert some(collector) == {"answered": 1, "incomplete": 1, "given_up": 2, "told": 2, "lost": 4}


@pytest.mark.parametrize("end", ["tell", "cancel"])
def test_an_answer_that_is_refused_leaves_the_ledger_as_it_was(end):
    collector = make(batch_size=1, n_rollouts=2, signal=signals.policy_improvement)
    first, second = collector.ask(2)
    tell(collector, first, 1.0)
    collector.give_back(second.ticket, second.place)
    collector.ask(1)
    before = str(collector.state_dict())
    with pytest.raises(ValueError, match="needs log-probabilities before and after"):
        tell(collector, second) if end == "tell" else collector.cancel(second.ticket, second.place)
    assert str(collector.state_dict()) == before
    assert collector.discard(first.ticket)
    assert not collector.discard(first.ticket)
    assert collector.curriculum.outstanding == ()


def test_one_rollout_of_each_problem_is_too_few_for_a_signal_that_compares():
    collector = make(batch_size=1, n_rollouts=1, signal=signals.reward_variance)
    with pytest.raises(ValueError, match=r"signal of listener compares the rollouts.*make 2 or more"):
        tell(collector, *collector.ask(1))


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"reward": np.inf}, "rewards of a rollout of problem 'p-.' is inf; report None"),
        ({"reward": 1.0, "length": -1}, "lengths of a rollout of problem 'p-.' is -1"),
        (
            {"reward": 1.0, "logp_after": np.nan},
            "logprobs_after of a rollout of problem 'p-.' is nan; it must be a finite",
        ),
        ({"reward": 1.0, "successes": 2.0}, r"successes of a rollout of problem 'p-.' is 2.0; it must be in \[0, 1\]"),
        ({"reward": [1.0, 2.0]}, r"rewards of problem 'p-.' has shape \(2,\), not \(1,\)"),
        ({"reward": 1.0, "colour": 3.0}, r"a rollout has no \['colour'\]; it may have .*'lengths'"),
    ],
)
def test_impossible_numbers_name_the_problem_and_change_nothing(numbers, message):
    collector = make()
    task, *_ = collector.ask(4)
    before = str(collector.state_dict())
    with pytest.raises(ValueError, match=message):
        collector.tell(task.ticket, task.place, **numbers)
    assert str(collector.state_dict()) == before
    assert tell(collector, task, None, logp_after=np.nan)  # of what is missing nothing is asked


def test_what_was_never_handed_out_is_refused():
    collector = make()
    with pytest.raises(ValueError, match="draw 'x:0' was never issued here"):
        collector.tell("x:0", 0, 1.0)
    task, *_ = collector.ask(3)
    for place in (-1, 3):
        with pytest.raises(ValueError, match=f"place {place} of draw {task.ticket} was not handed out; 3 of its tasks"):
            collector.tell(task.ticket, place, 1.0)
    for ticket in (task.ticket.replace(":0", ":1"), "nonsense", "another:0"):
        with pytest.raises(ValueError, match="was never issued"):
            collector.cancel(ticket, 0)


def test_a_failed_draw_hands_nothing_out():
    collector = make()
    collector.ask(2)
    collector.curriculum.ask = lambda size: 1 / 0
    with pytest.raises(ZeroDivisionError):
        collector.ask(3)
    assert [task.place for task in collector.ask(2)] == [2, 3]


def busy(seed=0, delay=0):
    """A collector in the middle of everything."""
    curriculum = methods.osmd(BANK, seed=seed, signal=signals.success_rate)
    return Collector(Delayed(curriculum, delay) if delay else curriculum, 3, n_rollouts=2, max_age=3)


def go_on(collector, tasks, rng):
    seen = []
    for _ in range(10):
        tasks = [*tasks, *collector.ask(4)]
        seen.append(tasks[-4:])
        rng.shuffle(tasks)
        for _ in range(4):
            tell(collector, tasks.pop(), float(rng.integers(2)))
    return seen


@pytest.mark.parametrize("delay", [0, 1])
def test_a_ledger_half_filled_goes_on_from_a_file_bit_for_bit(tmp_path, delay):
    collector = busy(delay=delay)
    tasks = collector.ask(11)
    for task in tasks[3:9]:
        tell(collector, task, task.place % 2)
    collector.give_back(tasks[0].ticket, tasks[0].place)
    collector.cancel(tasks[1].ticket, tasks[1].place)
    save_state(tmp_path / "state", collector.state_dict())
    twin = busy(seed=5, delay=delay)
    twin.load_state_dict(load_state(tmp_path / "state"))
    out = [tasks[2], *tasks[9:]]
    assert go_on(collector, out, np.random.default_rng(0)) == go_on(twin, out, np.random.default_rng(0))
    assert collector.counts == twin.counts
    save_state(tmp_path / "one", collector.state_dict())
    save_state(tmp_path / "other", twin.state_dict())
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_after_a_restart_that_lost_the_workers_everything_that_was_out_goes_out_again():
    collector = make(batch_size=2, n_rollouts=2, needs=("improvements",))
    tasks = collector.ask(5)
    tell(collector, tasks[0], improvements=0.5)
    tell(collector, tasks[1])  # waits for its credit, which nobody will give
    twin = make(batch_size=2, n_rollouts=2)
    twin.load_state_dict(collector.state_dict())
    twin.give_back_all()
    assert twin.ask(4) == tasks[1:]
    assert twin.counts["reissued"] == 4


def damaged():
    collector = make()
    tell(collector, collector.ask(3)[1])
    state = collector.state_dict()
    (opened,) = state["open"]
    yield "lacks batch_size, .*counts.*, open", {"kind": "collector", "curriculum": state["curriculum"]}
    yield "batch_size of collector is 3, and 2 here", {**state, "batch_size": 3}
    yield "n_rollouts of collector is None, and 2 here", {**state, "n_rollouts": None}
    yield "holds no open draws", {**state, "open": [{}]}
    yield r"places \[0, 1, 1\] of 3", {**state, "open": [{**opened, "again": [0, 1]}]}
    yield r"places \[1\] of 1", {**state, "open": [{**opened, "handed": 1}]}
    wrong = [[1, {"rewards": np.zeros((5, 5))}]]
    yield r"has shape \(5, 5\)", {**state, "open": [{**opened, "told": wrong}]}
    yield "does not count answered", {**state, "counts": {}}
    yield "another bank|load the bank", {**state, "curriculum": {**state["curriculum"], "bank_fingerprint": "another"}}


@pytest.mark.parametrize(("message", "state"), list(damaged()))
def test_a_foreign_or_damaged_state_is_refused_and_nothing_changes(message, state):
    collector = make()
    collector.ask(1)
    before = str(collector.state_dict())
    with pytest.raises(ValueError, match=message):
        collector.load_state_dict(state)
    assert str(collector.state_dict()) == before


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 9}, "the bank has 8 problems"),
        ({"n_rollouts": 0}, "n_rollouts is 0; it must be at least 1"),
        ({"max_age": 0}, "max_age is 0"),
    ],
)
def test_impossible_settings_are_refused(numbers, message):
    with pytest.raises(ValueError, match=message):
        make(**numbers)
    with pytest.raises(ValueError, match="0 tasks"):
        make().ask(0)


def test_a_rollout_of_no_tokens_is_missing_whatever_the_others_have():
    for others in ({"length": 5, "successes": 1.0}, {"successes": 1.0}):
        answers = []
        collector = make(batch_size=1, on_answer=answers.append)
        first, second = collector.ask(2)
        collector.tell(first.ticket, first.place, 0.0, length=0)
        collector.tell(second.ticket, second.place, 6.0, **others)
        (answered,) = answers
        assert answered.rollouts.valid.tolist() == [[False, True]]
        assert answered.rollouts.successes[0, 1] == 1.0
        assert (answered.feedback.counts.tolist(), answered.feedback.values.tolist()) == ([1], [6.0])


def test_what_a_collector_is_made_to_need_is_needed_after_loading_too():
    collector = make(needs=("successes",))
    collector.load_state_dict(make(needs=("improvements",)).state_dict())
    assert collector.needs == {"successes", "improvements"}


def test_what_is_called_after_an_answer_may_raise_and_the_ledger_is_right_all_the_same():
    def fails(answered):
        raise RuntimeError("the policy is gone")

    bank = ProblemBank([f"problem {i}" for i in range(6)])
    collector = Collector(methods.uniform(bank, seed=0), 2, n_rollouts=1, on_answer=fails)
    first, second = collector.ask(2)
    collector.tell(first.ticket, first.place, 1.0)
    with pytest.raises(RuntimeError, match="the policy is gone"):
        collector.tell(second.ticket, second.place, 0.0)
    assert (collector.counts["told"], collector.counts["answered"]) == (2, 1)
    assert collector.curriculum.outstanding == ()
