"""One run: a method on a bank with a seed, until the tokens are spent; it can be resumed, and is judged as it goes.

All that is read off a run stands in the record that the trainer keeps, evaluations too. There is a checkpoint at every
evaluation.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback

from curriculum_bandits import ProblemBank
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer, last_complete_checkpoint
from curriculum_bandits.adapters.trl.recipe import trainer_arguments
from curriculum_bandits.adapters.trl.tiny import tiny_config
from curriculum_bandits.methods.registry import Method, NamedCurriculum, parse_curriculum
from curriculum_bandits.tracking import RECORD_FILE

from ..curators import actor_curator_paper
from ..harness.trials import Trial
from .banks import headline_banks
from .setting import Setting
from .warm_up import held_out_accuracy, quiet_transformers, warmed_up_model

__all__ = ["Result", "find_entry", "play", "read_result", "tokens_spent", "warm_up"]

_OWN = {"actor_curator_paper": Method("actor_curator_paper", "the paper's preset, small network", actor_curator_paper)}
_PARTS = ("step", "ask", "rescore", "tell")  # of a step, whose seconds are known
_EVALUATION = "eval_accuracy"  # in the trainer's history
_FAR = 1_000_000  # steps; the tokens end a run
_TAIL = 1 << 16  # bytes of a record, more than the lines of a step


@dataclass
class Result:
    """What is read off a run. A row is an evaluation, the first of them before the first step.

    Attributes:
        step: Steps done.
        tokens: Tokens spent: prompts and completions of all rollouts, those of rejected problems too.
        seconds: Seconds in training steps, evaluations and checkpoints apart.
        accuracy: Share of held-out answers that were accepted, mean over groups.
        drawn: Share of each group in what was drawn since the row before, for every row but the first.
        informative: Share of what was drawn since then whose rewards differed, likewise.
        wasted: Share of the tokens since then that went to problems whose rewards were all equal, likewise.
        parts: Seconds by part, of the whole run.
    """

    step: list[int]
    tokens: list[int]
    seconds: list[float]
    accuracy: list[float]
    drawn: dict[str, list[float]]
    informative: list[float]
    wasted: list[float]
    parts: dict[str, float]


def find_entry(name: str) -> NamedCurriculum:
    """The entry of a name such as ``sec(temperature=0.1)+dapo(max_draws=4)+delayed(steps=4)``.

    Raises:
        ValueError: If there is no such method, or it cannot have these settings; the message has the nearest names.
    """
    named = parse_curriculum(name, own=_OWN)
    trainer_arguments(named)
    return named


def warm_up(setting: Setting, seed: int, cache: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model a run of this seed starts from and its tokenizer, made now if the cache lacks them."""
    quiet_transformers()
    # So small a model gains nothing from a second thread, and on a busy machine threads wait seconds for each other.
    torch.set_num_threads(1)
    return warmed_up_model(setting.bank, cache, seed=seed, settings=setting.warm_up, held_out=setting.held_out)


def play(trial: Trial, folder: Path, cache: Path) -> Result:
    """Train, from the last checkpoint in the folder if there is one, or not at all if the record is complete.

    Args:
        trial: Method, setting and seed.
        folder: For the record, and for checkpoints, which are removed at the end.
        cache: Keeps warmed-up models.

    Returns:
        What is read off the run.
    """
    setting, record = trial.setting, folder / RECORD_FILE
    bank, held_out = headline_banks(setting.bank, seed=trial.seed, training=setting.training, held_out=setting.held_out)
    if not any(line["kind"] == "evaluation" and line["tokens"] >= setting.tokens for line in _lines(record)):
        _train(trial, bank, held_out, folder, cache)
    result = _result(record, bank, setting)
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    return result


def read_result(trial: Trial, state: Mapping[str, Any]) -> Result:
    """The result that was stored; a ValueError or TypeError if it is not a whole one of the trial."""
    result = Result(**state)
    if not len(result.step) == len(result.tokens) == len(result.accuracy) or result.tokens[-1] < trial.setting.tokens:
        raise ValueError("the run did not come to its end")
    return result


def tokens_spent(folder: Path) -> int:
    """Tokens that the run in a folder has spent so far: 0 before the first step."""
    with suppress(OSError), open(folder / RECORD_FILE, "rb") as file:
        file.seek(max(0, file.seek(0, 2) - _TAIL))
        found = re.findall(rb'"step":\d+,"tokens":([\d.]+)', file.read())
        return int(float(found[-1])) if found else 0
    return 0


