"""A character-level Qwen2 of a million parameters that already solves the easy part of the demo's bank.

Reinforcement learning has nothing to reinforce until some answers are right, so the model is first taught by supervised
learning, the low levels most, the highest not at all. At the end it is shown careless answers as well, the more often
the harder the problem: it can do more than it does, as a pretrained model can, and that is what GRPO then brings out.
The warm-up is a function of its settings and seed alone, so its result is kept under a hash of them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import string
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerFast, Qwen2ForCausalLM

from curriculum_bandits.adapters.trl.tiny import tiny_model, tiny_tokenizer
from curriculum_bandits.bank import ProblemBank

from . import demo_bank

__all__ = [
    "ALPHABET",
    "FORMAT_VERSION",
    "Lessons",
    "Schooling",
    "WarmUp",
    "character_tokenizer",
    "held_out_accuracy",
    "make_lessons",
    "sample_answers",
    "save_atomically",
    "teach",
    "untrained_model",
    "warmed_up_model",
]

#: Every character of the demo's prompts and answers.
ALPHABET = string.ascii_lowercase + string.digits + "+-=?,<>[]~|"
#: Raised when this module or `demo_bank` changes what the same settings produce.
FORMAT_VERSION = 2


@dataclass(frozen=True)
class Schooling:
    """Size of a tiny model, and how it is taught.

    Attributes:
        hidden: Width of the model.
        feed_forward: Width of the feed-forward layers.
        layers: Number of decoder layers.
        heads: Number of attention heads.
        steps: Optimiser steps.
        batch_size: Sequences per step.
        learning_rate: Peak of a linear warm-up over ``ramp`` steps and a cosine descent to zero.
        ramp: Steps until the peak.
        careless_steps: For how many steps at the end careless answers are shown.
    """

    hidden: int = 192
    feed_forward: int = 384
    layers: int = 2
    heads: int = 4
    steps: int = 700
    batch_size: int = 64
    learning_rate: float = 2e-3
    ramp: int = 30
    careless_steps: int = 250


@dataclass(frozen=True)
class WarmUp(Schooling):
    """Settings of the demo's model and of its supervised warm-up; all of them enter the cache key.

    Attributes:
        items_per_level: How many items of each level of each family are generated.
        share_per_level: Share of the batch each level gets, divided equally among the families.
        careless_per_level: How often an item of each level is shown with its careless answer, in the last steps.
    """

    items_per_level: dict[int, int] = field(default_factory=lambda: {1: 600, 2: 1000, 3: 1000, 4: 800, 5: 800})
    share_per_level: dict[int, float] = field(default_factory=lambda: {1: 0.25, 2: 0.25, 3: 0.2, 4: 0.2, 5: 0.1})
    careless_per_level: dict[int, float] = field(default_factory=lambda: {1: 0.1, 2: 0.3, 3: 0.6, 4: 0.8, 5: 0.9})


def character_tokenizer() -> PreTrainedTokenizerFast:
    """Return a tokenizer that gives every character of `ALPHABET` a token, padded on the left."""
    return tiny_tokenizer(ALPHABET)


def untrained_model(settings: Schooling, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> Qwen2ForCausalLM:
    """Return a freshly initialised decoder without dropout; torch's global random state is left as it was."""
    shape = {"hidden": settings.hidden, "layers": settings.layers, "heads": settings.heads}
    sizes = {"intermediate_size": settings.feed_forward, "max_position_embeddings": 128}
    return tiny_model(tokenizer, **shape, seed=seed, **sizes)


