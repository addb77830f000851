"""What a record adds up to: sums by window of steps, by group, by difficulty and by problem.

Nothing is kept of a draw but what it adds to these, so memory grows with the bank and not with the run. Draws are added
many at a time, which is where numpy is fast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from curriculum_bandits.report.axis import Axis

__all__ = ["MOST_BINS", "MOST_GROUPS", "OTHER_GROUPS", "DrawLine", "Evaluation", "Problems", "Totals"]

#: Most windows of steps that sums are kept for.
MOST_BINS = 200
#: Groups beyond the first so many are counted together.
MOST_GROUPS = 300
#: Name of what is counted together.
OTHER_GROUPS = "all other groups"

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Sums = dict[str, FloatArray]

_DIFFICULTY_CELLS = 64
_NO_GROUP = "no group"
_AT_ONCE = 16384  # problems that are added together


@dataclass
class DrawLine:
    """A draw as the record has it, m problems.

    Attributes:
        step: After which it was told.
        items: Ids, m of them.
        groups: Labels, or None.
        difficulty: Shape (m,), nan where missing; or None.
        inclusion: What to divide by, shape (m,), above 0; or None.
        reward: Mean over the rollouts, shape (m,), nan where missing.
        spread: Whether rewards differ, shape (m,).
        utility: Shape (m,), nan where missing.
        trained: Whether the update used it, shape (m,).
        entropy: In nats, nan where missing.
        tokens: Of all completions of a problem, shape (m,); or None.
        examples: Ids of the examples.
        offset: Where the line begins, in bytes.
    """

    step: int
    items: list[str]
    groups: list[str] | None
    difficulty: FloatArray | None
    inclusion: FloatArray | None
    reward: FloatArray
    spread: BoolArray
    utility: FloatArray
    trained: BoolArray
    entropy: float
    tokens: FloatArray | None
    examples: list[str]
    offset: int


@dataclass(frozen=True)
class Evaluation:
    """An evaluation on held-out problems.

    Attributes:
        step: Updates done.
        tokens: So far, nan where missing.
        metrics: Finite numbers by name.
    """

    step: int
    tokens: float
    metrics: dict[str, float]


class Problems:
    """Sums by problem; rows in the order in which problems first appear.

    Attributes:
        ids: Of the problems.
        drawn: How often, shape (problems,).
        first: Mean reward when first drawn with one, nan before.
        last: The same, when last drawn.
        utilities: How many utilities are known.
        utility: Their sum.
        group: Index of the group, -1 where unknown.
        difficulty: Nan where unknown.
        example_offset: Where the line with its latest example begins, in bytes; -1 where there is none.
        example_slot: Which of the examples there.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._index: dict[str, int] = {}
        self.drawn = np.zeros(0, dtype=np.int64)
        self.first = np.zeros(0)
        self.last = np.zeros(0)
        self.utilities = np.zeros(0, dtype=np.int64)
        self.utility = np.zeros(0)
        self.group = np.zeros(0, dtype=np.int64)
        self.difficulty = np.zeros(0)
        self.example_offset = np.zeros(0, dtype=np.int64)
        self.example_slot = np.zeros(0, dtype=np.int64)

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, items: list[str]) -> IntArray:
        """Rows of problems, new ones added.

        Args:
            items: Their ids.

        Returns:
            Their rows, shape (m,).
        """
        index = self._index
        found = [index.setdefault(item, len(index)) for item in items]
        if len(index) > len(self.ids):
            self.ids.extend(_tail(index, len(self.ids)))
            self._grow(len(index))
        return np.array(found, dtype=np.int64)

    def _grow(self, size: int) -> None:
        if size <= len(self.drawn):
            return
        room = max(size, 2 * len(self.drawn), 1024)
        for name, empty in (
            ("drawn", 0),
            ("first", math.nan),
            ("last", math.nan),
            ("utilities", 0),
            ("utility", 0.0),
            ("group", -1),
            ("difficulty", math.nan),
            ("example_offset", -1),
            ("example_slot", 0),
        ):
            old = getattr(self, name)
            new = np.full(room, empty, dtype=old.dtype)
            new[: len(old)] = old
            setattr(self, name, new)

    def _trim(self) -> None:
        for name, value in list(vars(self).items()):
            if isinstance(value, np.ndarray):
                setattr(self, name, value[: len(self.ids)])


