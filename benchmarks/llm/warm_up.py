"""A tiny decoder that has mastered the easiest levels of a bank, has seen the next ones, and not the rest.

So reinforcement learning finds solved problems, hopeless ones and a frontier between them. The warm-up is a function of
its settings and seed alone, and is kept under a hash of them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerFast, Qwen2ForCausalLM

from ..tiny_model import (
    ALPHABET,
    Schooling,
    character_tokenizer,
    make_lessons,
    save_atomically,
    teach,
    untrained_model,
)
from .banks import demonstrations, groups_of

__all__ = ["FORMAT_VERSION", "GradedWarmUp", "cache_key", "warmed_up_model"]

#: Raised when this module or `banks` changes what the same settings produce.
FORMAT_VERSION = 2


@dataclass(frozen=True)
class GradedWarmUp(Schooling):
    """Settings of the model and of its supervised warm-up; all of them enter the cache key.

    Attributes:
        items: How many items of each group are generated.
        shares: How often a level is shown, by its rank in the family from the easiest, in proportion; those beyond are
            never shown. Families get equal shares.
        careless: How often an item of a level is shown with its careless answer in the last ``careless_steps``, by rank
            likewise; a model that can do more than it does. None where empty.
    """

    items: int = 1500
    shares: tuple[float, ...] = (1.0, 1.0, 1.0, 0.5, 0.25)
    careless: tuple[float, ...] = ()


def warmed_up_model(
    bank: str, cache: Path, *, seed: int, settings: GradedWarmUp, held_out: int, progress: bool = True
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
        tokenizer = character_tokenizer()
        model = untrained_model(settings, tokenizer, seed=seed)
        per_group = {rank: settings.items for rank, share in enumerate(settings.shares) if share}
        by_group = demonstrations(bank, seed=seed, per_group=per_group, held_out=held_out)
        ranks = {group.label: group.rank for group in groups_of(bank)}
        family_total: dict[str, float] = {}
        for label in by_group:
            family = label.split("/")[0]
            family_total[family] = family_total.get(family, 0.0) + settings.shares[ranks[label]]
        shown = [item for found in by_group.values() for item in found]
        weights = [
            settings.shares[ranks[label]] / family_total[label.split("/")[0]] / len(found)
            for label, found in by_group.items()
            for _ in found
        ]
        careless = [_at(settings.careless, ranks[label]) for label, found in by_group.items() for _ in found]
        lessons = make_lessons(tokenizer, shown, weights=weights, careless=careless)
        teach(model, tokenizer, lessons, settings, seed=seed, progress=progress)
        save_atomically(folder, model, tokenizer)
    # Always read back what was saved, so that the first run and a cached one start from the same object.
    model = Qwen2ForCausalLM.from_pretrained(folder, local_files_only=True)
    return model.eval(), PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)


def _at(shares: tuple[float, ...], rank: int) -> float:
    return shares[rank] if rank < len(shares) else 0.0


def cache_key(bank: str, seed: int, settings: GradedWarmUp, held_out: int) -> str:
    """A hash of everything the warmed-up model depends on."""
    families = [
        (group.label, group.family.generator, dict(group.family.levels[group.level])) for group in groups_of(bank)
    ]
    content = [FORMAT_VERSION, bank, seed, asdict(settings), held_out, families, ALPHABET]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
