"""Benchmarks anyone can rerun: command, settings and committed results side by side."""

__all__: list[str] = []
