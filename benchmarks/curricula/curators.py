"""The neural curator and its switches, as contenders: the default preset, the paper's, and one change at a time.

The scorer is a small network over the bank's noisy features throughout, also for the paper's preset, whose language
model has nothing to read here; its learning rate is that of such a network, found on seeds 100 to 103.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

from curriculum_bandits import Curriculum, methods
from curriculum_bandits.environments import Student
from curriculum_bandits.signals import Signal, policy_improvement, reward_variance

__all__ = [
    "PAPER_LEARNING_RATE",
    "SIGNALS",
    "SWITCHES",
    "curator",
    "gumbel_curator",
    "nucleus_curator",
    "paper_curator",
]

#: For a small network in the place of the paper's language model, whose learning rate is 1e-6.
PAPER_LEARNING_RATE = 1e-3


def curator(
    student: Student,
    seed: int,
    *,
    signal: Signal = policy_improvement,
    scorer: dict[str, Any] | None = None,
    **changes: Any,
) -> Curriculum:
    """The default preset with some switches changed.

    Args:
        student: Whose bank it is for.
        seed: Of draws and first weights.
        signal: What rewards it.
        scorer: Arguments of `MlpScorer` other than the columns; no hidden layer makes it linear.
        **changes: Fields of `CuratorSettings`.

    Returns:
        The curriculum.
    """
    from curriculum_bandits import neural

    settings = dataclasses.replace(neural.DEFAULT, **changes)
    return _made(student, seed, settings, signal, scorer or {})


def paper_curator(student: Student, seed: int) -> Curriculum:
    """The paper's preset, with a small network in the place of its language model.

    Args:
        student: Whose bank it is for.
        seed: Of draws and first weights.

    Returns:
        The curriculum.
    """
    from curriculum_bandits import neural

    settings = dataclasses.replace(neural.PAPER, learning_rate=PAPER_LEARNING_RATE, chunk=None)
    return _made(student, seed, settings, policy_improvement, {})


def nucleus_curator(student: Student, seed: int) -> Curriculum:
    """The default preset with the paper's second stage, which needs equal weights and no predictions.

    Args:
        student: Whose bank it is for.
        seed: Of draws and first weights.

    Returns:
        The curriculum.
    """
    from curriculum_bandits.neural.samplers import Nucleus

    return curator(student, seed, sampler=Nucleus(), weights="equal", baseline="none")


def gumbel_curator(student: Student, seed: int) -> Curriculum:
    """The default preset with sequential draws without replacement.

    Args:
        student: Whose bank it is for.
        seed: Of draws and first weights.

    Returns:
        The curriculum.
    """
    from curriculum_bandits.neural.samplers import gumbel

    return curator(student, seed, sampler=gumbel)


def _made(student: Student, seed: int, settings: Any, signal: Signal, scorer: dict[str, Any]) -> Curriculum:
    from curriculum_bandits import neural

    features = student.bank.features
    assert features is not None
    heads = 2 if settings.baseline == "predicted" else 1
    network = neural.MlpScorer(features.shape[1], heads=heads, seed=seed, **scorer)
    return methods.actor_curator(student.bank, seed=seed, settings=settings, scorer=network, signal=signal)


#: Every switch of the default preset by the name of its contender: what it is, and how it is made.
SWITCHES: dict[str, tuple[str, Callable[[Student, int], Curriculum]]] = {
    "curator-no-crowding": ("crowding 0: utilities as they are", partial(curator, crowding=0.0)),
    "curator-no-entropy": ("without the entropy bonus", partial(curator, entropy_bonus=0.0)),
    "curator-no-predictions": ("no second head: not doubly robust", partial(curator, baseline="none")),
    "curator-mean-baseline": ("the mean of the batch as baseline", partial(curator, baseline="mean")),
    "curator-leave-one-out": ("the mean of the others as baseline", partial(curator, baseline="leave_one_out")),
    "curator-one-step": ("one gradient step per update instead of three", partial(curator, gradient_steps=1)),
    "curator-clip-0.1": ("clip .1 instead of .2", partial(curator, clip=0.1)),
    "curator-clip-0.5": ("clip .5 instead of .2", partial(curator, clip=0.5)),
    "curator-unclipped": ("the unclipped loss with KL, step .3", partial(curator, loss="unclipped", step=0.3)),
    "curator-window-10": ("the mean of a problem's last 10 utilities", partial(curator, window=10)),
    "curator-gain-1000": ("a constant gain of 1000 instead of scale-free utilities", partial(curator, gain=1000.0)),
    "curator-no-floor": ("floor 0 instead of .02", partial(curator, floor=0.0)),
    "curator-floor-0.1": ("floor .1 instead of .02", partial(curator, floor=0.1)),
    "curator-nucleus": ("the paper's nucleus, equal weights, no predictions", nucleus_curator),
    "curator-gumbel": ("sequential draws without replacement", gumbel_curator),
    "curator-uniform-proposal": ("fresh uniform candidates instead of epochs", partial(curator, proposal="uniform")),
    "curator-linear": ("a linear scorer", partial(curator, scorer={"hidden": ()})),
    "curator-ensemble": ("the mean of five networks", partial(curator, scorer={"members": 5})),
}

#: What rewards it, likewise; ratios, advantages and rollouts held out matter for answers of several tokens.
SIGNALS: dict[str, tuple[str, Callable[[Student, int], Curriculum]]] = {
    "curator-sequence": (
        "improvement by whole-sequence ratios",
        partial(curator, signal=partial(policy_improvement, ratio="sequence")),
    ),
    "curator-centered": (
        "improvement with centred advantages",
        partial(curator, signal=partial(policy_improvement, advantage="centered")),
    ),
    "curator-holdout": (
        "improvement on rollouts the update did not use (for students that hold some out)",
        partial(curator, signal=partial(policy_improvement, holdout=True)),
    ),
    "curator-variance": (
        "the variance of rewards in the place of improvement, no crowding",
        partial(curator, signal=reward_variance, crowding=0.0),
    ),
}
