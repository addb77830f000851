"""One GRPO run of the demo under one curriculum: resumable, evaluated on held-out problems, timed."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerFast, PrinterCallback, TrainerCallback
from trl import GRPOConfig

from curriculum_bandits import Curriculum, ProblemBank, methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer, last_complete_checkpoint
from curriculum_bandits.adapters.trl.tiny import tiny_config

from .demo import DemoSettings
from .demo_bank import MAX_ANSWER_CHARACTERS
from .tiny_model import held_out_accuracy

__all__ = ["RunResult", "train"]

_HELD_OUT = "held_out"
CHECKPOINT_EVERY = 50


@dataclass
class RunResult:
    """What one run brought.

    Attributes:
        steps: Steps at which the held-out problems were evaluated, the first being 0.
        accuracy: Share of held-out answers that were verified at each, by group; lists over evaluations.
        drawn: Share of each group in the batch of every step, by group; lists over steps.
        informative_share: Share of groups of rollouts that could teach something, of every step.
        prompts: Problems drawn.
        completions: Rollouts generated.
        tokens: Prompt and completion tokens of all rollouts.
        overhead_seconds: Seconds the curriculum took, by part (ask, rescore, tell).
        overhead_share: Its share of the training steps.
        seconds: Wall-clock of the run, evaluations included, of the last session if it was resumed.
    """

    steps: list[int]
    accuracy: dict[str, list[float]]
    drawn: dict[str, list[float]]
    informative_share: list[float]
    prompts: int
    completions: int
    tokens: int
    overhead_seconds: dict[str, float]
    overhead_share: float
    seconds: float


def train(
    method: str,
    settings: DemoSettings,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    bank: ProblemBank,
    held_out: ProblemBank,
    folder: Path,
    *,
    progress: bool = True,
) -> RunResult:
    """Train a model under one method: from the last checkpoint in the folder, or not at all if it holds the result.

    Args:
        method: Name of a constructor in `curriculum_bandits.methods`.
        settings: Budget and seed.
        model: Trained in place.
        tokenizer: Its tokenizer.
        bank: What to train on.
        held_out: What to evaluate on.
        folder: For checkpoints and the result.
        progress: Show a progress bar.

    Returns:
        Curves, draws and costs of the whole run.
    """
    finished = folder / "result.json"
    if finished.exists():
        return RunResult(**json.loads(finished.read_text(encoding="utf-8")))
    begin = time.perf_counter()
    curriculum: Curriculum = getattr(methods, method)(bank, seed=settings.seed)
    trainer = CurriculumGRPOTrainer(
        model, None, _config(settings, folder), curriculum=curriculum, processing_class=tokenizer
    )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_Progress(method, settings, enabled=progress))
    trainer.add_callback(_HeldOutEvaluation(trainer, tokenizer, held_out, settings))
    trainer.train(resume_from_checkpoint=last_complete_checkpoint(folder))
    result = _result(trainer.state.log_history, bank, settings, seconds=time.perf_counter() - begin)
    finished.write_text(json.dumps(asdict(result)), encoding="utf-8")
    return result


def _config(settings: DemoSettings, folder: Path) -> GRPOConfig:
    rollouts = settings.problems * settings.generations
    return tiny_config(
        folder,
        max_steps=settings.steps,
        per_device_train_batch_size=rollouts,
        num_generations=settings.generations,
        max_completion_length=MAX_ANSWER_CHARACTERS + 1,
        learning_rate=settings.learning_rate,
        seed=settings.seed,
        save_strategy="steps",
        save_steps=CHECKPOINT_EVERY,
        save_total_limit=1,
    )


class _HeldOutEvaluation(TrainerCallback):
    """Evaluates before the first step, regularly, and after the last; the rows live in TRL's own log history."""

    def __init__(
        self,
        trainer: CurriculumGRPOTrainer,
        tokenizer: PreTrainedTokenizerFast,
        held_out: ProblemBank,
        settings: DemoSettings,
    ) -> None:
        self._trainer, self._tokenizer = trainer, tokenizer
        self._held_out, self._settings = held_out, settings

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 0:
            self._evaluate(state)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step % self._settings.evaluate_every == 0 or state.global_step == self._settings.steps:
            self._evaluate(state)

    def _evaluate(self, state: Any) -> None:
        bank = self._held_out
        assert bank.groups is not None
        solved = held_out_accuracy(
            self._trainer.model, self._tokenizer, bank, seed=self._settings.seed, samples=self._settings.samples
        )
        by_group = {name: float(np.mean(solved[bank.groups == i])) for i, name in enumerate(bank.group_names)}
        # Straight into the history, which TRL saves and restores: its log() would average the metrics of the step away.
        state.log_history.append({"step": state.global_step, _HELD_OUT: by_group})


class _Progress(TrainerCallback):
    """A progress bar with what one wants to see of a curriculum."""

    def __init__(self, method: str, settings: DemoSettings, *, enabled: bool) -> None:
        self._bar = tqdm(total=settings.steps, desc=f"GRPO under {method}", unit="step", disable=not enabled)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar.update(state.global_step - self._bar.n)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if logs and "reward" in logs:
            self._bar.update(state.global_step - self._bar.n)
            share = logs["curriculum/informative_share"]
            self._bar.set_postfix(reward=f"{logs['reward']:.2f}", informative=f"{share:.2f}")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._bar.close()


def _result(history: list[dict[str, Any]], bank: ProblemBank, settings: DemoSettings, *, seconds: float) -> RunResult:
    evaluations = [row for row in history if _HELD_OUT in row]
    steps = [row for row in history if "curriculum/informative_share" in row]
    parts = {part: sum(row[f"curriculum/seconds/{part}"] for row in steps) for part in ("ask", "rescore", "tell")}
    whole = [sum(row[f"curriculum/seconds/{part}"] for part in parts) / row["curriculum/step_share"] for row in steps]
    return RunResult(
        steps=[row["step"] for row in evaluations],
        accuracy={name: [row[_HELD_OUT][name] for row in evaluations] for name in bank.group_names},
        drawn={name: [row[f"curriculum/drawn/{name}"] for row in steps] for name in bank.group_names},
        informative_share=[row["curriculum/informative_share"] for row in steps],
        prompts=int(sum(row["curriculum/problems"] for row in steps)),
        completions=int(sum(row["curriculum/problems"] for row in steps)) * settings.generations,
        tokens=int(steps[-1]["num_tokens"]),
        overhead_seconds=parts,
        overhead_share=sum(parts.values()) / sum(whole),
        seconds=seconds,
    )
