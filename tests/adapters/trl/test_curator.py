"""The neural curator under the real trainer: what is logged, and resume in every bit. In processes: tests/processes."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("trl")

import torch
from transformers import TrainerCallback

from curriculum_bandits import ProblemBank, methods
from curriculum_bandits.neural import DEFAULT
from curriculum_bandits.tracking.metrics import BATCH_METRICS

from .conftest import Witness, make_bank

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
