"""What must hold of two runs, one with vLLM and one without, and whether it does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import rankdata

__all__ = ["Answer", "Check", "CheckSettings", "Observed", "judged"]

# The engine computes in float32 in another order than the trainer: about 1e-6 per token.
_SAME_WEIGHTS = 1e-4
_STALE_WEIGHTS = 1e-2


@dataclass(frozen=True)
class CheckSettings:
    """What is trained; two checks with equal settings do the same work.

    Attributes:
        steps: Updates at the learning rate.
        still_steps: Updates at a learning rate of 0 after them.
        problems: Problems per step.
        generations: Rollouts per problem.
        learning_rate: Of GRPO.
        warm_up_steps: Of the tiny model's supervised warm-up.
        seed: Of everything.
    """

    steps: int = 8
    still_steps: int = 2
    problems: int = 16
    generations: int = 8
    learning_rate: float = 1e-4
    warm_up_steps: int = 500
    seed: int = 0


@dataclass
class Answer:
    """What the curriculum heard of one draw.

    Attributes:
        items: Problems, shape (m,).
        utility: Shape (m,), NaN where missing.
        rewards: Shape (m, n).
        largest_log_ratio: Largest absolute log-ratio of a whole completion.
    """

    items: np.ndarray
    utility: np.ndarray
    rewards: np.ndarray
    largest_log_ratio: float


@dataclass
class Observed:
    """What one run showed, step by step.

    Attributes:
        answers: One per step.
        prompts: Tokens of the prompts, per step.
        completions: Tokens of the completions, per step.
        ratio: Mean over completions of trainer / engine probability, per step.
        difference: Mean absolute difference of the log-probabilities of a token, engine against trainer.
        difference_from_start: The same, engine against the model as it was before training.
        seconds: Of each step, by part.
    """

    answers: list[Answer] = field(default_factory=list)
    prompts: list[Any] = field(default_factory=list)
    completions: list[Any] = field(default_factory=list)
    ratio: list[float] = field(default_factory=list)
    difference: list[float] = field(default_factory=list)
    difference_from_start: list[float] = field(default_factory=list)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True)
class Check:
    """One thing that must hold.

    Attributes:
        name: What it is.
        holds: Whether it does.
        measured: The number that decides.
        needed: What it must be, in words.
    """

    name: str
    holds: bool
    measured: float
    needed: str


def judged(settings: CheckSettings, engine: Observed, again: Observed) -> list[Check]:
    """Hold two runs against what must be.

    Args:
        settings: Of both.
        engine: The run with vLLM.
        again: The run without, on the same completions.

    Returns:
        Every check, whether it holds or not.
    """
    learning, still = slice(0, settings.steps), slice(settings.steps, None)
    utility = [answer.utility for answer in engine.answers]
    without = [answer.utility for answer in again.answers]
    pairs = list(zip(utility[learning], without[learning], strict=True))
    ratio = max((abs(value - 1.0) for value in engine.ratio), default=np.inf)
    difference = max(engine.difference, default=np.inf)
    moved = min(engine.difference_from_start[settings.steps :], default=0.0)
    signs = sum(int(np.sum(np.sign(a) != np.sign(b))) for a, b in pairs)
    rank = min((_rank_correlation(a, b) for a, b in pairs), default=0.0)
    informative = sum(int(np.sum(values != 0.0)) for values in utility[learning])
    steps = len(engine.answers)
    drift = max((answer.largest_log_ratio for answer in engine.answers[still]), default=np.inf)
    at_rest = max((float(np.abs(values).max()) for values in utility[still]), default=np.inf)
    return [
        Check("steps answered", steps == settings.steps + settings.still_steps, steps, "all of them"),
        Check("problems with a utility other than 0", informative >= settings.steps, informative, "one a step or more"),
        Check("importance ratio, distance of its mean from 1", ratio < 1e-3, ratio, "below 0.001 in every step"),
        Check("log-probability of a token, engine - trainer", difference < _SAME_WEIGHTS, difference, "below 0.0001"),
        Check("the same, engine - model at the start", moved > _STALE_WEIGHTS, moved, "above 0.01 after training"),
        Check("utilities of another sign without vLLM", signs == 0, signs, "none"),
        Check("rank correlation of utilities with and without", rank > 0.999, rank, "above 0.999 in every step"),
        Check("largest log-ratio at learning rate 0", drift == 0.0, drift, "exactly 0"),
        Check("largest utility at learning rate 0", at_rest == 0.0, at_rest, "exactly 0"),
    ]


def _rank_correlation(one: Sequence[float] | Any, other: Sequence[float] | Any) -> float:
    """Spearman's, of which utilities that are all 0 in both runs have the highest."""
    if not np.any(one) and not np.any(other):
        return 1.0
    ranks = rankdata(one), rankdata(other)
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
