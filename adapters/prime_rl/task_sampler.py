"""A curriculum as prime-rl's `TaskSampler`: one task at a time out, one finished group at a time back.

prime-rl's groups finish late, in any order, or never (a group that went stale is cancelled and not reported); a
`Collector` keeps track of them. Rewards are all that is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from curriculum_bandits import Curriculum
from curriculum_bandits.collector import Collector

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
        self._tasks = {str(task.key): task for task in tasks}
        if len(self._tasks) < len(tasks) or set(self._tasks) != set(curriculum.bank.ids):
            raise ValueError("tasks and bank differ; give ProblemBank(ids=...) the key of every task, each once")
        if curriculum.needs_log_ratio:
            raise ValueError(
                f"the signal of {curriculum.name!r} compares log-probabilities before and after the update; none come "
                "with a group; choose signals.absolute_advantage, success_rate or reward_variance"
            )
        self.curriculum = curriculum
        self.collector = Collector(curriculum, size, n_rollouts=None, max_age=max_age)

    def __iter__(self) -> CurriculumTaskSampler:
        return self

    def __next__(self) -> Any:
        """The next task; a new draw when all tasks of the last one are out."""
        (task,) = self.collector.ask()
        return self._tasks[task.id]

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
        if key not in self._tasks:
            raise ValueError(f"a group of the task {key!r} is reported, which is not in the bank of {len(self._tasks)}")
        rewards = [
            float(trace.reward)
            for episode in group
            for trace in episode.traces
            if episode.ok and not trace.has_error and trace.agent.trainable and trace.num_turns > 0
        ]
        waiting = self.collector.out(key)
        if waiting:
            self.collector.tell(waiting[0].ticket, waiting[0].place, rewards)
        else:
            self.collector.counts["late"] += 1

    def state_dict(self) -> dict[str, Any]:
        """Curriculum, open draws and their groups so far, as arrays and plain numbers."""
        return self.collector.state_dict()

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue from `state_dict`; groups that were in flight then are missing unless prime-rl runs them again."""
        self.collector.load_state_dict(state_dict)

    def metrics(self) -> dict[str, float]:
        """Everything that `Collector.counts` counts, the open draws, and the effective number of problems."""
        counts = {name: float(count) for name, count in self.collector.counts.items()}
        entropy = self.curriculum.entropy()
        effective = {} if math.isnan(entropy) else {"effective_problems": math.exp(entropy)}
        return {**counts, "open_draws": float(len(self.collector.outstanding)), **effective}
