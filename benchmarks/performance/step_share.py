"""What share of a GRPO step the curriculum takes, with asking, telling and scoring again told apart.

Methods take turns within each repetition and train the same model from the same start. Scoring again is the adapter's
and the same for all; asking and telling are the curriculum's own. Run as
``python -m curriculum_bandits.benchmarks.llm.cost``: the demo's model and bank, or half a billion random weights.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from curriculum_bandits.extras import require_extra

from ..provenance import cpu_model, shown_command

__all__ = ["ENTRIES", "PRESETS", "CostSettings", "add_arguments", "cost_table", "main", "run_cost"]

#: Titles of what is measured, by name; `cost_run.make_curriculum` makes them.
ENTRIES = {
    "uniform": "uniform",
    "osmd": "OSMD on groups",
    "curator": "neural curator, MLP over features",
    "transformer": "neural curator, Transformer over prompts",
}

_PARTS = ("ask", "tell", "rescore")
_NUMBERS = ("steps", "skipped", "repetitions", "problems", "micro_batch", "threads", "candidates", "chunk")


@dataclass(frozen=True)
class CostSettings:
    """What is measured; two runs with equal settings do the same work.

    Attributes:
        model: ``"demo"``: the demo's model, warmed up, and its bank; ``"0.5b"``: a decoder with random weights of the
            shape below, and random prompts.
        device: ``"cpu"`` or ``"cuda"``.
        entries: Names in `ENTRIES`.
        steps: Steps measured in each repetition.
        skipped: Steps before them, while libraries warm up.
        repetitions: Runs of each method.
        problems: Problems per step.
        generations: Rollouts per problem.
        micro_batch: Rollouts in memory at once in the update; the rest is gradient accumulation.
        bf16: Weights and computation of the trained model in bfloat16.
        learning_rate: Of GRPO.
        threads: Threads of torch on the CPU.
        candidates: Candidates of the curators, at most; the default preset has fewer where few problems are drawn.
        chunk: Prompts that the Transformer scores at once.
        scorer_hidden: Width of the Transformer scorer; the demo's model by default.
        scorer_layers: Its layers.
        prompt_tokens: Length of the random prompts.
        completion_tokens: Length of every completion to random prompts; the end token is suppressed.
        bank_size: Number of random prompts.
        layers: Layers of the random model.
        hidden: Its width.
        feed_forward: Width of its feed-forward layers.
        heads: Its attention heads.
        key_value_heads: Its key-value heads.
        vocabulary: Its tokens.
        seed: Of everything.
    """

    model: str = "demo"
    device: str = "cpu"
    entries: tuple[str, ...] = tuple(ENTRIES)
    steps: int = 20
    skipped: int = 2
    repetitions: int = 5
    problems: int = 16
    generations: int = 8
    micro_batch: int = 128
    bf16: bool = False
    learning_rate: float = 1e-4
    threads: int = 1
    candidates: int = 2048
    chunk: int = 256
    scorer_hidden: int = 192
    scorer_layers: int = 2
    prompt_tokens: int = 256
    completion_tokens: int = 512
    bank_size: int = 4096
    layers: int = 24
    hidden: int = 896
    feed_forward: int = 4864
    heads: int = 14
    key_value_heads: int = 2
    vocabulary: int = 151_936
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        for name in (*_NUMBERS, "prompt_tokens", "completion_tokens", "bank_size", "layers"):
            least = 0 if name == "skipped" else 1
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least {least}")
        if self.generations < 2:
            raise ValueError(f"generations is {self.generations}; GRPO compares at least 2 rollouts of a problem")
        if self.model not in PRESETS:
            raise ValueError(f"model is {self.model!r}; choose one of {', '.join(PRESETS)}")
        unknown = [name for name in self.entries if name not in ENTRIES]
        if unknown or not self.entries:
            raise ValueError(f"entries has {unknown}; choose among {', '.join(ENTRIES)}")
        if self.problems * self.generations % self.micro_batch:
            raise ValueError(
                f"{self.problems} x {self.generations} rollouts are no multiple of a micro_batch of "
                f"{self.micro_batch}; choose a divisor"
            )


#: What each model changes of the defaults above. The large one has the sizes of Qwen2.5-0.5B, with an output layer of
#: its own: 0.63 billion parameters.
PRESETS: dict[str, dict[str, Any]] = {
    "demo": {},
    "0.5b": {
        "device": "cuda",
        "steps": 5,
        "skipped": 1,
        "repetitions": 3,
        "problems": 256,
        "micro_batch": 16,
        "bf16": True,
        "learning_rate": 1e-6,
    },
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options; those left out take the preset of the model.

    Args:
        parser: The parser of the command.
    """
    defaults = CostSettings()
    parser.add_argument(
        "--output", type=Path, default=Path("runs/cost"), help="folder for results (default: %(default)s)"
    )
    parser.add_argument(
        "--cache", type=Path, help="folder that keeps the demo's warmed-up model; by default the demo's"
    )
    parser.add_argument("--model", choices=list(PRESETS), default=defaults.model, help="the demo's, or random weights")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="where to train and score")
    parser.add_argument("--entries", nargs="+", choices=list(ENTRIES), help="methods; all by default")
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, help="bfloat16 for the trained model")
    large = PRESETS["0.5b"]
    for name, value in asdict(defaults).items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        other = f"; with --model 0.5b {large[name]}" if name in large else ""
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(value), help=f"{_meaning(name)} (default: {value}{other})"
        )


