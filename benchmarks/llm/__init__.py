"""Benchmarks with a real GRPO trainer; the smallest is the demo."""

__all__: list[str] = []
