"""Curricula under TRL's GRPO on tiny decoders: `headline` compares them, `demo` is its smallest preset.

A run is a function of bank, method, seed and setting (`play`); `warm_up` makes the model it starts from, `banks` the
problems, `report` reads off the tables.
"""

from curriculum_bandits.extras import require_extras

__all__: list[str] = []

_NEEDS = {"trl": "llm", "reasoning_gym": "llm", "platformdirs": "llm"}
require_extras(_NEEDS | dict.fromkeys(("joblib", "matplotlib", "tabulate", "tyro"), "benchmarks"))
