"""Run by test_distributed under torchrun: a few steps on several processes, each writing down what it saw."""

import json
import os
import sys
from pathlib import Path

import torch
from trl import GRPOConfig

sys.path.insert(0, str(Path(__file__).parents[3]))
from curriculum_bandits import methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer
from tests.adapters.trl.conftest import GENERATIONS, Witness, make_bank, make_model, make_tokenizer, short_digits


def main(folder: Path, batch: int) -> None:
    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    seen = []

    def reward(prompts, completions, **columns):
        seen.append({"prompts": list(prompts), "rewards": short_digits(completions)})
        return seen[-1]["rewards"]

    config = GRPOConfig(
        output_dir=str(folder / "run"),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        disable_tqdm=True,
        num_generations=GENERATIONS,
        per_device_train_batch_size=batch,
        max_completion_length=5,
        max_steps=3,
        learning_rate=1e-2,
        save_strategy="no",
    )
    trainer = CurriculumGRPOTrainer(
        make_model(), reward, config, curriculum=curriculum, processing_class=make_tokenizer()
    )
    trainer.train()
    report = {
        "seen": seen,
        "drawn": [draw.items.tolist() for draw in witness.draws],
        "rewards": [rollouts.rewards.tolist() for rollouts in witness.rollouts],
        "log_ratio": [rollouts.log_ratio.tolist() for rollouts in witness.rollouts],
        "open": len(curriculum.outstanding),
        "weights": float(sum(p.double().abs().sum() for p in trainer.model.parameters())),
    }
    (folder / f"rank{os.environ['RANK']}.json").write_text(json.dumps(report))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
