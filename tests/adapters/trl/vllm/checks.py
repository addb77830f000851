"""What must hold of two runs, one with vLLM and one without, and whether it does."""

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import rankdata

# The engine computes in float32 in another order than the trainer: about 1e-6 per token.
SAME_WEIGHTS = 1e-4
STALE_WEIGHTS = 1e-2


@dataclass(frozen=True)
class CheckSettings:
    """TRL with vLLM on a CPU: does the curriculum hear what it should?

    Attributes:
        steps: Updates at the learning rate.
        still_steps: Updates at a learning rate of 0 after them.
        problems: Problems per step.
        n_rollouts: Rollouts per problem.
        learning_rate: Of GRPO.
        warm_up_steps: Of the tiny model's supervised warm-up.
        seed: Of everything.
    """

    steps: int = 8
    still_steps: int = 2
    problems: int = 16
    n_rollouts: int = 8
    learning_rate: float = 1e-4
    warm_up_steps: int = 500
    seed: int = 0


@dataclass
class Answer:
    """What the curriculum heard of one draw of m problems with n rollouts each."""

    items: np.ndarray  # (m,)
    utility: np.ndarray  # (m,), NaN where missing
    rewards: np.ndarray  # (m, n)
    largest_log_ratio: float  # of a whole completion, absolute


@dataclass
class Observed:
    """What one run showed, step by step."""

    answers: list = field(default_factory=list)
    prompts: list = field(default_factory=list)  # their tokens
    completions: list = field(default_factory=list)
    ratio: list = field(default_factory=list)  # mean over completions of trainer / engine probability
    difference: list = field(default_factory=list)  # mean absolute, of a token's log-probability, engine - trainer
    difference_from_start: list = field(default_factory=list)  # the same, engine - the model before training
    seconds: dict = field(default_factory=lambda: defaultdict(list))  # by part

    def plain(self):
        """The numbers of the run as JSON; tokens are left out."""
        return {
            "reward": [float(np.nanmean(answer.rewards)) for answer in self.answers],
            "utility": [answer.utility.tolist() for answer in self.answers],
            "largest_log_ratio": [answer.largest_log_ratio for answer in self.answers],
            "importance_ratio": self.ratio,
            "difference": self.difference,
            "difference_from_start": self.difference_from_start,
            "seconds": dict(self.seconds),
        }


@dataclass(frozen=True)
class Check:
    """One thing that must hold: its name, whether it does, the number that decides, and what that must be."""

    name: str
    holds: bool
    measured: float
    needed: str


def judged(settings, engine, again):
    """Every check of the run with vLLM and the run without it on the same completions."""
    learning, still = slice(0, settings.steps), slice(settings.steps, None)
    utility = [answer.utility for answer in engine.answers]
    without = [answer.utility for answer in again.answers]
    pairs = list(zip(utility[learning], without[learning], strict=True))
    ratio = max((abs(value - 1.0) for value in engine.ratio), default=np.inf)
    difference = max(engine.difference, default=np.inf)
    moved = min(engine.difference_from_start[settings.steps :], default=0.0)
    signs = sum(int(np.sum(np.sign(a) != np.sign(b))) for a, b in pairs)
    rank = min((rank_correlation(a, b) for a, b in pairs), default=0.0)
    informative = sum(int(np.sum(values != 0.0)) for values in utility[learning])
    steps = len(engine.answers)
    drift = max((answer.largest_log_ratio for answer in engine.answers[still]), default=np.inf)
    at_rest = max((float(np.abs(values).max()) for values in utility[still]), default=np.inf)
    return [
        Check("steps answered", steps == settings.steps + settings.still_steps, steps, "all of them"),
        Check("problems with a utility other than 0", informative >= settings.steps, informative, "one a step or more"),
        Check("importance ratio, distance of its mean from 1", ratio < 1e-3, ratio, "below 0.001 in every step"),
        Check("log-probability of a token, engine - trainer", difference < SAME_WEIGHTS, difference, "below 0.0001"),
        Check("the same, engine - model at the start", moved > STALE_WEIGHTS, moved, "above 0.01 after training"),
        Check("utilities of another sign without vLLM", signs == 0, signs, "none"),
        Check("rank correlation of utilities with and without", rank > 0.999, rank, "above 0.999 in every step"),
        Check("largest log-ratio at learning rate 0", drift == 0.0, drift, "exactly 0"),
        Check("largest utility at learning rate 0", at_rest == 0.0, at_rest, "exactly 0"),
    ]


def rank_correlation(one, other):
    """Spearman's, of which utilities that are all 0 in both runs have the highest."""
    if not np.any(one) and not np.any(other):
        return 1.0
    ranks = rankdata(one), rankdata(other)
    if any(np.ptp(rank) == 0 for rank in ranks):
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])
