"""How every command ends: one line for what is wrong, and the exit status that shells and schedulers go by."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

__all__ = ["ended"]


def ended(command: str, action: Callable[[], int | None]) -> int:
    """Run a command to its end.

    Args:
        command: Its name.
        action: What it does; returns the exit status, None for 0.

    Returns:
        Exit status: that of the action; 2 for wrong use (a `ValueError`); 1 where something fails on the way (a
        `RuntimeError` or `OSError`) or an optional dependency is missing; 130 after an interrupt; 141 where the reader
        of the output has gone, as in ``| head``.
    """
    try:
        try:
            return action() or 0
        finally:  # also after a parser's help, which ends by SystemExit
            sys.stdout.flush()
    except KeyboardInterrupt:
        print(f"\n{command}: interrupted; the same command goes on where it was", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more is written when Python ends
        return 141
    except (ValueError, ModuleNotFoundError, RuntimeError, OSError) as error:
        print(f"{command}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2 if isinstance(error, ValueError) else 1
