"""One curator in any number of processes: each scores its share, and all take the same step.

What is random, or could differ in the last bit, is decided by process 0 and sent to the others; sums of gradients are
formed once and sent, not formed everywhere. So weights stay identical in every bit. Alone, nothing of this costs.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import torch
from torch import Tensor
from torch import distributed as dist

__all__ = ["Processes"]

Result = TypeVar("Result")


class Processes:
    """The processes a curator runs in, by `torch.distributed`'s default group.

    Args:
        collective: All processes call the curator together. Otherwise each curator is alone, also where a process group
            exists.
    """

    def __init__(self, collective: bool = False) -> None:
        self.collective = collective

    @property
    def count(self) -> int:
        """How many there are."""
        return dist.get_world_size() if self._many() else 1

    @property
    def rank(self) -> int:
        """Number of this one."""
        return dist.get_rank() if self._many() else 0

    def agree(self, decide: Callable[[], Result]) -> Result:
        """What process 0, and it alone, decides, in every process; an error there is raised in all."""
        if not self._many():
            return decide()
        message: list[Any] = [None, None]
        failure: Exception | None = None
        if self.rank == 0:
            try:
                message[0] = decide()
            except Exception as error:
                failure, message[1] = error, _sendable(error)
        dist.broadcast_object_list(message, src=0, device=_device())
        if message[1] is not None:
            raise message[1] if failure is None else failure
        result: Result = message[0]
        return result

    def alike(self, work: Callable[[], Result]) -> Result:
        """Do this process's share of a work, which must not talk to the others, and return its own result.

        Raises:
            RuntimeError: If it failed in another process, so that nobody waits for ever; where it failed itself, the
                error is its own.
        """
        if not self._many():
            return work()
        try:
            result = work()
        except Exception:
            dist.all_reduce(torch.ones(1, device=_device()))
            raise
        failed = torch.zeros(1, device=_device())
        dist.all_reduce(failed)
        if int(failed) > 0:
            raise RuntimeError("the curator failed in another process, whose own error says why")
        return result

    def share(self, count: int) -> slice:
        """Which of so many rows are this process's; the slices of all processes, in order, are all rows."""
        return slice(count * self.rank // self.count, count * (self.rank + 1) // self.count)

    def gather(self, rows: Tensor, count: int) -> Tensor:
        """Put the shares of all processes, shape (own, ...), together: shape (count, ...), the same bits everywhere."""
        if not self._many():
            return rows
        own = self.share(count)
        whole = torch.zeros((count, *rows.shape[1:]), dtype=rows.dtype, device=_device())
        whole[own] = rows.to(whole.device)
        dist.all_reduce(whole)  # sums with zeros are exact
        return whole.to(rows.device)

    def sum_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace the gradient of every parameter by its sum over the processes; a missing one counts as zero."""
        if not self._many():
            return
        for parameter in parameters:
            gradient = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
            total = gradient.to(_device())
            dist.reduce(total, dst=0)
            dist.broadcast(total, src=0)
            parameter.grad = total.to(parameter.device)

    def copy_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Give every process the values of process 0, in place."""
        if not self._many():
            return
        for tensor in tensors:
            sent = tensor.detach().to(_device())
            dist.broadcast(sent, src=0)
            with torch.no_grad():
                tensor.copy_(sent)

    def _many(self) -> bool:
        return self.collective and dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def _sendable(error: Exception) -> Exception:
    """The error, or its text where it cannot be sent: the others wait for it and must not wait for ever."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _device() -> torch.device:
    """Where the process group can send from."""
    return torch.device("cuda" if dist.get_backend() == "nccl" else "cpu")
