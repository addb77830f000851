"""What share of a GRPO step the curriculum takes, with asking, telling and scoring again told apart.

Methods take turns within each repetition and train the same random weights on random prompts. Scoring again is the
adapter's and the same for all; asking and telling are the curriculum's own. Run as
``python -m curriculum_bandits.benchmarks.performance.step_share``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .step_share_settings import ENTRIES, PARTS, StepShareSettings
from .timing import Place, Report, Spread, interleaved, run, table

__all__ = ["main"]


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
