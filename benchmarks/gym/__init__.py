"""Curricula on the tasks of real environments: the learners by name, and ``curriculum-bandits gym``."""

__all__: list[str] = []
