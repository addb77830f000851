"""What a network reads about a bank's problems, and which network, where the user leaves one or both open.

The curator and the value model of PCL are alike in this, so that what differs between them is how they learn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from curriculum_bandits.bank import ProblemBank

if TYPE_CHECKING:
    from os import PathLike

    from curriculum_bandits.neural import Inputs, Scorer
    from curriculum_bandits.neural.inputs import RowTable

__all__ = ["inputs_and_scorer"]


def inputs_and_scorer(
    bank: ProblemBank,
    inputs: Inputs | None,
    scorer: Scorer | None,
    *,
    heads: int,
    seed: int,
    features_path: str | PathLike[str] | None = None,
    progress: bool = False,
) -> tuple[Inputs, Scorer]:
    """Fill in what is not given.

    Args:
        bank: The problems.
        inputs: What the scorer reads; None for the bank's features, or where it has none text features of its prompts,
            and beside them its difficulty where it has one and the scorer is not given.
        scorer: The network; None for a `MlpScorer` over the rows of `inputs`.
        heads: Heads of a network made here.
        seed: Of its first weights.
        features_path: Where features are kept; None computes them in memory.
        progress: Show a progress bar while features are computed.

    Returns:
        Both.

    Raises:
        ValueError: If the scorer reads tokens and `inputs` are not given, if `inputs` are not rows and the scorer is
            not given, or if they are of another number of problems.
    """
    from curriculum_bandits import neural

    if inputs is None:
        if isinstance(scorer, neural.TransformerScorer):
            raise ValueError(
                "the scorer reads tokens and inputs are not given; give inputs=PromptTokens(bank, tokenizer)"
            )
        inputs = neural.FeatureRows(_table(bank, features_path, progress, with_difficulty=scorer is None))
    if len(inputs) != len(bank):
        raise ValueError(f"inputs are of {len(inputs)} problems, the bank has {len(bank)}; make them from this bank")
    if scorer is None:
        if not isinstance(inputs, neural.FeatureRows):
            raise ValueError("inputs are not rows of features; give the scorer that reads them")
        scorer = neural.MlpScorer(inputs.columns, heads=heads, seed=seed)
    return inputs, scorer


def _table(bank: ProblemBank, path: str | PathLike[str] | None, progress: bool, *, with_difficulty: bool) -> RowTable:
    from curriculum_bandits import neural

    features = neural.features
    table = (
        features.text_features(bank, path=path, progress=progress)
        if bank.features is None
        else features.matrix_features(bank.features, bank=bank, path=path, progress=progress)
    )
    if bank.difficulty is None or not with_difficulty:
        return table
    return neural.SideBySide(table, features.matrix_features(bank.difficulty[:, None], progress=False))
