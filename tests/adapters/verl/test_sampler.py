"""The sampler as verl's trainer uses it; against stand-ins, and against verl itself where it is installed."""

import logging

import numpy as np
import pytest

pytest.importorskip("torch")

from curriculum_bandits.adapters.verl import CurriculumSampler


def drawn(iterator, size=4):
    return [next(iterator) for _ in range(size)]


def test_the_curriculum_hears_each_problem_by_its_name_however_rows_are_ordered(rows, config, make_batch):
    sampler = CurriculumSampler(data_source=rows, data_config=config())
    heard = []
    tell = sampler.curriculum.tell
    sampler.curriculum.tell = lambda draw, feedback: (heard.append((draw.items, feedback)), tell(draw, feedback))
    items = drawn(iter(sampler))
    rewards = {item: [1.0] * (item % 3) + [0.0] * (3 - item % 3) for item in range(12)}
    sampler.update(make_batch(items, rewards))
    ((told, feedback),) = heard
    rates = np.array([item % 3 / 3 for item in items])
    signal = sampler.curriculum.signal
    assert told.tolist() == items
    assert feedback.counts.tolist() == [3] * 4
    assert feedback.values == pytest.approx(rates) or feedback.values == pytest.approx(rates * (1 - rates)), signal
    assert sampler.curriculum.outstanding == ()


USABLE = ("absolute_advantage", "success_rate", "reward_variance", "tent", "mean_reward")


@pytest.mark.parametrize("name", USABLE)
def test_every_signal_that_is_called_usable_is(name, rows, config, make_batch):
    sampler = CurriculumSampler(rows, config(method="osmd", signal=name))
    items = drawn(iter(sampler))
    sampler.update(make_batch(items, {item: [0.0, 1.0, 1.0] for item in range(12)}))
    assert sampler.curriculum.outstanding == ()


def test_a_method_that_needs_log_probabilities_after_the_update_is_refused(rows, config):
    with pytest.raises(ValueError, match=r"verl brings none from after it.*absolute_advantage or success_rate"):
        CurriculumSampler(rows, config(method="osmd"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"method": "osmdd"}, "did you mean 'osmd'"),
        ({"method": "osmd", "signal": "tents"}, "did you mean 'tent'"),
        ({"method": "osmd", "signal": "policy_improvement"}, "reads rewards alone"),
        ({"method": "uniform+dapo"}, "leave out the filter"),
    ],
)
def test_what_cannot_be_had_is_refused(given, message, rows, config):
    with pytest.raises(ValueError, match=message):
        CurriculumSampler(rows, config(**given))


def test_settings_stand_behind_the_method(rows, config):
    sampler = CurriculumSampler(rows, config(method="learnability(discount=0.2)", seed=3))
    assert repr(sampler.curriculum) == "learnability(bank, seed=3, discount=0.2)"


def test_rows_that_cannot_be_told_apart_are_refused(rows, config):
    rows.dataframe["extra_info"] = [{} for _ in rows.dataframe["extra_info"]]
    with pytest.raises(ValueError, match=r"two rows are both 'sums/0'.*extra_info.index of its own"):
        CurriculumSampler(rows, config())


def test_the_next_draw_knows_the_answer_to_the_last(rows, config, make_batch):
    """Rows are drawn when the loader wants the first of them, not before."""
    sampler = CurriculumSampler(rows, config(method="osmd", signal="success_rate", seed=1))
    iterator = iter(sampler)
    for _ in range(3):
        before = sampler.curriculum.bandit.probabilities()
        items = drawn(iterator)
        sampler.update(make_batch(items, {item: [1.0, float(item < 6)] for item in range(12)}))
        assert not np.array_equal(before, sampler.curriculum.bandit.probabilities())
    with pytest.raises(StopIteration):
        next(iterator)
    assert len(list(sampler)) == 12  # and the next epoch is whole


def test_rows_that_did_not_come_back_are_missing(rows, config, make_batch):
    sampler = CurriculumSampler(rows, config())
    items = drawn(iter(sampler))
    heard = []
    sampler.curriculum.tell = lambda draw, feedback: heard.append(feedback)
    sampler.update(make_batch(items, {item: [1.0, 0.0] for item in range(12)}, keep=3))
    assert heard[0].counts.sum() == 3
    assert 0 in heard[0].counts


def test_a_row_that_nobody_drew_is_an_error_and_changes_nothing(rows, config, make_batch):
    sampler = CurriculumSampler(rows, config())
    items = drawn(iter(sampler))
    other = next(item for item in range(12) if item not in items)
    with pytest.raises(ValueError, match="no open draw holds"):
        sampler.update(make_batch([*items, other], {item: [1.0, 0.0] for item in range(12)}))
    assert len(sampler.curriculum.outstanding) == 1


def test_two_draws_that_come_back_together_are_both_answered(rows, config, make_batch):
    sampler = CurriculumSampler(rows, config())
    items = drawn(iter(sampler), 8)
    assert len(sampler.curriculum.outstanding) == 2
    sampler.update(make_batch(items, {item: [1.0, 0.0] for item in range(12)}))
    assert sampler.curriculum.outstanding == ()


def test_a_run_goes_on_as_it_would_have(rows, config, make_batch):
    rewards = {item: [float(item % 2), 1.0] for item in range(12)}
    sampler, other = (CurriculumSampler(rows, config(method="sec")) for _ in range(2))
    iterator = iter(sampler)
    sampler.update(make_batch(drawn(iterator), rewards))
    other.load_state_dict(sampler.state_dict())
    assert list(other) == list(iterator)  # the rest of the epoch, and no more


def test_what_was_open_when_verl_saved_is_given_up_and_said(rows, config, caplog):
    sampler, other = (CurriculumSampler(rows, config()) for _ in range(2))
    drawn(iter(sampler))
    with caplog.at_level(logging.WARNING):
        other.load_state_dict(sampler.state_dict())
    assert other.curriculum.outstanding == ()
    assert "given up" in caplog.text
