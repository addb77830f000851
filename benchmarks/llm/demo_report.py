"""The demo's table and picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from curriculum_bandits import ProblemBank
from curriculum_bandits.plotting import new_figure, plot_drawn, plot_learning_curves

from .demo import DemoSettings
from .demo_run import RunResult

__all__ = ["demo_figure", "demo_table"]


def demo_table(
    results: Mapping[str, RunResult], held_out: ProblemBank, settings: DemoSettings, *, seconds: float
) -> str:
    """Accuracy by family before and after, and what it cost, as plain text.

    Args:
        results: Of each method.
        held_out: What was evaluated on.
        settings: Budget and seed.
        seconds: Wall-clock of the whole demo.

    Returns:
        The table, lines of at most 100 characters.
    """
    names = list(results)
    families = list(dict.fromkeys(group.split("/")[0] for group in held_out.group_names))
    first = results[names[0]]
    lines = ["", f"{'held-out accuracy':<24}{'before':>10}" + "".join(f"{'after ' + name:>20}" for name in names)]
    for family in [*families, "all"]:
        before = _accuracy(first, family)[0]
        after = [_accuracy(results[name], family)[-1] for name in names]
        lines.append(f"{family:<24}{before:>10.3f}" + "".join(f"{value:>20.3f}" for value in after))
    answers = len(held_out) * settings.samples
    error = _standard_error(_overall(first), answers)[-1]
    lines += ["", f"{'cost':<34}" + "".join(f"{name:>20}" for name in names)]
    for title, cell in _costs().items():
        lines.append(f"{title:<34}" + "".join(f"{cell(results[name]):>20}" for name in names))
    lines += [
        "",
        f"{len(held_out)} held-out problems, {settings.samples} answer(s) each at temperature 1: "
        f"one standard error is {error:.3f}.",
        f"Seed {settings.seed}, {settings.steps} steps of {settings.problems} problems x {settings.generations} "
        f"rollouts, same start, same budget; {seconds:.0f} s in all.",
        "ONE SEED PROVES NOTHING: another seed may turn the order round. Comparisons need many.",
    ]
    return "\n".join(lines)


def demo_figure(results: Mapping[str, RunResult], held_out: ProblemBank, settings: DemoSettings) -> Any:
    """Learning curves beside maps of what each method drew over time.

    Args:
        results: Of each method.
        held_out: What was evaluated on; its groups are the bank's.
        settings: Budget and seed.

    Returns:
        A matplotlib figure.
    """
    figure = new_figure(7 + 4 * len(results), 5.6)
    curves, *maps = figure.subplots(1, 1 + len(results), width_ratios=[1.15] + [1] * len(results))
    answers = len(held_out) * settings.samples
    plot_learning_curves(
        curves,
        {name: (result.steps, _overall(result)) for name, result in results.items()},
        standard_error={name: _standard_error(_overall(result), answers) for name, result in results.items()},
    )
    curves.set(xlabel="GRPO step", ylabel="held-out accuracy", title="Learning curves")
    curves.text(
        0.98,
        0.02,
        "band: two standard errors over problems;\nthe spread over seeds is not in it",
        transform=curves.transAxes,
        ha="right",
        va="bottom",
        fontsize=8,
        color="#555555",
    )
    largest = max(float(np.quantile(list(result.drawn.values()), 0.995)) for result in results.values())
    for axes, (name, result) in zip(maps, results.items(), strict=True):
        steps = np.arange(1, len(result.informative_share) + 1)
        shares = np.stack([result.drawn[group] for group in held_out.group_names], axis=1)
        image = plot_drawn(axes, steps, shares, held_out.group_names, largest=largest)
        axes.set(xlabel="GRPO step", title=f"Drawn under {name}")
        if axes is not maps[0]:
            axes.set_yticklabels([])  # the same groups in the same order
    figure.colorbar(image, ax=maps[-1], label="share of the batch")
    figure.suptitle(f"One run each, seed {settings.seed}: an illustration, not evidence", fontsize=11)
    return figure


def _accuracy(result: RunResult, family: str) -> np.ndarray:
    """Accuracy at each evaluation, over the groups of one family or of all."""
    groups = [group for group in result.accuracy if family in ("all", group.split("/")[0])]
    return np.mean([result.accuracy[group] for group in groups], axis=0)


def _standard_error(accuracy: np.ndarray, answers: int) -> np.ndarray:
    return np.sqrt(accuracy * (1 - accuracy) / answers)


def _overall(result: RunResult) -> np.ndarray:
    return _accuracy(result, "all")


def _costs() -> dict[str, Any]:
    return {
        "problems drawn": lambda result: f"{result.prompts:,}",
        "rollouts": lambda result: f"{result.completions:,}",
        "tokens, prompts and completions": lambda result: f"{result.tokens:,}",
        "informative groups": lambda result: f"{np.mean(result.informative_share):.1%}",
        "curriculum, seconds": lambda result: f"{sum(result.overhead_seconds.values()):.1f}",
        "  of which scoring again": lambda result: f"{result.overhead_seconds['rescore']:.1f}",
        "curriculum, share of a step": lambda result: f"{result.overhead_share:.1%}",
        "wall-clock, seconds": lambda result: f"{result.seconds:.0f}",
    }
