"""Records that look like those of real runs: a simulated student, taught by a curriculum."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from curriculum_bandits import methods, run
from curriculum_bandits.environments import SkillStudent, Training, graded_problems
from curriculum_bandits.tracking import RECORD_FILE


class Talker(SkillStudent):
    """A student whose answers can be read, and who is examined group by group."""

    def learn(self, items):
        rollouts = super().learn(items)
        texts = [[f"Let me see.\nThe answer is {item + k}." for k in range(8)] for item in items.tolist()]
        return replace(rollouts, completions=np.array(texts, dtype=object))

    def evaluate(self):
        success = self.success(np.arange(len(self.bank)))
        by_group = {f"accuracy/{n}": success[self.bank.groups == g].mean() for g, n in enumerate(self.bank.group_names)}
        return {**super().evaluate(), **by_group}


def simulate(folder: Path) -> Path:
    """Teach a student, and keep the record."""
    problems = graded_problems(800, easiest=-2.0, hardest=8.0, families=2, levels=4, held_out=400)
    student = Talker(problems, Training(rate=4.0), seed=1)
    curriculum = methods.osmd(student.bank, seed=0)
    run(curriculum, student, 60, 16, evaluate_every=3, directory=folder, checkpoint_every=0, progress=False)
    return folder / RECORD_FILE


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
            "completion_tokens": rng.integers(100, 3000, batch).tolist(),
            "examples": [{"id": f"problem-{items[0]}", "prompt": "p" * 500, "completion": "c" * 500, "reward": 1.0}],
        }
        bodies.append(json.dumps(entry, separators=(",", ":"))[1:])
    groups = [f"level {i}" for i in range(10)]
    begin = {"kind": "run", "version": 1, "method": "x", "problems": problems, "groups": groups, "n_rollouts": 8}
    with open(path, "w", encoding="utf-8") as file:
        file.write(json.dumps(begin) + "\n")
        for step in range(1, steps + 1):
            file.write(f'{{"kind":"draw","step":{step},"draw":{step - 1},{bodies[step % different]}\n')
            seconds = {"step": 5.0, "ask": 0.01, "rescore": 0.2, "tell": 0.01}
            now = {"step": step, "tokens": 1000 * step}
            cost = {"kind": "step", **now, "seconds": seconds, "metrics": {"effective_problems": 9.0}}
            file.write(json.dumps(cost) + "\n")
            if step % max(steps // 1000, 1) == 0:
                file.write(json.dumps({"kind": "evaluation", **now, "metrics": {"accuracy": step / steps}}) + "\n")
    return path
