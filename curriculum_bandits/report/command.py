"""``curriculum-bandits report RUN``: one page about a run, also while it goes on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from curriculum_bandits.report._page import write_report

__all__ = ["main"]


def main(words: Sequence[str]) -> int:
    """Write the page that the command line asks for.

    Args:
        words: The options.

    Returns:
        The exit status.

    Raises:
        ValueError: If there is no record of a run, or none that can be read.
        OSError: If the page cannot be written.
    """
    parser = argparse.ArgumentParser(prog="curriculum-bandits report", description=__doc__)
    parser.add_argument("record", type=Path, metavar="RUN", help="output folder of the run, or its curriculum.jsonl")
    parser.add_argument("--output", type=Path, metavar="FILE.html", help="the page (default: report.html in the run)")
    arguments = parser.parse_args(words)
    path = write_report(arguments.record, arguments.output)
    print(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")
    return 0
