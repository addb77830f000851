"""The neural curator under the real trainer: what is logged, resume in every bit, and two processes with one curator.

This file is also what torchrun runs for the last of these.
"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))

pytest.importorskip("trl")

import torch
from transformers import TrainerCallback
from trl import GRPOConfig

from curriculum_bandits import ProblemBank, methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer
from curriculum_bandits.neural import DEFAULT
from curriculum_bandits.tracking.metrics import BATCH_METRICS
from tests.adapters.trl.conftest import GENERATIONS, Witness, make_bank, make_model, make_tokenizer, short_digits

SETTINGS = replace(DEFAULT, candidates=15, learning_rate=0.05, window=2, gradient_steps=1)


def a_curriculum(bank=None, seed=1, **options):
    return methods.actor_curator(make_bank() if bank is None else bank, seed=seed, settings=SETTINGS, **options)


def weights_of(curriculum):
    return [weight.detach().tolist() for weight in curriculum.bandit.scorer.parameters()]


class Kill(TrainerCallback):
    def on_step_begin(self, args, state, control, **kwargs):
        if state.global_step == 3:
            raise KeyboardInterrupt


def test_what_the_curator_says_of_itself_comes_through_trls_own_log(make_trainer):
    curriculum = a_curriculum()
    start = weights_of(curriculum)
    trainer = make_trainer(curriculum=curriculum)
    trainer.train()
    rows = [row for row in trainer.state.log_history if "reward" in row]
    assert len(rows) == 4
    names = {
        "entropy",
        "loss",
        "ratio_max",
        "gradient_norm",
        "learning_rate",
        "coverage",
        "staleness",
        "coverage/small",
    }
    for row in rows:
        said = {name: value for name, value in row.items() if name.startswith("curriculum/")}
        assert {f"curriculum/{name}" for name in names} <= set(said)
        assert all(map(np.isfinite, said.values()))
        assert row["curriculum/ratio_max"] == pytest.approx(1.0, abs=1e-4)
    assert rows[-1]["curriculum/coverage"] > rows[0]["curriculum/coverage"] > 0
    assert rows[-1]["curriculum/gradient_norm"] > 0
    assert weights_of(curriculum) != start
    assert not {name for name in curriculum.diagnostics() if name != "entropy"} & set(BATCH_METRICS)


def test_what_is_not_a_number_yet_and_groups_without_end_are_not_logged(make_trainer):
    sums = [(a, b) for a in range(1, 10) for b in range(1, 9)]
    bank = ProblemBank([f"{a}+{b}=" for a, b in sums], groups=[f"{a}+{b}" for a, b in sums])
    curriculum = a_curriculum(bank)
    # Utilities of zero: their correlation with anything is not a number.
    trainer = make_trainer(curriculum=curriculum, max_steps=1, learning_rate=0.0)
    trainer.train()
    assert np.isnan(curriculum.diagnostics()["score_correlation"])
    assert "coverage/1+1" in curriculum.diagnostics()
    row = trainer.state.log_history[0]
    assert "curriculum/coverage" in row
    assert "curriculum/score_correlation" not in row
    assert not [name for name in row if name.startswith(("curriculum/coverage/", "curriculum/staleness/"))]


def test_killed_and_resumed_equals_uninterrupted(make_trainer, tmp_path):
    def train(folder, kill=False, resume=False, seed=1):
        curriculum = a_curriculum(seed=seed)
        witness = Witness(curriculum)
        folder = str(tmp_path / folder)
        options = {"output_dir": folder, "save_strategy": "steps", "save_steps": 2}
        trainer = make_trainer(curriculum=curriculum, callbacks=[Kill()] if kill else None, **options)
        if kill:
            with pytest.raises(KeyboardInterrupt):
                trainer.train()
        else:
            trainer.train(resume_from_checkpoint=resume)
        return curriculum, witness, trainer.model.state_dict()

    whole, all_of_it, model = train("whole")
    train("killed", kill=True)
    resumed, rest, model_again = train("killed", resume=True, seed=8)  # whatever it began with is replaced
    assert [d.items.tolist() for d in rest.draws] == [d.items.tolist() for d in all_of_it.draws[2:]]
    for (_, feedback), (_, again) in zip(all_of_it.feedbacks[2:], rest.feedbacks, strict=True):
        np.testing.assert_array_equal(feedback.values, again.values)
    assert any(np.any(feedback.values != 0) for _, feedback in all_of_it.feedbacks)
    assert weights_of(resumed) == weights_of(whole)
    for name, value in model.items():
        assert torch.equal(value, model_again[name]), name


# Two processes


@pytest.fixture(scope="module")
def ranks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    environment = {**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [*command, __file__, str(folder)], env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads((folder / f"rank{rank}.json").read_text()) for rank in (0, 1)]


@pytest.mark.slow
def test_a_curator_that_is_together_is_asked_and_told_in_every_process(ranks):
    main, other = (rank["whole"] for rank in ranks)
    assert len(main["drawn"]) == 4
    assert other["drawn"] == main["drawn"]
    assert other["told"] == main["told"]
    assert other["weights"] == main["weights"]
    assert main["weights"] != main["start"] != other["start"]
    assert other["start"] != main["start"]  # they were made with different seeds
    assert main["open"] == other["open"] == 0
    prompts = make_bank().prompts
    for drawn, here, there in zip(main["drawn"], main["seen"], other["seen"], strict=True):
        assert here + there == [prompts[item] for item in np.repeat(drawn, GENERATIONS)]


@pytest.mark.slow
def test_it_resumes_in_every_process_where_it_was(ranks):
    for rank in ranks:
        assert rank["resumed"]["weights"] == ranks[0]["whole"]["weights"]
        assert rank["resumed"]["drawn"] == ranks[0]["whole"]["drawn"][2:]
        assert rank["resumed"]["told"] == ranks[0]["whole"]["told"][2:]
        assert rank["resumed"]["open"] == 0


def train_here(folder, rank, resume):
    curriculum = a_curriculum(seed=rank + 3 * resume, together=True)
    start, witness, seen = weights_of(curriculum), Witness(curriculum), []

    def reward(prompts, completions, **columns):
        seen.append(list(prompts))
        return short_digits(completions)

    config = GRPOConfig(
        output_dir=str(folder / "run"),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        report_to="none",
        disable_tqdm=True,
        num_generations=GENERATIONS,
        per_device_train_batch_size=8,
        max_completion_length=5,
        max_steps=4,
        learning_rate=1e-2,
        lr_scheduler_type="constant",
        save_strategy="steps",
        save_steps=2,
    )
    trainer = CurriculumGRPOTrainer(
        make_model(), reward, config, curriculum=curriculum, processing_class=make_tokenizer()
    )
    trainer.train(resume_from_checkpoint=str(folder / "run" / "checkpoint-2") if resume else None)
    return {
        "start": start,
        "weights": weights_of(curriculum),
        "drawn": [draw.items.tolist() for draw in witness.draws],
        "told": [feedback.values.tolist() for _, feedback in witness.feedbacks],
        "seen": seen,
        "open": len(curriculum.outstanding),
    }


def main(folder):
    rank = int(os.environ["RANK"])
    report = {"whole": train_here(folder, rank, resume=False), "resumed": train_here(folder, rank, resume=True)}
    (folder / f"rank{rank}.json").write_text(json.dumps(report))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
