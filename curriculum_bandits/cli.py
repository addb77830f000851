"""The command line: one word per job, each loaded only when it is called.

This is the one module that knows everything. A command is a module with `add_arguments(parser)` and `main(arguments)`;
its line here is all that listing the commands needs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version

__all__ = ["COMMANDS", "Command", "main"]


@dataclass(frozen=True)
class Command:
    """One subcommand.

    Attributes:
        module: Where its `add_arguments` and `main` are.
        summary: What it does, in one line.
    """

    module: str
    summary: str


#: Every subcommand by name.
COMMANDS = {
    "demo": Command(
        "curriculum_bandits.benchmarks.llm.demo",
        "train a tiny model with GRPO under uniform, OSMD and the neural curator, and compare",
    ),
    "regret": Command(
        "curriculum_bandits.benchmarks.regret.command",
        "play policies on non-stationary bandits with known means, and measure their regret",
    ),
    "compare": Command(
        "curriculum_bandits.benchmarks.curricula.command",
        "compare curricula on simulated students by measuring what each learns per rollout",
    ),
    "gym": Command(
        "curriculum_bandits.benchmarks.gym.command",
        "train an agent on graded tasks of a gymnasium environment under curricula of your choice",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        Exit status: 0, 130 after an interrupt, 1 where an optional dependency is missing.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="curriculum-bandits",
        description="What should a learner train on next? Curricula as non-stationary bandits.",
        epilog="Each command has its own --help.",
    )
    parser.add_argument("--version", action="version", version=version("curriculum-bandits"))
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, command in COMMANDS.items():
        chosen = bool(words) and words[0] == name
        subparser = commands.add_parser(name, help=command.summary, description=command.summary)
        if chosen:
            module = importlib.import_module(command.module)
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.main)
    arguments = parser.parse_args(words)
    try:
        arguments.run(arguments)
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from the last checkpoint", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        print(f"curriculum-bandits {arguments.command}: {error}", file=sys.stderr)
        return 1
    return 0
