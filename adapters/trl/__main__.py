"""``accelerate launch -m curriculum_bandits.adapters.trl --config RECIPE``: the command on many processes."""

from __future__ import annotations

import sys

from .command import main

__all__: list[str] = []

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
