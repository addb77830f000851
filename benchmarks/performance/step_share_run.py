"""The models, banks and curricula of the cost benchmark, and one measured run of TRL's trainer.

A device works on after the call that started it has returned, so the trainer here waits for it before and after every
part that is timed; on a CPU it is the adapter's trainer unchanged.
"""

from __future__ import annotations

import copy
import gc
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast, PrinterCallback, Qwen2ForCausalLM
from trl import GRPOConfig

from curriculum_bandits import Curriculum, ProblemBank, methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer
from curriculum_bandits.adapters.trl.tiny import tiny_config, tiny_model
from curriculum_bandits.neural import DEFAULT, PromptTokens, TransformerScorer

from .cost import CostSettings
from .demo_bank import MAX_ANSWER_CHARACTERS, demo_banks
from .tiny_model import ALPHABET, WarmUp, character_tokenizer, untrained_model, warmed_up_model

__all__ = ["Setting", "looked_at", "make_curriculum", "make_setting", "measured_run"]

_RANDOM_GROUPS = 16


@dataclass
class Setting:
    """What all methods share.

    Attributes:
        model: The model before training, which every run copies.
        tokenizer: Its tokenizer.
        bank: What to train on.
        reward: Judges completions; None is the bank's own verifier.
        parameters: Of the model.
        scorer_parameters: Of the Transformer scorer.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    bank: ProblemBank
    reward: Callable[..., list[float]] | None
    parameters: int
    scorer_parameters: int


def make_setting(settings: CostSettings, cache: Path, warm_up: WarmUp | None, *, progress: bool = True) -> Setting:
    """Make model and bank.

    Args:
        settings: Which ones.
        cache: Keeps the demo's warmed-up model.
        warm_up: Settings of that model; None is the demo's own.
        progress: Show progress bars.

    Returns:
        The setting.
    """
    model: PreTrainedModel
    if settings.model == "demo":
        model, tokenizer = warmed_up_model(cache, seed=settings.seed, settings=warm_up, progress=progress)
        bank, _ = demo_banks(settings.seed)
        reward = None
    else:
        tokenizer = character_tokenizer()
        model, bank, reward = _random_model(settings, tokenizer), _random_bank(settings), _parity
    scorer = _scorer(settings, tokenizer)
    return Setting(
        model=model.to(torch.bfloat16) if settings.bf16 else model,
        tokenizer=tokenizer,
        bank=bank,
        reward=reward,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        scorer_parameters=sum(parameter.numel() for parameter in scorer.parameters()),
    )


def looked_at(setting: Setting, settings: CostSettings) -> int:
    """How many candidates a curator scores for a draw.

    Args:
        setting: The bank.
        settings: Problems per step, and candidates at most.

    Returns:
        Their number.
    """
    draw = make_curriculum("curator", setting, settings).ask(settings.problems)
    assert draw.candidates is not None
    return len(draw.candidates)


def make_curriculum(name: str, setting: Setting, settings: CostSettings) -> Curriculum:
    """A fresh curriculum.

    Args:
        name: Which, as in `cost.ENTRIES`.
        setting: Bank and tokenizer.
        settings: Candidates, chunk, device and seed.

    Returns:
        The curriculum.
    """
    bank, seed = setting.bank, settings.seed
    switches = replace(DEFAULT, candidates=settings.candidates)
    if name == "uniform":
        return methods.uniform(bank, seed=seed)
    if name == "osmd":
        return methods.osmd(bank, seed=seed)
    if name == "curator":
        return methods.actor_curator(bank, seed=seed, settings=switches, device=settings.device)
    return methods.actor_curator(
        bank,
        seed=seed,
        inputs=PromptTokens(bank, setting.tokenizer, max_length=max(settings.prompt_tokens, 1)),
        scorer=_scorer(settings, setting.tokenizer),
        settings=replace(switches, chunk=settings.chunk, learning_rate=1e-4),
        device=settings.device,
    )


def measured_run(name: str, setting: Setting, settings: CostSettings, repetition: int) -> dict[str, Any]:
    """Train a copy of the model for some steps.

    Args:
        name: The method, as in `cost.ENTRIES`.
        setting: Model, bank and tokenizer.
        settings: Steps and all else.
        repetition: Added to the seed of the rollouts.

    Returns:
        Seconds of each measured step and of its parts: ``step``, ``ask``, ``tell``, ``rescore``, lists over steps;
        ``lengths``: mean completion tokens; ``peak_gib``: most memory of the device, None on a CPU.
    """
    on_device = settings.device == "cuda"
    if on_device:
        torch.cuda.reset_peak_memory_stats()
    curriculum = make_curriculum(name, setting, settings)
    with tempfile.TemporaryDirectory() as folder:
        trainer = _Trainer(
            copy.deepcopy(setting.model),
            setting.reward,
            _config(settings, folder, settings.seed + repetition),
            curriculum=curriculum,
            processing_class=setting.tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    history = [row for row in trainer.state.log_history if "curriculum/step_share" in row][settings.skipped :]
    result: dict[str, Any] = {
        part: [row[f"curriculum/seconds/{part}"] for row in history] for part in ("ask", "tell", "rescore")
    }
    spent = np.sum([result[part] for part in ("ask", "tell", "rescore")], axis=0)
    result["step"] = [float(s / row["curriculum/step_share"]) for s, row in zip(spent, history, strict=True)]
    result["lengths"] = [row["completions/mean_length"] for row in history]
    result["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30 if on_device else None
    # A trainer and its accelerator refer to each other; the next one needs the memory.
    del trainer, curriculum
    gc.collect()
    if on_device:
        torch.cuda.empty_cache()
    return result


class _Trainer(CurriculumGRPOTrainer):
    """Waits for the device where time is taken."""

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        self._wait()
        with super()._timed(part):
            yield
            self._wait()

    def _wait(self) -> None:
        if self.args.device.type == "cuda":
            torch.cuda.synchronize()


def _config(settings: CostSettings, folder: str, seed: int) -> GRPOConfig:
    demo = settings.model == "demo"
    length = MAX_ANSWER_CHARACTERS + 1 if demo else settings.completion_tokens
    return tiny_config(
        folder,
        max_steps=settings.skipped + settings.steps,
        per_device_train_batch_size=settings.micro_batch,
        gradient_accumulation_steps=settings.problems * settings.generations // settings.micro_batch,
        num_generations=settings.generations,
        max_completion_length=length,
        # The whole length, always: the end token cannot be drawn before it.
        generation_kwargs=None if demo else {"min_new_tokens": length},
        learning_rate=settings.learning_rate,
        seed=seed,
        use_cpu=settings.device == "cpu",
        bf16=settings.bf16,
    )


def _scorer(settings: CostSettings, tokenizer: PreTrainedTokenizerFast) -> TransformerScorer:
    """A decoder like the demo's without its output layer; the weights are random, which changes nothing of the cost."""
    scale = settings.scorer_hidden / WarmUp().hidden
    shape = replace(
        WarmUp(),
        hidden=settings.scorer_hidden,
        layers=settings.scorer_layers,
        feed_forward=max(1, round(scale * WarmUp().feed_forward)),
    )
    heads = 2 if DEFAULT.baseline == "predicted" else 1
    backbone = untrained_model(shape, tokenizer, seed=settings.seed).model
    return TransformerScorer(backbone, heads=heads, seed=settings.seed)