def main(arguments: argparse.Namespace) -> None:
    """Measure as the command line asks.

    Args:
        arguments: Parsed options.
    """
    given = {name: getattr(arguments, name) for name in asdict(CostSettings())}
    if given["entries"] is not None:
        given["entries"] = tuple(given["entries"])
    try:
        chosen = {name: value for name, value in given.items() if value is not None}
        settings = replace(CostSettings(), **{**PRESETS[arguments.model], **chosen})
    except ValueError as error:
        raise SystemExit(f"cost: {error}") from None
    run_cost(settings, output=arguments.output, cache=arguments.cache)


def run_cost(
    settings: CostSettings,
    *,
    output: Path,
    cache: Path | None = None,
    warm_up: Any = None,
    command: Sequence[str] | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Train under each method in turn, write the files, print the table.

    Args:
        settings: What to measure.
        output: Gets ``results.json`` and ``table.txt``.
        cache: Keeps the demo's warmed-up model; None is where the demo keeps it.
        warm_up: Settings of that model, a `tiny_model.WarmUp`; None is the demo's own.
        command: Options for the caption; those of the process by default.
        progress: Say what is being done.

    Returns:
        What ``results.json`` holds.
    """
    for module in ("trl", "reasoning_gym"):
        require_extra(module, "llm")  # all of them now, not after minutes
    import torch

    from .cost_run import looked_at, make_setting, measured_run
    from .demo import default_cache
    from .quiet import quiet_transformers

    if settings.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("cost: torch finds no CUDA device; give --device cpu, with numbers small enough for it")
    quiet_transformers()
    threads = torch.get_num_threads()
    torch.set_num_threads(settings.threads)
    try:
        setting = make_setting(settings, default_cache() if cache is None else cache, warm_up, progress=progress)
        runs: dict[str, list[dict[str, Any]]] = {name: [] for name in settings.entries}
        for repetition in range(settings.repetitions):
            for name in settings.entries[:: 1 if repetition % 2 == 0 else -1]:
                if progress:
                    what = f"repetition {repetition + 1} of {settings.repetitions}: {ENTRIES[name]}"
                    print(f"{what} ...", file=sys.stderr, flush=True)
                runs[name].append(measured_run(name, setting, settings, repetition))
    finally:
        torch.set_num_threads(threads)
    device = f"{torch.cuda.get_device_name()}, " if settings.device == "cuda" else ""
    document = {
        "date": date.today().isoformat(),
        "command": shown_command(
            "curriculum_bandits.benchmarks.llm.cost",
            sys.argv[1:] if command is None else command,
            hidden=("--output", "--cache"),
        ),
        "settings": json.loads(json.dumps(asdict(settings))),
        "parameters": setting.parameters,
        "scorer_parameters": setting.scorer_parameters,
        "bank": len(setting.bank),
        "candidates": looked_at(setting, settings),
        "machine": f"{device}{os.cpu_count()} cores, {cpu_model()}, {platform.system()} {platform.machine()}",
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("curriculum-bandits", "torch", "transformers", "trl")},
        },
        "runs": runs,
        "summary": {name: _summary(rows) for name, rows in runs.items()},
    }
    output.mkdir(parents=True, exist_ok=True)
    table = cost_table(document)
    (output / "results.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (output / "table.txt").write_text(table + "\n", encoding="utf-8")
    print(table)
    return document


def _summary(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Mean and standard deviation over repetitions (None with one), of seconds per step and of shares of the step."""
    rows: dict[str, list[float]] = {}
    for run in runs:
        step = float(np.sum(run["step"]))
        spent = {part: float(np.sum(run[part])) for part in _PARTS}
        spent["curriculum"] = spent["ask"] + spent["tell"]
        spent["all"] = spent["curriculum"] + spent["rescore"]
        for part, seconds in {**spent, "step": step}.items():
            rows.setdefault(f"{part} seconds", []).append(seconds / len(run["step"]))
            if part != "step":
                rows.setdefault(f"{part} share", []).append(seconds / step)
    spread = {name: float(np.std(values, ddof=1)) if len(values) > 1 else None for name, values in rows.items()}
    return {name: {"mean": float(np.mean(values)), "sd": spread[name]} for name, values in rows.items()}


def cost_table(document: Mapping[str, Any]) -> str:
    """Seconds and shares of a step by method, as plain text.

    Args:
        document: What ``results.json`` holds.

    Returns:
        The table.
    """
    settings = document["settings"]
    columns = {"step, s": 9, "ask, ms": 16, "tell, ms": 16, "ask + tell, %": 16, "again, %": 16, "all, %": 16}
    lines = [
        f"{'share of a GRPO step':<41}" + "".join(f"{title:>{width}}" for title, width in columns.items()),
    ]
    for name, row in document["summary"].items():
        cells = [
            _digits(row["step seconds"]["mean"], 3),
            *(_cell(row[f"{part} seconds"], 1000) for part in ("ask", "tell")),
            *(_cell(row[f"{part} share"], 100) for part in ("curriculum", "rescore", "all")),
        ]
        lines.append(
            f"{ENTRIES[name]:<41}" + "".join(f"{cell:>{w}}" for cell, w in zip(cells, columns.values(), strict=True))
        )
    peaks = {name: max(run["peak_gib"] or 0.0 for run in rows) for name, rows in document["runs"].items()}
    if any(peaks.values()):
        lines += [
            "",
            "peak memory of the device, GiB: " + ", ".join(f"{name} {peaks[n]:.1f}" for n, name in _titled(peaks)),
        ]
    lines += [
        "",
        "Mean and standard deviation over repetitions. Ask + tell is what the curriculum itself costs, with the scores",
        "of its candidates and its own update; again is scoring the rollouts again, the second pass over them that",
        "measures policy improvement, which the trainer makes only for a method that is rewarded by it.",
        f"{document['parameters']:,} parameters; {settings['problems']} problems x {settings['generations']} rollouts, "
        f"micro-batches of {settings['micro_batch']}; bank of {document['bank']:,}, "
        f"{document['candidates']:,} candidates;",
        f"Transformer scorer of {document['scorer_parameters']:,} parameters. {_lengths(settings)}".rstrip(),
        f"Repetitions: {settings['repetitions']} of {settings['steps']} steps, after {settings['skipped']} that do not "
        "count; methods in turn.",
        f"{document['machine']};",  # its name can be long
        f"torch {document['versions']['torch']}, {settings['threads']} thread(s), "
        f"{'bfloat16' if settings['bf16'] else 'float32'}; {document['date']}.",
        f"Command: {document['command']}",
    ]
    return "\n".join(lines)


def _titled(names: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, ENTRIES[name]) for name in names]


def _lengths(settings: Mapping[str, Any]) -> str:
    if settings["model"] == "demo":
        return ""
    return f"Prompts of {settings['prompt_tokens']}, completions of {settings['completion_tokens']} tokens."


def _cell(value: Mapping[str, Any], factor: float) -> str:
    spread = "" if value["sd"] is None else f" ± {_digits(factor * value['sd'], 2)}"
    return f"{_digits(factor * value['mean'], 3)}{spread}"


def _digits(value: float, count: int) -> str:
    """A number with so many significant digits, never in powers of ten."""
    rounded = float(f"{value:.{count}g}")
    decimals = max(0, count - 1 - math.floor(math.log10(abs(rounded)))) if rounded else 0
    return f"{rounded:,.{decimals}f}"


def _meaning(name: str) -> str:
    """First sentence of an attribute's description: said once, above."""
    lines = iter((CostSettings.__doc__ or "").splitlines())
    text = next((line.strip() for line in lines if line.strip().startswith(f"{name}:")), name)
    return text.partition(": ")[2].partition(";")[0].rstrip(".") or name


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="cost", description=__doc__.splitlines()[0] if __doc__ else None)
    add_arguments(parser)
    main(parser.parse_args())
