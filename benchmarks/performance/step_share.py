"""What share of a GRPO step the curriculum takes, with asking, telling and scoring again told apart.

Methods take turns within each repetition and train the same random weights on random prompts. Scoring again is the
adapter's and the same for all; asking and telling are the curriculum's own. Run as
``python -m curriculum_bandits.benchmarks.performance.step_share``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from .timing import Place, Report, Spread, check_least, interleaved, run, table

__all__ = ["ENTRIES", "PARTS", "StepShareSettings", "main"]

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


def main(words: Sequence[str] | None = None) -> int:
    """Measure as the options ask, those of the process by default; returns the exit status."""
    place = Place(Path("runs/performance/step-share"))
    return run("step_share", words, StepShareSettings(), place, _measure, trl="llm", sklearn="neural")


def _measure(settings: StepShareSettings, place: Place) -> None:
    """Train under each method in turn, write the files, print the table."""
    from .step_share_run import Setting, measured_run  # only now, for it needs the extras

    report = Report("step_share", settings, place.output, ["torch", "transformers", "trl"])
    setting = Setting(settings)
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in settings.entries}
    for repetition, name in interleaved(settings.entries, settings.repetitions):
        runs[name].append(measured_run(name, setting, repetition))
    summary, facts = {name: _summary(each) for name, each in runs.items()}, setting.facts()
    rows = [{"share of a GRPO step": ENTRIES[name], **row} for name, row in summary.items()]
    if settings.device == "cuda":
        for row, each in zip(rows, runs.values(), strict=True):
            row["GiB"] = f"{max(run['peak_gib'] for run in each):.1f}"
    note = (
        "Medians over repetitions, least and most in brackets. Ask + tell is the curriculum's own cost, again the cost "
        "of scoring the rollouts again to measure policy improvement, done only for a method that is rewarded by it. "
        "Shares are ratios within a step, so other work of the machine changes them less than the seconds. "
        f"{facts['parameters']:,} parameters at random; {settings.problems} problems x {settings.n_rollouts} rollouts, "
        f"micro-batches of {settings.micro_batch}; prompts of {settings.prompt_tokens}, completions of "
        f"{settings.completion_tokens} tokens; bank of {settings.bank_size:,}, {facts['candidates']:,} candidates; "
        f"Transformer scorer of {facts['scorer_parameters']:,} parameters. Repetitions: {settings.repetitions} of "
        f"{settings.steps} steps, after {settings.skipped} that do not count; methods in turn. {settings.threads} "
        f"thread(s), {'bfloat16' if settings.bf16 else 'float32'}{', ' * bool(facts['device'])}{facts['device'] or ''}."
    )
    report.write({**facts, "runs": runs, "summary": summary}, table(rows), note)


def _summary(runs: Sequence[Mapping[str, Any]]) -> dict[str, Spread]:
    """Over repetitions: seconds of a step, milliseconds of asking and of telling in it, and shares of it in percent."""

    def spread(*parts: str, over: str = "", factor: float = 1.0) -> Spread:
        sums = (
            (np.sum([run[part] for part in parts]), np.sum(run[over]) if over else len(run["step"])) for run in runs
        )
        return Spread(tuple(float(factor * total / whole) for total, whole in sums))

    return {
        "step, s": spread("step"),
        "ask, ms": spread("ask", factor=1000),
        "tell, ms": spread("tell", factor=1000),
        "ask + tell, %": spread("ask", "tell", over="step", factor=100),
        "again, %": spread("rescore", over="step", factor=100),
        "all, %": spread(*PARTS, over="step", factor=100),
    }


if __name__ == "__main__":
    sys.exit(main())
