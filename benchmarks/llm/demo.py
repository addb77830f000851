"""``curriculum-bandits demo``: the same model, problems, budget and seed under uniform, OSMD and the neural curator.

The smallest real run there is: TRL's trainer, reasoning-gym's problems and verifiers, a model made on the spot. It
shows the whole way working in minutes on a CPU; it is no evidence that one curriculum beats another, and says so.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curriculum_bandits.extras import require_extra

from ..pictures import save_picture

if TYPE_CHECKING:
    from .demo_run import RunResult
    from .tiny_model import WarmUp

__all__ = ["METHODS", "DemoSettings", "add_arguments", "default_cache", "main", "run_demo"]

#: The methods compared, by their names in `curriculum_bandits.methods`.
METHODS = ("uniform", "osmd", "actor_curator")


@dataclass(frozen=True)
class DemoSettings:
    """What makes one demo; two demos with equal settings do the same work.

    Attributes:
        seed: Of the bank, the model, the warm-up, the trainer and the curriculum.
        steps: GRPO steps under each method.
        problems: Problems per step.
        generations: Rollouts per problem.
        learning_rate: Of GRPO, constant.
        evaluate_every: Steps between two evaluations on the held-out problems.
        samples: Answers per held-out problem and evaluation.
    """

    seed: int = 0
    steps: int = 200
    problems: int = 16
    generations: int = 8
    learning_rate: float = 1e-4
    evaluate_every: int = 20
    samples: int = 1

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        for name in ("steps", "problems", "evaluate_every", "samples"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.generations < 2:
            raise ValueError(f"generations is {self.generations}; GRPO compares at least 2 rollouts of a problem")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of the demo.

    Args:
        parser: The parser of the subcommand.
    """
    defaults = DemoSettings()
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    parser.add_argument("--output", type=Path, default=Path("runs/demo"), help="folder for results and checkpoints")
    parser.add_argument("--cache", type=Path, default=default_cache(), help="folder that keeps the warmed-up model")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="seed of everything")
    parser.add_argument("--steps", type=int, default=defaults.steps, help="GRPO steps under each method")
    parser.add_argument("--problems", type=int, default=defaults.problems, help="problems per step")
    parser.add_argument("--generations", type=int, default=defaults.generations, help="rollouts per problem")
    parser.add_argument("--learning-rate", type=float, default=defaults.learning_rate, help="of GRPO")
    parser.add_argument("--evaluate-every", type=int, default=defaults.evaluate_every, help="steps between evaluations")
    parser.add_argument("--samples", type=int, default=defaults.samples, help="answers per held-out problem")


def main(arguments: argparse.Namespace) -> None:
    """Run the demo as the command line asks.

    Args:
        arguments: Parsed options.
    """
    try:
        settings = DemoSettings(**{name: getattr(arguments, name) for name in asdict(DemoSettings())})
    except ValueError as error:
        raise SystemExit(f"curriculum-bandits demo: {error}") from None
    run_demo(settings, output=arguments.output, cache=arguments.cache)


def run_demo(
    settings: DemoSettings, *, output: Path, cache: Path, warm_up: WarmUp | None = None, progress: bool = True
) -> dict[str, RunResult]:
    """Train under each method, print the table, write the figure.

    An interrupted demo with the same settings and output goes on from its last checkpoint; a finished one runs anew.

    Args:
        settings: What to do.
        output: Gets ``table.txt``, ``results.json``, ``demo.png`` and a folder per method.
        cache: Keeps the warmed-up model between demos.
        warm_up: Model and supervised warm-up; None is the demo's own.
        progress: Show progress bars.

    Returns:
        What each method brought, by its name.
    """
    begin = time.perf_counter()
    _say("loading the libraries", progress)
    for module, extra in (("matplotlib", "plot"), ("trl", "llm"), ("reasoning_gym", "llm")):
        require_extra(module, extra)  # all of them now, not after minutes of training
    import torch

    from .demo_bank import demo_banks
    from .demo_report import demo_figure, demo_table
    from .demo_run import train
    from .quiet import quiet_transformers
    from .tiny_model import warmed_up_model

    quiet_transformers()
    # So small a model gains nothing from a second thread, and on a busy machine threads wait seconds for each other.
    torch.set_num_threads(1)
    output.mkdir(parents=True, exist_ok=True)
    _begin(output, settings)
    _say("making the problems", progress)
    bank, held_out = demo_banks(settings.seed)
    results: dict[str, RunResult] = {}
    for method in METHODS:
        # From the cache for each method: none starts from another's weights.
        model, tokenizer = warmed_up_model(cache, seed=settings.seed, settings=warm_up, progress=progress)
        folder = output / method
        results[method] = train(method, settings, model, tokenizer, bank, held_out, folder, progress=progress)
    table = demo_table(results, held_out, settings, seconds=time.perf_counter() - begin)
    (output / "table.txt").write_text(table + "\n", encoding="utf-8")
    document = {"settings": asdict(settings), "methods": {name: asdict(result) for name, result in results.items()}}
    (output / "results.json").write_text(json.dumps(document) + "\n", encoding="utf-8")
    save_picture(demo_figure(results, held_out, settings), output / "demo.png")
    (output / _UNFINISHED).unlink()
    print(table)
    print(f"figure: {output / 'demo.png'}   numbers: {output / 'results.json'}")
    return results


_UNFINISHED = "unfinished.json"


def _begin(output: Path, settings: DemoSettings) -> None:
    """Keep what an unfinished demo with these settings has done; clear what another left."""
    marker, wanted = output / _UNFINISHED, asdict(settings)
    if not (marker.exists() and json.loads(marker.read_text(encoding="utf-8")) == wanted):
        for method in METHODS:
            shutil.rmtree(output / method, ignore_errors=True)
    marker.write_text(json.dumps(wanted), encoding="utf-8")


def _say(text: str, progress: bool) -> None:
    if progress:
        print(f"{text} ...", file=sys.stderr, flush=True)


def default_cache() -> Path:
    """Where the warmed-up model is kept unless another folder is named."""
    base: Any = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "curriculum-bandits"