def _train(trial: Trial, bank: ProblemBank, held_out: ProblemBank, folder: Path, cache: Path) -> None:
    setting, entry = trial.setting, find_entry(trial.entry)
    model, tokenizer = warm_up(setting, trial.seed, cache)
    config = tiny_config(
        folder,
        max_steps=_FAR,
        per_device_train_batch_size=setting.problems * setting.n_rollouts,
        num_generations=setting.n_rollouts,
        max_completion_length=setting.max_completion,
        learning_rate=setting.learning_rate,
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=setting.warmup_steps,
        adam_beta2=setting.adam_beta2,
        loss_type=setting.loss_type,
        scale_rewards=setting.scale_rewards,
        seed=trial.seed,
        logging_strategy="no",
        save_strategy="no",  # `_Budget` asks for checkpoints
        save_total_limit=1,
    )
    curriculum, options = entry.make(bank, trial.seed), trainer_arguments(entry)
    trainer = CurriculumGRPOTrainer(model, None, config, curriculum=curriculum, processing_class=tokenizer, **options)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_Budget(trainer, tokenizer, held_out, trial))
    trainer.train(resume_from_checkpoint=last_complete_checkpoint(folder))


class _Budget(TrainerCallback):
    """Evaluates whenever another part of the budget is spent, saves then, and ends the run with the last."""

    def __init__(
        self, trainer: CurriculumGRPOTrainer, tokenizer: PreTrainedTokenizerFast, held_out: ProblemBank, trial: Trial
    ) -> None:
        self._trainer, self._tokenizer, self._held_out, self._trial = trainer, tokenizer, held_out, trial

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 0:
            self._evaluate()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        setting, spent = self._trial.setting, state.num_input_tokens_seen
        done = sum(_EVALUATION in row for row in state.log_history)
        if spent >= setting.tokens * done / setting.evaluations:
            self._evaluate()
            control.should_save = True
            control.should_training_stop = spent >= setting.tokens

    def _evaluate(self) -> None:
        bank, longest = self._held_out, self._trial.setting.max_completion
        assert bank.groups is not None
        solved = held_out_accuracy(
            self._trainer.model, self._tokenizer, bank, seed=self._trial.seed, max_new_tokens=longest
        )
        by_group = {name: float(np.mean(solved[bank.groups == i])) for i, name in enumerate(bank.group_names)}
        # As an evaluation of the trainer's own: into its history, which checkpoints keep, and into the record.
        scores = {f"{_EVALUATION}/{name}": score for name, score in by_group.items()}
        self._trainer.log({_EVALUATION: float(np.mean(list(by_group.values()))), **scores})


def _result(record: Path, bank: ProblemBank, setting: Setting) -> Result:
    lines: dict[str, list[dict[str, Any]]] = {"evaluation": [], "step": [], "draw": []}
    for line in _lines(record):
        lines.setdefault(line["kind"], []).append(line)
    prompt_tokens = {identity: len(prompt) for identity, prompt in zip(bank.ids, bank.prompts, strict=True)}
    rows, steps = lines["evaluation"], lines["step"]
    drawn: dict[str, list[float]] = {name: [] for name in bank.group_names}
    informative: list[float] = []
    wasted: list[float] = []
    seconds = [0.0]
    for begin, end in pairwise(row["step"] for row in rows):
        these = [draw for draw in lines["draw"] if begin < draw["step"] <= end]
        groups = [group for draw in these for group in draw["group"]]
        spread = np.array([spread for draw in these for spread in draw["spread"]])
        prompts = np.array([prompt_tokens[item] for draw in these for item in draw["items"]])  # a token a character
        cost = setting.n_rollouts * prompts + [tokens for draw in these for tokens in draw["completion_tokens"]]
        for name in drawn:
            drawn[name].append(groups.count(name) / len(groups))
        informative.append(float(np.mean(spread)))
        wasted.append(float(np.sum(cost[~spread]) / np.sum(cost)))
        seconds.append(seconds[-1] + sum(line["seconds"]["step"] for line in steps if begin < line["step"] <= end))
    return Result(
        step=[row["step"] for row in rows],
        tokens=[int(row["tokens"]) for row in rows],
        seconds=seconds,
        accuracy=[row["metrics"]["accuracy"] for row in rows],
        drawn=drawn,
        informative=informative,
        wasted=wasted,
        parts={part: sum(line["seconds"][part] for line in steps) for part in _PARTS},
    )


def _lines(record: Path) -> Iterator[dict[str, Any]]:
    """Lines of a record; none where there is none yet, and none that a kill cut short."""
    with suppress(FileNotFoundError), open(record, encoding="utf-8") as file:
        for line in file:
            with suppress(json.JSONDecodeError):
                yield json.loads(line)
