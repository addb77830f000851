"""Under what circumstances a number was made: the processor and the command, without what is nobody else's.

Committed results say how to make them again; folders and hosts of the machine they were made on do not belong there.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import platform
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

__all__ = ["cpu_model", "shown_command", "source_digest"]


def cpu_model() -> str:
    """Name of the processor, as far as the system tells it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def shown_command(module: str, words: Sequence[str], *, hidden: Sequence[str], hidden_flags: Sequence[str] = ()) -> str:
    """A command line that others can give.

    Args:
        module: What is run.
        words: Its options.
        hidden: Options whose value names a folder.
        hidden_flags: Options without a value that go with them.

    Returns:
        The command without those.

    >>> shown_command("a.b", ["--output", "x", "--n", "3", "--cache=y"], hidden=["--output", "--cache"])
    'python -m a.b --n 3'
    """
    shown: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in hidden:
            skip = True
        elif word.partition("=")[0] not in hidden and word not in hidden_flags:
            shown.append(word)
    return shlex.join(["python", "-m", module, *shown])


def source_digest(function: Callable[..., Any]) -> str:
    """A digest of the file that a function is written in, so that results of changed code are not taken for its own.

    Args:
        function: Any function.

    Returns:
        Hexadecimal digest; empty where there is no such file.
    """
    try:
        return hashlib.sha256(Path(inspect.getfile(function)).read_bytes()).hexdigest()
    except (TypeError, OSError):
        return ""
