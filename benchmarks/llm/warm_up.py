"""A tiny decoder that has mastered the easiest levels of a bank, has seen the next ones, and not the rest.

Reinforcement learning has nothing to reinforce until some answers are right, so the model is taught first: then there
are solved problems, hopeless ones and a frontier between them. In the last steps it is shown careless answers as well,
the more often the harder the problem, so that it can do more than it does, as a pretrained model can. The warm-up is a
function of its settings and seed alone, and is kept under a hash of them.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import string
import tempfile
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.utils import clip_grad_norm_
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerFast, Qwen2ForCausalLM
from transformers.utils import logging

from curriculum_bandits import ProblemBank
from curriculum_bandits.adapters.trl.tiny import tiny_model, tiny_tokenizer

from .banks import demonstrations, groups_of

__all__ = ["ALPHABET", "WarmUp", "cache_key", "held_out_accuracy", "quiet_transformers", "warmed_up_model"]

#: Every character of prompts and answers.
ALPHABET = string.ascii_lowercase + string.digits + "+-=?,<>[]~|"

_REVISION = 2  # raised when this module or `banks` changes what the same settings produce


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
            likewise.
    """

    hidden: int = 160
    feed_forward: int = 320
    layers: int = 2
    heads: int = 4
    steps: int = 500
    batch_size: int = 64
    learning_rate: float = 2e-3
    ramp: int = 30
    careless_steps: int = 150
    items: int = 1500
    shares: tuple[float, ...] = (1.0,) * 8
    careless: tuple[float, ...] = (0.02, 0.05, 0.15, 0.4, 0.7, 0.88, 0.95, 0.98)


