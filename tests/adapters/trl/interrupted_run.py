"""Run by test_interruption: a run that kills itself, as an out-of-memory killer would, with no chance to clean up."""

import os
import signal
import sys
from pathlib import Path

from trl import GRPOConfig

sys.path.insert(0, str(Path(__file__).parents[3]))
from curriculum_bandits import Delayed, methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer
from tests.adapters.trl.conftest import make_bank, make_model, make_tokenizer, short_digits

STEPS, SAVE_EVERY = 8, 3
OPTIONS = {
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "report_to": "none",
    "disable_tqdm": True,
    "num_generations": 4,
    "per_device_train_batch_size": 8,
    "max_completion_length": 5,
    "max_steps": STEPS,
    "learning_rate": 1e-2,
    "lr_scheduler_type": "constant",
    "logging_steps": 1,
    "save_strategy": "steps",
    "save_steps": SAVE_EVERY,
    "save_total_limit": 2,
    "seed": 3,
}


def make_run(folder, reward=short_digits, callbacks=None, late=0, **options):
    return CurriculumGRPOTrainer(
        make_model(),
        reward,
        GRPOConfig(output_dir=str(folder), **OPTIONS),
        curriculum=Delayed(methods.osmd(make_bank(), seed=1), late),
        processing_class=make_tokenizer(),
        callbacks=callbacks,
        **options,
    )


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, moment: str) -> None:
    calls = []

    def reward(completions, **columns):
        calls.append(1)
        if moment == "generation" and len(calls) == 8:
            die()
        return short_digits(completions)

    trainer = make_run(folder, reward, refills=2, late=1)
    if moment == "save":
        save = trainer._save_optimizer_and_scheduler

        def dying(output_dir):
            if trainer.state.global_step == 2 * SAVE_EVERY:
                die()
            save(output_dir)

        trainer._save_optimizer_and_scheduler = dying
    trainer.train()


if __name__ == "__main__":
    main(*sys.argv[1:])
