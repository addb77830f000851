"""``curriculum-bandits report RUN``: one page about a run, also while it goes on."""

from __future__ import annotations

import argparse
from pathlib import Path

from curriculum_bandits.report._page import write_report

__all__ = ["add_arguments", "main"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options on the parser of the subcommand."""
    parser.add_argument("record", type=Path, metavar="RUN", help="output folder of the run, or its curriculum.jsonl")
    parser.add_argument("--output", type=Path, metavar="FILE.html", help="the page (default: report.html in the run)")


def main(arguments: argparse.Namespace) -> None:
    """Write the page that the command line asks for; SystemExit with one line if it cannot be written."""
    try:
        path = write_report(arguments.record, arguments.output)
    except (ValueError, OSError) as error:
        raise SystemExit(f"curriculum-bandits report: {' '.join(str(error).split())}") from None
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
