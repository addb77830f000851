"""TRL's GRPO on what a curriculum chooses: a tiny model, sums of graded length, on a CPU and offline.

Replace the folder of the model by the name of yours, and the bank by your problems; the trainer stays as it is.
"""

import tempfile
from pathlib import Path

from trl import GRPOConfig

import curriculum_bandits as cb
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer
from curriculum_bandits.adapters.trl.tiny import make_tiny


def main(steps: int = 100) -> None:
    """Teach a model the easiest sums, and train it further with a curriculum.

    Args:
        steps: Of supervised teaching; GRPO takes a quarter as many.
    """
    with tempfile.TemporaryDirectory() as folder:
        make_tiny(Path(folder), steps=steps, problems=50, progress=False)
        bank = cb.ProblemBank.from_jsonl(f"{folder}/sums.jsonl")  # the answer is compared as text
        curriculum = cb.methods.osmd(bank, seed=0)
        config = GRPOConfig(
            f"{folder}/run",
            max_steps=max(1, steps // 4),
            per_device_train_batch_size=64,
            num_generations=8,
            max_completion_length=5,
            learning_rate=1e-3,
            use_cpu=True,
            bf16=False,
            gradient_checkpointing=False,
            report_to="none",
            disable_tqdm=True,
            logging_steps=5,
        )
        trainer = CurriculumGRPOTrainer(f"{folder}/model", args=config, curriculum=curriculum)
        trainer.train()
    share = dict.fromkeys(bank.group_names, 0.0)
    for row in trainer.state.log_history:
        for group in bank.group_names:
            share[group] = row.get(f"curriculum/drawn/{group}", share[group])
    for group, drawn in share.items():
        print(f"{group}: {drawn:.0%} of the last problems drawn")


if __name__ == "__main__":
    main()
