"""Tasks spread over cores or over a cluster, by joblib; results come back one by one as they are finished.

Only this process writes, so workers need neither a common file system nor anything but the package itself.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from typing import Any

from curriculum_bandits.environments import Environment
from curriculum_bandits.extras import require_extra

from .task import Result, Task, Work, run_work

__all__ = ["finished"]


def finished(
    tasks: Iterable[Task], *, jobs: int = -1, backend: str = "loky", scheduler: str | None = None
) -> Iterator[tuple[Task, Result]]:
    """Carry out tasks, in any order.

    Args:
        tasks: What to do.
        jobs: Workers; -1 for all cores, or all that a cluster has.
        backend: Name of a joblib backend: ``loky`` (processes), ``threading``, ``dask``, ``ray``, or another that was
            registered.
        scheduler: Address of a Dask scheduler; None makes Dask start workers on this machine.

    Yields:
        Each task with its result, as soon as it is there.

    Raises:
        ModuleNotFoundError: If joblib, or what the backend needs, is not installed.
        ValueError: If the backend does not exist, or a scheduler is given to one that has none.
    """
    joblib = require_extra("joblib", "regret")
    if scheduler is not None and backend != "dask":
        raise ValueError(f"a scheduler is given, but backend {backend!r} has none; use the backend dask")
    numbered = list(tasks)
    with contextlib.ExitStack() as stack:
        options: dict[str, Any] = {"backend": backend, "n_jobs": jobs}
        if backend == "dask":
            distributed = require_extra("distributed", "dask")
            stack.enter_context(_dask_client(distributed, scheduler, jobs))
            options["n_jobs"] = -1
        elif backend == "ray":
            require_extra("ray.util.joblib", "ray").register_ray()
        elif backend == "loky":
            # Small arrays gain nothing from a second thread, and as many threads as cores squared lose much.
            options["inner_max_num_threads"] = 1
        try:
            stack.enter_context(joblib.parallel_config(**options))
        except ValueError as error:
            raise ValueError(f"backend {backend!r}: {error}; use loky, threading, dask or ray") from None
        # One task at a batch, so that each result is stored as soon as it is there; arrays are sent, not shared as
        # files, for there may be no common file system.
        parallel = joblib.Parallel(return_as=_return_as(joblib), batch_size=1, max_nbytes=None)
        if parallel.return_generator:
            results = parallel(joblib.delayed(_numbered)(*each) for each in _work(numbered))
            stack.callback(results.close)  # an interrupt, or an error of the caller, stops the workers
            for number, result in results:
                yield numbered[number], result
        else:
            work = _work(numbered)
            while portion := list(itertools.islice(work, 4 * joblib.effective_n_jobs())):
                for number, result in parallel(joblib.delayed(_numbered)(*each) for each in portion):
                    yield numbered[number], result


def _return_as(joblib: Any) -> str:
    """What the chosen backend can do: results as they come, or lists."""
    backend, _ = joblib.parallel.get_active_backend()
    sequential = joblib.effective_n_jobs() == 1
    return "generator_unordered" if sequential or getattr(backend, "supports_return_generator", False) else "list"


@contextlib.contextmanager
def _dask_client(distributed: Any, scheduler: str | None, jobs: int) -> Iterator[None]:
    """A client, which joblib finds by itself; without a scheduler also workers on this machine."""
    if scheduler is not None:
        with distributed.Client(scheduler):
            yield
        return
    workers = None if jobs == -1 else jobs
    with (
        distributed.LocalCluster(
            n_workers=workers, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield


def _work(tasks: list[Task]) -> Iterator[tuple[int, Work]]:
    """The work of each task with its number; tasks of one instance, which stand together, share its means."""
    made: tuple[object, Environment] | None = None
    for number, task in enumerate(tasks):
        if made is None or made[0] is not task.instance:
            made = (task.instance, task.instance.environment())
        yield number, task.work(made[1])


def _numbered(number: int, work: Work) -> tuple[int, Result]:
    return number, run_work(work)
