"""Features that a language model has of a problem: its hidden states, pooled over the prompt, computed once per bank.

A frozen model has read more than a small network ever will, so a small head on its states is enough, and scoring costs
nothing at training time. Prompts are cut and padded here rather than by the tokenizer, so that a row does not depend on
the tokenizer's padding side nor on the rows beside it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch

from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.neural.features.store import finished_features, write_features
from curriculum_bandits.neural.features.table import FeatureTable
from curriculum_bandits.neural.prompts import prompt_text, prompt_tokens

__all__ = ["hidden_state_features"]

Float32Array = npt.NDArray[np.float32]
Pooling = Literal["mean", "last"]

_PROBED = 64  # numbers of each parameter that tell two models apart


def hidden_state_features(
    bank: ProblemBank,
    model: Any,
    tokenizer: Any,
    *,
    path: str | os.PathLike[str] | None = None,
    layer: int = -1,
    pooling: Pooling = "mean",
    batch_size: int = 32,
    max_length: int = 1024,
    device: str | torch.device | None = None,
    chunk: int = 1024,
    progress: bool = True,
) -> FeatureTable:
    """Features from the hidden states of a Hugging Face model over each prompt.

    Args:
        bank: The problems; the tokenizer's chat template renders chat messages, if it has one.
        model: An encoder, a decoder with or without a head, or (its encoder is used) an encoder-decoder; it comes back
            in the mode and on the device it was.
        tokenizer: Its tokenizer, with either padding side; it comes back as it was.
        path: The file to write or go on with, as in `write_features`; None keeps the features in memory. Its identity
            includes a few numbers of every parameter, so the same model further trained is another one.
        layer: Which of the model's hidden states, 0 the embeddings, -1 the last.
        pooling: "mean" over the prompt's tokens, "last" the state at its last token: the one that has seen all others
            in a decoder.
        batch_size: Prompts per forward pass.
        max_length: Longest prompt in tokens; of a longer one the end is read, where the question usually stands.
        device: Where to compute; None computes where the model is.
        chunk: Prompts between two saves; within them, those of similar length share a batch.
        progress: Whether to show a progress bar.

    Returns:
        The table, as wide as the model.

    Raises:
        ValueError: If an argument is out of range, a prompt has no token, or the model has no such layer or no hidden
            states; or as `write_features`.
    """
    for name, number in (("batch_size", batch_size), ("max_length", max_length)):
        if number < 1:
            raise ValueError(f"{name} is {number}; give at least 1")
    if pooling not in ("mean", "last"):
        raise ValueError(f"pooling is {pooling!r}; give 'mean' or 'last'")
    identity: dict[str, Any] = {}
    if path is not None:
        identity = {
            "kind": "hidden states",
            "bank": bank.fingerprint,
            "model": _model_fingerprint(model),
            "tokenizer": _tokenizer_fingerprint(tokenizer),
            "layer": layer,
            "pooling": pooling,
            "max_length": max_length,
        }
        if (table := finished_features(path, identity)) is not None:
            return table

    def compute(start: int, stop: int) -> Float32Array:
        tokens = prompt_tokens(bank.prompts[start:stop], tokenizer, max_length)
        if not all(tokens):
            row = next(row for row, ids in enumerate(tokens) if not ids) + start
            text = prompt_text(bank.prompts[row], tokenizer)
            raise ValueError(f"problem {row} has no token, its text is {text!r:.80}; give it a longer one")
        by_length = sorted(range(len(tokens)), key=lambda row: len(tokens[row]))
        batches = [
            _pooled([tokens[row] for row in by_length[first : first + batch_size]], model, layer, pooling, padding)
            for first in range(0, len(tokens), batch_size)
        ]
        pooled = np.concatenate(batches)
        return np.asarray(pooled[np.argsort(by_length)])

    padding = getattr(tokenizer, "pad_token_id", None) or 0
    with _evaluating(model, device), torch.inference_mode():
        columns = compute(0, 1).shape[1]
        return write_features(path, len(bank), columns, compute, identity=identity, chunk=chunk, progress=progress)


@contextmanager
def _evaluating(model: Any, device: str | torch.device | None) -> Iterator[None]:
    """Evaluation mode on the device, and everything as it was afterwards, part by part."""
    training = [(module, module.training) for module in model.modules()]
    home = next(model.parameters()).device
    model.eval()
    try:
        if device is not None:
            model.to(device)
        yield
    finally:
        if device is not None:
            model.to(home)
        for module, was_training in training:
            module.training = was_training


def _pooled(tokens: Sequence[list[int]], model: Any, layer: int, pooling: Pooling, padding: int) -> Float32Array:
    """One forward pass; shape (batch, width)."""
    lengths = torch.tensor([len(ids) for ids in tokens])
    longest = int(lengths.max())
    padded = torch.tensor([ids + [padding] * (longest - len(ids)) for ids in tokens])
    is_token = torch.arange(longest) < lengths[:, None]
    device = next(model.parameters()).device
    states = _hidden_states(model, padded.to(device), is_token.long().to(device), layer)
    lengths, is_token = lengths.to(states.device), is_token.to(states.device)
    if pooling == "last":
        pooled = states[torch.arange(len(tokens), device=states.device), lengths - 1].float()
    else:
        pooled = states.float().masked_fill(~is_token[:, :, None], 0).sum(dim=1) / lengths[:, None]
    values: Float32Array = pooled.cpu().numpy()
    return values


def _hidden_states(model: Any, tokens: torch.Tensor, mask: torch.Tensor, layer: int) -> torch.Tensor:
    """Hidden states of one layer, shape (batch, tokens, width)."""
    if getattr(getattr(model, "config", None), "is_encoder_decoder", False):
        model = model.get_encoder()
    # Without the head: logits over a vocabulary cost more than the states.
    model = getattr(model, "base_model", model)
    if layer == -1:
        # All layers at once would take as many times the memory as there are layers.
        states = getattr(model(input_ids=tokens, attention_mask=mask), "last_hidden_state", None)
        if isinstance(states, torch.Tensor):
            return states
    layers = getattr(model(input_ids=tokens, attention_mask=mask, output_hidden_states=True), "hidden_states", None)
    if layers is None:
        raise ValueError(f"{type(model).__name__} returns no hidden states; give a model of transformers")
    if not -len(layers) <= layer < len(layers):
        raise ValueError(f"layer is {layer}, but the model has the layers 0 to {len(layers) - 1}; 0 is the embeddings")
    chosen: torch.Tensor = layers[layer]
    return chosen


def _model_fingerprint(model: Any) -> str:
    """A hash of the architecture, and of some numbers of every parameter."""
    digest = hashlib.sha256(type(model).__name__.encode())
    for name, parameter in model.named_parameters():
        flat = parameter.detach().reshape(-1)
        probed = flat[:: max(1, len(flat) // _PROBED)][:_PROBED].float().cpu().numpy()
        digest.update(f"{name} {tuple(parameter.shape)} {parameter.dtype}".encode() + probed.tobytes())
    return digest.hexdigest()[:16]


def _tokenizer_fingerprint(tokenizer: Any) -> str:
    """A hash of the vocabulary and of the chat template."""
    content = [sorted(tokenizer.get_vocab().items()), getattr(tokenizer, "chat_template", None)]
    return hashlib.sha256(json.dumps(content, default=str).encode()).hexdigest()[:16]
