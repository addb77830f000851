"""Curators that generalise: a network scores problems, and what it learns of one it knows of all like it.

This is the room of torch. Everything here keeps the contract of the tabular bandits.
"""

__all__: list[str] = []
