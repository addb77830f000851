"""Asked to stop, out of disk, or failing: the run resumes as if nothing had happened. Killed: tests/processes."""

import json
import os
import resource
import signal
from pathlib import Path

import pytest
import torch
from transformers import TrainerCallback

from curriculum_bandits import Delayed, methods
from curriculum_bandits.adapters.trl import StopCleanly, last_complete_checkpoint
from curriculum_bandits.checkpoint import load_state, save_state

from .conftest import build_trainer, make_bank, short_digits

STEPS, SAVE_EVERY = 8, 3
TIMES = ("seconds",)


def make_run(folder, reward=short_digits, late=0, **options):
    """A run that saves now and then."""
    saves = {"save_strategy": "steps", "save_steps": SAVE_EVERY, "save_total_limit": 2}
    curriculum = Delayed(methods.osmd(make_bank(), seed=1), late)
    return build_trainer(folder, curriculum=curriculum, reward_funcs=reward, max_steps=STEPS, **saves, **options)


def outcome(trainer):
    """Final weights, and everything the record holds but the times."""
    record = (Path(trainer.args.output_dir) / "curriculum.jsonl").read_text(encoding="utf-8")
    lines = [{k: v for k, v in json.loads(line).items() if k not in TIMES} for line in record.splitlines()]
    return torch.cat([p.detach().ravel() for p in trainer.model.parameters()]), lines


def uninterrupted(folder):
    """The outcome of the run that nothing interrupts."""
    trainer = make_run(folder, refills=2, late=1)
    trainer.train()
    return outcome(trainer)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return uninterrupted(tmp_path_factory.mktemp("whole"))


def assert_same(trainer, whole):
    weights, lines = outcome(trainer)
    assert torch.equal(weights, whole[0])
    assert lines == whole[1]


@pytest.mark.parametrize("at", [2, 5])
def test_asked_to_stop_it_saves_and_the_rest_equals_uninterrupted(tmp_path, whole, at):
    class Ask(TrainerCallback):
        def on_step_begin(self, args, state, control, **kwargs):
            if state.global_step == at:
                os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    stop = StopCleanly()
    make_run(tmp_path, callbacks=[Ask(), stop], refills=2, late=1).train()
    assert stop.stopped
    assert signal.getsignal(signal.SIGTERM) == before
    assert last_complete_checkpoint(tmp_path) == str(tmp_path / f"checkpoint-{at + 1}")
    trainer = make_run(tmp_path, callbacks=[stop], refills=2, late=1)
    trainer.train(resume_from_checkpoint=True)
    assert not stop.stopped
    assert_same(trainer, whole)


def test_a_full_disk_leaves_the_last_checkpoint_and_one_clear_message(tmp_path, whole):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Full(TrainerCallback):
        def on_step_end(self, args, state, control, **kwargs):
            if state.global_step == 2 * SAVE_EVERY:
                resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))

    try:
        with pytest.raises(OSError, match=r"checkpoint-6 could not be saved .*resume from .*checkpoint-3"):
            make_run(tmp_path, callbacks=[Full()], refills=2, late=1).train()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [folder.name for folder in tmp_path.glob("checkpoint-*")] == ["checkpoint-3"]
    trainer = make_run(tmp_path, refills=2, late=1)
    trainer.train(resume_from_checkpoint=True)
    assert_same(trainer, whole)


def test_a_checkpoint_of_another_version_is_named(tmp_path, caplog):
    trainer = make_run(tmp_path)
    trainer.train()
    path = tmp_path / "checkpoint-6" / "curriculum.npz"
    state = load_state(path)
    save_state(path, {**state, "versions": {**state["versions"], "trl": "0.9.9"}})
    make_run(tmp_path).train(resume_from_checkpoint=str(tmp_path / "checkpoint-6"))
    assert "was saved with trl 0.9.9 (now " in caplog.text
    assert caplog.text.count("bit for bit") == 1


def test_resuming_where_there_is_nothing_to_resume_from_says_so(tmp_path):
    (tmp_path / "checkpoint-4").mkdir()
    with pytest.raises(ValueError, match="holds no complete checkpoint"):
        make_run(tmp_path).train(resume_from_checkpoint=True)


def test_a_reward_function_that_raises_names_itself_and_leaves_the_run_resumable(tmp_path, whole):
    calls = []

    def reward(completions, **columns):
        calls.append(1)
        if len(calls) == 8:
            raise KeyError("answer")
        return short_digits(completions)

    trainer = make_run(tmp_path, reward, refills=2, late=1)
    with pytest.raises(RuntimeError, match=r"'reward' raised KeyError: 'answer', on a batch of the problems \['sum-"):
        trainer.train()
    trainer = make_run(tmp_path, refills=2, late=1)
    trainer.train(resume_from_checkpoint=True)
    assert_same(trainer, whole)
