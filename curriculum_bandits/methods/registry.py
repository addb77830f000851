"""Every method by name: declared once, by ``@method`` above its constructor.

Commands, recipes, benchmarks, the table of the documentation, the conformance tests, `repr` and saved states read that
declaration. A module in this folder is found by itself; one elsewhere is found once it is imported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ParamSpec

from curriculum_bandits import stages

__all__ = [
    "FILTERS",
    "Method",
    "NamedCurriculum",
    "declared",
    "find_method",
    "find_signal",
    "load",
    "method",
    "methods_table",
    "parse_curriculum",
    "signal_names",
]

P = ParamSpec("P")

#: Filters by the name that stands behind a plus sign.
FILTERS: Mapping[str, Callable[..., stages.Stage]] = {
    "dapo": stages.ZeroVarianceFilter,
    "speed": stages.Screening,
    "vcrl": stages.VarianceThreshold,
    "greso": stages.Greso,
    "lilo": stages.TopLearnability,
}

_DELAYED = "delayed"
# Where value objects are found, the costlier to import the later.
_VALUE_MODULES = ("bandits", "bandits.action_values", "neural.settings", "neural.losses", "neural.samplers")
