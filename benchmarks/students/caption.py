"""What stands below a table or a figure: all that it takes to judge the numbers and to make them again.

Cores and platform stand for the machine; no names of hosts or folders.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from datetime import datetime, timezone
from importlib import metadata
from typing import Any

from .measuring import RESAMPLES

__all__ = ["caption", "machine", "note"]

_HOW_TO_READ = f"""\
Accuracy: mean success on held-out problems. Final: mean of the last three evaluations, interquartile mean over
seeds. Of best: final over that of the best method but the oracle. Target: mean over seeds of uniform's final.
Speed: uniform's rollouts to the target over the method's, on isotonic fits of the mean curves; a resample that does
not get there counts as 0 for the lower end, and as the most that its ratio can be for the upper. P(above uniform):
share of seeds, ties half; in summary.csv also over all pairs of seeds. Oracle's gain: (method - uniform) / (oracle -
uniform). Brackets: 95 % bootstrap over paired seeds, {RESAMPLES:,} resamples. Rollouts and tokens: all that were spent,
on rejected problems too; for gym tasks a token is a step of the environment. Informative: share of the problems
rolled out whose rewards differed. Effective problems: exponential of the entropy of the distribution, where there is
one. Drawn: different problems in all. Learn, ask+tell: wall-clock per step; seconds: of a run; medians over seeds."""


def caption(about: Mapping[str, Any]) -> str:
    """The caption of a table.

    Args:
        about: Facts of a comparison, as `command.run_compare` gathers them.

    Returns:
        Some lines of text.
    """
    revised = [f"{name} {revision}" for name, revision in about["revisions"].items() if revision != 1]
    return "\n".join(
        [
            f"Budget: {_budget(about)}. Seeds: {about['seeds']}, paired: bank, held-out",
            "problems and learner are the same for all methods. Methods that spend other numbers of rollouts in a step",
            "than uniform are read at uniform's, linear between evaluations; who ends before keeps its last accuracy.",
            *(f"Left out on {learner}: {method}, {why}" for learner, method, why in about["left_out"]),
            _HOW_TO_READ,
            f"The comparison itself took {100 * about['overhead_share']:.1f} % of the learners' time.",
            f"{about['cores']} cores, {about['platform']}; {about['date']}",
            "Revisions of learners and methods: " + ", ".join([*revised, "all others 1" if revised else "all 1"]),
            f"Command: {about['command']}",
        ]
    )


def note(about: Mapping[str, Any]) -> str:
    """The note below a figure.

    Args:
        about: Facts of a comparison.

    Returns:
        Two lines.
    """
    made = f"{about['cores']} cores, {about['platform']}; {about['date']}"
    return f"seeds {about['seeds']}; {_budget(about)}; {made}\n{about['command']}"


def machine() -> dict[str, Any]:
    """Versions, platform, cores and date."""
    names = ("curriculum-bandits", "numpy", "scipy", "joblib", "matplotlib")
    return {
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in names}},
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "date": datetime.now(timezone.utc).date().isoformat(),
    }


def _budget(about: Mapping[str, Any]) -> str:
    settings = about["settings"]
    steps, rollouts, batch = settings["steps"], settings["rollouts"], settings["batch"]
    if rollouts is None:
        return f"{steps:,} steps of {batch} problems, {about['rollouts']:,} rollouts of uniform"
    if steps is None:
        return f"{rollouts:,} rollouts, in steps of {batch} problems"
    return f"{rollouts:,} rollouts, in at most {steps:,} steps of {batch} problems"