def _tail(index: dict[str, int], known: int) -> list[str]:
    """Keys from the `known`-th on, without walking over those before."""
    late = []
    for item in reversed(index):
        if index[item] < known:
            break
        late.append(item)
    return late[::-1]


class Totals:
    """Sums over the lines of a record, added in the order of the file; `finish` when all are in.

    Sums by window and group have shape (`MOST_BINS`, G), those by window alone (`MOST_BINS`,); only the first
    ``axis.used`` windows hold something. Half 0 and half 1 are alternate steps, for estimates that must not be chosen
    and judged by the same draws.

    Args:
        method: Name of the curriculum.
        problems: In the bank, None where unknown.
        groups: Of the bank; others found on the way join them.
        generations: Rollouts per problem, None where unknown.

    Attributes:
        method: As given.
        bank_size: Problems in the bank, None where unknown.
        generations: As given.
        groups: Names, in the order of the bank.
        axis: The windows of steps.
        by_group: ``drawn``; ``judged``, those with a reward; ``informative``, of those the ones whose rewards differ;
            ``rewards``, the sum of rewards.
        utility: By half, then ``count``, ``value`` (their sum), ``weight`` (the sum of 1/inclusion), ``weighted`` (of
            utility/inclusion).
        clusters: Sums over draws by group, shape (G,): with a and b the sums of a draw over a group, ``aa``, ``ab``,
            ``bb`` and ``draws``, those with a utility in the group; plain ones and, prefixed ``weighted_``, weighted.
        by_bin: Sums by window: ``draws``, ``entropy``, ``entropies`` (how many), ``effective`` (exp of the entropy),
            ``tokens`` and ``wasted`` (of completions; on groups with equal rewards), ``rejected``, ``steps``,
            ``tokens_so_far`` and ``token_steps`` (how many).
        seconds: Sums by window of each part of a step, and of the whole as ``step``.
        difficulty_axis: Cells of difficulty.
        by_difficulty: Problems drawn by window and cell of difficulty, shape (`MOST_BINS`, cells).
        difficulty_sum: Sum of difficulty by cell, to name a cell by its mean.
        problems: Sums by problem.
        evaluations: In order.
        draw_lines: Draws in the record, whether read or not.
        draws: Draws read.
        step_lines: Steps in the record.
        broken_lines: Lines that could not be read.
        weighted: Whether every draw with a utility has inclusion probabilities.
        has_groups: Whether any problem has a group.
        has_tokens: Whether any draw says how long its completions were.
        tokens: Last number of tokens so far, nan where unknown.
        first_step: Of the record, -1 for none.
        last_step: Of the record, -1 for none.
    """

    def __init__(
        self, method: str, problems: int | None = None, groups: list[str] | None = None, generations: int | None = None
    ) -> None:
        self.method, self.bank_size, self.generations = method, problems, generations
        self.groups: list[str] = []
        self._group_index: dict[str, int] = {}
        self.axis = Axis(MOST_BINS)
        self.by_group: Sums = {name: np.zeros((MOST_BINS, 0)) for name in ("drawn", "judged", "informative", "rewards")}
        self.utility: list[Sums] = [
            {name: np.zeros((MOST_BINS, 0)) for name in ("count", "value", "weight", "weighted")} for _ in range(2)
        ]
        sums = ("aa", "ab", "bb")
        self.clusters: Sums = {name: np.zeros(0) for name in (*sums, *(f"weighted_{s}" for s in sums), "draws")}
        names = ["draws", "entropy", "entropies", "effective", "tokens", "wasted", "rejected"]
        names += ["steps", "tokens_so_far", "token_steps"]
        self.by_bin: Sums = {name: np.zeros(MOST_BINS) for name in names}
        self.seconds: Sums = {"step": np.zeros(MOST_BINS)}
        self.difficulty_axis = Axis(_DIFFICULTY_CELLS, 2.0**-20)
        self.by_difficulty = np.zeros((MOST_BINS, _DIFFICULTY_CELLS))
        self.difficulty_sum = np.zeros(_DIFFICULTY_CELLS)
        self.problems = Problems()
        self.evaluations: list[Evaluation] = []
        self.draw_lines = self.draws = self.broken_lines = self.step_lines = 0
        self.weighted, self.has_groups, self.has_tokens = True, False, False
        self.tokens = math.nan
        self.first_step = self.last_step = -1
        self._waiting: list[DrawLine] = []
        self._halves: list[int] = []
        self._waiting_problems = 0
        self._half, self._half_step = 0, -1
        for name in groups or []:
            self._group(name)
        self._make_room()

    def add_draw(self, line: DrawLine) -> None:
        """Add a draw.

        Args:
            line: The draw.
        """
        self.draw_lines += 1
        self.draws += 1
        self._cover(line.step)
        # All draws of one step, refills too, belong to the same half.
        if line.step != self._half_step:
            self._half, self._half_step = 1 - self._half, line.step
        self._waiting.append(line)
        self._halves.append(self._half)
        self._waiting_problems += len(line.items)
        if self._waiting_problems >= _AT_ONCE:
            self._flush()

    def add_step(self, step: int, tokens: float, seconds: dict[str, float]) -> None:
        """Add what a step cost.

        Args:
            step: Updates done.
            tokens: So far, nan where missing.
            seconds: By part, the whole step as ``step``.
        """
        self._cover(step)
        self.step_lines += 1
        at = self._bin(step)
        self.by_bin["steps"][at] += 1
        if math.isfinite(tokens):
            self.by_bin["tokens_so_far"][at] += tokens
            self.by_bin["token_steps"][at] += 1
            self.tokens = tokens
        for part, spent in seconds.items():
            if math.isfinite(spent):
                self.seconds.setdefault(part, np.zeros(MOST_BINS))[at] += spent

    def add_evaluation(self, step: int, tokens: float, metrics: dict[str, float]) -> None:
        """Add an evaluation.

        Args:
            step: Updates done.
            tokens: So far, nan where missing.
            metrics: By name.
        """
        self._cover(step)
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        if finite:
            self.evaluations.append(Evaluation(step, tokens, finite))

    def finish(self) -> None:
        """Add what is still waiting."""
        self._flush()
        self.problems._trim()

    def windows(self, most: int) -> tuple[IntArray, FloatArray]:
        """Join the windows in use to fewer.

        Args:
            most: How many at most.

        Returns:
            First window of each, shape (W,), as `numpy.add.reduceat` wants it; the steps at which they begin, and
            after them the step at which the last one ends, shape (W + 1,).
        """
        per = max(1, math.ceil(self.axis.used / most))
        starts = np.arange(0, max(self.axis.used, 1), per)
        edges = self.axis.edges()[np.append(starts, self.axis.used)]
        # The outermost windows may reach beyond the run.
        edges[0], edges[-1] = max(edges[0], self.first_step), min(edges[-1], self.last_step + 1)
        return starts, edges

    def joined(self, sums: FloatArray, starts: IntArray) -> FloatArray:
        """Sums over joined windows.

        Args:
            sums: By window first, shape (`MOST_BINS`, ...).
            starts: As `windows` returns them.

        Returns:
            Shape (W, ...).
        """
        return np.asarray(np.add.reduceat(sums[: max(self.axis.used, 1)], starts, axis=0), dtype=np.float64)

    def _cover(self, step: int) -> None:
        self.first_step = step if self.first_step < 0 else min(step, self.first_step)
        self.last_step = max(step, self.last_step)
        moved = self.axis.cover(step, step)
        if moved is None:
            return
        tables: list[Sums] = [self.by_group, *self.utility, self.by_bin, self.seconds]
        for sums in tables:
            for name, old in sums.items():
                sums[name] = _moved(old, moved)
        self.by_difficulty = _moved(self.by_difficulty, moved)

    def _bin(self, step: int) -> int:
        return int(step // self.axis.width) - self.axis.low

    def _group(self, name: str) -> int:
        found = self._group_index.get(name)
        if found is not None:
            return found
        if len(self.groups) >= MOST_GROUPS:
            # Remembering that it is among the others would take memory for each.
            if self.groups[-1] != OTHER_GROUPS:
                self.groups.append(OTHER_GROUPS)
            return len(self.groups) - 1
        self._group_index[name] = len(self.groups)
        self.groups.append(name)
        return len(self.groups) - 1

    def _make_room(self) -> None:
        size = max(len(self.groups), 1)
        tables: list[Sums] = [self.by_group, *self.utility, self.clusters]
        for sums in tables:
            for name, old in sums.items():
                if old.shape[-1] < size:
                    new = np.zeros((*old.shape[:-1], size))
                    new[..., : old.shape[-1]] = old
                    sums[name] = new

    def _flush(self) -> None:
        lines, halves = self._waiting, np.array(self._halves, dtype=np.int64)
        self._waiting, self._halves, self._waiting_problems = [], [], 0
        if not lines:
            return
        sizes = np.array([len(line.items) for line in lines])
        which = np.repeat(np.arange(len(lines)), sizes)
        bins = self.axis.index(np.array([line.step for line in lines], dtype=np.float64))
        at = bins[which]
        rows = self.problems.rows([item for line in lines for item in line.items])
        groups = np.concatenate([self._groups_of(line) for line in lines])
        self._make_room()
        reward, utility, difficulty, tokens, weight = (
            np.concatenate([_or_missing(getattr(line, name), line) for line in lines])
            for name in ("reward", "utility", "difficulty", "tokens", "inclusion")
        )
        weight = 1.0 / weight
        spread = np.concatenate([line.spread for line in lines])
        trained = np.concatenate([line.trained for line in lines])

        judged = np.isfinite(reward)
        for name, value in (
            ("drawn", np.ones(len(rows))),
            ("judged", judged),
            ("informative", spread & judged),
            ("rewards", np.where(judged, reward, 0.0)),
        ):
            self._scatter(self.by_group[name], at, groups, value)
        self._add_utilities(at, groups, which, halves[which], utility, weight)
        self._add_by_bin(lines, bins, at, spread, trained, tokens)
        self._add_difficulty(at, difficulty)
        self._add_problems(rows, groups, reward, utility, difficulty)
        for line in lines:
            for slot, item in enumerate(line.examples):
                # Only of what was drawn: an example of anything else would be no example of it.
                if item in line.items:
                    row = self.problems._index[item]
                    self.problems.example_offset[row], self.problems.example_slot[row] = line.offset, slot

    def _groups_of(self, line: DrawLine) -> IntArray:
        if line.groups is None:
            return np.full(len(line.items), self._group(_NO_GROUP))
        self.has_groups = self.has_groups or bool(line.groups)
        return np.array([self._group(name) for name in line.groups], dtype=np.int64)

    def _scatter(self, sums: FloatArray, at: IntArray, groups: IntArray, values: Any) -> None:
        size = sums.shape[1]
        flat = np.bincount(at * size + groups, weights=values, minlength=MOST_BINS * size)
        sums += flat.reshape(sums.shape)

    def _add_utilities(
        self,
        at: IntArray,
        groups: IntArray,
        which: IntArray,
        half: IntArray,
        utility: FloatArray,
        weight: FloatArray,
    ) -> None:
        known = np.isfinite(utility)
        if not np.all(np.isfinite(weight[known])):
            self.weighted = False
        at, groups, which, half, utility = at[known], groups[known], which[known], half[known], utility[known]
        weight = np.where(np.isfinite(weight[known]), weight[known], 1.0)
        for one in (0, 1):
            mine = half == one
            for name, value in (
                ("count", np.ones(len(utility))),
                ("value", utility),
                ("weight", weight),
                ("weighted", weight * utility),
            ):
                self._scatter(self.utility[one][name], at[mine], groups[mine], value[mine])
        # The sums of each draw over each group, of which the squares are needed.
        size = len(self.clusters["draws"])
        cell, inverse = np.unique(which * size + groups, return_inverse=True)
        group = cell % size
        self.clusters["draws"] += np.bincount(group, weights=np.ones(len(group)), minlength=size)
        for prefix, w in (("", np.ones(len(utility))), ("weighted_", weight)):
            a = np.bincount(inverse, weights=w * utility, minlength=len(cell))
            b = np.bincount(inverse, weights=w, minlength=len(cell))
            for name, product in (("aa", a * a), ("ab", a * b), ("bb", b * b)):
                self.clusters[prefix + name] += np.bincount(group, weights=product, minlength=size)

    def _add_by_bin(
        self,
        lines: list[DrawLine],
        bins: IntArray,
        at: IntArray,
        spread: BoolArray,
        trained: BoolArray,
        tokens: FloatArray,
    ) -> None:
        entropy = np.array([line.entropy for line in lines])
        known = np.isfinite(entropy)
        long = np.where(np.isfinite(tokens), tokens, 0.0)
        self.has_tokens = self.has_tokens or bool(np.any(np.isfinite(tokens)))
        for name, where, value in (
            ("draws", bins, np.ones(len(lines))),
            ("entropy", bins[known], entropy[known]),
            ("entropies", bins[known], np.ones(int(known.sum()))),
            ("effective", bins[known], np.exp(np.minimum(entropy[known], 50.0))),
            ("tokens", at, long),
            ("wasted", at, np.where(spread, 0.0, long)),
            ("rejected", at, ~trained),
        ):
            self.by_bin[name] += np.bincount(where, weights=value, minlength=MOST_BINS)

    def _add_difficulty(self, at: IntArray, difficulty: FloatArray) -> None:
        known = np.abs(difficulty) < 1e9
        if not np.any(known):
            return
        at, difficulty = at[known], difficulty[known]
        moved = self.difficulty_axis.cover(float(difficulty.min()), float(difficulty.max()))
        if moved is not None:
            self.by_difficulty = _moved(self.by_difficulty.T, moved).T
            self.difficulty_sum = _moved(self.difficulty_sum, moved)
        cell = self.difficulty_axis.index(difficulty)
        size = self.difficulty_axis.limit
        flat = np.bincount(at * size + cell, weights=np.ones(len(cell)), minlength=MOST_BINS * size)
        self.by_difficulty += flat.reshape(MOST_BINS, size)
        self.difficulty_sum += np.bincount(cell, weights=difficulty, minlength=size)

    def _add_problems(
        self, rows: IntArray, groups: IntArray, reward: FloatArray, utility: FloatArray, difficulty: FloatArray
    ) -> None:
        problems = self.problems
        np.add.at(problems.drawn, rows, 1)
        judged, known = np.isfinite(reward), np.isfinite(utility)
        # Of a row that occurs more than once, numpy keeps what is assigned last.
        new = judged & np.isnan(problems.first[rows])
        problems.first[rows[new][::-1]] = reward[new][::-1]
        problems.last[rows[judged]] = reward[judged]
        np.add.at(problems.utilities, rows[known], 1)
        np.add.at(problems.utility, rows[known], utility[known])
        problems.group[rows] = groups
        problems.difficulty[rows] = difficulty


def _or_missing(values: FloatArray | None, line: DrawLine) -> FloatArray:
    return np.full(len(line.items), np.nan) if values is None else values


def _moved(old: FloatArray, moved: IntArray) -> FloatArray:
    new = np.zeros_like(old)
    np.add.at(new, moved, old)
    return new
