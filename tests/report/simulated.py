"""Records that look like those of real runs: a simulated student, taught by a curriculum.

Written line by line in the format that the report reads, and not through the writer, so that the two check each other.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from curriculum_bandits import ProblemBank, methods
from curriculum_bandits.environments import SkillStudent, Training, graded_problems


def plain(values: Any) -> list[float | None]:
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in np.asarray(values, dtype=float)]


def simulate(
    folder: Path, *, method: str = "osmd", families: int = 2, levels: int = 4, steps: int = 300, batch: int = 32
) -> Path:
    """Teach a student, and write down what happened."""
    problems = graded_problems(800, easiest=-2.0, hardest=8.0, families=families, levels=levels, held_out=400)
    student = SkillStudent(problems, Training(rate=4.0), seed=1)
    bank: ProblemBank = student.bank
    curriculum = getattr(methods, method)(bank, seed=0)
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "curriculum.jsonl"
    tokens = 0
    with open(path, "w", encoding="utf-8") as file:

        def write(**entry: Any) -> None:
            file.write(json.dumps(entry, separators=(",", ":")) + "\n")

        names = list(bank.group_names)
        write(kind="run", version=1, method=curriculum.name, problems=len(bank), groups=names, generations=8)
        for step in range(1, steps + 1):
            begin = time.perf_counter()
            draw = curriculum.ask(batch)
            asked = time.perf_counter() - begin
            rollouts = student.learn(draw.items)
            feedback = curriculum.signal(rollouts)
            begin = time.perf_counter()
            curriculum.tell(draw, feedback)
            told = time.perf_counter() - begin
            rewards, long = rollouts.rewards, rollouts.lengths.sum(axis=1)
            tokens += int(long.sum()) + 20 * rewards.size
            shown = [0, int(np.argmax(feedback.values))]
            write(
                kind="draw",
                step=step,
                draw=step - 1,
                items=[bank.ids[i] for i in draw.items],
                group=[names[g] for g in bank.groups[draw.items]],
                difficulty=plain(bank.difficulty[draw.items]),
                probability=plain(draw.probability),
                inclusion=None if draw.inclusion is None else plain(draw.inclusion),
                reward=plain(rewards.mean(axis=1)),
                spread=(rewards.max(axis=1) > rewards.min(axis=1)).tolist(),
                utility=plain(feedback.values),
                trained=[True] * batch,
                entropy=curriculum.entropy(),
                completion_tokens=plain(long),
                examples=[
                    {
                        "id": bank.ids[draw.items[j]],
                        "prompt": f"{bank.prompts[draw.items[j]]}: what is {step} + {j}?",
                        "completion": f"Let me see. {step} and {j} make {step + j}.\nThe answer is {step + j}.",
                        "reward": float(rewards[j, 0]),
                    }
                    for j in shown
                ],
            )
            spent = 0.8 + 0.2 * rng.random() + 1e-5 * float(long.sum())
            rescore = 0.06 * spent * (0.8 + 0.4 * rng.random())
            seconds = {"step": spent + rescore, "ask": asked + 0.004, "rescore": rescore, "tell": told + 0.006}
            write(kind="step", step=step, tokens=tokens, seconds=seconds, metrics={"reward": float(rewards.mean())})
            if step == 1 or step % max(steps // 20, 1) == 0:
                measured = {name: float(value) for name, value in student.evaluate().items()}
                success = student.success(np.arange(len(bank)))
                measured |= {f"accuracy/{n}": float(success[bank.groups == g].mean()) for g, n in enumerate(names)}
                write(kind="evaluation", step=step, tokens=tokens, metrics=measured)
    return path


def write_large(path: Path, *, steps: int, batch: int, problems: int = 30_000, different: int = 50) -> Path:
    """A record of a long run; only so many different draws, each written again and again under other steps."""
    rng = np.random.default_rng(0)
    bodies = []
    for _ in range(different):
        items = rng.integers(0, problems, batch)
        entry = {
            "items": [f"problem-{i}" for i in items],
            "group": [f"level {i % 10}" for i in items],
            "difficulty": (items % 10).tolist(),
            "probability": rng.random(batch).tolist(),
            "inclusion": (0.01 + rng.random(batch)).tolist(),
            "reward": (rng.integers(0, 9, batch) / 8).tolist(),
            "spread": (rng.random(batch) < 0.5).tolist(),
            "utility": rng.normal(size=batch).tolist(),
            "trained": [True] * batch,
            "entropy": 9.0,
            "completion_tokens": rng.integers(100, 3000, batch).tolist(),
            "examples": [{"id": f"problem-{items[0]}", "prompt": "p" * 500, "completion": "c" * 500, "reward": 1.0}],
        }
        bodies.append(json.dumps(entry, separators=(",", ":"))[1:])
    groups = [f"level {i}" for i in range(10)]
    begin = {"kind": "run", "version": 1, "method": "x", "problems": problems, "groups": groups, "generations": 8}
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(begin) + "\n")
        for step in range(1, steps + 1):
            file.write(f'{{"kind":"draw","step":{step},"draw":{step - 1},{bodies[step % different]}\n')
            seconds = {"step": 5.0, "ask": 0.01, "rescore": 0.2, "tell": 0.01}
            cost = {"kind": "step", "step": step, "tokens": 1000 * step, "seconds": seconds, "metrics": {"reward": 0.5}}
            file.write(json.dumps(cost) + "\n")
            if step % max(steps // 1000, 1) == 0:
                metrics = {"accuracy": step / steps}
                file.write(json.dumps({"kind": "evaluation", "step": step, "tokens": 1000 * step, "metrics": metrics}))
                file.write("\n")
    return path


if __name__ == "__main__":
    print(
        simulate(
            Path(sys.argv[1]), **{k: int(v) if v.isdigit() else v for k, v in (a.split("=") for a in sys.argv[2:])}
        )
    )
