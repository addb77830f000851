"""Runs spread over the cores of this machine, by joblib; results come back one by one as they are finished.

Only the process that asks writes, so an interrupt keeps all that has come back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from curriculum_bandits.extras import require_extra

from .play import Result, Run, play

__all__ = ["finished"]


def finished(runs: Sequence[Run], *, jobs: int = -1) -> Iterator[tuple[Run, Result]]:
    """Carry out runs, in any order.

    Args:
        runs: What to do.
        jobs: Worker processes; -1 for all cores, 1 to work in this process.

    Yields:
        Each run with its result, as soon as it is there.

    Raises:
        ModuleNotFoundError: If joblib is not installed.
        RuntimeError: If a run fails.
    """
    joblib = require_extra("joblib", "regret")
    # Small arrays gain nothing from a second thread, and as many threads as cores squared lose much.
    with joblib.parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        parallel = joblib.Parallel(return_as="generator_unordered", batch_size=1)
        # An interrupt, or an error of the caller, stops the workers.
        with contextlib.closing(parallel(joblib.delayed(_played)(run) for run in runs)) as results:
            yield from results


def _played(run: Run) -> tuple[Run, Result]:
    return run, play(run)
