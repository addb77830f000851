"""DAPO's filter: what is trained on can teach, what is rejected is heard of, and nothing is mixed up on the way."""

import itertools
import json
from collections import Counter

import numpy as np
import pytest
import torch
from accelerate import Accelerator

from curriculum_bandits import methods, signals
from curriculum_bandits.adapters.trl.generation_batch import ROW
from curriculum_bandits.adapters.trl.group_filter import groups_kept, merged, refill_size

from .conftest import GENERATIONS, Witness, make_bank
from .test_trainer import layout


def test_groups_that_can_teach_come_first_and_others_only_fill_up():
    informative = [np.array([True, False, True]), np.array([False, True])]
    assert groups_kept(informative, 3) == [(0, 0), (0, 2), (1, 1)]
    assert groups_kept(informative, 2) == [(0, 0), (0, 2)]
    assert groups_kept(informative, 4) == [(0, 0), (0, 1), (0, 2), (1, 1)]


@pytest.mark.parametrize(("generations", "processes"), list(itertools.product([2, 3, 4, 6, 8], [1, 2, 3, 4, 8])))
def test_a_refill_can_be_shared_out_and_overshoots_only_where_it_must(generations, processes):
    for missing in range(1, 20):
        size = refill_size(missing, generations, processes)
        assert size * generations % processes == 0
        assert size <= missing or all(k * generations % processes for k in range(1, size))


def test_what_is_put_together_is_padded_on_its_own_side():
    first = {
        "prompt_ids": torch.tensor([[0, 5], [6, 7]]),
        "prompt_mask": torch.tensor([[0, 1], [1, 1]]),
        "completion_ids": torch.tensor([[1, 2, 3], [4, 0, 0]]),
        "completion_mask": torch.tensor([[1, 1, 1], [1, 0, 0]]),
        "old_per_token_logps": torch.tensor([[-1.0, -2, -3], [-4, 0, 0]]),
        "advantages": torch.tensor([1.0, -1.0]),
        "num_items_in_batch": torch.tensor(4),
        ROW: torch.tensor([0, 1]),
    }
    second = {
        "prompt_ids": torch.tensor([[8, 8, 8]]),
        "prompt_mask": torch.tensor([[1, 1, 1]]),
        "completion_ids": torch.tensor([[9]]),
        "completion_mask": torch.tensor([[1]]),
        "old_per_token_logps": torch.tensor([[-9.0]]),
        "advantages": torch.tensor([0.5]),
        "num_items_in_batch": torch.tensor(1),
        ROW: torch.tensor([2]),
    }
    batch = merged([first, second], [2, 1], Accelerator(cpu=True), padding_token=99)
    assert batch["prompt_ids"].tolist() == [[8, 8, 8], [99, 6, 7]]
    assert batch["prompt_mask"].tolist() == [[1, 1, 1], [0, 1, 1]]
    assert batch["completion_ids"].tolist() == [[9, 99, 99], [4, 0, 0]]
    assert batch["completion_mask"].tolist() == [[1, 0, 0], [1, 0, 0]]
    assert batch["old_per_token_logps"].tolist() == [[-9, 0, 0], [-4, 0, 0]]
    assert batch["advantages"].tolist() == [0.5, -1.0]
    assert batch[ROW].tolist() == [2, 1]
    assert batch["num_items_in_batch"].item() == 2
    with pytest.raises(ValueError, match=r"hold \['pixel_values'\]"):
        merged([{**first, "pixel_values": torch.zeros(2, 3)}], [0], Accelerator(cpu=True), padding_token=99)


def solved_where_even(completions, id, **columns):
    """Problems whose first number is even are solved; of the others every second answer is right."""
    turn = Counter()
    rewards = []
    for identity in id:
        turn[identity] += 1
        rewards.append(1.0 if int(identity.split("-")[1]) % 2 == 0 else float(turn[identity] % 2))
    return rewards


class Trained:
    """Watches which rows the losses are computed from."""

    def __init__(self, trainer):
        self.batches = []
        compute_loss = trainer._compute_loss

        def watched(model, inputs):
            self.batches.append({name: value.clone() for name, value in inputs.items() if torch.is_tensor(value)})
            return compute_loss(model, inputs)

        trainer._compute_loss = watched


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 2, 1), (1, 2, 1), (1, 1, 2)])
def test_only_groups_that_can_teach_are_trained_on_and_every_draw_is_told(make_trainer, shape):
    curriculum = methods.uniform(make_bank(), seed=1)
    witness = Witness(curriculum)
    trainer = make_trainer(
        curriculum=curriculum, reward_funcs=solved_where_even, refills=30, max_steps=4, **layout(*shape)
    )
    trained = Trained(trainer)
    trainer.train()
    assert min(len(draw) for draw in witness.draws) < max(len(draw) for draw in witness.draws) == 2 * shape[1]
    assert [draw.ticket.serial for draw, _ in witness.feedbacks] == list(range(len(witness.draws)))
    assert curriculum.outstanding == ()
    for batch in trained.batches:
        assert len(batch["advantages"]) == 8
        assert torch.all(batch["advantages"] != 0)
        assert batch["num_items_in_batch"] >= batch["completion_mask"].sum()
    bank = curriculum.bank
    for rollouts, draw in zip(witness.rollouts, witness.draws, strict=True):
        can_teach = np.array([int(bank.ids[item].split("-")[1]) % 2 for item in draw.items]) == 1
        np.testing.assert_array_equal(rollouts.rewards.std(axis=1) > 0, can_teach)
        np.testing.assert_array_equal(rollouts.trained.all(axis=1), can_teach)
        np.testing.assert_array_equal(rollouts.trained.any(axis=1), can_teach)


