"""Bandits for stochastic gains: arm statistics with some way to forget, rules that read them, the published pairs."""

__all__: list[str] = []
