"""A curriculum that lives in the main process and is followed by all.

One decision per draw, the same everywhere. A failure in the main process is a failure in all of them: processes that
wait for an answer which never comes would hang until a launcher ends them. A curator that scores in all processes
(``collective=True``) is asked and told in each instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list

from curriculum_bandits import Curriculum, Draw

__all__ = ["SharedCurriculum"]

Answer = TypeVar("Answer")


class SharedCurriculum:
    """Asks and tells on behalf of all processes.

    Every process has made its own curriculum; only the main one's is used. What that raises is raised there, and in the
    other processes as a RuntimeError that says so.
    """

    def __init__(self, curriculum: Curriculum, accelerator: Accelerator) -> None:
        self.curriculum = curriculum
        self._accelerator = accelerator

    @property
    def here(self) -> bool:
        """Whether this process asks and tells: the main one, or all where the curriculum wants them together."""
        return bool(self._accelerator.is_main_process or self.curriculum.collective)

    def ask(self, size: int) -> tuple[Draw | None, np.ndarray]:
        """Draw problems, in every process: the draw, None where this one does not ask, and its items, shape (m,)."""
        draws: list[Draw] = []

        def drawn() -> list[int]:
            draws.append(self.curriculum.ask(size))
            return list(draws[0].items.tolist())

        try:
            items = self.in_step(drawn)
        except BaseException:
            for draw in draws:
                self.curriculum.discard(draw)
            raise
        return (draws[0] if draws else None), np.array(items, dtype=np.int64)

    def in_step(self, action: Callable[[], Answer]) -> Answer | None:
        """Do something where the curriculum is asked, and let every process know how it ended.

        Args:
            action: Done in the main process, or in each where the curriculum wants them together.

        Returns:
            What it returned, which must be plain data; in all processes.
        """
        if self._accelerator.num_processes == 1 or self.curriculum.collective:
            return action()
        shared: list[Any] = [None, None]
        failure: Exception | None = None
        if self._accelerator.is_main_process:
            try:
                shared[0] = action()
            except Exception as error:
                failure, shared[1] = error, f"{type(error).__name__}: {error}"
        broadcast_object_list(shared, from_process=0)
        if failure is not None:
            raise failure
        if shared[1] is not None:
            raise RuntimeError(f"the curriculum failed in the main process ({shared[1]})")
        answer: Answer | None = shared[0]
        return answer
