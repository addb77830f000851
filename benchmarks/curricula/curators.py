"""The neural curator and its switches, as contenders: the default preset, the paper's, and one change at a time.

The scorer is a small network throughout, also for the paper's preset, whose language model has nothing to read here: it
sees the bank's features alone, and its learning rate is that of such a network, found on seeds 100 to 103.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

from curriculum_bandits import Curriculum, methods
from curriculum_bandits.signals import Signal, absolute_advantage, policy_improvement, tent

from .setting import Setting

__all__ = [
    "PAPER_LEARNING_RATE",
    "SIGNALS",
    "SWITCHES",
    "curator",
    "gumbel_curator",
    "no_difficulty_curator",
    "nucleus_curator",
    "paper_curator",
    "unclipped_curator",
]

#: For a small network in the place of the paper's language model, whose learning rate is 1e-6.
PAPER_LEARNING_RATE = 1e-3


def curator(
    setting: Setting,
    *,
    signal: Signal | None = None,
    scorer: dict[str, Any] | None = None,
    clip: float | None = None,
    **changes: Any,
) -> Curriculum:
    """The default preset with some switches changed.

    Args:
        setting: What it is made for; the seed is of draws and first weights.
        signal: What rewards it; None is the preset's own.
        scorer: Arguments of `MlpScorer` other than the columns; no hidden layer makes it linear.
        clip: Of the proximal loss; None is the preset's own.
        **changes: Fields of `CuratorSettings`.

    Returns:
        The curriculum.
    """
    from curriculum_bandits import neural

    bank, seed = setting.bank, setting.seed
    if clip is not None:
        changes["loss"] = neural.Proximal(clip)
    settings = dataclasses.replace(neural.DEFAULT, **changes)
    if scorer is None:
        return methods.actor_curator(bank, seed=seed, settings=settings, signal=signal)
    own = methods.actor_curator(bank, seed=seed).bandit
    assert isinstance(own, neural.NeuralCurator)
    assert isinstance(own.inputs, neural.FeatureRows)
    heads = 2 if settings.baseline == "predicted" else 1
    network = neural.MlpScorer(own.inputs.columns, heads=heads, seed=seed, **scorer)
    return methods.actor_curator(bank, seed=seed, settings=settings, inputs=own.inputs, scorer=network, signal=signal)


def paper_curator(setting: Setting) -> Curriculum:
    """The paper's preset, with a small network in the place of its language model.

    Args:
        setting: What it is made for; the seed is of draws and first weights.

    Returns:
        The curriculum.
    """
    from curriculum_bandits import neural

    bank, seed = setting.bank, setting.seed
    if bank.features is None:
        raise ValueError("the paper's preset reads features here, and the bank has none; give ProblemBank features=")
    settings = dataclasses.replace(neural.PAPER, learning_rate=PAPER_LEARNING_RATE, chunk=None)
    network = neural.MlpScorer(bank.features.shape[1], heads=1, seed=seed)
    return methods.actor_curator(bank, seed=seed, settings=settings, scorer=network, signal=policy_improvement)


def no_difficulty_curator(setting: Setting) -> Curriculum:
    """The default preset over the bank's features alone.

    Args:
        setting: What it is made for; the seed is of draws and first weights.

    Returns:
        The curriculum.
    """
    from curriculum_bandits import neural

    features = setting.bank.features
    if features is None:
        raise ValueError("this reads features alone, and the bank has none; give ProblemBank features=")
    table = neural.features.matrix_features(features, progress=False)
    return methods.actor_curator(setting.bank, seed=setting.seed, inputs=neural.FeatureRows(table))


def nucleus_curator(setting: Setting) -> Curriculum:
    """The default preset with the paper's second stage, which needs equal weights and no predictions.

    Args:
        setting: What it is made for; the seed is of draws and first weights.

    Returns:
        The curriculum.
    """
    from curriculum_bandits.neural import Proximal
    from curriculum_bandits.neural.samplers import Nucleus

    return curator(setting, sampler=Nucleus(), loss=Proximal(weights="equal"), baseline="none")


def unclipped_curator(setting: Setting) -> Curriculum:
    """The default preset with the unclipped loss.

    Args:
        setting: What it is made for; the seed is of draws and first weights.

    Returns:
        The curriculum.
    """
    from curriculum_bandits.neural import Unclipped

    return curator(setting, loss=Unclipped(step=0.3))


def gumbel_curator(setting: Setting) -> Curriculum:
    """The default preset with sequential draws without replacement.

    Args:
        setting: What it is made for; the seed is of draws and first weights.

    Returns:
        The curriculum.
    """
    from curriculum_bandits.neural.samplers import gumbel

    return curator(setting, sampler=gumbel)


#: Every switch of the default preset by the name of its contender: what it is, and how it is made.
SWITCHES: dict[str, tuple[str, Callable[[Setting], Curriculum]]] = {
    "curator-no-difficulty": ("without the bank's difficulty beside its features", no_difficulty_curator),
    "curator-crowding": ("crowding 1: utilities over how much likelier than by chance", partial(curator, crowding=1.0)),
    "curator-no-entropy": ("without the entropy bonus", partial(curator, entropy_bonus=0.0)),
    "curator-no-predictions": ("no second head: not doubly robust", partial(curator, baseline="none")),
    "curator-mean-baseline": ("the mean of the batch as baseline", partial(curator, baseline="mean")),
    "curator-leave-one-out": ("the mean of the others as baseline", partial(curator, baseline="leave_one_out")),
    "curator-one-step": ("one gradient step per update instead of three", partial(curator, gradient_steps=1)),
    "curator-clip-0.1": ("clip .1 instead of .2", partial(curator, clip=0.1)),
    "curator-clip-0.5": ("clip .5 instead of .2", partial(curator, clip=0.5)),
    "curator-unclipped": ("the unclipped loss with KL, step .3", unclipped_curator),
    "curator-window-10": ("the mean of a problem's last 10 utilities", partial(curator, window=10)),
    "curator-gain-1": ("a constant gain of 1 instead of scale-free utilities", partial(curator, gain=1.0)),
    "curator-slow": ("learning rate .003 instead of .01", partial(curator, learning_rate=3e-3)),
    "curator-no-floor": ("floor 0 instead of .02", partial(curator, floor=0.0)),
    "curator-floor-0.1": ("floor .1 instead of .02", partial(curator, floor=0.1)),
    "curator-nucleus": ("the paper's nucleus, equal weights, no predictions", nucleus_curator),
    "curator-gumbel": ("sequential draws without replacement", gumbel_curator),
    "curator-uniform-proposal": ("fresh uniform candidates instead of epochs", partial(curator, proposal="uniform")),
    "curator-linear": ("a linear scorer", partial(curator, scorer={"hidden": ()})),
    "curator-ensemble": ("the mean of five networks", partial(curator, scorer={"members": 5})),
}

#: What rewards it, likewise; ratios, advantages and rollouts held out matter for answers of several tokens.
SIGNALS: dict[str, tuple[str, Callable[[Setting], Curriculum]]] = {
    "curator-advantage": ("rewarded by the absolute advantage", partial(curator, signal=absolute_advantage)),
    "curator-tent": ("rewarded by 1 - |2 p - 1|", partial(curator, signal=tent)),
    "curator-improvement": ("rewarded by policy improvement", partial(curator, signal=policy_improvement)),
    "curator-crowded-improvement": (
        "rewarded by policy improvement, crowding 1",
        partial(curator, signal=policy_improvement, crowding=1.0),
    ),
    "curator-sequence": (
        "rewarded by improvement by whole-sequence ratios, crowding 1",
        partial(curator, signal=partial(policy_improvement, ratio="sequence"), crowding=1.0),
    ),
    "curator-centered": (
        "rewarded by improvement with centred advantages, crowding 1",
        partial(curator, signal=partial(policy_improvement, advantage="centered"), crowding=1.0),
    ),
    "curator-holdout": (
        "rewarded by improvement on rollouts the update did not use (for students that hold some out), crowding 1",
        partial(curator, signal=partial(policy_improvement, holdout=True), crowding=1.0),
    ),
}
