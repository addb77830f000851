"""The command line: one word per job, each loaded only when it is called.

A command is a module with `add_arguments(parser)` and `main(arguments)`,
or, where another library's parser reads its words, with `main(words)`. Its line here is all that listing the commands
needs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

__all__ = ["COMMANDS", "Command", "main"]


@dataclass(frozen=True)
class Command:
    """One subcommand.

    Attributes:
        module: Where its `add_arguments` and `main` are.
        summary: What it does, in one line.
        reads_words: Its `main` takes the words of the command line, reads them itself and returns the exit status.
    """

    module: str
    summary: str
    reads_words: bool = False


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
    "llm": Command(
        "curriculum_bandits.adapters.trl.command",
        "post-train a language model with TRL on what a curriculum chooses, from one YAML file",
        reads_words=True,
    ),
    "report": Command(
        "curriculum_bandits.report.command",
        "make a page about a run: draws, learning and cost",
    ),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: Arguments without the program's name; those of the process by default.

    Returns:
        Exit status: 0, 130 after an interrupt, 1 where an optional dependency is missing, or what the command says.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in COMMANDS and COMMANDS[words[0]].reads_words:
        return _run(words[0], lambda: importlib.import_module(COMMANDS[words[0]].module).main(words[1:]))
    parser = argparse.ArgumentParser(
        prog="curriculum-bandits",
        description="What should a learner train on next? Curricula as non-stationary bandits.",
        epilog="Each command has its own --help.",
    )
    parser.add_argument("--version", action="version", version=version("curriculum-bandits"))
    commands = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.summary, description=command.summary)
        if words[:1] == [name]:
            module = importlib.import_module(command.module)
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.main)
    arguments = parser.parse_args(words)
    return _run(arguments.command, lambda: arguments.run(arguments))


def _run(command: str, action: Callable[[], int | None]) -> int:
    try:
        return action() or 0
    except KeyboardInterrupt:
        print("\ninterrupted; the same command resumes from the last checkpoint", file=sys.stderr)
        return 130
    except ModuleNotFoundError as error:
        print(f"curriculum-bandits {command}: {error}", file=sys.stderr)
        return 1
