"""Work spread over cores or over a cluster, by joblib; results come back one by one as they are finished.

Only the process that asks writes, so workers need neither a common file system nor anything but the package itself.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from curriculum_bandits.extras import require_extra

__all__ = ["Workers"]


@dataclass(frozen=True)
class Workers:
    """Who works, and where.

    Attributes:
        jobs: Workers; -1 for all cores, or all that a cluster has; 1 works in this process.
        backend: A joblib backend: loky (processes), threading, dask, ray, or another that was registered; by default
            loky, with a scheduler dask.
        scheduler: Address of a Dask scheduler; without one Dask starts workers on this machine.
    """

    jobs: int = -1
    backend: str | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.jobs == 0 or self.jobs < -1:
            raise ValueError(f"jobs is {self.jobs}; give a number of workers, or -1 for all cores")
        if self.scheduler is not None and self.backend not in (None, "dask"):
            raise ValueError(f"a scheduler is given, but backend {self.backend!r} has none; use the backend dask")

    def finished(self, work: Callable[[Any], Any], pieces: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Carry out pieces of work, in any order.

        Args:
            work: ``work(piece)`` returns a result.
            pieces: What to do, asked for as workers get free.

        Yields:
            Number of a piece and its result, as soon as it is there.

        Raises:
            ModuleNotFoundError: If joblib, or what the backend needs, is not installed.
            ValueError: If the backend does not exist.
        """
        joblib = require_extra("joblib", "benchmarks")
        backend = self.backend or ("loky" if self.scheduler is None else "dask")
        with contextlib.ExitStack() as stack:
            options: dict[str, Any] = {"backend": backend, "n_jobs": self.jobs}
            if backend == "dask":
                distributed = require_extra("distributed", "dask")
                stack.enter_context(_dask_client(distributed, self.scheduler, self.jobs))
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
            # One piece at a batch, so that each result is stored as soon as it is there; arrays are sent, not shared
            # as files, for there may be no common file system.
            parallel = joblib.Parallel(return_as=_return_as(joblib), batch_size=1, max_nbytes=None)
            calls = (joblib.delayed(_numbered)(work, *each) for each in enumerate(pieces))
            if parallel.return_generator:
                results = parallel(calls)
                stack.callback(results.close)  # an interrupt, or an error of the caller, stops the workers
                yield from results
            else:
                while portion := list(itertools.islice(calls, 4 * joblib.effective_n_jobs())):
                    yield from parallel(portion)


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


def _numbered(work: Callable[[Any], Any], number: int, piece: Any) -> tuple[int, Any]:
    return number, work(piece)