def test_a_rejected_group_is_worth_zero_and_not_missing(make_trainer):
    curriculum = methods.osmd(make_bank(), seed=1)  # rewarded by policy improvement: the rest is scored again
    witness = Witness(curriculum)
    make_trainer(curriculum=curriculum, reward_funcs=solved_where_even, refills=30).train()
    values = np.concatenate([feedback.values for _, feedback in witness.feedbacks])
    counts = np.concatenate([feedback.counts for _, feedback in witness.feedbacks])
    even = np.array([int(curriculum.bank.ids[i].split("-")[1]) % 2 == 0 for d in witness.draws for i in d.items])
    assert even.any()
    assert np.all(counts == GENERATIONS)
    assert np.all(values[even] == 0.0)
    assert np.all(values[~even] != 0.0)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 1), (2, 2, 1)])
def test_learning_rate_zero_still_gives_a_log_ratio_of_exactly_zero(make_trainer, shape):
    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    make_trainer(
        curriculum=curriculum, reward_funcs=solved_where_even, refills=30, learning_rate=0.0, **layout(*shape)
    ).train()
    assert len(witness.rollouts) > 4
    assert all(np.all(rollouts.log_ratio == 0.0) for rollouts in witness.rollouts)


def test_a_batch_that_cannot_be_filled_is_filled_up_with_what_there_is(make_trainer):
    curriculum = methods.uniform(make_bank(), seed=1)
    witness = Witness(curriculum)
    trainer = make_trainer(
        curriculum=curriculum, reward_funcs=lambda completions, **_: [1.0] * len(completions), refills=2, max_steps=2
    )
    trained = Trained(trainer)
    trainer.train()
    assert [len(draw) for draw in witness.draws] == [2, 2, 2] * 2
    assert all(len(batch["advantages"]) == 8 and torch.all(batch["advantages"] == 0) for batch in trained.batches)


def test_with_enough_to_teach_the_filter_changes_nothing(make_trainer, tmp_path):
    def different(completions, **columns):
        return [float(i) for i in range(len(completions))]

    weights = []
    for refills in (None, 3):
        trainer = make_trainer(reward_funcs=different, refills=refills)
        trainer.train()
        weights.append(torch.cat([p.detach().ravel() for p in trainer.model.parameters()]))
    assert torch.equal(*weights)


def test_tokens_of_rejected_groups_are_counted(make_trainer, tmp_path):
    trainer = make_trainer(
        curriculum=methods.uniform(make_bank(), seed=1), reward_funcs=solved_where_even, refills=30, max_steps=3
    )
    trainer.train()
    lines = [json.loads(line) for line in (tmp_path / "run" / "curriculum.jsonl").read_text().splitlines()]
    draws = [line for line in lines if line["kind"] == "draw"]
    completions = sum(sum(line["completion_tokens"]) for line in draws)
    prompts = sum(GENERATIONS * 4 * len(line["items"]) for line in draws)  # "1+2=" is four tokens
    assert [line for line in lines if line["kind"] == "step"][-1]["tokens"] == completions + prompts
    assert {flag for line in draws for flag in line["trained"]} == {True, False}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"refills": -1}, "refills is -1"),
        ({"refills": 2, "multi_objective_aggregation": "normalize_then_sum"}, "use 'sum_then_normalize'"),
    ],
)
def test_a_filter_that_cannot_work_is_refused(make_trainer, options, message):
    with pytest.raises(ValueError, match=message):
        make_trainer(**options)


def test_a_signal_of_success_hears_the_rates_of_rejected_groups(make_trainer):
    curriculum = methods.osmd(make_bank(), seed=1, signal=signals.success_rate)
    witness = Witness(curriculum)
    make_trainer(curriculum=curriculum, reward_funcs=solved_where_even, refills=30).train()
    values = np.concatenate([feedback.values for _, feedback in witness.feedbacks])
    assert set(values) == {0.5, 1.0}
    assert all(rollouts.log_ratio is None for rollouts in witness.rollouts)
