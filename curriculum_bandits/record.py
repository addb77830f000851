"""What happened in a run, a JSON object per line: what was drawn, what it brought, what it cost, what was measured.

A run is written down as it goes, so that one still going, or one that was killed, can be looked at; resumed from a
checkpoint, the record goes back to that step. ``curriculum-bandits report`` makes a page of it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.draw import Draw, Feedback
from curriculum_bandits.rollouts import Rollouts

__all__ = ["RECORD_FILE", "Example", "Record"]

#: Name of the record in the folder of a run.
RECORD_FILE = "curriculum.jsonl"

Example = tuple[int, str, float | None]
"""A position in a draw, a completion of its problem, and the reward of that, None where it is missing."""

_VERSION = 1
_LONGEST_TEXT = 500


class Record:
    """The record of one run, in a file that only grows between checkpoints.

    Args:
        path: The file; its folder is made when the first line is written.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def begin(self, method: str, bank: ProblemBank, generations: int) -> None:
        """Start anew, dropping what an earlier run left in the file.

        Args:
            method: Name of the curriculum.
            bank: What it draws from.
            generations: Rollouts per problem.
        """
        line = {
            "kind": "run",
            "version": _VERSION,
            "method": method,
            "problems": len(bank),
            "groups": bank.group_names or None,
            "generations": generations,
        }
        self._replace([_line(line)])

    def resume(self, step: int) -> None:
        """Forget what came after a checkpoint, and whatever a kill left half written.

        Args:
            step: The step of the checkpoint; lines of later steps are cut.
        """
        if self.path.exists():
            self._replace(self._until(step))

    def draw(
        self,
        step: int,
        bank: ProblemBank,
        draw: Draw,
        rollouts: Rollouts,
        feedback: Feedback,
        *,
        entropy: float = math.nan,
        examples: Sequence[Example] = (),
    ) -> None:
        """Write down a draw and what it brought.

        Args:
            step: Updates done when it was answered.
            bank: What it was drawn from.
            draw: The draw, of m problems.
            rollouts: Its rollouts, m problems with n each.
            feedback: What the curriculum was told.
            entropy: Of the curriculum's distribution over problems, in nats.
            examples: Some completions, to be read by people.
        """
        items, valid = draw.items, rollouts.valid
        counts = np.maximum(valid.sum(axis=1), 1)
        means = np.where(valid.any(axis=1), np.where(valid, rollouts.rewards, 0.0).sum(axis=1) / counts, np.nan)
        trained = np.ones(valid.shape, dtype=bool) if rollouts.trained is None else rollouts.trained
        self._append(
            {
                "kind": "draw",
                "step": step,
                "draw": draw.ticket.serial,
                "items": [bank.ids[int(item)] for item in items],
                "group": None if bank.groups is None else [bank.group_names[g] for g in bank.groups[items]],
                "difficulty": None if bank.difficulty is None else _numbers(bank.difficulty[items]),
                "probability": _numbers(draw.probability),
                "inclusion": None if draw.inclusion is None else _numbers(draw.inclusion),
                "reward": _numbers(means),
                "spread": rollouts.informative.tolist(),
                "utility": _numbers(np.where(feedback.answered, feedback.values, np.nan)),
                "trained": trained.any(axis=1).tolist(),
                "entropy": _number(entropy),
                "completion_tokens": None if rollouts.lengths is None else _numbers(rollouts.lengths.sum(axis=1)),
                "examples": [
                    {
                        "id": bank.ids[int(items[position])],
                        "prompt": _text(bank.prompts[int(items[position])]),
                        "completion": _text(completion),
                        "reward": None if reward is None else _number(reward),
                    }
                    for position, completion, reward in examples
                ],
            }
        )

    def step(self, step: int, tokens: float, seconds: Mapping[str, float], metrics: Mapping[str, float]) -> None:
        """Write down what a step cost.

        Args:
            step: Updates done.
            tokens: Prompt and completion tokens generated so far, those of rejected groups included.
            seconds: Of the whole step (``step``) and of parts of it (``ask``, ``rescore``, ``tell``).
            metrics: Further numbers.
        """
        rounded = {name: round(value, 6) for name, value in seconds.items()}
        self._append({"kind": "step", "step": step, "tokens": tokens, "seconds": rounded, "metrics": _mapping(metrics)})

    def evaluation(self, step: int, tokens: float, metrics: Mapping[str, float]) -> None:
        """Write down an evaluation on held-out problems.

        Args:
            step: Updates done.
            tokens: As in `step`.
            metrics: Numbers by name, such as ``accuracy`` and ``accuracy/GROUP``.
        """
        self._append({"kind": "evaluation", "step": step, "tokens": tokens, "metrics": _mapping(metrics)})

    def _append(self, entry: Mapping[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(_line(entry))

    def _replace(self, lines: Iterable[str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_name(self.path.name + ".partial")
        with open(partial, "w", encoding="utf-8") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, self.path)

    def _until(self, step: int) -> Iterator[str]:
        with open(self.path, encoding="utf-8") as file:
            for line in file:
                try:
                    entry = json.loads(line)
                except json.JSONDecodeError:
                    continue
                if isinstance(entry, dict) and entry.get("step", 0) <= step:
                    yield _line(entry)


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _numbers(values: npt.ArrayLike) -> list[float | None]:
    return [_number(value) for value in np.asarray(values, dtype=np.float64).tolist()]


def _mapping(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: _number(value) for name, value in values.items()}


def _text(value: Any) -> str:
    """The text of a prompt or completion, of a conversation its last message, cut where it is long."""
    if isinstance(value, list | tuple) and value and isinstance(value[-1], Mapping):
        value = value[-1].get("content", "")
    text = str(value)
    # What UTF-8 cannot hold, half of a pair, would make the line unwritable.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"
