"""What a network reads about a bank's problems, and which network, where the user leaves one or both open.

The curator and the value model of PCL are alike in this, so that what differs between them is how they learn.
"""

from __future__ import annotations

from os import PathLike

from curriculum_bandits.bank import ProblemBank
from curriculum_bandits.neural import features
from curriculum_bandits.neural.inputs import FeatureRows, Inputs, RowTable, SideBySide
from curriculum_bandits.neural.scorers import MlpScorer, Scorer, TransformerScorer

__all__ = ["MOST_GROUPS", "inputs_and_scorer"]

#: Groups of a bank that become columns, one each. With more of them a group says little that others could learn from.
MOST_GROUPS = 512

# Features of one's own say much, and reward a network that can follow them. Text says little and groups are plain: one
# small layer learns them from fewer answers, for less.
_HIDDEN_FEATURES = (64, 64)
_HIDDEN_TEXT = (32,)


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
    """Inputs and scorer, with defaults for those that are not given.

    Args:
        bank: The problems.
        inputs: What the scorer reads; None for the bank's features, or where it has none text features of its prompts,
            and with the text its groups, where it has them. Beside either its difficulty, where it has one. Difficulty
            and groups are left out where the scorer is given.
        scorer: The network; None for a `MlpScorer` over the rows of `inputs`.
        heads: Heads of a network made here.
        seed: Of its first weights.
        features_path: Where features are kept; None computes them in memory.
        progress: Show a progress bar while features are computed.

    Raises:
        ValueError: If the scorer reads tokens and `inputs` are not given, if `inputs` are not rows and the scorer is
            not given, or if they are of another number of problems.
    """
    if inputs is None:
        if isinstance(scorer, TransformerScorer):
            raise ValueError(
                "the scorer reads tokens and inputs are not given; give inputs=PromptTokens(bank, tokenizer)"
            )
        inputs = FeatureRows(_table(bank, features_path, progress, beside=scorer is None))
    if len(inputs) != len(bank):
        raise ValueError(f"inputs are of {len(inputs)} problems, the bank has {len(bank)}; make them from this bank")
    if scorer is None:
        if not isinstance(inputs, FeatureRows):
            raise ValueError("inputs are not rows of features; give the scorer that reads them")
        hidden = _HIDDEN_TEXT if bank.features is None else _HIDDEN_FEATURES
        scorer = MlpScorer(inputs.columns, hidden=hidden, heads=heads, seed=seed)
    return inputs, scorer


def _table(bank: ProblemBank, path: str | PathLike[str] | None, progress: bool, *, beside: bool) -> RowTable:
    tables: list[RowTable]
    if bank.features is not None:
        tables = [features.matrix_features(bank.features, bank=bank, path=path, progress=progress)]
    else:
        tables = [features.text_features(bank, path=path, progress=progress)]
        # Measured: with text a curator misses what the groups say; beside clear features they only slow it down.
        if beside and bank.groups is not None and 1 < len(bank.group_names) <= MOST_GROUPS:
            tables.append(features.GroupColumns(bank.groups, len(bank.group_names)))
    if beside and bank.difficulty is not None:
        tables.append(features.matrix_features(bank.difficulty[:, None], progress=False))
    return tables[0] if len(tables) == 1 else SideBySide(*tables)
