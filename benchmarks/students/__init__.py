"""Curricula on simulated students: how fast and how far each method takes the same students with the same rollouts.

Runs are stored one by one, so a comparison can be interrupted, continued and widened, always with the same numbers.
"""

from __future__ import annotations

__all__: list[str] = []
