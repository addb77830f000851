"""A transformer that reads the prompt: the curator of the paper, with any Hugging Face backbone.

The score is a linear map of the hidden state of the last prompt token, computed in float32 since the softmax over
thousands of candidates turns on small differences. What is trained is everything, adapters, or the head alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import Any, Literal

import torch
from torch import nn

from curriculum_bandits._typing import override
from curriculum_bandits.extras import require_extra
from curriculum_bandits.neural.inputs import Tokens

from .contract import Scorer

__all__ = ["TransformerScorer"]


class TransformerScorer(Scorer):
    """Scores from the hidden state of the last prompt token.

    The paper's curator is Qwen3-0.6B, fully trained; how its head begins is not stated.

    Args:
        backbone: A model that returns ``last_hidden_state``: an ``AutoModel``, or the ``.model`` of a causal language
            model. It is used as it is, not copied; adapters are added to it in place.
        heads: 1 for the score alone, 2 for the score and the predicted utility.
        lora: Low-rank adapters: a peft ``LoraConfig``, or a rank, which means adapters of that rank on every linear
            layer with ``lora_alpha`` twice the rank. The backbone's own weights are then frozen. None trains them.
        freeze: Whether to train the head alone.
        head_init: ``"zero"`` starts with equal scores; ``"normal"`` draws the head from N(0, 0.02²), or the backbone's
            ``initializer_range``, as a faithful copy of the paper needs.
        seed: Seed of the adapters and of the head.

    Attributes:
        backbone: The model, wrapped by peft where there are adapters.
        weight: Of the head, shape (heads, hidden size), float32.
        bias: Of the head, shape (heads,), float32.

    Raises:
        ValueError: If an argument is out of range, or both `lora` and `freeze` are given.
        ModuleNotFoundError: If `lora` is given and peft is not installed.
    """

    def __init__(
        self,
        backbone: nn.Module,
        *,
        heads: int = 1,
        lora: Any | int | None = None,
        freeze: bool = False,
        head_init: Literal["zero", "normal"] = "zero",
        seed: int = 0,
    ) -> None:
        super().__init__(heads)
        if head_init not in ("zero", "normal"):
            raise ValueError(f"head_init is {head_init!r}; give 'zero' or 'normal'")
        if lora is not None and freeze:
            raise ValueError("lora and freeze are both given; lora trains adapters and the head, freeze the head alone")
        config: Any = backbone.config
        config = config.get_text_config() if hasattr(config, "get_text_config") else config
        device = next(backbone.parameters()).device
        self._forwards_cache = "use_cache" in inspect.signature(backbone.forward).parameters
        if freeze:
            backbone.requires_grad_(False)
        self.backbone = backbone if lora is None else _with_adapters(backbone, lora, seed)
        weight = torch.zeros(heads, int(config.hidden_size), dtype=torch.float32)
        if head_init == "normal":
            scale = getattr(config, "initializer_range", 0.02)
            weight.normal_(0.0, scale, generator=torch.Generator().manual_seed(seed))
        self.weight = nn.Parameter(weight.to(device))
        self.bias = nn.Parameter(torch.zeros(heads, dtype=torch.float32, device=device))

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | PathLike[str],
        *,
        heads: int = 1,
        lora: Any | int | None = None,
        freeze: bool = False,
        head_init: Literal["zero", "normal"] = "zero",
        dtype: torch.dtype | str = torch.float32,
        seed: int = 0,
    ) -> TransformerScorer:
        """Load what ``AutoModel.from_pretrained`` takes as a backbone, from a folder or the Hugging Face hub.

        ``dtype`` is the type of the backbone's weights. Full training wants float32: a step of 1e-6 is lost in the
        rounding of a bfloat16 weight. A frozen backbone, with adapters or without, is as good in bfloat16. The other
        arguments are those of the class; the seed is also of weights that the checkpoint lacks.

        Raises:
            ModuleNotFoundError: If transformers is not installed.
        """
        transformers = require_extra("transformers", "llm")
        with _own_randomness(seed):
            backbone = transformers.AutoModel.from_pretrained(name_or_path, dtype=dtype)
        return cls(backbone, heads=heads, lora=lora, freeze=freeze, head_init=head_init, seed=seed)

    @override
    def forward(self, inputs: Tokens) -> torch.Tensor:
        ids, mask = _padded_right(*inputs)
        no_cache = {"use_cache": False} if self._forwards_cache else {}
        with _checkpointing(self.backbone):
            output = self.backbone(input_ids=ids, attention_mask=mask, **no_cache)
        states = getattr(output, "last_hidden_state", None)
        if states is None:
            raise ValueError(
                f"the backbone returns {type(output).__name__}, which has no last_hidden_state; give the bare model: "
                "an AutoModel, or the .model of a causal language model"
            )
        last = states[torch.arange(len(ids), device=ids.device), mask.sum(dim=1) - 1]
        with torch.autocast(last.device.type, enabled=False):
            return nn.functional.linear(last.float(), self.weight.float(), self.bias.float())


def _padded_right(ids: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Move each row's tokens to its beginning.

    A backbone's own positions are then right whatever they are (learned, rotary, counted from the padding id as
    RoBERTa's, a recurrence that ignores the mask), which position ids for padding on the left would not be for all.
    """
    order = mask.argsort(dim=1, descending=True, stable=True)
    return ids.gather(1, order), mask.gather(1, order)


def _with_adapters(backbone: nn.Module, lora: Any | int, seed: int) -> nn.Module:
    """The backbone with trainable adapters and everything else frozen."""
    peft = require_extra("peft", "llm")
    if isinstance(lora, int):
        if lora < 1:
            raise ValueError(f"lora is {lora}; a rank is at least 1, and None trains without adapters")
        lora = peft.LoraConfig(r=lora, lora_alpha=2 * lora, target_modules="all-linear")
    with _own_randomness(seed):
        adapted: nn.Module = peft.get_peft_model(backbone, lora)
    return adapted


@contextmanager
def _checkpointing(backbone: nn.Module) -> Iterator[None]:
    """Let the layers that were told to recompute their activations do so inside the block.

    Hugging Face layers do it only in training mode, and a curator keeps its scorer in evaluation mode, where there is
    no dropout. Only the flag of the layers themselves is set; the modules inside them, where dropout is, keep their
    mode. A layer that applies a dropout of its own stays as it is.
    """
    woken = [module for module in backbone.modules() if _can_be_woken(module)] if torch.is_grad_enabled() else []
    for module in woken:
        module.training = True
    try:
        yield
    finally:
        for module in woken:
            module.training = False


def _can_be_woken(module: nn.Module) -> bool:
    if module.training or not getattr(module, "gradient_checkpointing", False):
        return False
    config = getattr(module, "config", None)
    settings = vars(module) if config is None else {**vars(config), **vars(module)}
    return not any("drop" in name and isinstance(value, float) and value > 0 for name, value in settings.items())


@contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Seed torch's global random state (CPU, and GPUs in use) inside the block, and restore it afterwards."""
    # torch.manual_seed would also seed GPUs that are not in use yet, which nothing could undo.
    in_use = bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=range(torch.cuda.device_count()) if in_use else []):
        torch.default_generator.manual_seed(seed)
        if in_use:
            torch.cuda.manual_seed_all(seed)
        yield