def warmed_up_model(
    bank: str, cache: Path, *, seed: int, settings: WarmUp, held_out: int
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model after its warm-up, from the cache if it was made before.

    Args:
        bank: Name in `banks.BANKS`.
        cache: Folder that keeps warmed-up models.
        seed: Of initialisation, items and batches; that of the banks, whose held-out prompts the warm-up then avoids.
        settings: Model and warm-up.
        held_out: Held-out problems of each group.

    Returns:
        The model in evaluation mode and its tokenizer.
    """
    folder = cache / f"{bank}-{cache_key(bank, seed, settings, held_out)}"
    if not folder.is_dir():
        tokenizer = tiny_tokenizer(ALPHABET)
        shape = {"hidden": settings.hidden, "layers": settings.layers, "heads": settings.heads}
        sizes = {"intermediate_size": settings.feed_forward, "max_position_embeddings": 128}
        model = tiny_model(tokenizer, **shape, seed=seed, **sizes)
        _teach(model, tokenizer, _lessons(bank, tokenizer, seed, settings, held_out), settings, seed)
        _save_atomically(folder, model, tokenizer)
    # Always read back what was saved, so that the first run and a cached one start from the same object.
    model = Qwen2ForCausalLM.from_pretrained(folder, local_files_only=True)
    return model.eval(), PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)


def cache_key(bank: str, seed: int, settings: WarmUp, held_out: int) -> str:
    """A hash of everything the warmed-up model depends on."""
    families = [(each.label, each.family.generator, dict(each.family.levels[each.level])) for each in groups_of(bank)]
    content = [_REVISION, bank, seed, asdict(settings), held_out, families, ALPHABET]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def held_out_accuracy(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    bank: ProblemBank,
    *,
    seed: int,
    max_new_tokens: int,
    batch_size: int = 256,
) -> NDArray[np.float64]:
    """Let the model answer each problem once, sampled at temperature 1 as GRPO does, and judge the answers.

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
    sampling = {"do_sample": True, "temperature": 1.0, "top_k": 0, "max_new_tokens": max_new_tokens}
    solved = np.zeros(len(bank))
    model.eval()
    try:
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            for start in range(0, len(by_length), batch_size):
                chosen = by_length[start : start + batch_size]
                batch = tokenizer([bank.prompts[item] for item in chosen], return_tensors="pt", padding=True)
                batch = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
                tokens = model.generate(**batch, **sampling)
                texts = tokenizer.batch_decode(tokens[:, batch["input_ids"].shape[1] :], skip_special_tokens=True)
                solved[chosen] = [bank.verify(item, text) for item, text in zip(chosen, texts, strict=True)]
    finally:
        model.train(was_training)
    return solved


def quiet_transformers() -> None:
    """Silence what transformers says about a model it does not know: bars for 26 tensors, hints on chat."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message=".*gradient_checkpointing` is deprecated", category=FutureWarning)


class _Lessons(NamedTuple):
    """Tensors that a model is taught from."""

    tokens: torch.Tensor  # prompt and answer, padded on the right, shape (2, items, longest): right ones, then careless
    labels: torch.Tensor  # the same with everything but the answer masked by -100
    weights: torch.Tensor  # how often each item is drawn, shape (items,)
    careless: torch.Tensor  # how often its careless answer is shown in the last steps, shape (items,)


def _lessons(bank: str, tokenizer: PreTrainedTokenizerFast, seed: int, settings: WarmUp, held_out: int) -> _Lessons:
    """Demonstrations of the taught levels as tokens; families are shown equally often."""
    per_group = {rank: settings.items for rank, share in enumerate(settings.shares) if share}
    by_group = demonstrations(bank, seed=seed, per_group=per_group, held_out=held_out)
    family_total: dict[str, float] = {}
    for group in by_group:
        family_total[group.family.name] = family_total.get(group.family.name, 0.0) + settings.shares[group.rank]
    weights, careless = [], []
    for group, found in by_group.items():
        share = settings.shares[group.rank] / family_total[group.family.name] / len(found)
        weights += [share] * len(found)
        careless += [settings.careless[group.rank] if group.rank < len(settings.careless) else 0.0] * len(found)
    shown = [item for found in by_group.values() for item in found]
    questions = [tokenizer.encode(item.prompt) for item in shown] * 2
    answers = [item.right for item in shown] + [item.careless for item in shown]
    replies = [[*tokenizer.encode(answer), tokenizer.eos_token_id] for answer in answers]
    both = list(zip(questions, replies, strict=True))
    tokens = [torch.tensor(question + reply) for question, reply in both]
    labels = [torch.tensor([-100] * len(question) + reply) for question, reply in both]
    return _Lessons(
        pad_sequence(tokens, batch_first=True, padding_value=tokenizer.pad_token_id).reshape(2, len(shown), -1),
        pad_sequence(labels, batch_first=True, padding_value=-100).reshape(2, len(shown), -1),
        torch.tensor(weights),
        torch.tensor(careless),
    )


def _teach(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, lessons: _Lessons, settings: WarmUp, seed: int
) -> None:
    """Teach a model to continue prompts with right answers, in place."""

    def rate(step: int) -> float:
        return min(1.0, (step + 1) / settings.ramp) * 0.5 * (1.0 + math.cos(math.pi * step / settings.steps))

    optimizer = torch.optim.AdamW(model.parameters(), lr=settings.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    generator = torch.Generator().manual_seed(seed)
    model.train()
    for step in range(settings.steps):
        rows = torch.multinomial(lessons.weights, settings.batch_size, replacement=True, generator=generator)
        draws = torch.rand(len(rows), generator=generator)
        careless = (draws < lessons.careless[rows]) & (step >= settings.steps - settings.careless_steps)
        tokens, labels = lessons.tokens[careless.long(), rows], lessons.labels[careless.long(), rows]
        lengths = (tokens != tokenizer.pad_token_id).sum(dim=1)
        answer_tokens = (labels >= 0).sum()
        optimizer.zero_grad(set_to_none=True)
        # The short half and the long half apart: padding would cost nearly as much as the text.
        for part in lengths.argsort(stable=True).chunk(2):
            longest = int(lengths[part].max())
            batch, targets = tokens[part, :longest], labels[part, :longest]
            mask = (batch != tokenizer.pad_token_id).long()
            model(batch, attention_mask=mask, labels=targets, num_items_in_batch=answer_tokens).loss.backward()
        clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    model.eval()


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
