"""The headline benchmark: is the same accuracy reached with fewer tokens, on banks that have a frontier."""

__all__: list[str] = []
