"""Time and memory of one ask and tell of the neural curator, for banks of ten thousand to ten million problems.

Run as ``python -m curriculum_bandits.benchmarks.scale.command --output DIR``. The features of ten million problems with
64 columns take 1.3 GB on disk while it runs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from curriculum_bandits.extras import require_extra

from ..pictures import save_picture
from ..provenance import cpu_model, shown_command
from .memory import bytes_per_problem, measure_memory
from .problems import ScaleSettings, feature_file, make_features
from .report import scale_figure, scale_table
from .timing import growth, measure_times, summary

__all__ = ["add_arguments", "main", "run_scale"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options.

    Args:
        parser: The parser of the command.
    """
    defaults = ScaleSettings()
    parser.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    parser.add_argument("--output", type=Path, default=Path("runs/scale"), help="folder for results, table and figure")
    parser.add_argument("--folder", type=Path, help="folder for the files of features; by default a temporary one")
    parser.add_argument("--keep", action="store_true", help="leave the files of features in --folder, for another run")
    parser.add_argument("--problems", type=int, nargs="+", default=list(defaults.problems), help="sizes of the banks")
    parser.add_argument("--candidates", type=int, default=defaults.candidates, help="candidates per draw")
    parser.add_argument("--batch", type=int, default=defaults.batch, help="problems per draw")
    parser.add_argument("--columns", type=int, default=defaults.columns, help="features per problem")
    text = "width of each hidden layer of the scorer; none makes it linear"
    parser.add_argument("--hidden", type=int, nargs="*", default=list(defaults.hidden), help=text)
    parser.add_argument("--rounds", type=int, default=defaults.rounds, help="rounds measured for each bank")
    parser.add_argument(
        "--block", type=int, default=defaults.block, help="rounds of a bank before the next has its turn"
    )
    parser.add_argument("--threads", type=int, default=defaults.threads, help="threads of torch")
    parser.add_argument("--seed", type=int, default=defaults.seed, help="seed of features, utilities and curricula")


def main(arguments: argparse.Namespace) -> None:
    """Measure as the command line asks.

    Args:
        arguments: Parsed options.
    """
    values: dict[str, Any] = {name: getattr(arguments, name) for name in asdict(ScaleSettings())}
    values |= {name: tuple(values[name]) for name in ("problems", "hidden")}
    try:
        settings = ScaleSettings(**values)
        if arguments.keep and arguments.folder is None:
            raise ValueError("--keep is given without --folder; say where the files of features shall stay")
    except ValueError as error:
        raise SystemExit(f"scale: {error}") from None
    run_scale(settings, output=arguments.output, folder=arguments.folder, keep=arguments.keep)


def run_scale(
    settings: ScaleSettings,
    *,
    output: Path,
    folder: Path | None = None,
    keep: bool = False,
    command: Sequence[str] | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """Measure everything, write the files, print the table.

    Args:
        settings: What to measure.
        output: Gets ``results.json``, ``table.txt`` and ``scale.png``.
        folder: Where the features are written; None makes a temporary folder.
        keep: Leave them there.
        command: Options for the caption; those of the process by default.
        progress: Say what is being done.

    Returns:
        What ``results.json`` holds.
    """
    require_extra("matplotlib", "plot")  # now, not after minutes of measuring
    with _folder(folder) as place:
        try:
            for n in settings.problems:
                _say(f"features of {n:,} problems", progress)
                make_features(place, n, settings, progress=progress)
            _say("times", progress)
            measured = measure_times(place, settings, progress=progress)
            memory = []
            for n in settings.problems:
                _say(f"memory with {n:,} problems", progress)
                memory.append(measure_memory(feature_file(place, n), settings))
        finally:
            if not keep:
                _remove(place, settings)
    document = {
        "date": date.today().isoformat(),
        "command": shown_command(
            "curriculum_bandits.benchmarks.scale.command",
            sys.argv[1:] if command is None else command,
            hidden=("--output", "--folder"),
            hidden_flags=("--keep",),
        ),
        "settings": json.loads(json.dumps(asdict(settings))),
        "machine": {
            "cpu": cpu_model(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("curriculum-bandits", "numpy", "torch")},
        },
        "times": [
            {
                "problems": n,
                **summary(measured["seconds"][n]),
                "first": summary(measured["first"][n]),
                "milliseconds": {
                    part: (1000 * measured["seconds"][n][..., column]).round(4).tolist()
                    for column, part in enumerate(("ask", "tell"))
                },
            }
            for n in settings.problems
        ],
        "growth": growth(measured["seconds"], seed=settings.seed),
        "memory": memory,
        "bytes_per_problem": bytes_per_problem(memory),
    }
    output.mkdir(parents=True, exist_ok=True)
    table = scale_table(document)
    (output / "results.json").write_text(json.dumps(document) + "\n", encoding="utf-8")
    (output / "table.txt").write_text(table + "\n", encoding="utf-8")
    save_picture(scale_figure(document), output / "scale.png")
    print(table)
    return document


@contextlib.contextmanager
def _folder(folder: Path | None) -> Iterator[Path]:
    """The folder that was named, or a temporary one."""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    made = Path(tempfile.mkdtemp(prefix="scale-"))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _remove(folder: Path, settings: ScaleSettings) -> None:
    """Delete what was written, finished or not, and nothing else."""
    for n in settings.problems:
        for path in folder.glob(f"{feature_file(folder, n).name}*"):
            path.unlink()


def _say(text: str, progress: bool) -> None:
    if progress:
        print(f"{text} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="scale", description=__doc__.splitlines()[0] if __doc__ else None)
    add_arguments(parser)
    main(parser.parse_args())
