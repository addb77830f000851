"""Bandits that importance-weight what they observe: mirror descent, FTRL, exponential weights."""

__all__: list[str] = []
