"""Policies on non-stationary bandits with known means: regret, its growth with the horizon, and theorems beside it.

Millions of rounds are split into tasks that run anywhere and are stored one by one, so a benchmark can be interrupted,
continued, widened, and spread over machines, always with the same numbers.
"""

from __future__ import annotations

__all__: list[str] = []
