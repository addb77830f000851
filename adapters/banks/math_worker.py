"""The process in which math answers are compared; it may be killed at any moment.

It reads one JSON line per question, ``[reference, answer]``, and writes ``1`` or ``0``. Only LaTeX is read, by a
grammar: the library's other reader, for plain formulas, evaluates what it reads.
"""

from __future__ import annotations

import json
import logging
import sys

from curriculum_bandits.extras import require_extra

__all__ = ["main"]

_MEMORY = 2 << 30  # bytes; a power tower would take all there is


def main() -> None:
    """Answer until the input ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints is no answer
    logging.disable(logging.CRITICAL)
    math_verify = require_extra("math_verify", "llm")
    config = [math_verify.LatexExtractionConfig()]

    def same(reference: str, answer: str) -> bool:
        try:
            # The process that asks keeps the time: the library's own limit works in a main thread only.
            both = [math_verify.parse(f"\\boxed{{{t}}}", config, parsing_timeout=None) for t in (reference, answer)]
            return all(both) and bool(math_verify.verify(*both, timeout_seconds=None))
        except Exception:
            return False

    _limit_memory()
    # A limit that is too low, or a version that reads otherwise, would make every answer wrong in silence.
    works = same("\\frac{1}{2}", "0.5") and not same("1", "2")
    print("ready" if works else "broken", file=answers, flush=True)
    for line in sys.stdin:
        print(int(same(*json.loads(line))), file=answers, flush=True)


def _limit_memory() -> None:
    """Allow what is in use now and `_MEMORY` more, where the system can say and do so."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as numbers:
            used = int(numbers.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY, used + _MEMORY))
    except (ImportError, OSError, ValueError):
        return  # the limit of time remains


if __name__ == "__main__":
    main()
