"""The one place where tests start processes: groups of ranks, runs that die, and commands that are interrupted.

Ranks are forked from a server that has imported torch and TRL, so that both are imported once and not once per rank. A
worker is a function at the top of a module; what it returns is the report of its rank.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
IMPORTED_ONCE = [
    "curriculum_bandits.neural",
    "curriculum_bandits.adapters.trl",
    "transformers.models.qwen2.modeling_qwen2",
]


def launch(
    worker: Callable[..., Any], folder: Path, *arguments: Any, processes: int = 1, ends: int = 0, timeout: float = 240
) -> list[Any]:
    """Reports of `worker(folder, *arguments)` by rank, as JSON returns them.

    With several processes, the environment is that of `torchrun`; the worker or its libraries make the group.

    Args:
        worker: What each process does.
        folder: Where the processes leave their reports and what they print.
        arguments: Further arguments of the worker.
        processes: Number of processes.
        ends: The exit code that is expected, `-SIGKILL` for workers that kill themselves; then there is no report.
        timeout: Seconds after which everything that still runs is killed.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(IMPORTED_ONCE)
    environment = {"ACCELERATE_USE_CPU": "true", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    if processes > 1:
        environment |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port()), "WORLD_SIZE": str(processes)}
    ranks = [
        context.Process(target=_work, args=(worker, folder, arguments, environment, rank)) for rank in range(processes)
    ]
    try:
        for rank in ranks:
            rank.start()
        running, until = {rank.sentinel: rank for rank in ranks}, time.monotonic() + timeout
        while running and all(rank.exitcode in (None, ends) for rank in ranks):
            ended = wait(list(running), max(until - time.monotonic(), 0.0))
            assert ended, f"still running after {timeout} s:\n{_printed(folder, processes)}"
            for sentinel in ended:
                running.pop(sentinel).join()
    finally:
        for rank in ranks:
            if rank.is_alive():
                rank.kill()
                rank.join()
    assert [rank.exitcode for rank in ranks] == [ends] * processes, _printed(folder, processes)
    return [] if ends else [json.loads((folder / f"rank{rank}.json").read_text()) for rank in range(processes)]


def _work(
    worker: Callable[..., Any], folder: Path, arguments: tuple[Any, ...], environment: dict[str, str], rank: int
) -> None:
    with (folder / f"rank{rank}.txt").open("w") as printed:
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
    os.environ.update(environment)
    if "WORLD_SIZE" in environment:
        os.environ.update({"RANK": str(rank), "LOCAL_RANK": str(rank)})
    import torch

    torch.set_num_threads(1)
    try:
        report = worker(folder, *arguments)
        (folder / f"rank{rank}.json").write_text(json.dumps(report))
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
    except BaseException:
        traceback.print_exc()
        raise


def _printed(folder: Path, processes: int) -> str:
    texts = [(folder / f"rank{rank}.txt") for rank in range(processes)]
    return "\n".join(f"{path.name}:\n{path.read_text()[-3000:]}" for path in texts if path.exists())


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def command(*words: str) -> Iterator[subprocess.Popen[str]]:
    """A Python command of its own, for tests that kill or interrupt it; the end kills what is left of it.

    It leads a group of processes, as in a terminal, and hears control-C also where the tests were started in the
    background by a shell, which has them ignore it.
    """
    process = subprocess.Popen(
        [sys.executable, *words],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for_files(
    process: subprocess.Popen[str], folder: Path, pattern: str, count: int, timeout: float = 120
) -> None:
    """Return when a command has written so many files; fail when it ends or takes too long."""
    until = time.monotonic() + timeout
    while len(list(folder.glob(pattern))) < count:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, f"no {count} files {pattern} after {timeout} s"
        time.sleep(0.005)
