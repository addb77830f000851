"""Mixtures of problems by name, from easy to very hard.

The paper trains on Countdown, Zebra and ARC-1D with 30,000 problems each, over several levels of difficulty, which it
does not give; the levels here are ours, chosen so that a model of a few billion parameters finds some of them solved
and some hopeless.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["MIXTURES"]

#: Levels by family, by name of the mixture; settings are those of the reasoning-gym generators.
MIXTURES: dict[str, Mapping[str, Mapping[str, Mapping[str, Any]]]] = {
    "countdown": {
        "countdown": {
            "easy": {"min_numbers": 3, "max_numbers": 3, "max_value": 20, "min_target": 10, "max_target": 99},
            "medium": {"min_numbers": 4, "max_numbers": 4, "max_value": 50, "min_target": 10, "max_target": 499},
            "hard": {"min_numbers": 5, "max_numbers": 5},
            "very_hard": {"min_numbers": 6, "max_numbers": 7},
        }
    },
    "zebra": {
        "zebra_puzzles": {
            "easy": {"num_people": 2, "num_characteristics": 3},
            "medium": {"num_people": 3, "num_characteristics": 4},
            "hard": {"num_people": 4, "num_characteristics": 4},
            "very_hard": {"num_people": 5, "num_characteristics": 5},
        }
    },
    "arc_1d": {
        "arc_1d": {
            "easy": {"min_size": 8, "max_size": 12},
            "medium": {"min_size": 13, "max_size": 20},
            "hard": {"min_size": 21, "max_size": 32},
            "very_hard": {"min_size": 33, "max_size": 50},
        }
    },
    "arithmetic": {
        "chain_sum": {
            "easy": {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 2},
            "medium": {"min_terms": 3, "max_terms": 4, "min_digits": 2, "max_digits": 3},
            "hard": {"min_terms": 4, "max_terms": 6, "min_digits": 3, "max_digits": 4},
            "very_hard": {"min_terms": 6, "max_terms": 8, "min_digits": 5, "max_digits": 6},
        },
        "products": {
            "easy": {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1},
            "medium": {"min_terms": 2, "max_terms": 2, "min_digits": 2, "max_digits": 2},
            "hard": {"min_terms": 2, "max_terms": 2, "min_digits": 3, "max_digits": 3},
            "very_hard": {"min_terms": 2, "max_terms": 2, "min_digits": 4, "max_digits": 5},
        },
    },
}
