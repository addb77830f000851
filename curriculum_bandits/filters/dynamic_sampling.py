"""The common part of all filters: draw, roll out, keep what is worth training on, draw again for what is missing.

Refills are draws of their own, each answered with its own ticket after the one update. Every group that was rolled out
is reported with the value that the curriculum's own signal gives it, rejected or not: a curriculum that never hears of
solved and hopeless problems goes on drawing them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

import numpy as np

from curriculum_bandits._typing import BoolArray, IntArray, override
from curriculum_bandits.curriculum import Curriculum
from curriculum_bandits.draw import Draw
from curriculum_bandits.filters.contract import Filter, FilterStep, RolloutFirstLearner
from curriculum_bandits.rollouts import PendingRollouts, Rollouts
from curriculum_bandits.state import Field, Random, Stateful

__all__ = ["DynamicSampling"]


class DynamicSampling(Stateful, Filter):
    """The base of filters: says which groups are worth training on in `keep`, and may do more in the other methods.

    Args:
        max_draws: Batches drawn at most for one step. If they do not fill it, it is trained on fewer groups; if nothing
            is worth it there is no update.
        seed: Seed of the filter's own random generator.

    Raises:
        ValueError: If `max_draws` is below 1.
    """

    STATE: ClassVar[Mapping[str, Field]] = {"rng": Random()}

    def __init__(self, max_draws: int, seed: int = 0) -> None:
        if max_draws < 1:
            raise ValueError(f"max_draws is {max_draws}; allow at least 1 batch per step")
        self.max_draws = max_draws
        self.rng = np.random.default_rng(seed)

    def keep(self, rollouts: Rollouts) -> BoolArray:
        """Mask of the groups that may be trained on, shape (k,); those whose rewards differ unless a filter overrides.

        Args:
            rollouts: Of a draw, shape (k, n).
        """
        return rollouts.informative

    def admitted(self, items: IntArray) -> BoolArray:
        """Mask of the drawn problems that are rolled out at all, shape (m,); all of them unless a filter overrides.

        Args:
            items: A draw, shape (m,).
        """
        return np.ones(len(items), dtype=bool)

    def rolled_out(self, items: IntArray, roll_out: Callable[..., PendingRollouts]) -> PendingRollouts:
        """Roll out a draw, a group for each item in their order; once each unless a filter overrides.

        Args:
            items: What was admitted, shape (k,).
            roll_out: The learner's, its rollouts being counted.
        """
        return roll_out(items)

    def replayed(self, missing: int, drawn: IntArray) -> IntArray:
        """Problems that no draw holds, to fill a batch; none unless a filter overrides. Nobody is told of them.

        Args:
            missing: Groups that the batch lacks, 1 or more; return at most as many problems.
            drawn: Problems that were rolled out in this step.
        """
        return np.zeros(0, dtype=np.int64)

    def chosen(self, worth: BoolArray, rollouts: Rollouts, batch_size: int) -> BoolArray:
        """Mask of the groups that are trained on, shape (k,); the first that are worth it unless a filter overrides.

        Args:
            worth: Which are worth it, shape (k,).
            rollouts: Of all groups, shape (k, n).
            batch_size: How many at most.
        """
        return worth & (np.cumsum(worth) <= batch_size)

    def enough(self, kept: int, batch_size: int) -> bool:
        """True where the batch is full, so that no more need be drawn; the draws allowed are another matter.

        Args:
            kept: Groups worth training on so far.
            batch_size: Groups to train on.
        """
        return kept >= batch_size

    def after(self, items: IntArray, worth: BoolArray, rollouts: Rollouts, n_problems: int) -> None:
        """Remember a step that succeeded; nothing unless a filter overrides.

        Args:
            items: All that was rolled out, shape (k,).
            worth: Which were worth training on, shape (k,).
            rollouts: Theirs, shape (k, n).
            n_problems: Size of the bank.
        """

    @override
    def step(self, curriculum: Curriculum, learner: RolloutFirstLearner, batch_size: int) -> FilterStep:
        seconds = dict.fromkeys(("ask", "learn", "tell"), 0.0)
        spending = _Spending(learner, seconds)
        before = self.rng.bit_generator.state
        draws: list[Draw] = []  # not answered yet
        try:
            parts, judged, admissions = self._rolled_out_until_full(curriculum, spending, batch_size, draws, seconds)
            drawn = sum(len(part) for part in parts)
            worth = np.concatenate(judged)
            missing = batch_size - int(worth.sum())
            here = np.concatenate([part.items for part in parts])
            again = self.replayed(missing, here) if missing > 0 else np.zeros(0, dtype=np.int64)
            if len(again):
                parts.append(self.rolled_out(again, spending.roll_out))
                worth = np.concatenate([worth, self.keep(parts[-1].rollouts)])
            groups = PendingRollouts.stacked(parts)
            used = self.chosen(worth, groups.rollouts, batch_size)
            with _timed(seconds, "learn"):
                rollouts = learner.update(groups, used)
            if len(rollouts) != len(groups):
                raise ValueError(f"update returned {len(rollouts)} groups for {len(groups)}; return all, in order")
            counts = {
                "draws": len(admissions),
                "rolled_out": drawn,
                "skipped": sum(len(mask) - int(mask.sum()) for mask in admissions),
                "rejected": int(np.sum(~worth)),
                "replayed": len(again),
                "trained": int(np.sum(used)),
            }
            with _timed(seconds, "tell"):
                step = FilterStep(
                    groups.items,
                    rollouts,
                    curriculum.signal(rollouts),
                    spending.rollouts,
                    spending.tokens,
                    {name: float(count) for name, count in counts.items()},
                    seconds,
                    tuple(draws),
                    admissions,
                )
                for draw, _, feedback in step.answers():
                    curriculum.tell(draw, feedback)
                    del draws[0]
        except BaseException:
            self.rng.bit_generator.state = before
            for draw in draws:
                curriculum.discard(draw)
            raise
        self.after(groups.items, worth, groups.rollouts, len(curriculum.bank))
        return step

    def _rolled_out_until_full(
        self,
        curriculum: Curriculum,
        spending: _Spending,
        batch_size: int,
        draws: list[Draw],
        seconds: dict[str, float],
    ) -> tuple[list[PendingRollouts], list[BoolArray], list[BoolArray]]:
        """Draw until the batch is full; what was drawn is noted in `draws` at once, so that it can be given up.

        Returns what was rolled out, draw by draw, which of it is worth training on, and which of each draw it was.
        """
        parts: list[PendingRollouts] = []
        judged: list[BoolArray] = []
        admissions: list[BoolArray] = []
        kept = 0
        while len(admissions) < self.max_draws and not self.enough(kept, batch_size):
            with _timed(seconds, "ask"):
                draw = curriculum.ask(batch_size)
            draws.append(draw)
            admitted = self.admitted(draw.items)
            if not parts and not admitted.any() and len(admissions) == self.max_draws - 1:
                admitted = np.ones(len(draw), dtype=bool)  # a step without a rollout would teach nobody anything
            admissions.append(admitted)
            if admitted.any():
                parts.append(self.rolled_out(draw.items[admitted], spending.roll_out))
                judged.append(self.keep(parts[-1].rollouts))
                kept += int(judged[-1].sum())
        return parts, judged, admissions


class _Spending:
    """A learner whose rollouts are counted, and their time."""

    def __init__(self, learner: RolloutFirstLearner, seconds: dict[str, float]) -> None:
        self._learner, self._seconds = learner, seconds
        self.rollouts, self.tokens = 0, 0.0

    def roll_out(self, items: IntArray, n_rollouts: int | None = None) -> PendingRollouts:
        with _timed(self._seconds, "learn"):
            groups = self._learner.roll_out(items, n_rollouts)
        if not np.array_equal(groups.items, items):
            raise ValueError("roll_out returned other problems than were asked for; return one group each, in order")
        self.rollouts += groups.rollouts.rewards.size
        lengths = groups.rollouts.lengths
        self.tokens += math.nan if lengths is None else float(np.sum(lengths))
        return groups


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    begin = time.perf_counter()
    try:
        yield
    finally:
        seconds[part] += time.perf_counter() - begin
