"""Problems in families, each graded from easy to hard, for students whose skill is known exactly.

Difficulty is in logits: a problem of difficulty d is solved with probability ``1 / (1 + exp(d))`` by a student as it
begins. What a curriculum sees of it is what it sees of a real bank: a group, a difficulty label, noisy features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.bank import ProblemBank

__all__ = ["GradedProblems", "graded_problems"]


@dataclass(frozen=True, eq=False)
class GradedProblems:
    """N problems and a held-out set, in F families of L levels. Problems of one family and level make a cell.

    Attributes:
        bank: What a curriculum sees: every cell is a group, ``difficulty`` is exact, ``features`` (N, F + 1) are the
            family (one-hot) and the standardised difficulty, both with noise. Problems stand cell by cell.
        difficulty: Typical difficulty of each cell, in logits, shape (F, L), ascending along the levels.
        cell: Cell of each problem, ``family * L + level``, shape (N,).
        offset: How much harder each problem is than its cell, shape (N,).
        held_out_cell: The same for the held-out problems, shape (H,).
        held_out_offset: The same for the held-out problems, shape (H,).
    """

    bank: ProblemBank
    difficulty: FloatArray
    cell: IntArray
    offset: FloatArray
    held_out_cell: IntArray
    held_out_offset: FloatArray


def graded_problems(
    n_problems: int,
    *,
    easiest: float,
    hardest: float,
    families: int = 6,
    levels: int = 10,
    level_share: npt.ArrayLike | None = None,
    family_spread: float = 1.0,
    problem_spread: float = 0.5,
    feature_noise: float = 0.3,
    held_out: int = 1000,
    seed: int = 0,
) -> GradedProblems:
    """Draw a bank, and a held-out set in the same way.

    Args:
        n_problems: Number of problems N.
        easiest: Typical difficulty of the first level, in logits; -4 is solved 98 times in 100 at the start.
        hardest: That of the last level; levels are evenly spaced. At 5, a group of 8 rollouts has a success once in 19.
        families: Number of families F, each as large as the others.
        levels: Number of levels L.
        level_share: Share of the problems on each level, shape (L,), any positive scale; None is equal shares.
        family_spread: Standard deviation by which a whole family is easier or harder.
        problem_spread: Standard deviation of problems around their cell.
        feature_noise: Standard deviation of the noise on every feature (the family's mark is 1, difficulty has
            standard deviation 1).
        held_out: Number of held-out problems H.
        seed: Seed of the problems.

    Raises:
        ValueError: If a number makes no sense.

    >>> problems = graded_problems(100, easiest=-2, hardest=2, families=2, levels=3)
    >>> len(problems.bank), problems.bank.group_names[:3], problems.bank.features.shape
    (100, ['family0/level0', 'family0/level1', 'family0/level2'], (100, 3))
    """
    share = np.ones(levels) if level_share is None else np.asarray(level_share, dtype=np.float64)
    if min(n_problems, families, levels, held_out) < 1 or easiest > hardest:
        raise ValueError(
            f"n_problems {n_problems}, families {families}, levels {levels}, held_out {held_out}, easiest {easiest}, "
            f"hardest {hardest} do not fit; need at least one of each, and easiest <= hardest"
        )
    if share.shape != (levels,) or not np.all(share > 0.0):
        raise ValueError(f"level_share is {share.tolist()}; give one positive number for each of the {levels} levels")
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
    shift = rng.normal(0.0, family_spread, size=families)
    difficulty = np.linspace(easiest, hardest, levels) + (shift - np.mean(shift))[:, None]
    weights = np.tile(share, families)
    cell, held_out_cell = _allocate(weights, n_problems), _allocate(weights, held_out)
    offset = rng.normal(0.0, problem_spread, size=n_problems)
    held_out_offset = rng.normal(0.0, problem_spread, size=held_out)
    hardness = difficulty.ravel()[cell] + offset
    plain = np.column_stack([np.eye(families)[cell // levels], _standardised(hardness)])
    names = [f"family{c // levels}/level{c % levels}" for c in range(families * levels)]
    groups = [names[c] for c in cell]
    bank = ProblemBank(
        [f"{group}, problem {item}" for item, group in enumerate(groups)],
        features=plain + rng.normal(0.0, feature_noise, size=plain.shape),
        groups=groups,
        difficulty=hardness,
    )
    return GradedProblems(bank, difficulty, cell, offset, held_out_cell, held_out_offset)


def _allocate(weights: FloatArray, count: int) -> IntArray:
    """As many of each index as its weight says, to within one, in ascending order."""
    last = np.rint(count * np.cumsum(weights) / np.sum(weights)).astype(np.int64)
    return np.repeat(np.arange(len(weights)), np.diff(last, prepend=0))


def _standardised(values: FloatArray) -> FloatArray:
    deviation = float(np.std(values))
    return np.asarray((values - np.mean(values)) / (deviation if deviation > 0.0 else 1.0))
