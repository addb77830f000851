"""Bandits of the curriculum literature: action values of groups, pass rates of problems, schedules, replay."""

__all__: list[str] = []