def warmed_up_model(
    cache_dir: str | os.PathLike[str],
    *,
    seed: int,
    settings: WarmUp | None = None,
    progress: bool = True,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Return the tiny model after its warm-up, from the cache when it was made before.

    Args:
        cache_dir: Folder that keeps warmed-up models, one subfolder per combination of settings and seed.
        seed: Seed of initialisation, items and batches; give the seed of `demo_bank.demo_banks`, whose held-out
            prompts the warm-up then avoids.
        settings: Model and warm-up; the defaults are the demo's.
        progress: Whether to show a progress bar.

    Returns:
        The model in evaluation mode and its tokenizer.
    """
    settings = settings or WarmUp()
    folder = Path(cache_dir) / f"warm-up-{_cache_key(settings, seed)}"
    if not folder.is_dir():
        tokenizer = character_tokenizer()
        model = untrained_model(settings, tokenizer, seed=seed)
        teach(model, tokenizer, _demo_lessons(tokenizer, settings, seed), settings, seed=seed, progress=progress)
        save_atomically(folder, model, tokenizer)
    # Always read back what was saved, so that the first run and a cached one start from the same object.
    model = Qwen2ForCausalLM.from_pretrained(folder, local_files_only=True)
    return model.eval(), PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)


def sample_answers(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: Sequence[str],
    *,
    seed: int,
    temperature: float = 1.0,
    max_new_tokens: int = demo_bank.MAX_ANSWER_CHARACTERS + 1,
    batch_size: int = 256,
) -> list[str]:
    """Let the model answer each prompt once.

    Args:
        model: Any causal language model; it comes back in the mode it was in.
        tokenizer: Its tokenizer, padding on the left.
        prompts: What to answer.
        seed: Seed of the sampling; torch's global random state is left as it was.
        temperature: Sampling temperature; 0 takes the most likely token at every step.
        max_new_tokens: Longest answer, the end token included.
        batch_size: Prompts per call of ``generate``.

    Returns:
        One answer per prompt, special tokens removed.
    """
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0} if temperature > 0 else {"do_sample": False}
    was_training = model.training
    by_length = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    answers = [""] * len(prompts)
    model.eval()
    try:
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            for start in range(0, len(by_length), batch_size):
                chosen = by_length[start : start + batch_size]
                batch = tokenizer([prompts[index] for index in chosen], return_tensors="pt", padding=True)
                batch = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
                tokens = model.generate(**batch, **sampling, max_new_tokens=max_new_tokens)
                texts = tokenizer.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
                for index, text in zip(chosen, texts, strict=True):
                    answers[index] = text
    finally:
        model.train(was_training)
    return answers


def held_out_accuracy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    bank: ProblemBank,
    *,
    seed: int,
    samples: int = 1,
    temperature: float = 1.0,
    max_new_tokens: int = demo_bank.MAX_ANSWER_CHARACTERS + 1,
) -> NDArray[np.float64]:
    """Measure how many problems the model solves, sampling at temperature 1 as GRPO does.

    Args:
        model: Any causal language model.
        tokenizer: Its tokenizer, padding on the left.
        bank: Problems and their verifiers.
        seed: Seed of the sampling; torch's global random state is left as it was.
        samples: Answers per problem.
        temperature: Sampling temperature; 0 is greedy decoding.
        max_new_tokens: Longest answer, the end token included.

    Returns:
        Share of verified answers per problem, shape ``(len(bank),)``: 0 or 1 with one sample.
    """
    items = np.repeat(np.arange(len(bank)), samples)
    prompts = [bank.prompts[int(item)] for item in items]
    answers = sample_answers(
        model, tokenizer, prompts, seed=seed, temperature=temperature, max_new_tokens=max_new_tokens
    )
    verified = [bank.verify(int(item), answer) for item, answer in zip(items, answers, strict=True)]
    return np.asarray(verified, dtype=np.float64).reshape(len(bank), samples).mean(axis=1)


@dataclass(frozen=True)
class Lessons:
    """What a model is taught from.

    Attributes:
        tokens: Prompt and answer padded on the right, shape (2, items, longest); the right answers, then the careless.
        labels: The same with everything but the answer masked by -100.
        weights: How often each item is drawn, shape (items,).
        careless: How often an item's careless answer is shown once carelessness begins, shape (items,).
    """

    tokens: torch.Tensor
    labels: torch.Tensor
    weights: torch.Tensor
    careless: torch.Tensor


def make_lessons(
    tokenizer: PreTrainedTokenizerFast,
    shown: Sequence[demo_bank.Demonstration],
    *,
    weights: Sequence[float],
    careless: Sequence[float],
) -> Lessons:
    """Turn demonstrations into tokens.

    Args:
        tokenizer: Gives every character a token.
        shown: Prompts with a right and a careless answer.
        weights: How often each is drawn, in proportion.
        careless: How often its careless answer is shown once carelessness begins, in [0, 1].

    Returns:
        The lessons, in that order.
    """
    answers = [item.right for item in shown] + [item.careless for item in shown]
    questions = [tokenizer.encode(item.prompt) for item in shown] * 2
    replies = [[*tokenizer.encode(answer), tokenizer.eos_token_id] for answer in answers]
    texts = [torch.tensor(question + reply) for question, reply in zip(questions, replies, strict=True)]
    masked = [torch.tensor([-100] * len(q) + reply) for q, reply in zip(questions, replies, strict=True)]
    tokens = pad_sequence(texts, batch_first=True, padding_value=tokenizer.pad_token_id)
    labels = pad_sequence(masked, batch_first=True, padding_value=-100)
    return Lessons(
        tokens=tokens.reshape(2, len(shown), -1),
        labels=labels.reshape(2, len(shown), -1),
        weights=torch.tensor(weights),
        careless=torch.tensor(careless),
    )


def teach(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    lessons: Lessons,
    settings: Schooling,
    *,
    seed: int,
    progress: bool = True,
) -> None:
    """Teach a model to continue prompts with right answers, in place.

    Args:
        model: Trained in place; it comes back in evaluation mode.
        tokenizer: Its tokenizer.
        lessons: What it is shown.
        settings: For how long, how fast.
        seed: Seed of the batches.
        progress: Whether to show a progress bar.
    """
    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, _ramp_and_cosine(settings))
    generator = torch.Generator().manual_seed(seed)
    model.train()
    for step in (bar := tqdm(range(settings.steps), desc="supervised warm-up", unit="step", disable=not progress)):
        rows = torch.multinomial(lessons.weights, settings.batch_size, replacement=True, generator=generator)
        draws = torch.rand(len(rows), generator=generator)
        careless = (draws < lessons.careless[rows]) & (step >= settings.steps - settings.careless_steps)
        tokens, labels = lessons.tokens[careless.long(), rows], lessons.labels[careless.long(), rows]
        lengths = (tokens != tokenizer.pad_token_id).sum(dim=1)
        answer_tokens, total = (labels >= 0).sum(), 0.0
        optimizer.zero_grad(set_to_none=True)
        # The short half and the long half apart: padding would cost nearly as much as the text.
        for part in lengths.argsort(stable=True).chunk(2):
            longest = int(lengths[part].max())
            batch, targets = tokens[part, :longest], labels[part, :longest]
            mask = (batch != tokenizer.pad_token_id).long()
            loss = model(batch, attention_mask=mask, labels=targets, num_items_in_batch=answer_tokens).loss
            loss.backward()
            total += loss.item()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        bar.set_postfix(loss=f"{total:.3f}", refresh=False)
    model.eval()


def _demo_lessons(tokenizer: PreTrainedTokenizerFast, settings: WarmUp, seed: int) -> Lessons:
    by_level = demo_bank.demonstrations(seed, settings.items_per_level)
    levels = [level for level, shown in by_level.items() for _ in shown]
    return make_lessons(
        tokenizer,
        [demonstration for level in by_level for demonstration in by_level[level]],
        weights=[settings.share_per_level[level] / len(by_level[level]) for level in levels],
        careless=[settings.careless_per_level[level] for level in levels],
    )


def _ramp_and_cosine(settings: Schooling) -> Callable[[int], float]:
    def factor(step: int) -> float:
        return min(1.0, (step + 1) / settings.ramp) * 0.5 * (1.0 + math.cos(math.pi * step / settings.steps))

    return factor


def _cache_key(settings: WarmUp, seed: int) -> str:
    """Hash everything the result depends on."""
    families = [(family.name, family.generator, family.levels) for family in demo_bank.FAMILIES]
    sizes = (demo_bank.TRAINING_PER_GROUP, demo_bank.HELD_OUT_PER_GROUP, demo_bank.ATTEMPTS_PER_ITEM)
    content = [FORMAT_VERSION, asdict(settings), seed, families, sizes, ALPHABET]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def save_atomically(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write next to the destination and rename, so that an interrupted run leaves nothing half written.

    Args:
        folder: Destination; one that is already there is left as it is.
        model: What to save.
        tokenizer: Saved beside it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        model.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.is_dir():  # a run at the same time that finished first is as good as ours
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
