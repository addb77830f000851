"""ACTOR-CURATOR: a network over features of the problems, trained by the OSMD loss on policy improvement."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.extras import require_extra
from curriculum_bandits.grammar import check_settings
from curriculum_bandits.methods.registry import method
from curriculum_bandits.settings import Settings
from curriculum_bandits.signals import Signal, policy_improvement, reward_variance

if TYPE_CHECKING:
    from os import PathLike

    from curriculum_bandits.neural import CuratorSettings, Inputs, Scorer
    from curriculum_bandits.neural.settings import ProposalKind
    from curriculum_bandits.sampling.candidates import CandidateGenerator

__all__ = ["actor_curator"]

_PAPER_SCORER = "Qwen/Qwen3-0.6B"


@method(
    "ACTOR-CURATOR",
    paper="arXiv 2602.20532",
    arms="problems through a network",
    bandit="OSMD loss",
    signal="reward variance; paper: policy improvement",
    batch="systematic; paper: nucleus",
    switches="curriculum_bandits.neural:CuratorSettings",
    free=("device", "features_path", "progress", "collective"),
    revision=2,
)
def actor_curator(
    bank: ProblemBank,
    preset: Literal["default", "paper"] = "default",
    seed: int = 0,
    *,
    inputs: Inputs | None = None,
    scorer: Scorer | None = None,
    settings: CuratorSettings | None = None,
    proposal: CandidateGenerator | ProposalKind | None = None,
    signal: Signal | None = None,
    device: Any = None,
    collective: bool = False,
    features_path: str | PathLike[str] | None = None,
    progress: bool = False,
    **switches: Any,
) -> Curriculum:
    """The neural curator: what it learns about one problem it knows of all that look alike to it.

    Args:
        bank: The problems.
        preset: ``"default"``: a small network over frozen features, with the switches our measurements favour.
            ``"paper"``: every switch as in the paper, with its scorer, a 0.6B language model that is downloaded unless
            `scorer` is given.
        seed: Seed of the draws and of the network's first weights.
        inputs: What the scorer reads. By default the bank's features, or where it has none text features of its
            prompts with a column for each of its groups; beside them its difficulty where it has one. Groups and
            difficulty are left out where a scorer of your own is given. For the paper's scorer its tokens.
        scorer: The network; by default a `MlpScorer` over the features. One that reads tokens needs `inputs`. The
            default preset predicts utilities with a second head; a scorer without one (``heads=1``) is trained without.
        settings: Every switch; by default those of the preset.
        proposal: Where candidates come from: an object, or ``"shuffled"`` or ``"uniform"``, a switch; by default as the
            settings say.
        signal: What rewards the curator. By default policy improvement for the paper's preset and the variance of
            rewards for ours, which did better in our measurements: it is what training on a problem can bring, whatever
            part of the batch it has now. It needs two rollouts per problem; with one, where a critic judges, take
            `absolute_advantage`. All of these are of problems taken by themselves; that the tenth of a kind in a batch
            teaches less than the first is what ``congestion`` in the settings is for.
        device: Where the scorer runs, such as ``"cuda"``; None leaves it where it is.
        collective: All processes of the default process group ask and tell together, and share the scoring.
        features_path: Where features are kept, so that they are computed once; None computes them in memory each time.
        progress: Show a progress bar while features are computed.
        **switches: Fields of `CuratorSettings` that differ from `settings`, such as ``floor=0.1``.

    Raises:
        ValueError: If the preset or a switch is unknown, or the scorer and what it reads are not both given where they
            must be.
        ModuleNotFoundError: If torch is not installed (extra ``neural``).

    Source: Gu et al., "Actor-Curator", arXiv 2602.20532. The default preset is ours.

    >>> bank = ProblemBank([f"{a}+{b}=" for a in range(30) for b in range(30)])
    >>> curriculum = actor_curator(bank, seed=0)
    >>> draw = curriculum.ask(8)
    >>> curriculum.tell(draw, [0.01] * 8)
    """
    require_extra("torch", "neural")
    from curriculum_bandits import neural
    from curriculum_bandits.neural.default_scorer import inputs_and_scorer

    if preset not in ("default", "paper"):
        raise ValueError(f"preset={preset!r} is unknown; choose 'default' or 'paper'")
    if isinstance(proposal, str):
        switches["proposal"], proposal = proposal, None
    check_settings("actor_curator", switches, [each.name for each in dataclasses.fields(neural.CuratorSettings)])
    if settings is None:
        settings = neural.PAPER if preset == "paper" else neural.DEFAULT
        if scorer is not None and scorer.heads == 1 and settings.baseline == "predicted":
            switches.setdefault("baseline", "none")
    settings = dataclasses.replace(settings, **switches) if switches else settings
    if preset == "paper" and scorer is None:
        if inputs is not None:
            raise ValueError("the paper's scorer reads tokens of its own; give scorer= with these inputs, or neither")
        transformers = require_extra("transformers", "llm")
        scorer = neural.TransformerScorer.from_pretrained(_PAPER_SCORER, head_init="normal", seed=seed)
        inputs = neural.PromptTokens(bank, transformers.AutoTokenizer.from_pretrained(_PAPER_SCORER))
    heads = 2 if settings.baseline == "predicted" else 1
    inputs, scorer = inputs_and_scorer(
        bank, inputs, scorer, heads=heads, seed=seed, features_path=features_path, progress=progress
    )
    curator = neural.NeuralCurator(
        inputs,
        scorer,
        settings,
        proposal=proposal,
        groups=bank.groups,
        group_names=None if bank.groups is None else bank.group_names,
        device=device,
        collective=collective,
    )
    signal = signal or (policy_improvement if preset == "paper" else reward_variance)
    curriculum = Curriculum(bank, curator, signal, name="actor_curator", seed=seed)
    curriculum.settings = Settings({"settings": settings, "signal": signal})
    return curriculum
