"""A curriculum as prime-rl's `TaskSampler`: one task at a time out, one finished group at a time back.

A curriculum draws and learns in batches, prime-rl in single groups that finish late, in any order, or never (a group
that went stale is cancelled and not reported). So a draw is handed out task by task and told when its last group is in,
or with the rest marked as missing when too many later draws have begun. Rewards are all that is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from curriculum_bandits import Curriculum, Draw, Rollouts

try:
    from prime_rl.orchestrator.curriculum.samplers import TaskSampler  # type: ignore[import-not-found]
except ModuleNotFoundError as error:  # without prime-rl there is nothing to plug into, but all else works
    if error.name != "prime_rl":
        raise
    TaskSampler = Iterator

__all__ = ["CurriculumTaskSampler"]


class CurriculumTaskSampler(TaskSampler):  # type: ignore[valid-type,misc]
    """Tasks as the curriculum wants them.

    Args:
        tasks: All tasks of the environment, each with a ``key`` of its own.
        curriculum: Over a bank whose ids are these keys; its signal must need nothing but rewards.
        batch_size: Tasks of one draw, by default an eighth of the bank, at most 64.
        max_age: How many later draws may begin before a draw with groups still missing is told without them.

    Raises:
        ValueError: If the tasks are not those of the bank, the signal needs log-probabilities after the update, which
            prime-rl does not report here, or a number is below 1.
    """

    def __init__(
        self, tasks: Sequence[Any], curriculum: Curriculum, *, batch_size: int | None = None, max_age: int = 8
    ) -> None:
        size = min(64, max(1, len(curriculum.bank) // 8)) if batch_size is None else batch_size
        if size < 1 or max_age < 1:
            raise ValueError(f"batch_size is {size} and max_age {max_age}; both must be at least 1")
        self._tasks = {str(task.key): task for task in tasks}
        if len(self._tasks) < len(tasks) or set(self._tasks) != set(curriculum.bank.ids):
            raise ValueError("tasks and bank differ; give ProblemBank(ids=...) the key of every task, each once")
        if curriculum.needs_log_ratio:
            raise ValueError(
                f"the signal of {curriculum.name!r} compares log-probabilities before and after the update; none come "
                "with a group; choose signals.absolute_advantage, success_rate or reward_variance"
            )
        self.curriculum, self.batch_size, self.max_age = curriculum, size, max_age
        self._item = {identity: item for item, identity in enumerate(curriculum.bank.ids)}
        # Of each open draw: how many of its tasks are out, and the rewards of each group that is back.
        self._out: dict[int, int] = {}
        self._back: dict[int, dict[int, list[float]]] = {}
        self._counts = {"told": 0, "told_incomplete": 0, "groups_too_late": 0}

    def __iter__(self) -> CurriculumTaskSampler:
        return self

    def __next__(self) -> Any:
        """The next task; a new draw when all tasks of the last one are out."""
        draws = self.curriculum.outstanding
        if not draws or self._out[draws[-1].ticket.serial] == self.batch_size:
            for draw in draws[: max(0, len(draws) + 1 - self.max_age)]:
                self._tell(draw)
            draw = self.curriculum.ask(self.batch_size)
            self._out[draw.ticket.serial], self._back[draw.ticket.serial] = 0, {}
        else:
            draw = draws[-1]
        position = self._out[draw.ticket.serial]
        self._out[draw.ticket.serial] += 1
        return self._tasks[self.curriculum.bank.ids[int(draw.items[position])]]

    def observe(self, group: list[Any]) -> None:
        """Hear of one finished group, trained on or not.

        Args:
            group: Episodes of one task. Failed ones, and traces with an error, of frozen agents or without a turn, have
                no reward. Belongs to the oldest open draw that waits for this task; if none does any more, it is only
                counted.

        Raises:
            ValueError: If the group is empty or of a task that is not in the bank.
        """
        key = str(group[0].task.key) if group else None
        if key not in self._item:
            raise ValueError(f"a group of the task {key!r} is reported, which is not in the bank of {len(self._item)}")
        rewards = [
            float(trace.reward)
            for episode in group
            for trace in episode.traces
            if episode.ok and not trace.has_error and trace.agent.trainable and trace.num_turns > 0
        ]
        for draw in self.curriculum.outstanding:
            back, out = self._back[draw.ticket.serial], draw.items[: self._out[draw.ticket.serial]]
            waiting = [i for i, item in enumerate(out.tolist()) if item == self._item[key] and i not in back]
            if waiting:
                back[waiting[0]] = rewards
                if len(back) == len(draw):
                    self._tell(draw)
                return
        self._counts["groups_too_late"] += 1

    def _tell(self, draw: Draw) -> None:
        back = self._back[draw.ticket.serial]
        padded = np.full((len(draw), max([1, *map(len, back.values())])), math.nan)
        for position, rewards in back.items():
            padded[position, : len(rewards)] = rewards
        self.curriculum.tell(draw, self.curriculum.signal(Rollouts(padded)))
        del self._out[draw.ticket.serial], self._back[draw.ticket.serial]
        self._counts["told" if len(back) == len(draw) else "told_incomplete"] += 1

    def state_dict(self) -> dict[str, Any]:
        """Curriculum, open draws and their groups so far, as arrays and plain numbers."""
        back = [[serial, i, rewards] for serial, groups in self._back.items() for i, rewards in groups.items()]
        open_draws = [[serial, out] for serial, out in self._out.items()]
        return {"curriculum": self.curriculum.state_dict(), "out": open_draws, "back": back, "counts": {**self._counts}}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from `state_dict`; groups that were in flight then are missing unless prime-rl runs them again."""
        self.curriculum.load_state_dict(state_dict["curriculum"])
        self._out = {int(serial): int(out) for serial, out in state_dict["out"]}
        self._back = {serial: {} for serial in self._out}
        for serial, position, rewards in state_dict["back"]:
            self._back[int(serial)][int(position)] = [float(reward) for reward in rewards]
        self._counts = dict(state_dict["counts"])

    def metrics(self) -> dict[str, float]:
        """Draws told and open, groups that came too late, and the effective number of problems."""
        entropy = self.curriculum.entropy()
        effective = {} if math.isnan(entropy) else {"effective_problems": math.exp(entropy)}
        return {**{k: float(n) for k, n in self._counts.items()}, "open_draws": float(len(self._out)), **effective}
