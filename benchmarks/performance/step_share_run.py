"""The curricula of the step-share experiment, and one measured run of TRL's trainer.

A device works on after the call that started it has returned, so the trainer here waits for it before and after every
part that is timed; on a CPU it is the adapter's trainer unchanged.
"""

from __future__ import annotations

import copy
import gc
import string
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerFast, PrinterCallback, Qwen2ForCausalLM
from transformers.utils import logging
from trl import GRPOConfig

from curriculum_bandits import Curriculum, ProblemBank, methods
from curriculum_bandits.adapters.trl import CurriculumGRPOTrainer
from curriculum_bandits.adapters.trl.tiny import tiny_config, tiny_model, tiny_tokenizer
from curriculum_bandits.neural import DEFAULT, PromptTokens, TransformerScorer

from .step_share_settings import PARTS, StepShareSettings

__all__ = ["Setting", "measured_run", "random_model"]

_ALPHABET = string.ascii_lowercase + string.digits + "+-=?,<>[]~|"
_GROUPS = 16


class Setting:
    """Model, tokenizer and bank, which all methods share."""

    def __init__(self, settings: StepShareSettings) -> None:
        if settings.device == "cuda" and not torch.cuda.is_available():
            raise ValueError("device is 'cuda', and torch finds none; give --device cpu, and numbers for it")
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        warnings.filterwarnings("ignore", message=".*gradient_checkpointing` is deprecated", category=FutureWarning)
        torch.set_num_threads(settings.threads)
        self.settings, self.tokenizer = settings, tiny_tokenizer(_ALPHABET)
        model = random_model(settings, self.tokenizer)
        self.model = model.to(torch.bfloat16) if settings.bf16 else model
        # Prompts of one length, a token per character, in groups whose letters differ: something for features to see.
        rng, letters = np.random.default_rng(settings.seed), np.array(list(_ALPHABET))
        group = np.arange(settings.bank_size) % min(_GROUPS, settings.bank_size)
        favourite = rng.dirichlet(np.ones(len(letters)), size=int(group.max()) + 1)
        prompts = ["".join(rng.choice(letters, settings.prompt_tokens, p=favourite[g])) for g in group]
        self.bank = ProblemBank(prompts, groups=[f"group {g}" for g in group])

    def curriculum(self, name: str) -> Curriculum:
        """A fresh curriculum of a name in `ENTRIES`."""
        bank, settings, seed = self.bank, self.settings, self.settings.seed
        switches = replace(DEFAULT, candidates=settings.candidates)
        if name in ("uniform", "osmd"):
            return getattr(methods, name)(bank, seed=seed)
        if name == "curator":
            return methods.actor_curator(bank, seed=seed, settings=switches, device=settings.device)
        return methods.actor_curator(
            bank,
            seed=seed,
            inputs=PromptTokens(bank, self.tokenizer, max_length=settings.prompt_tokens),
            scorer=self.scorer(),
            settings=replace(switches, chunk=settings.chunk, learning_rate=1e-4),
            device=settings.device,
        )

    def scorer(self) -> TransformerScorer:
        """A decoder without output layer; the weights are random, which changes nothing of the cost."""
        shape = {"hidden": self.settings.scorer_hidden, "layers": self.settings.scorer_layers}
        heads = 2 if DEFAULT.baseline == "predicted" else 1
        backbone = tiny_model(self.tokenizer, **shape, seed=self.settings.seed).model
        return TransformerScorer(backbone, heads=heads, seed=self.settings.seed)

    def facts(self) -> dict[str, Any]:
        """Numbers of parameters, the candidates that a curator scores for a draw, and the name of the device."""
        draw = self.curriculum("curator").ask(self.settings.problems)
        assert draw.candidates is not None
        return {
            "parameters": sum(each.numel() for each in self.model.parameters()),
            "scorer_parameters": sum(each.numel() for each in self.scorer().parameters()),
            "candidates": len(draw.candidates),
            "device": torch.cuda.get_device_name() if self.settings.device == "cuda" else None,
        }


def random_model(settings: StepShareSettings, tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    """The decoder that is trained, on the device of the settings."""
    if settings.vocabulary is not None and settings.vocabulary < len(tokenizer):
        raise ValueError(f"vocabulary is {settings.vocabulary}; the tokenizer alone has {len(tokenizer)} tokens")
    with torch.device(settings.device):
        return tiny_model(
            tokenizer,
            hidden=settings.hidden,
            layers=settings.layers,
            heads=settings.heads,
            seed=settings.seed,
            vocab_size=settings.vocabulary or len(tokenizer),
            intermediate_size=settings.feed_forward,
            num_key_value_heads=settings.key_value_heads,
            max_position_embeddings=settings.prompt_tokens + settings.completion_tokens,
            tie_word_embeddings=settings.vocabulary is None,
        ).eval()


def measured_run(name: str, setting: Setting, repetition: int) -> dict[str, Any]:
    """Seconds of each measured step and of its parts, completion lengths, and most memory of the device in GiB."""
    settings, on_device = setting.settings, setting.settings.device == "cuda"
    if on_device:
        torch.cuda.reset_peak_memory_stats()
    curriculum = setting.curriculum(name)
    with tempfile.TemporaryDirectory() as folder:
        trainer = _Trainer(
            copy.deepcopy(setting.model),
            _parity,
            _config(settings, folder, settings.seed + repetition),
            curriculum=curriculum,
            processing_class=setting.tokenizer,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    history = [row for row in trainer.state.log_history if "curriculum/step_share" in row][settings.skipped :]
    result: dict[str, Any] = {part: [row[f"curriculum/seconds/{part}"] for row in history] for part in PARTS}
    spent = np.sum([result[part] for part in PARTS], axis=0)
    result["step"] = [float(s / row["curriculum/step_share"]) for s, row in zip(spent, history, strict=True)]
    result["lengths"] = [row["completions/mean_length"] for row in history]
    result["peak_gib"] = torch.cuda.max_memory_allocated() / 2**30 if on_device else None
    # A trainer and its accelerator refer to each other; the next one needs the memory.
    del trainer, curriculum
    gc.collect()
    if on_device:
        torch.cuda.empty_cache()
    return result


def _parity(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """A reward of 0 or 1 that a random model earns half of the time, so that there is an advantage to compute."""
    return [float(sum(ids) % 2) for ids in completion_ids]


class _Trainer(CurriculumGRPOTrainer):
    """Waits for the device before and after every part that is timed; on a CPU the adapter's trainer unchanged."""

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        self._wait()
        with super()._timed(part):
            yield
            self._wait()

    def _wait(self) -> None:
        if self.args.device.type == "cuda":
            torch.cuda.synchronize()


def _config(settings: StepShareSettings, folder: str, seed: int) -> GRPOConfig:
    length = settings.completion_tokens
    return tiny_config(
        folder,
        max_steps=settings.skipped + settings.steps,
        per_device_train_batch_size=settings.micro_batch,
        gradient_accumulation_steps=settings.problems * settings.n_rollouts // settings.micro_batch,
        num_generations=settings.n_rollouts,
        max_completion_length=length,
        generation_kwargs={"min_new_tokens": length},  # the whole length: the end token cannot be drawn before it
        learning_rate=settings.learning_rate,
        seed=seed,
        use_cpu=settings.device == "cpu",
        bf16=settings.bf16,
    )
