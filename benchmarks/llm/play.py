"""One run: a method on a bank with a seed, until the tokens are spent; it can be resumed, and is judged as it goes.

What was drawn and what it cost is read from the record that the trainer keeps; the evaluations live in its history,
which comes back with a checkpoint. There is a checkpoint at every evaluation.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
from trl import GRPOConfig

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

__all__ = ["PAPER", "PARTS", "Result", "find_entry", "play", "read_result", "tokens_spent", "warm_up"]

#: A method made for this comparison.
PAPER = Method("actor_curator_paper", "every switch but the network as in the paper", actor_curator_paper)

#: Parts of a step whose seconds are known.
PARTS = ("step", "ask", "rescore", "tell")

_HELD_OUT = "held_out"
_FAR = 1_000_000  # steps; the tokens end a run


@dataclass
class Result:
    """What a run brought. A row is an evaluation, the first of them before the first step.

    Attributes:
        step: Steps done.
        tokens: Tokens spent: prompts and completions of all rollouts, those of rejected problems too.
        seconds: Seconds in training steps, evaluations and checkpoints apart.
        accuracy: Share of held-out answers that were accepted.
        by_group: That by group.
        drawn: Share of each group in what was drawn since the row before, for every row but the first.
        informative: Share of what was drawn since then whose rewards differed, likewise.
        wasted: Share of the tokens since then that went to problems whose rewards were all equal, likewise.
        parts: Seconds by part, of the whole run.
        drawn_problems: Problems drawn in the whole run.
        distinct_problems: Different ones among them.
    """

    step: list[int]
    tokens: list[int]
    seconds: list[float]
    accuracy: list[float]
    by_group: dict[str, list[float]]
    drawn: dict[str, list[float]]
    informative: list[float]
    wasted: list[float]
    parts: dict[str, float]
    drawn_problems: int
    distinct_problems: int


def find_entry(name: str) -> NamedCurriculum:
    """The entry of a name.

    Args:
        name: A method with settings, or ``package.module:function``; then DAPO's filter and a delay, if wanted:
            ``sec(temperature=0.1)+dapo(max_draws=4)+delayed(steps=4)``.

    Returns:
        The entry.

    Raises:
        ValueError: If there is no such method, or it cannot have these settings; the message has the nearest names.
    """
    named = parse_curriculum(name, own={PAPER.name: PAPER})
    trainer_arguments(named)
    return named


def warm_up(setting: Setting, seed: int, cache: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model a run starts from, made now if the cache lacks it.

    Args:
        setting: Bank and warm-up.
        seed: Of the run.
        cache: Keeps warmed-up models.

    Returns:
        The model and its tokenizer.
    """
    quiet_transformers()
    # So small a model gains nothing from a second thread, and on a busy machine threads wait seconds for each other.
    torch.set_num_threads(1)
    return warmed_up_model(
        setting.bank, cache, seed=seed, settings=setting.warm_up, held_out=setting.held_out, progress=False
    )


def play(trial: Trial, folder: Path, cache: Path) -> Result:
    """Train, from the last checkpoint in the folder if there is one.

    Args:
        trial: Method, setting and seed.
        folder: For checkpoints, which go when the run is done, and the record.
        cache: Keeps warmed-up models.

    Returns:
        What the run brought.
    """
    setting: Setting = trial.setting
    entry, seed = find_entry(trial.entry), trial.seed
    bank, held_out = headline_banks(setting.bank, seed=seed, training=setting.training, held_out=setting.held_out)
    model, tokenizer = warm_up(setting, seed, cache)
    trainer = CurriculumGRPOTrainer(
        model,
        None,
        _config(setting, seed, folder),
        curriculum=entry.make(bank, seed),
        processing_class=tokenizer,
        **trainer_arguments(entry),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_Budget(trainer, tokenizer, held_out, setting, seed))
    trainer.train(resume_from_checkpoint=last_complete_checkpoint(folder))
    result = _result(trainer.state.log_history, folder / RECORD_FILE, bank, setting)
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    return result


def read_result(trial: Trial, state: Mapping[str, Any]) -> Result:
    """The result that was stored.

    Args:
        trial: The trial.
        state: What was stored.

    Returns:
        The result.

    Raises:
        ValueError: If it is not a whole one.
    """
    result = Result(**state)
    if not len(result.step) == len(result.tokens) == len(result.accuracy) or result.tokens[-1] < trial.setting.tokens:
        raise ValueError("the run did not come to its end")
    return result


