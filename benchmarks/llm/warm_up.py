"""A tiny decoder that has mastered the easiest levels of a bank, has seen the next ones, and not the rest.

Reinforcement learning has nothing to reinforce until some answers are right, so the model is taught first: it then
finds solved problems, hopeless ones and a frontier between them. In the last steps it is shown careless answers as well,
the more often the harder the problem: it can do more than it does, as a pretrained model can, and that is what GRPO then
brings out. The warm-up is a function of its settings and seed alone, and is kept under a hash of them.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import string
import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerFast, Qwen2ForCausalLM
from transformers.utils import logging

from curriculum_bandits import ProblemBank
from curriculum_bandits.adapters.trl.tiny import tiny_model, tiny_tokenizer

from .banks import Demonstration, demonstrations, groups_of

__all__ = [
    "ALPHABET",
    "FORMAT_VERSION",
    "Lessons",
    "WarmUp",
    "cache_key",
    "held_out_accuracy",
    "make_lessons",
    "quiet_transformers",
    "teach",
    "untrained_model",
    "warmed_up_model",
]

#: Every character of prompts and answers.
ALPHABET = string.ascii_lowercase + string.digits + "+-=?,<>[]~|"
#: Raised when this module or `banks` changes what the same settings produce.
FORMAT_VERSION = 2


@dataclass(frozen=True)
class WarmUp:
    """Size of a tiny model, and how it is taught; all of it enters the cache key.

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
        items: How many items of each group are generated.
        shares: How often a level is shown, by its rank in the family from the easiest, in proportion; those beyond are
            never shown. Families get equal shares.
        careless: How often an item of a level is shown with its careless answer in the last ``careless_steps``, by rank
            likewise. None where empty.
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
    items: int = 1500
    shares: tuple[float, ...] = (1.0, 1.0, 1.0, 0.5, 0.25)
    careless: tuple[float, ...] = ()


def warmed_up_model(
    bank: str, cache: Path, *, seed: int, settings: WarmUp, held_out: int, progress: bool = True
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model after its warm-up, from the cache when it was made before.

    Args:
        bank: Name in `banks.BANKS`.
        cache: Folder that keeps warmed-up models.
        seed: Of initialisation, items and batches; that of the banks, whose held-out prompts the warm-up then avoids.
        settings: Model and warm-up.
        held_out: Held-out problems of each group.
        progress: Whether to show a progress bar.

    Returns:
        The model in evaluation mode and its tokenizer.
    """
    folder = cache / f"{bank}-{cache_key(bank, seed, settings, held_out)}"
    if not folder.is_dir():
        tokenizer = tiny_tokenizer(ALPHABET)
        model = untrained_model(settings, tokenizer, seed=seed)
        lessons = _lessons(bank, tokenizer, seed=seed, settings=settings, held_out=held_out)
        teach(model, tokenizer, lessons, settings, seed=seed, progress=progress)
        _save_atomically(folder, model, tokenizer)
    # Always read back what was saved, so that the first run and a cached one start from the same object.
    model = Qwen2ForCausalLM.from_pretrained(folder, local_files_only=True)
    return model.eval(), PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)


def cache_key(bank: str, seed: int, settings: WarmUp, held_out: int) -> str:
    """A hash of everything the warmed-up model depends on."""
    families = [
        (group.label, group.family.generator, dict(group.family.levels[group.level])) for group in groups_of(bank)
    ]
    content = [FORMAT_VERSION, bank, seed, asdict(settings), held_out, families, ALPHABET]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def untrained_model(settings: WarmUp, tokenizer: PreTrainedTokenizerFast, *, seed: int) -> Qwen2ForCausalLM:
    """A freshly initialised decoder without dropout; torch's global random state is left as it was."""
    shape = {"hidden": settings.hidden, "layers": settings.layers, "heads": settings.heads}
    sizes = {"intermediate_size": settings.feed_forward, "max_position_embeddings": 128}
    return tiny_model(tokenizer, **shape, seed=seed, **sizes)


def held_out_accuracy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    bank: ProblemBank,
    *,
    seed: int,
    max_new_tokens: int,
    batch_size: int = 256,
) -> NDArray[np.float64]:
    """Let the model answer each problem once, sampled at temperature 1 as GRPO does, and have it judged.

    Args:
        model: Any causal language model; it comes back in the mode it was in.
        tokenizer: Its tokenizer, padding on the left.
        bank: Problems and their verifiers.
        seed: Seed of the sampling; torch's global random state is left as it was.
        max_new_tokens: Longest answer, the end token included.
        batch_size: Prompts per call of ``generate``.

    Returns:
        1 for each problem that was solved, else 0, shape ``(len(bank),)``.
    """
    was_training = model.training
    by_length = sorted(range(len(bank)), key=lambda item: len(bank.prompts[item]))
    solved = np.zeros(len(bank))
    model.eval()
    try:
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            for start in range(0, len(by_length), batch_size):
                chosen = by_length[start : start + batch_size]
                batch = tokenizer([bank.prompts[item] for item in chosen], return_tensors="pt", padding=True)
                batch = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
                tokens = model.generate(
                    **batch, do_sample=True, temperature=1.0, top_k=0, max_new_tokens=max_new_tokens
                )
                texts = tokenizer.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
                solved[chosen] = [bank.verify(item, text) for item, text in zip(chosen, texts, strict=True)]
    finally:
        model.train(was_training)
    return solved


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
    shown: Sequence[Demonstration],
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
    settings: WarmUp,
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


def _lessons(bank: str, tokenizer: PreTrainedTokenizerFast, *, seed: int, settings: WarmUp, held_out: int) -> Lessons:
    """The taught levels of a bank: every family as often as every other."""
    per_group = {rank: settings.items for rank, share in enumerate(settings.shares) if share}
    by_group = demonstrations(bank, seed=seed, per_group=per_group, held_out=held_out)
    ranks = {group.label: group.rank for group in groups_of(bank)}
    family_total: dict[str, float] = {}
    for label in by_group:
        family = label.split("/")[0]
        family_total[family] = family_total.get(family, 0.0) + settings.shares[ranks[label]]
    weights, careless = [], []
    for label, found in by_group.items():
        rank = ranks[label]
        weights += [settings.shares[rank] / family_total[label.split("/")[0]] / len(found)] * len(found)
        careless += [settings.careless[rank] if rank < len(settings.careless) else 0.0] * len(found)
    shown = [item for found in by_group.values() for item in found]
    return make_lessons(tokenizer, shown, weights=weights, careless=careless)


def _ramp_and_cosine(settings: WarmUp) -> Callable[[int], float]:
    def factor(step: int) -> float:
        return min(1.0, (step + 1) / settings.ramp) * 0.5 * (1.0 + math.cos(math.pi * step / settings.steps))

    return factor


def _save_atomically(folder: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write next to the destination and rename, so that an interrupted run leaves nothing half written."""
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


def quiet_transformers() -> None:
    """Silence what transformers says about a model it does not know: bars for 26 tensors, hints on chat."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing` is deprecated", category=FutureWarning)
