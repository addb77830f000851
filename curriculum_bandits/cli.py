"""The command line: one word per job, each loaded only when it is called.

A command is a module whose ``main(words)`` reads its own words and returns the exit status. Its line here is all that
listing the commands needs, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NamedTuple

from curriculum_bandits.exit_status import ended

__all__ = ["COMMANDS", "Command", "main"]


class Command(NamedTuple):
    """One subcommand.

    Attributes:
        module: Where its `main` is.
        summary: What it does, in one line.
    """

    module: str
    summary: str


#: Every subcommand by name.
COMMANDS = {
    "demo": Command(
        "curriculum_bandits.benchmarks.llm.demo",
        "train a tiny model with GRPO under uniform, SEC and the neural curator, and compare",
    ),
    "regret": Command(
        "curriculum_bandits.benchmarks.regret.command",
        "play policies on non-stationary bandits with known means, and measure their regret",
    ),
    "compare": Command(
        "curriculum_bandits.benchmarks.students.command",
        "compare curricula on simulated students and small agents, by what each learns per rollout",
    ),
    "llm": Command(
        "curriculum_bandits.adapters.trl.command",
        "post-train a language model with TRL on what a curriculum chooses, from one YAML file",
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
        Exit status, as `exit_status.ended` has it.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in COMMANDS:
        name = f"curriculum-bandits {words[0]}"
        return ended(name, lambda: importlib.import_module(COMMANDS[words[0]].module).main(words[1:]))
    return ended("curriculum-bandits", lambda: _parse(words))


def _parse(words: Sequence[str]) -> None:
    """Answer ``--help`` and ``--version``, and refuse words that name no command."""
    parser = argparse.ArgumentParser(
        prog="curriculum-bandits",
        description="What should a learner train on next? Curricula as non-stationary bandits.",
        epilog="Each command has its own --help.",
    )
    parser.add_argument("--version", action="version", version=version("curriculum-bandits"))
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.summary)
    parser.parse_args(words)
