"""Run by test_distributed under torchrun: a few steps on several processes, each writing down what it saw."""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import torch
from trl import GRPOConfig

sys.path.insert(0, str(Path(__file__).parents[3]))
from curriculum_bandits import methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer
from tests.adapters.trl.conftest import Witness, make_bank, make_model, make_tokenizer, short_digits


def main(folder: Path, batch: int, generations: int, refills: int | None, fails: bool) -> None:
    curriculum = methods.osmd(make_bank(), seed=1)
    witness = Witness(curriculum)
    seen, losses, turn = [], [], Counter()

    def reward(prompts, completions, id, **columns):
        rewards = short_digits(completions)
        if refills is not None:  # half of the problems earn nothing, whoever answers
            rewards = [r * (int(i.split("-")[1]) % 2) for r, i in zip(rewards, id, strict=True)]
        seen.append({"prompts": list(prompts), "rewards": rewards})
        return rewards

    def failing_tell(draw, feedback):
        turn["told"] += 1
        if turn["told"] == 2:
            raise ValueError("a utility nobody can use")

    if fails:
        curriculum.tell = failing_tell
    config = GRPOConfig(
        output_dir=str(folder / "run"),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        disable_tqdm=True,
        num_generations=generations,
        per_device_train_batch_size=batch,
        max_completion_length=5,
        max_steps=3,
        learning_rate=1e-2,
        save_strategy="no",
    )
    trainer = CurriculumGRPOTrainer(
        make_model(), reward, config, curriculum=curriculum, processing_class=make_tokenizer(), refills=refills
    )
    compute_loss = trainer._compute_loss

    def watched(model, inputs):
        losses.append({"rows": inputs["curriculum_row"].tolist(), "advantages": inputs["advantages"].tolist()})
        losses[-1]["tokens"] = float(inputs["num_items_in_batch"])
        losses[-1]["own_tokens"] = float(inputs["completion_mask"].sum())
        return compute_loss(model, inputs)

    trainer._compute_loss = watched
    error = None
    try:
        trainer.train()
    except Exception as raised:
        if not fails:
            raise
        error = f"{type(raised).__name__}: {raised}"
    report = {
        "seen": seen,
        "losses": losses,
        "error": error,
        "drawn": [draw.items.tolist() for draw in witness.draws],
        "rewards": [rollouts.rewards.tolist() for rollouts in witness.rollouts],
        "log_ratio": [rollouts.log_ratio.tolist() for rollouts in witness.rollouts],
        "trained": [rollouts.trained.tolist() for rollouts in witness.rollouts],
        "open": len(curriculum.outstanding),
        "weights": float(sum(p.double().abs().sum() for p in trainer.model.parameters())),
    }
    (folder / f"rank{os.environ['RANK']}.json").write_text(json.dumps(report))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    batch, generations, refills, fails = (int(word) for word in sys.argv[2:6])
    main(Path(sys.argv[1]), batch, generations, None if refills < 0 else refills, bool(fails))
