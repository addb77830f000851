"""What one ask and tell of the neural curator cost as the bank grows: milliseconds, and bytes per problem.

All banks are played in turn in one process for the time, and each in a process of its own for the memory.
"""

from __future__ import annotations

__all__: list[str] = []
