"""How long each method takes to ask and to tell: N = 100,000 problems, batches of 256, all methods in one run.

    python -m curriculum_bandits.benchmarks.curricula.speed --output benchmarks/curricula/results/speed

Rounds of the methods are interleaved, so that what else the machine does falls on all of them. The utilities that are
told are those a student's rollouts give, so that every method does its ordinary work.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from curriculum_bandits import Curriculum

from ..provenance import cpu_model
from .caption import machine
from .entries import BASELINE, find_entry, groups
from .learners import BankLearner, find_learner
from .setting import Setting

__all__ = ["METHODS", "main", "measure", "table"]

#: What is timed: everything but the oracle, which reads the student.
METHODS = (BASELINE, "osmd", "osmd(arms=problems)", "actor_curator", *groups()["rivals"])

_LEARNER = "half-hopeless-skill"
_WARM_UP = 20


def measure(
    methods: Sequence[str], *, problems: int, batch: int, rounds: int, progress: bool = True
) -> dict[str, dict[str, np.ndarray]]:
    """Time asking and telling.

    Args:
        methods: Names of entries.
        problems: Size of the bank N.
        batch: Problems per step m.
        rounds: Timed steps of each method, after some that are not timed.
        progress: Show a progress bar.

    Returns:
        Seconds of each round, shape (rounds,), as ``ask`` and ``tell`` of each method.
    """
    student = find_learner(_LEARNER).make(problems, 0)
    total = _WARM_UP + rounds
    curricula: dict[str, Curriculum] = {}
    for name in methods:
        made = find_entry(name).make(Setting(student, total, None, batch, 0))
        curricula[name] = made[0] if isinstance(made, tuple) else made
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
    for number in tqdm(range(total), disable=not progress, unit="round"):
        for name, curriculum in curricula.items():
            spent = _step(curriculum, student, batch)
            if number >= _WARM_UP:
                seconds[name].append(spent)
    return {name: dict(zip(("ask", "tell"), np.array(values).T, strict=True)) for name, values in seconds.items()}


def _step(curriculum: Curriculum, learner: BankLearner, batch: int) -> tuple[float, float]:
    begin = time.perf_counter()
    draw = curriculum.ask(batch)
    asked = time.perf_counter()
    feedback = curriculum.signal(learner.learn(draw.items))
    learned = time.perf_counter()
    curriculum.tell(draw, feedback)
    return asked - begin, time.perf_counter() - learned


def table(seconds: dict[str, dict[str, np.ndarray]]) -> list[dict[str, str]]:
    """Milliseconds by method.

    Args:
        seconds: What `measure` returned.

    Returns:
        A row per method: medians of asking and of telling, and median, 90th percentile of both together.
    """
    rows = []
    for name, parts in seconds.items():
        both = 1e3 * (parts["ask"] + parts["tell"])
        numbers = {
            "ask_ms": 1e3 * np.median(parts["ask"]),
            "tell_ms": 1e3 * np.median(parts["tell"]),
            "both_ms": np.median(both),
            "both_p90_ms": np.percentile(both, 90),
        }
        rows.append({"method": name, **{key: f"{value:.2f}" for key, value in numbers.items()}})
    return rows


def main(argv: Sequence[str] | None = None) -> None:
    """Measure as the command line asks, print the table and write it.

    Args:
        argv: Arguments; those of the process by default.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("runs/speed"), help="folder (default: runs/speed)")
    parser.add_argument("--problems", type=int, default=100_000, metavar="N", help="size of the bank (default: 100000)")
    parser.add_argument("--batch", type=int, default=256, metavar="N", help="problems per step (default: 256)")
    parser.add_argument("--rounds", type=int, default=200, metavar="N", help="timed steps of each (default: 200)")
    arguments = parser.parse_args(argv)
    rows = table(measure(METHODS, problems=arguments.problems, batch=arguments.batch, rounds=arguments.rounds))
    about = machine()
    width = max(len(row["method"]) for row in rows)
    lines = [f"{'method':<{width}}  {'ask':>7} {'tell':>7} {'both':>7} {'p90':>7}   milliseconds"]
    lines += [
        f"{row['method']:<{width}}  {row['ask_ms']:>7} {row['tell_ms']:>7} {row['both_ms']:>7} {row['both_p90_ms']:>7}"
        for row in rows
    ]
    lines += [
        "",
        f"N = {arguments.problems:,}, 60 groups, m = {arguments.batch}, {arguments.rounds} rounds after {_WARM_UP}, "
        "methods interleaved; medians, and the 90th percentile of asking and telling together.",
        f"{about['cores']} cores, {cpu_model()}, one thread; {about['date']}",
    ]
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "table.txt").write_text("\n".join([*lines, ""]), encoding="utf-8")
    with open(arguments.output / "table.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print("\n".join(lines))


if __name__ == "__main__":
    main()
