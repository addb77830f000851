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

_MEMORY = 4 << 30  # bytes; what a power tower would take


def main() -> None:
    """Answer until the input ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints is no answer
    logging.disable(logging.CRITICAL)
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    except (ImportError, OSError, ValueError):
        pass  # not on this system: the time limit remains
    math_verify = require_extra("math_verify", "llm")
    config = [math_verify.LatexExtractionConfig()]
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        reference, answer = (_read(math_verify, text, config) for text in json.loads(line))
        try:
            # The process that asks keeps the time: the library's own limit works in a main thread only.
            same = bool(reference and answer) and math_verify.verify(reference, answer, timeout_seconds=None)
        except Exception:
            same = False
        print(int(bool(same)), file=answers, flush=True)


def _read(math_verify: object, text: str, config: list[object]) -> list[object]:
    try:
        found = math_verify.parse(f"\\boxed{{{text}}}", config, parsing_timeout=None)  # type: ignore[attr-defined]
    except Exception:
        return []
    return list(found)


if __name__ == "__main__":
    main()