def _random_model(settings: CostSettings, tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    if settings.vocabulary < len(tokenizer):
        raise SystemExit(f"cost: vocabulary is {settings.vocabulary}; the tokenizer alone has {len(tokenizer)} tokens")
    with torch.device(settings.device):
        return tiny_model(
            tokenizer,
            hidden=settings.hidden,
            layers=settings.layers,
            heads=settings.heads,
            seed=settings.seed,
            vocab_size=settings.vocabulary,
            intermediate_size=settings.feed_forward,
            num_key_value_heads=settings.key_value_heads,
            max_position_embeddings=settings.prompt_tokens + settings.completion_tokens,
            tie_word_embeddings=False,
        ).eval()


def _random_bank(settings: CostSettings) -> ProblemBank:
    """Prompts of one length, a token per character, in groups whose letters differ: something for features to see."""
    rng = np.random.default_rng(settings.seed)
    letters = np.array(list(ALPHABET))
    group = np.arange(settings.bank_size) % min(_RANDOM_GROUPS, settings.bank_size)
    favourite = rng.dirichlet(np.ones(len(letters)), size=int(group.max()) + 1)
    prompts = ["".join(rng.choice(letters, settings.prompt_tokens, p=favourite[g])) for g in group]
    return ProblemBank(prompts, groups=[f"group {g}" for g in group])


def _parity(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """A reward of 0 or 1 that a random model earns half of the time, so that there is an advantage to compute."""
    return [float(sum(ids) % 2) for ids in completion_ids]
