"""The real trainer, a few steps at a time."""

import json

import numpy as np
import pytest
import torch
from transformers import TrainerCallback

from curriculum_bandits import methods, signals
from curriculum_bandits.adapters.trl.tiny import tiny_tokenizer

from .conftest import GENERATIONS, Witness, make_bank, make_model, short_digits

LAYOUTS = [  # (gradient accumulation, steps per generation, iterations)
    (1, 1, 1),
    (2, 1, 1),
    (4, 2, 1),
    (2, 2, 1),
    (1, 2, 1),
    (2, 3, 1),
    (3, 2, 1),
    (1, 1, 2),
    (4, 2, 2),
    (2, 4, 1),
]


def layout(accumulation, per_generation, iterations):
    return {
        "gradient_accumulation_steps": accumulation,
        "steps_per_generation": per_generation,
        "num_iterations": iterations,
    }


def test_the_generated_prompts_are_those_drawn_and_every_group_holds_one_problem(make_trainer):
    seen = []

    def reward(prompts, completions, id, **columns):
        seen.append((list(prompts), list(id)))
        return short_digits(completions)

    bank = make_bank()
    curriculum = methods.osmd(bank, seed=1)
    witness = Witness(curriculum)
    make_trainer(curriculum=curriculum, reward_funcs=reward, steps_per_generation=2).train()
    assert len(seen) == len(witness.draws) >= 2
    for (prompts, ids), draw in zip(seen, witness.draws, strict=True):
        wanted = np.repeat(draw.items, GENERATIONS)
        assert prompts == [bank.prompts[item] for item in wanted]
        assert ids == [bank.ids[item] for item in wanted]
        assert len(set(draw.items.tolist())) == len(draw) == 16 // GENERATIONS


def test_nothing_is_a_generation_stale(make_trainer):
    # With one batch per step, the draw of step t must come after the answer of step t - 1.
    curriculum = methods.osmd(make_bank(), seed=1)
    order = []
    ask, tell = curriculum.ask, curriculum.tell
    curriculum.ask = lambda size: (order.append("ask"), ask(size))[1]
    curriculum.tell = lambda draw, feedback: (order.append("tell"), tell(draw, feedback))[1]
    make_trainer(curriculum=curriculum).train()
    assert order == ["ask", "tell"] * 4


