"""Memory that the curator keeps for a bank, measured in a process of its own for each size.

The resident memory of a process is told apart by the system into pages of files, which the mapped features are, and
all other pages, which are what counts here. Run by `measure_memory` as
``python -m curriculum_bandits.benchmarks.scale.memory``; it prints one line of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

__all__ = ["bytes_per_problem", "main", "measure_memory", "resident_bytes"]

_STATUS = Path("/proc/self/status")
_KEYS = ("RssAnon", "RssFile")


def resident_bytes() -> dict[str, int] | None:
    """Resident memory of this process: not backed by files, and backed by files.

    Returns:
        Bytes as ``RssAnon`` and ``RssFile``; None where the system does not tell them apart.
    """
    if not _STATUS.exists():
        return None
    found: dict[str, int] = {}
    for line in _STATUS.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name in _KEYS:
            found[name] = 1024 * int(value.split()[0])  # "kB", which are KiB
    return found if len(found) == len(_KEYS) else None


def measure_memory(features: Path, settings: Any) -> dict[str, Any]:
    """Build a curriculum and play it in a fresh process.

    Args:
        features: File of the features of the bank.
        settings: A `problems.ScaleSettings`.

    Returns:
        ``problems`` N, and resident bytes ``before`` the curriculum was built, when it was ``built``, and when it was
        ``played``; each None where the system does not tell.

    Raises:
        RuntimeError: If the process fails; the message is the last line it wrote.
    """
    module = "curriculum_bandits.benchmarks.scale.memory"
    command = [sys.executable, "-m", module, str(features), json.dumps(asdict(settings))]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines() or ["no output"]
    if done.returncode:
        raise RuntimeError(f"measuring the memory of {features.name} failed with status {done.returncode}: {lines[-1]}")
    answer: dict[str, Any] = json.loads(lines[-1])
    return answer


def bytes_per_problem(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """What another problem costs: difference of the memory of the largest and the smallest bank, over that of N.

    Args:
        rows: As `measure_memory` returned them, ascending in N.

    Returns:
        Bytes not backed by files, after the rounds; None with one size, or where the system does not tell.
    """
    small, large = rows[0], rows[-1]
    if len(rows) < 2 or small["played"] is None or large["played"] is None:
        return None
    more = (large["played"]["RssAnon"] - large["before"]["RssAnon"]) - (
        small["played"]["RssAnon"] - small["before"]["RssAnon"]
    )
    return float(more / (large["problems"] - small["problems"]))


def main(arguments: list[str]) -> None:
    """Measure one bank and print the line.

    Args:
        arguments: The file of the features, and the settings as JSON.
    """
    import torch

    from curriculum_bandits.neural.features import FeatureTable

    from .problems import ScaleSettings, bank_curriculum, utilities_of

    values = json.loads(arguments[1])
    settings = ScaleSettings(**{**values, "problems": tuple(values["problems"]), "hidden": tuple(values["hidden"])})
    torch.set_num_threads(settings.threads)
    table = FeatureTable.open(arguments[0])
    utilities = utilities_of(table, settings.seed)
    before = resident_bytes()
    curriculum = bank_curriculum(table, settings)
    built = resident_bytes()
    for _ in range(settings.rounds):
        draw = curriculum.ask(settings.batch)
        curriculum.tell(draw, utilities(draw.items))
    played = resident_bytes()
    print(json.dumps({"problems": len(table), "before": before, "built": built, "played": played}))


if __name__ == "__main__":
    main(sys.argv[1:])
