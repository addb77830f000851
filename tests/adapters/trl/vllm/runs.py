"""The same training twice: with vLLM writing the completions, and with those completions given to TRL alone.

Both start from the same model and the same curriculum. The learning rate is 0 in the last steps, where nothing may
appear to improve.
"""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast, PrinterCallback

from curriculum_bandits import Curriculum, Draw, Feedback, ProblemBank, Rollouts, methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer
from curriculum_bandits.adapters.trl.tiny import tiny_config

from ..demo_bank import MAX_ANSWER_CHARACTERS
from .checks import Answer, CheckSettings, Observed

__all__ = ["run_again_without_engine", "run_with_engine"]


def run_with_engine(
    settings: CheckSettings, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, bank: ProblemBank
) -> Observed:
    """Train with vLLM in the same process.

    Args:
        settings: For how long, and on what.
        model: Not changed; it must lie in a folder, from which vLLM reads it.
        tokenizer: Its tokenizer.
        bank: The problems.

    Returns:
        What was observed.
    """
    observed = Observed()
    engine = {"use_vllm": True, "vllm_mode": "colocate", "vllm_max_model_length": 128}
    trainer = _trainer(_WithEngine, settings, model, tokenizer, bank, observed, **engine)
    trainer.start = copy.deepcopy(model).eval()
    trainer.time_engine()
    _train(trainer, observed)
    return observed


def run_again_without_engine(
    settings: CheckSettings,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    bank: ProblemBank,
    recorded: Observed,
) -> Observed:
    """Train once more without vLLM, on the completions that it wrote.

    Args:
        settings: As before.
        model: As before.
        tokenizer: As before.
        bank: As before.
        recorded: What the run with vLLM showed.

    Returns:
        What was observed.

    Raises:
        ValueError: If the curriculum draws other problems than it did before.
    """
    observed = Observed()
    trainer = _trainer(_Again, settings, model, tokenizer, bank, observed)
    trainer.recorded = recorded
    _train(trainer, observed)
    return observed


class _Watched(CurriculumGRPOTrainer):
    """Notes what the curriculum hears."""

    observed: Observed

    def watch(self, observed: Observed) -> None:
        self.observed = observed
        signal, tell = self.curriculum.signal, self.curriculum.tell
        last: list[Rollouts] = []

        def watched_signal(rollouts: Rollouts) -> Feedback:
            last[:] = [rollouts]
            return signal(rollouts)

        def watched_tell(draw: Draw, feedback: Feedback) -> None:
            tell(draw, feedback)
            (rollouts,) = last
            assert rollouts.log_ratio is not None
            utility = np.where(feedback.answered, feedback.values, np.nan)
            largest = float(np.abs(rollouts.log_ratio).max())
            observed.answers.append(Answer(np.array(draw.items), utility, rollouts.rewards, largest))

        curriculum: Any = self.curriculum
        curriculum.signal, curriculum.tell = watched_signal, watched_tell


class _WithEngine(_Watched):
    """Notes what vLLM wrote, and how likely it and the trainer think that is."""

    start: PreTrainedModel

    def time_engine(self) -> None:
        engine: Any = self.vllm_generation
        for name in ("sync_weights", "generate"):
            setattr(engine, name, _timed(getattr(engine, name), self.observed.seconds[name]))

    def _generate_single_turn(self, prompt_ids: Any, *arguments: Any, **options: Any) -> Any:
        result = super()._generate_single_turn(prompt_ids, *arguments, **options)
        self.observed.prompts.append([list(ids) for ids in prompt_ids])
        self.observed.completions.append([list(ids) for ids in result[0]])
        return result

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        output = super()._generate_and_score_completions(inputs)
        mask = output["completion_mask"].bool()
        of_engine, of_trainer = output["sampling_per_token_logps"], output["old_per_token_logps"]
        of_start = _plain_logps(self.start, output)
        log_ratio = ((of_trainer - of_engine) * mask).double().sum(dim=1)
        self.observed.ratio.append(float(log_ratio.exp().mean()))
        self.observed.difference.append(float((of_engine - of_trainer)[mask].abs().mean()))
        self.observed.difference_from_start.append(float((of_engine - of_start)[mask].abs().mean()))
        return output


class _Again(_Watched):
    """Is given the completions instead of generating them."""

    recorded: Observed

    def _generate_single_turn(self, prompt_ids: Any, *arguments: Any, **options: Any) -> Any:
        step = len(self.observed.answers)
        if [list(ids) for ids in prompt_ids] != self.recorded.prompts[step]:
            raise ValueError(f"step {step + 1} draws other problems without vLLM than with it; nothing can be compared")
        return [list(ids) for ids in self.recorded.completions[step]], None


def _plain_logps(model: PreTrainedModel, output: dict[str, Any]) -> torch.Tensor:
    """Log-probability of each completion token by a plain forward pass, shape (rows, tokens)."""
    tokens = torch.cat([output["prompt_ids"], output["completion_ids"]], dim=1)
    mask = torch.cat([output["prompt_mask"], output["completion_mask"]], dim=1)
    length = output["completion_ids"].size(1)
    with torch.no_grad():
        logits = model(input_ids=tokens, attention_mask=mask).logits[:, -length - 1 : -1]
    return logits.log_softmax(dim=-1).gather(-1, output["completion_ids"].unsqueeze(-1)).squeeze(-1)


def _timed(call: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    def timed(*arguments: Any, **options: Any) -> Any:
        began = time.perf_counter()
        result = call(*arguments, **options)
        seconds.append(time.perf_counter() - began)
        return result

    return timed


def _trainer(
    kind: type[_Watched],
    settings: CheckSettings,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    bank: ProblemBank,
    observed: Observed,
    **engine: Any,
) -> Any:
    rollouts = settings.problems * settings.generations
    trained = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(trained.parameters(), lr=settings.learning_rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(step < settings.steps))
    config = tiny_config(
        tempfile.mkdtemp(prefix="vllm-check-"),
        max_steps=settings.steps + settings.still_steps,
        per_device_train_batch_size=rollouts,
        num_generations=settings.generations,
        max_completion_length=MAX_ANSWER_CHARACTERS + 1,
        seed=settings.seed,
        **engine,
    )
    curriculum: Curriculum = methods.osmd(bank, seed=settings.seed)
    options: dict[str, Any] = {"processing_class": tokenizer, "optimizers": (optimizer, schedule)}
    trainer = kind(trained, None, config, curriculum=curriculum, **options)
    trainer.remove_callback(PrinterCallback)
    trainer.watch(observed)
    return trainer


def _train(trainer: CurriculumGRPOTrainer, observed: Observed) -> None:
    trainer.train()
    for row in trainer.state.log_history:
        if "curriculum/step_share" not in row:
            continue
        parts = {part: row[f"curriculum/seconds/{part}"] for part in ("ask", "tell", "rescore")}
        for part, seconds in parts.items():
            observed.seconds[part].append(seconds)
        observed.seconds["step"].append(sum(parts.values()) / row["curriculum/step_share"])
