"""``python -m curriculum_bandits.adapters.trl.tiny FOLDER``: a model and a bank to try the command with, offline.

A character model of a quarter of a million parameters is taught to add small numbers, in half a minute on a laptop. It
solves the easy sums of the bank and none of the hard ones, so a run of minutes has something to learn. Tests, examples
and benchmarks build their own small models from the same parts.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from tqdm import tqdm
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import GRPOConfig

__all__ = ["make_tiny", "tiny_config", "tiny_model", "tiny_tokenizer"]

_ALPHABET = "0123456789+="
_LEVELS = {"1 digit": (0, 9), "2 digits, no carry": (10, 49), "2 digits": (50, 99), "3 digits": (100, 999)}
_TAUGHT = (0.5, 0.35, 0.15, 0.0)


def tiny_tokenizer(alphabet: str = _ALPHABET) -> PreTrainedTokenizerFast:
    """A tokenizer with one token for each character of the alphabet, padded on the left."""
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<end>", "<unk>", *alphabet])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        eos_token="<end>",
        unk_token="<unk>",
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


def tiny_model(
    tokenizer: PreTrainedTokenizerFast,
    *,
    hidden: int = 96,
    layers: int = 2,
    heads: int = 4,
    seed: int = 0,
    **config: Any,
) -> Qwen2ForCausalLM:
    """A decoder without dropout and without knowledge.

    Args:
        tokenizer: Says how many tokens there are.
        hidden: Width.
        layers: Depth.
        heads: Attention heads.
        seed: Of the weights; torch's own random state is left as it was.
        **config: Further fields of `Qwen2Config`, which take precedence.
    """
    settings = {
        "vocab_size": len(tokenizer),
        "intermediate_size": 2 * hidden,
        "num_key_value_heads": heads,
        "max_position_embeddings": 2048,
        "bos_token_id": None,
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "tie_word_embeddings": True,
        **config,
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Qwen2ForCausalLM(
            Qwen2Config(hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads, **settings)
        )


def tiny_config(folder: str | os.PathLike[str], **config: Any) -> GRPOConfig:
    """TRL's settings for a small, quiet run on a CPU, without KL penalty and checkpoints.

    Args:
        folder: Of the run.
        **config: Further fields of `trl.GRPOConfig`, which take precedence.
    """
    quiet = {"report_to": "none", "disable_tqdm": True, "logging_steps": 1, "save_strategy": "no"}
    plain = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "gradient_accumulation_steps": 1}
    learning = {"lr_scheduler_type": "constant", "beta": 0.0}
    return GRPOConfig(**{"output_dir": os.fspath(folder), **quiet, **plain, **learning, **config})


def make_tiny(folder: Path, *, steps: int = 600, problems: int = 400, seed: int = 0, progress: bool = True) -> None:
    """Write a model to ``folder/model`` and sums to ``folder/sums.jsonl``.

    Args:
        folder: Made if need be.
        steps: Of supervised learning, half a minute on one core by default; 0 for a model that knows nothing.
        problems: Sums of each level in the file.
        seed: Of everything.
        progress: Show a progress bar.
    """
    rng = np.random.default_rng(seed)
    tokenizer = tiny_tokenizer()
    model = tiny_model(tokenizer, seed=seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    ranges = list(_LEVELS.values())
    model.train()
    for _ in tqdm(range(steps), desc="teaching the tiny model", disable=not progress):
        levels = rng.choice(len(ranges), size=96, p=_TAUGHT)
        texts = [_sum(rng, *ranges[level]) for level in levels]
        batch = tokenizer([prompt + answer + "<end>" for prompt, answer in texts], padding=True, return_tensors="pt")
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        for row, (_, answer) in enumerate(texts):
            labels[row, : -len(answer) - 1] = -100  # padded on the left: the answer and the end stand last
        loss = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
    rows = []
    for number, (group, (least, most)) in enumerate(_LEVELS.items()):
        for prompt, answer in dict.fromkeys(_sum(rng, least, most) for _ in range(problems)):
            rows.append({"id": prompt, "prompt": prompt, "answer": answer, "group": group, "difficulty": number})
    lines = [json.dumps(row) for row in rows]
    (folder / "sums.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _sum(rng: np.random.Generator, least: int, most: int) -> tuple[str, str]:
    first, second = (int(number) for number in rng.integers(least, most + 1, size=2))
    return f"{first}+{second}=", str(first + second)


def _main() -> None:
    parser = argparse.ArgumentParser(description="Make a tiny model and a bank of sums, to try the command with.")
    parser.add_argument("folder", type=Path, nargs="?", default=Path("runs/tiny"), help="default: runs/tiny")
    parser.add_argument("--steps", type=int, default=600, help="of teaching (default: 600)")
    arguments = parser.parse_args()
    make_tiny(arguments.folder, steps=arguments.steps)
    print(f"written: {arguments.folder}; now: curriculum-bandits llm --config tiny_cpu")


if __name__ == "__main__":
    _main()
