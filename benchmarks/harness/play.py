"""Play the trials that are not stored yet, and hand back the results of all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from tqdm.auto import tqdm

from .store import Store
from .trials import Trial
from .workers import Workers

__all__ = ["missing_trials", "play_trials"]

Result = TypeVar("Result")


def missing_trials(trials: Iterable[Trial], store: Store[Any], *, again: bool = False) -> list[Trial]:
    """The trials that are to be played.

    Args:
        trials: All of them.
        store: Where results are.
        again: Play also what is stored, from the beginning: what was begun is removed, results are kept until then.

    Returns:
        Those without a whole result, or all.
    """
    if not again:
        return [trial for trial in trials if store.load(trial) is None]
    every = list(trials)
    for trial in every:
        shutil.rmtree(store.workplace(trial), ignore_errors=True)
    return every


def play_trials(
    trials: Sequence[Trial],
    play: Callable[[Any], Result],
    store: Store[Result],
    workers: Workers,
    *,
    piece: Callable[[Trial], Any] = lambda trial: trial,
    again: bool = False,
    progress: bool = True,
    unit: str = "run",
) -> int:
    """Play what is not stored yet.

    An interrupt keeps all that has come back.

    Args:
        trials: All of them.
        play: ``play(piece)`` returns the result; a function of a module, for workers have to find it.
        store: Where results are.
        workers: Who plays.
        piece: What a worker is handed, made when its turn comes; by default the trial itself.
        again: Play also what is stored.
        progress: Show a progress bar.
        unit: What the bar counts.

    Returns:
        How many trials were played.
    """
    missing = missing_trials(trials, store, again=again)
    with tqdm(total=len(trials), initial=len(trials) - len(missing), unit=unit, disable=not progress) as bar:
        if missing:  # no worker is started for nothing
            for number, result in workers.finished(play, map(piece, missing)):
                store.save(missing[number], result)
                bar.set_postfix_str(missing[number].label, refresh=False)
                bar.update()
    return len(missing)
