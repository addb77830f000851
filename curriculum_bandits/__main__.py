"""``python -m curriculum_bandits`` is the command line."""

from curriculum_bandits.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    raise SystemExit(main())
