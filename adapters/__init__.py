"""Thin adapters from trainers people already use to the curriculum; they import the core, never the other way."""

__all__: list[str] = []
