"""Prompt curriculum learning: problems that a value model believes are solved half of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.extras import require_extra
from curriculum_bandits.methods.registry import method
from curriculum_bandits.signals import Signal, success_rate

if TYPE_CHECKING:
    from os import PathLike

    from curriculum_bandits.neural import Inputs, Scorer

__all__ = ["pcl"]


@method(
    "PCL",
    paper="arXiv 2510.01135",
    arms="problems through a value network",
    bandit="regression",
    batch="predicted nearest to ½ among 4 m",
    free=("chunk", "device", "features_path", "progress"),
    # With more candidates of so few problems its greedy choice may never see the good ones.
    example={"candidates": 2},
    laws={"good_and_other": (0.5, 0.0)},
)
def pcl(
    bank: ProblemBank,
    seed: int = 0,
    *,
    target: float = 0.5,
    candidates: int = 4,
    inputs: Inputs | None = None,
    scorer: Scorer | None = None,
    learning_rate: float = 3e-3,
    gradient_steps: int = 3,
    chunk: int | None = None,
    signal: Signal = success_rate,
    device: Any = None,
    features_path: str | PathLike[str] | None = None,
    progress: bool = False,
) -> Curriculum:
    """Of uniform candidates, those whose predicted success rate is nearest to one half.

    Greedy: coverage comes from the uniform candidates alone, and no inclusion is stated. The paper's value model is a
    language model; here it is by default a small network over features, as the neural curator's. For a language model
    give `scorer` and `inputs`, a learning rate such as 1e-6, one gradient step, and a chunk that fits its memory.

    Args:
        bank: The problems.
        seed: Seed of the draws and of the network's first weights.
        target: Success rate that is sought.
        candidates: Candidates per problem drawn.
        inputs: What the scorer reads; by default as for `actor_curator`.
        scorer: The network; by default a `MlpScorer` over the features. One that reads tokens needs `inputs`.
        learning_rate: Of AdamW; ours, for the small network.
        gradient_steps: Optimiser steps per answer; ours.
        chunk: Problems read at once.
        signal: What the value model predicts; it must lie in [0, 1].
        device: Where the scorer runs, such as ``"cuda"``; None leaves it where it is.
        features_path: Where features are kept, so that they are computed once; None computes them in memory each time.
        progress: Show a progress bar while features are computed.

    Raises:
        ValueError: If scorer and what it reads are not both given where they must be, or a setting is out of its range.
        ModuleNotFoundError: If torch is not installed (extra ``neural``).

    Source: Gao et al., "Prompt Curriculum Learning for Efficient LLM Post-Training", arXiv 2510.01135.

    >>> bank = ProblemBank([f"{a}+{b}=" for a in range(30) for b in range(30)])
    >>> curriculum = pcl(bank, seed=0)
    >>> draw = curriculum.ask(8)
    >>> curriculum.tell(draw, [0.5] * 8)
    >>> len(draw.candidates)
    32
    """
    require_extra("torch", "neural")
    from curriculum_bandits.neural.default_scorer import inputs_and_scorer
    from curriculum_bandits.neural.value_model import ValueModelCurator

    inputs, scorer = inputs_and_scorer(
        bank, inputs, scorer, heads=1, seed=seed, features_path=features_path, progress=progress
    )
    curator = ValueModelCurator(
        inputs,
        scorer,
        target=target,
        candidates=candidates,
        learning_rate=learning_rate,
        gradient_steps=gradient_steps,
        chunk=chunk,
        device=device,
    )
    return Curriculum(bank, curator, signal, name="pcl", seed=seed)
