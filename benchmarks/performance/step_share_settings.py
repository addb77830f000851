"""What the step-share experiment measures; it loads no torch, so that the command answers at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..harness.command import check_least

__all__ = ["ENTRIES", "PARTS", "StepShareSettings"]

#: Titles of the methods by name.
ENTRIES = {
    "uniform": "uniform",
    "osmd": "OSMD on groups",
    "curator": "neural curator, MLP over features",
    "transformer": "neural curator, Transformer over prompts",
}

#: What is timed of a step.
PARTS = ("ask", "tell", "rescore")


@dataclass(frozen=True)
class StepShareSettings:
    """The share of a training step that each curriculum takes; the default is a model of the demo's size.

    Attributes:
        entries: Methods: uniform, osmd, curator (an MLP over features), transformer (a curator over prompts).
        device: Where to train and to score.
        repetitions: Runs of each method.
        steps: Steps measured in each repetition.
        skipped: Steps before them, while libraries warm up.
        problems: Problems per step.
        n_rollouts: Rollouts per problem.
        micro_batch: Rollouts in memory at once in the update; the rest is gradient accumulation.
        bf16: Weights and computation of the trained model in bfloat16.
        learning_rate: Of GRPO.
        threads: Threads of torch on the CPU.
        candidates: Candidates of the curators, at most; the default preset has fewer where few problems are drawn.
        chunk: Prompts that the Transformer scores at once.
        scorer_hidden: Width of the Transformer scorer.
        scorer_layers: Its layers.
        prompt_tokens: Length of every prompt.
        completion_tokens: Length of every completion; the end token is suppressed.
        bank_size: Number of prompts.
        layers: Layers of the model.
        hidden: Its width.
        feed_forward: Width of its feed-forward layers.
        heads: Its attention heads.
        key_value_heads: Its key-value heads.
        vocabulary: Its tokens, with an output layer of its own; by default those of the tokenizer, with tied weights.
        seed: Of everything.
    """

    entries: tuple[str, ...] = tuple(ENTRIES)
    device: Literal["cpu", "cuda"] = "cpu"
    repetitions: int = 5
    steps: int = 10
    skipped: int = 1
    problems: int = 16
    n_rollouts: int = 8
    micro_batch: int = 128
    bf16: bool = False
    learning_rate: float = 1e-4
    threads: int = 1
    candidates: int = 2048
    chunk: int = 256
    scorer_hidden: int = 192
    scorer_layers: int = 2
    prompt_tokens: int = 24
    completion_tokens: int = 12
    bank_size: int = 2400
    layers: int = 2
    hidden: int = 192
    feed_forward: int = 384
    heads: int = 4
    key_value_heads: int = 4
    vocabulary: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        names = ("repetitions", "steps", "problems", "micro_batch", "threads", "candidates", "chunk")
        sizes = ("prompt_tokens", "completion_tokens", "bank_size", "layers")
        check_least(self, {**dict.fromkeys((*names, *sizes), 1), "skipped": 0, "n_rollouts": 2})
        unknown = [name for name in self.entries if name not in ENTRIES]
        if unknown or not self.entries:
            raise ValueError(f"entries has {unknown}; choose among {', '.join(ENTRIES)}")
        if self.problems * self.n_rollouts % self.micro_batch:
            raise ValueError(
                f"{self.problems} x {self.n_rollouts} rollouts are no multiple of a micro_batch of "
                f"{self.micro_batch}; choose a divisor"
            )
