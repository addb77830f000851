"""What is told, when, and what is logged and written down of it."""

import json

import numpy as np
import pytest

from curriculum_bandits import Delayed, methods, signals
from curriculum_bandits.observer import Observers
from curriculum_bandits.tracking import StallMonitor

from .conftest import Witness, make_bank, short_digits
from .test_trainer import Kill, layout

REWARD_SIGNALS = [signals.absolute_advantage, signals.reward_variance, signals.success_rate, signals.tent]


@pytest.mark.parametrize("signal", REWARD_SIGNALS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 2, 1), (1, 1, 2)])
def test_a_signal_of_rewards_costs_no_second_scoring_and_hears_the_same(make_trainer, signal, shape):
    def marked(rollouts):  # the same judgement, but it does not say that rewards suffice
        return signal(rollouts)

    heard, shares = [], []
    for one in (signal, marked):
        curriculum = methods.osmd(make_bank(), seed=1, signal=one)
        witness = Witness(curriculum)
        trainer = make_trainer(curriculum=curriculum, **layout(*shape))
        scores = []
        score = trainer._score
        trainer._score = lambda inputs, score=score, scores=scores: (scores.append(1), score(inputs))[1]
        trainer.train()
        heard.append(np.array([feedback.values for _, feedback in witness.feedbacks]))
        shares.append(len(scores))
        assert all((rollouts.log_ratio is None) == (one is signal) for rollouts in witness.rollouts)
        assert all(np.all(rollouts.trained) for rollouts in witness.rollouts)
    np.testing.assert_array_equal(*heard)
    assert shares[0] == 0 < shares[1]


@pytest.mark.parametrize("delay", [1, 3])
def test_a_late_answer_is_the_same_answer_some_steps_later(make_trainer, delay):
    inner = methods.osmd(make_bank(), seed=1)
    witness = Witness(inner)
    curriculum = Delayed(inner, delay)
    told = []

    class Watch(Kill):
        def on_step_begin(self, args, state, control, **kwargs):
            told.append(
                (state.global_step, len(witness.feedbacks), len(inner.outstanding), len(curriculum.outstanding))
            )

    make_trainer(curriculum=curriculum, max_steps=6, callbacks=[Watch(None)]).train()
    heard = [max(0, step - 1 - delay) for step in range(6)]  # what is due is told when the next batch is drawn
    assert told == [(step, heard[step], step - heard[step], 0) for step in range(6)]
    assert [draw.ticket.serial for draw, _ in witness.feedbacks] == list(range(5 - delay))
    assert curriculum.outstanding == ()
    prompt = methods.osmd(make_bank(), seed=1)
    at_once = Witness(prompt)
    make_trainer(curriculum=prompt, max_steps=6).train()
    np.testing.assert_array_equal(at_once.feedbacks[0][1].values, witness.feedbacks[0][1].values)
    pairs = list(zip(at_once.draws, witness.draws, strict=True))
    assert any(not np.array_equal(a.inclusion, b.inclusion) for a, b in pairs)


def test_the_record_agrees_with_what_was_told_and_logged(make_trainer, tmp_path):
    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    datasets = pytest.importorskip("datasets")
    held_out = datasets.Dataset.from_dict({"prompt": ["9+9=", "8+9="], "id": ["x", "y"]})
    trainer = make_trainer(curriculum=curriculum, per_device_eval_batch_size=8)
    trainer.train()
    trainer.evaluate(held_out)
    lines = [json.loads(line) for line in (tmp_path / "run" / "curriculum.jsonl").read_text().splitlines()]
    assert lines[0]["method"] == "osmd"
    draws = [line for line in lines if line["kind"] == "draw"]
    for line, (draw, feedback), rollouts in zip(draws, witness.feedbacks, witness.rollouts, strict=True):
        assert line["items"] == [curriculum.bank.ids[item] for item in draw.items]
        assert line["utility"] == feedback.values.tolist()
        assert line["inclusion"] == draw.inclusion.tolist()
        np.testing.assert_allclose(line["reward"], rollouts.rewards.mean(axis=1))
        assert line["completion_tokens"] == rollouts.lengths.sum(axis=1).tolist()
        for example in line["examples"]:
            assert example["id"] in line["items"]
            assert example["reward"] == pytest.approx(short_digits([example["completion"]])[0])
            group = rollouts.rewards[line["items"].index(example["id"])]
            assert example["reward"] == pytest.approx(group.max())
    steps = [line for line in lines if line["kind"] == "step"]
    rows = [row for row in trainer.state.log_history if "reward" in row]
    assert [line["step"] for line in draws] == [line["step"] for line in steps] == [1, 2, 3, 4]
    for line, row in zip(steps, rows, strict=True):
        assert line["tokens"] == row["num_tokens"]
        assert line["metrics"]["reward"] == pytest.approx(row["reward"], rel=1e-5)
        assert line["seconds"]["ask"] + line["seconds"]["tell"] < line["seconds"]["step"]
    evaluation = lines[-1]
    assert evaluation["kind"] == "evaluation"
    assert 0.0 <= evaluation["metrics"]["reward"] <= 3.0


def test_the_trainer_warns_when_nothing_is_learned(make_trainer, caplog):
    trainer = make_trainer(reward_funcs=lambda completions, **_: [0.0] * len(completions), max_steps=3)
    trainer._observers = Observers([StallMonitor(patience=2)])
    trainer.train()
    assert caplog.text.count("nothing was learned: every reward was 0") == 1
