"""The sampler against stand-ins with the attributes that prime-rl's own samplers read: it is on no package index."""

from types import SimpleNamespace

import numpy as np
import pytest

from curriculum_bandits import ProblemBank, methods, signals
from curriculum_bandits.adapters.prime_rl import CurriculumTaskSampler
from curriculum_bandits.checkpoint import load_state, save_state

TASKS = [SimpleNamespace(key=f"task-{i}", prompt=f"problem {i}") for i in range(12)]


def group_of(task, rewards, **faults):
    """A finished group: one episode a rollout, one trace an episode."""
    trace = {"has_error": False, "num_turns": 1, "agent": SimpleNamespace(trainable=True)}
    ok = faults.pop("ok", True)
    return [
        SimpleNamespace(task=task, ok=ok, traces=[SimpleNamespace(reward=reward, **{**trace, **faults})])
        for reward in rewards
    ]


def make(method=methods.osmd, *, batch_size=3, max_age=8, **options):
    bank = ProblemBank([task.prompt for task in TASKS], ids=[task.key for task in TASKS], groups=["a", "b"] * 6)
    options.setdefault("signal", signals.success_rate)
    sampler = CurriculumTaskSampler(TASKS, method(bank, seed=3, **options), batch_size=batch_size, max_age=max_age)
    heard, tell = [], sampler.curriculum.tell
    sampler.curriculum.tell = lambda draw, feedback: (heard.append((draw, feedback)), tell(draw, feedback))
    return sampler, heard


def test_a_draw_is_told_when_its_last_group_is_back_in_whatever_order():
    sampler, heard = make()
    tasks = [next(sampler) for _ in range(3)]
    for task in reversed(tasks[1:]):
        sampler.observe(group_of(task, [1.0, 0.0]))
    assert heard == []
    sampler.observe(group_of(tasks[0], [1.0, 1.0]))
    ((draw, feedback),) = heard
    assert [sampler.curriculum.bank.ids[item] for item in draw.items] == [task.key for task in tasks]
    assert feedback.values.tolist() == [1.0, 0.5, 0.5]
    assert sampler.metrics()["answered"] == 1
    assert sampler.metrics()["open_draws"] == 0


def test_a_group_that_never_comes_is_missing_once_the_draw_is_too_old():
    sampler, heard = make(max_age=2)
    first = [next(sampler) for _ in range(3)]
    sampler.observe(group_of(first[0], [1.0, 0.0]))
    for _ in range(6):
        next(sampler)
    assert [draw.ticket.serial for draw, _ in heard] == [0]
    assert heard[0][1].counts.tolist() == [2, 0, 0]
    assert len(sampler.curriculum.outstanding) == 2
    assert sampler.metrics()["incomplete"] == 1


def test_a_group_nobody_waits_for_is_counted_and_teaches_nothing():
    sampler, heard = make()
    task = next(sampler)
    other = next(each for each in TASKS if each.key != task.key)
    sampler.observe(group_of(other, [1.0, 0.0]))  # not handed out
    sampler.observe(group_of(task, [1.0, 0.0]))
    sampler.observe(group_of(task, [0.0, 0.0]))  # reported twice
    assert heard == []
    assert sampler.metrics()["late"] == 2


@pytest.mark.parametrize(
    "fault", [{"ok": False}, {"has_error": True}, {"num_turns": 0}, {"agent": SimpleNamespace(trainable=False)}]
)
def test_what_did_not_run_is_missing_and_not_a_failure(fault):
    sampler, heard = make(batch_size=1)
    task = next(sampler)
    sampler.observe(group_of(task, [1.0]) + group_of(task, [0.0], **fault))
    assert heard[0][1].values.tolist() == [1.0]
    assert heard[0][1].counts.tolist() == [1]


def test_a_run_goes_on_from_a_file_as_it_would_have(tmp_path):
    sampler, _ = make()
    tasks = [next(sampler) for _ in range(5)]
    sampler.observe(group_of(tasks[1], [1.0, 0.0]))
    save_state(tmp_path / "state", sampler.state_dict())
    other, _ = make()
    other.load_state_dict(load_state(tmp_path / "state"))
    for each in (sampler, other):
        for task in (tasks[0], tasks[2], tasks[3]):
            each.observe(group_of(task, [1.0, 1.0]))
    assert [next(sampler).key for _ in range(20)] == [next(other).key for _ in range(20)]
    assert sampler.metrics() == other.metrics()


def test_the_curriculum_learns_what_pays():
    sampler, _ = make(batch_size=6)
    before = sampler.curriculum.bandit.probabilities()
    for _ in range(240):
        task = next(sampler)
        number = int(task.key.removeprefix("task-"))
        sampler.observe(group_of(task, [1.0] if number % 2 == 0 else [0.0]))
    after = sampler.curriculum.bandit.probabilities()
    assert np.allclose(before, 0.5)
    assert after[0] > 0.6  # the group whose tasks are solved


def test_a_signal_that_needs_log_probabilities_is_refused():
    with pytest.raises(ValueError, match=r"none come with a group; choose signals\.absolute_advantage"):
        make(signal=signals.policy_improvement)


def test_tasks_of_another_bank_are_refused():
    sampler, _ = make()
    with pytest.raises(ValueError, match="tasks and bank differ"):
        CurriculumTaskSampler(TASKS[:-1], sampler.curriculum)
    with pytest.raises(ValueError, match="not in the bank of 12"):
        sampler.observe(group_of(SimpleNamespace(key="stranger"), [1.0]))
    with pytest.raises(ValueError, match="None is reported"):
        sampler.observe([])