@pytest.mark.parametrize(("accumulation", "per_generation", "iterations"), LAYOUTS)
def test_every_batch_is_answered_once_and_carries_its_own_rewards(
    make_trainer, accumulation, per_generation, iterations
):
    rewards = []

    def reward(completions, **columns):
        rewards.append(short_digits(completions))
        return rewards[-1]

    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    trainer = make_trainer(
        curriculum=curriculum, reward_funcs=reward, max_steps=5, **layout(accumulation, per_generation, iterations)
    )
    trainer.train()
    assert [draw.ticket.serial for draw, _ in witness.feedbacks] == list(range(len(witness.draws)))
    assert curriculum.outstanding == ()
    assert len(witness.draws) == -(-5 * accumulation // (per_generation * iterations))
    for rollouts, given in zip(witness.rollouts, rewards, strict=True):
        np.testing.assert_allclose(rollouts.rewards.ravel(), given, rtol=1e-6)
        assert np.all(rollouts.lengths > 0)
    complete = witness.rollouts[: 5 * accumulation // (per_generation * iterations)]
    assert all(np.all(rollouts.trained) for rollouts in complete)


@pytest.mark.parametrize(("accumulation", "per_generation", "iterations"), LAYOUTS)
def test_learning_rate_zero_gives_a_log_ratio_of_exactly_zero(make_trainer, accumulation, per_generation, iterations):
    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    make_trainer(
        curriculum=curriculum, learning_rate=0.0, max_steps=3, **layout(accumulation, per_generation, iterations)
    ).train()
    for rollouts in witness.rollouts:
        assert np.all(rollouts.log_ratio == 0.0)
    for _, feedback in witness.feedbacks:
        assert np.all(feedback.values == 0.0)


def frozen_copy(model):
    # Not deepcopy: accelerate binds the forward of a prepared model to the original.
    copied = make_model()
    copied.load_state_dict(model.state_dict())
    return copied


class Snapshots(TrainerCallback):
    """The weights before the first update and after each."""

    def __init__(self):
        self.models = []

    def on_train_begin(self, args, state, control, model=None, **kwargs):
        self.models.append(frozen_copy(model))

    def on_step_end(self, args, state, control, model=None, **kwargs):
        self.models.append(frozen_copy(model))


def log_probability(model, tokenizer, prompt, completion_ids):
    """By hand: one row, no padding, a plain forward pass in float64."""
    prompt_ids = tokenizer(prompt)["input_ids"]
    row = torch.tensor([prompt_ids + completion_ids])
    with torch.no_grad():
        logits = model.double()(input_ids=row).logits[0, len(prompt_ids) - 1 : -1]
    return torch.log_softmax(logits, dim=-1)[range(len(completion_ids)), completion_ids].sum().item()


@pytest.mark.parametrize(("accumulation", "per_generation", "iterations"), [(1, 1, 1), (2, 2, 1), (1, 2, 1), (1, 1, 2)])
def test_log_probabilities_before_and_after_equal_a_hand_made_forward_pass(
    make_trainer, accumulation, per_generation, iterations
):
    completions = []

    def reward(prompts, completion_ids, **columns):
        completions.append(list(zip(prompts, completion_ids, strict=True)))
        return [float(ids[0]) for ids in completion_ids]

    curriculum = methods.osmd(make_bank(), seed=1)
    witness, snapshots = Witness(curriculum), Snapshots()
    make_trainer(
        curriculum=curriculum,
        reward_funcs=reward,
        callbacks=[snapshots],
        max_steps=4,
        **layout(accumulation, per_generation, iterations),
    ).train()
    steps_per_batch = max(1, per_generation * iterations // accumulation)
    tokenizer = tiny_tokenizer()
    for k, rollouts in enumerate(witness.rollouts):
        before = snapshots.models[k * steps_per_batch]
        after = snapshots.models[min((k + 1) * steps_per_batch, 4)]
        by_hand = [
            log_probability(after, tokenizer, prompt, ids) - log_probability(before, tokenizer, prompt, ids)
            for prompt, ids in completions[k]
        ]
        assert np.max(np.abs(by_hand)) > 1e-3
        np.testing.assert_allclose(rollouts.log_ratio.ravel(), by_hand, atol=2e-5)
        np.testing.assert_array_equal(rollouts.lengths.ravel(), [len(ids) for _, ids in completions[k]])


class Kill(TrainerCallback):
    def __init__(self, step):
        self.step = step

    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("accumulation", "per_generation"), [(1, 1), (2, 1), (2, 2)])
def test_killed_and_resumed_equals_uninterrupted(make_trainer, tmp_path, accumulation, per_generation):
    def train(folder, kill_at=None, resume=False):
        curriculum = methods.osmd(make_bank(), seed=1)
        witness = Witness(curriculum)
        trainer = make_trainer(
            curriculum=curriculum,
            output_dir=str(tmp_path / folder),
            callbacks=None if kill_at is None else [Kill(kill_at)],
            max_steps=6,
            save_strategy="steps",
            save_steps=3,
            **layout(accumulation, per_generation, 1),
        )
        if kill_at is None:
            trainer.train(resume_from_checkpoint=resume)
        else:
            with pytest.raises(KeyboardInterrupt):
                trainer.train()
        return curriculum, witness, trainer.model.state_dict()

    whole, all_of_it, weights = train("whole")
    train("killed", kill_at=5)
    resumed, rest, weights_again = train("killed", resume=True)
    half = len(all_of_it.draws) // 2
    assert len(rest.draws) == half
    for draw, again in zip(all_of_it.draws[half:], rest.draws, strict=True):
        np.testing.assert_array_equal(draw.items, again.items)
        np.testing.assert_array_equal(draw.inclusion, again.inclusion)
    for (_, feedback), (_, again) in zip(all_of_it.feedbacks[half:], rest.feedbacks, strict=True):
        np.testing.assert_array_equal(feedback.values, again.values)
    for name, value in weights.items():
        assert torch.equal(value, weights_again[name]), name
    np.testing.assert_array_equal(whole.bandit.probabilities(), resumed.bandit.probabilities())


@pytest.mark.parametrize("max_steps", [2, 1])
def test_a_finished_run_is_loaded_and_not_trained_on(make_trainer, tmp_path, caplog, max_steps):
    saved = {"save_strategy": "steps", "save_steps": 2}
    trained = make_trainer(max_steps=2, curriculum=methods.osmd(make_bank(), seed=1), **saved)
    trained.train()
    record = (tmp_path / "run" / "curriculum.jsonl").read_bytes()
    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    again = make_trainer(max_steps=max_steps, curriculum=curriculum, **saved)
    assert again.train(resume_from_checkpoint=True).global_step == again.state.global_step == 2
    assert "checkpoint-2 is the end of this run" in caplog.text
    assert witness.draws == []
    assert (tmp_path / "run" / "curriculum.jsonl").read_bytes() == record
    for name, value in trained.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name
    before, after = (each.curriculum.bandit.probabilities() for each in (trained, again))
    np.testing.assert_array_equal(before, after)
    again.args.max_steps = 3
    again.train(resume_from_checkpoint=True)
    assert len(witness.draws) == 1


def test_a_checkpoint_inside_a_generation_batch_gives_its_draw_up_and_goes_on(make_trainer, tmp_path, caplog):
    options = {"steps_per_generation": 4, "max_steps": 6, "save_strategy": "steps", "save_steps": 2}
    curriculum = methods.osmd(make_bank(), seed=1)
    with pytest.raises(KeyboardInterrupt):
        make_trainer(curriculum=curriculum, callbacks=[Kill(3)], **options).train()
    resumed = methods.osmd(make_bank(), seed=1)
    make_trainer(curriculum=resumed, **options).train(resume_from_checkpoint=True)
    assert "draw 0 was in use" in caplog.text
    assert resumed.outstanding == ()


def test_evaluation_sees_its_own_prompts_and_leaves_the_curriculum_alone(make_trainer):
    datasets = pytest.importorskip("datasets")
    seen = []

    def reward(prompts, completions, **columns):
        seen.append(list(prompts))
        return short_digits(completions)

    curriculum = methods.osmd(make_bank(), seed=1)
    trainer = make_trainer(curriculum=curriculum, reward_funcs=reward, per_device_eval_batch_size=8)
    before = curriculum.state_dict()
    held_out = datasets.Dataset.from_dict({"prompt": ["9+9=", "8+9="], "id": ["x", "y"]})
    assert "eval_loss" in trainer.evaluate(held_out)
    assert {prompt for prompts in seen for prompt in prompts} == {"9+9=", "8+9="}
    assert json.dumps(curriculum.state_dict(), default=str) == json.dumps(before, default=str)


def test_curriculum_metrics_come_through_trls_own_log(make_trainer):
    trainer = make_trainer()
    trainer.train()
    rows = [row for row in trainer.state.log_history if "reward" in row]
    assert len(rows) == 4
    names = ["entropy", "effective_problems", "informative_share", "utility_mean", "utility_std", "log_ratio_std"]
    names += ["seconds/ask", "seconds/rescore", "seconds/tell", "step_share", "drawn/small", "drawn/large", "problems"]
    for row in rows:
        for name in names:
            assert np.isfinite(row[f"curriculum/{name}"]), name
        assert 0.0 < row["curriculum/step_share"] < 1.0
        assert row["curriculum/drawn/small"] + row["curriculum/drawn/large"] == pytest.approx(1.0)
        assert row["curriculum/reward"] == pytest.approx(row["reward"], rel=1e-5)


def test_a_missing_reward_is_missing_and_not_a_failure(make_trainer):
    def reward(completions, **columns):
        given = [1.0 if i % 2 else 0.0 for i in range(len(completions))]
        given[0] = None  # one rollout of the first problem
        given[GENERATIONS : 2 * GENERATIONS] = [float("nan")] * GENERATIONS  # all of the second
        return given

    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    make_trainer(curriculum=curriculum, reward_funcs=reward, max_steps=1).train()
    assert witness.feedbacks[0][1].counts.tolist() == [GENERATIONS - 1, 0]
    assert witness.rollouts[0].rewards[0, 1:].tolist() == [1.0, 0.0, 1.0]


def test_several_rewards_are_combined_with_trls_weights(make_trainer):
    def ones(completions, **columns):
        return [1.0] * len(completions)

    def maybe(completions, **columns):
        return [None if i % 2 else 1.0 for i in range(len(completions))]

    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    make_trainer(curriculum=curriculum, reward_funcs=[ones, maybe], reward_weights=[2.0, 0.5], max_steps=1).train()
    assert witness.rollouts[0].rewards[0].tolist() == [2.5, 2.0, 2.5, 2.0]


def test_the_bank_verifies_where_no_reward_function_is_given(make_trainer):
    trainer = make_trainer(reward_funcs=None, max_steps=1)
    trainer.train()
    assert "rewards/verified/mean" in trainer.state.log_history[0]


def test_rows_of_ones_own_data_set_are_used(make_trainer):
    datasets = pytest.importorskip("datasets")
    bank = make_bank()
    own = datasets.Dataset.from_dict({"prompt": bank.prompts, "id": bank.ids, "hint": [f"h{i}" for i in bank.ids]})
    seen = {}

    def reward(completions, id, hint, **columns):
        seen.update(zip(id, hint, strict=True))
        return short_digits(completions)

    shuffled = own.shuffle(seed=0)
    make_trainer(curriculum=methods.uniform(bank), reward_funcs=reward, train_dataset=shuffled, max_steps=2).train()
    assert len(seen) == 4
    assert all(hint == f"h{identity}" for identity, hint in seen.items())


GSPO = {"importance_sampling_level": "sequence", "loss_type": "grpo", "epsilon": 3e-4, "epsilon_high": 4e-4}
LOSSES = [{"loss_type": loss} for loss in ("grpo", "dr_grpo", "dapo", "bnpo", "cispo")]


@pytest.mark.parametrize("options", [*LOSSES, GSPO], ids=str)
def test_the_losses_of_trl_run(make_trainer, options):
    trainer = make_trainer(max_steps=2, **options)
    trainer.train()
    assert trainer.curriculum.outstanding == ()


def test_a_bandit_on_group_success_shifts_its_draws_to_the_group_that_pays(make_trainer):
    # End to end: the utility is 1 for one group and 0 for the other, so the curriculum must move there.
    def reward(completions, group, **columns):
        return [float(g == "small") for g in group]

    curriculum = methods.osmd(make_bank(), seed=1, signal=signals.success_rate)
    before = curriculum.bandit.probabilities()[0]
    make_trainer(curriculum=curriculum, reward_funcs=reward, max_steps=8).train()
    assert curriculum.bandit.probabilities()[0] > before + 0.2


def test_a_failure_in_generation_gives_the_draw_up(make_trainer):
    def broken(completions, **columns):
        raise RuntimeError("verifier down")

    trainer = make_trainer(reward_funcs=broken)
    with pytest.raises(RuntimeError, match="verifier down"):
        trainer.train()
    assert trainer.curriculum.outstanding == ()


def test_a_failure_in_the_update_leaves_nothing_behind_for_the_next_call(make_trainer):
    trainer = make_trainer(max_steps=2)
    compute_loss = trainer._compute_loss

    def fail_once(model, inputs):
        trainer._compute_loss = compute_loss
        raise MemoryError("out of memory")

    trainer._compute_loss = fail_once
    with pytest.raises(MemoryError):
        trainer.train()
    trainer.train()
    assert trainer.curriculum.outstanding == ()


def test_infinite_rewards_are_refused_by_name(make_trainer):
    def infinite(completions, **columns):
        return [float("inf")] + [0.0] * (len(completions) - 1)

    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    with pytest.raises(ValueError, match=r"'infinite' returned inf for problem 'sum-\d-\d'"):
        make_trainer(curriculum=curriculum, reward_funcs=infinite).train()
    assert curriculum.bank.ids[witness.draws[0].items[0]]
    assert curriculum.outstanding == ()


def test_rewards_of_the_wrong_length_are_refused(make_trainer):
    def short(completions, **columns):
        return [0.0]

    async def short_later(completions, **columns):
        return [0.0]

    for reward in (short, short_later):
        with pytest.raises(ValueError, match=rf"'{reward.__name__}' returned 1 rewards for 8 completions"):
            make_trainer(reward_funcs=reward).train()


def test_a_reward_function_that_needs_an_unknown_column_is_refused(make_trainer):
    def needs(completions, solution, **columns):
        return [0.0] * len(completions)

    with pytest.raises(ValueError, match=r"'needs' needs the columns \['solution'\]"):
        make_trainer(reward_funcs=needs)


def test_attention_dropout_is_refused(make_trainer):
    with pytest.raises(ValueError, match=r"dropout 0\.1 at .*attention_dropout"):
        make_trainer(model=make_model(attention_dropout=0.1))


def test_a_dropout_layer_is_refused(make_trainer):
    model = make_model()
    model.model.layers[0].mlp.act_fn = torch.nn.Sequential(torch.nn.SiLU(), torch.nn.Dropout(0.25))
    with pytest.raises(ValueError, match=r"dropout 0\.25"):
        make_trainer(model=model, disable_dropout=False)


def test_a_bank_smaller_than_a_generation_batch_is_refused(make_trainer):
    with pytest.raises(ValueError, match=r"takes 4 distinct problems but the bank has 3"):
        make_trainer(curriculum=methods.osmd(make_bank(3)), steps_per_generation=2)


def test_a_data_set_with_other_ids_is_refused(make_trainer):
    datasets = pytest.importorskip("datasets")
    bank = make_bank(8)
    other = datasets.Dataset.from_dict({"prompt": bank.prompts, "id": [*bank.ids[:-1], "new"]})
    with pytest.raises(ValueError, match=r"lacks \['sum-1-8'\] and adds \['new'\]"):
        make_trainer(curriculum=methods.uniform(bank), train_dataset=other)
    without = datasets.Dataset.from_dict({"prompt": bank.prompts})
    with pytest.raises(ValueError, match=r"no 'id'"):
        make_trainer(curriculum=methods.uniform(bank), train_dataset=without)
    stream = other.to_iterable_dataset()
    with pytest.raises(ValueError, match=r"map-style"):
        make_trainer(curriculum=methods.uniform(bank), train_dataset=stream)


def test_a_checkpoint_of_another_bank_or_without_curriculum_is_refused(make_trainer, tmp_path):
    make_trainer(max_steps=1, save_strategy="steps", save_steps=1).train()
    other = make_trainer(curriculum=methods.osmd(make_bank(20), seed=5), max_steps=2)
    with pytest.raises(ValueError, match="load the bank it was saved with"):
        other.train(resume_from_checkpoint=True)
    (tmp_path / "run" / "checkpoint-1" / "curriculum.npz").unlink()
    with pytest.raises(FileNotFoundError, match="saved without a curriculum"):
        make_trainer(max_steps=2).train(resume_from_checkpoint=True)