def tokens_spent(folder: Path) -> int:
    """Tokens that a run has spent so far, for progress.

    Args:
        folder: Of the run.

    Returns:
        Their number, 0 before the first step.
    """
    try:
        lines = [json.loads(line) for line in (folder / RECORD_FILE).read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError):  # not begun yet, or a line that is being written
        return 0
    return int(max((line.get("tokens", 0) for line in lines if line["kind"] == "step"), default=0))


def _config(setting: Setting, seed: int, folder: Path) -> GRPOConfig:
    return tiny_config(
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
        seed=seed,
        logging_strategy="no",
        save_strategy="no",  # `_Budget` asks for checkpoints
        save_total_limit=1,
    )


class _Budget(TrainerCallback):
    """Evaluates whenever another part of the budget is spent, saves then, and ends the run with the last."""

    def __init__(
        self,
        trainer: CurriculumGRPOTrainer,
        tokenizer: PreTrainedTokenizerFast,
        held_out: ProblemBank,
        setting: Setting,
        seed: int,
    ) -> None:
        self._trainer, self._tokenizer = trainer, tokenizer
        self._held_out, self._setting, self._seed = held_out, setting, seed

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 0:
            self._evaluate(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        done = sum(_HELD_OUT in row for row in state.log_history)
        spent = state.num_input_tokens_seen
        if spent < self._setting.tokens * done / self._setting.evaluations:
            return
        self._evaluate(state)
        control.should_save = True
        control.should_training_stop = spent >= self._setting.tokens

    def _evaluate(self, state: Any) -> None:
        bank, setting = self._held_out, self._setting
        assert bank.groups is not None
        solved = held_out_accuracy(
            self._trainer.model, self._tokenizer, bank, seed=self._seed, max_new_tokens=setting.max_completion
        )
        by_group = {name: float(np.mean(solved[bank.groups == i])) for i, name in enumerate(bank.group_names)}
        # Straight into the history, which the trainer saves and restores.
        row = {"step": state.global_step, "tokens": int(state.num_input_tokens_seen), _HELD_OUT: by_group}
        state.log_history.append(row)


def _result(history: list[dict[str, Any]], record: Path, bank: ProblemBank, setting: Setting) -> Result:
    rows = [row for row in history if _HELD_OUT in row]
    steps, draws = [], []
    for line in _lines(record):
        if line["kind"] == "step":
            steps.append(line)
        elif line["kind"] == "draw":
            draws.append(line)
    place = {identity: item for item, identity in enumerate(bank.ids)}
    prompt_tokens = [len(prompt) for prompt in bank.prompts]  # one character, one token
    ends = [row["step"] for row in rows]
    drawn: dict[str, list[float]] = {name: [] for name in bank.group_names}
    informative: list[float] = []
    wasted: list[float] = []
    seconds = [0.0]
    for begin, end in pairwise(ends):
        these = [draw for draw in draws if begin < draw["step"] <= end]
        groups = [group for draw in these for group in draw["group"]]
        spread = np.array([spread for draw in these for spread in draw["spread"]])
        cost = np.array(
            [
                tokens + setting.n_rollouts * prompt_tokens[place[item]]
                for draw in these
                for item, tokens in zip(draw["items"], draw["completion_tokens"], strict=True)
            ]
        )
        for name in drawn:
            drawn[name].append(groups.count(name) / len(groups))
        informative.append(float(np.mean(spread)))
        wasted.append(float(np.sum(cost[~spread]) / np.sum(cost)))
        seconds.append(seconds[-1] + sum(line["seconds"]["step"] for line in steps if begin < line["step"] <= end))
    items = [item for draw in draws for item in draw["items"]]
    return Result(
        step=ends,
        tokens=[row["tokens"] for row in rows],
        seconds=seconds,
        accuracy=[float(np.mean(list(row[_HELD_OUT].values()))) for row in rows],
        by_group={name: [row[_HELD_OUT][name] for row in rows] for name in bank.group_names},
        drawn=drawn,
        informative=informative,
        wasted=wasted,
        parts={part: sum(line["seconds"][part] for line in steps) for part in PARTS},
        drawn_problems=len(items),
        distinct_problems=len(set(items)),
    )


def _lines(record: Path) -> Iterator[dict[str, Any]]:
    with open(record, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
