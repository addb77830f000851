"""How a broken law is shown: states compared bit for bit, refusals that leave no trace, draws counted.

`expect` is used in place of `assert`, so that the laws hold under ``python -O`` and their messages need no rewriting.
"""

from __future__ import annotations

import copy
import random
import tempfile
import unittest
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from curriculum_bandits._typing import FloatArray, IntArray
from curriculum_bandits.bandits.arrays import sum_by_arm
from curriculum_bandits.checkpoint import load_state, save_state

_IDENTITY = ("kind", "name", "bank_fingerprint", "format")  # entries that say whose state it is
_SIGMAS = 4.5


def expect(holds: Any, message: str) -> None:
    """Break the law with this message unless the condition holds."""
    if not holds:
        raise AssertionError(message)


def not_applicable(reason: str) -> NoReturn:
    """Leave a law out."""
    raise unittest.SkipTest(reason)


def difference(one: Any, other: Any, place: str = "state") -> str | None:
    """The first place where two states differ in any bit, or None."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        if set(one) != set(other):
            return f"the entries of {place}"
        return next(filter(None, (difference(one[key], other[key], f"{place}[{key!r}]") for key in one)), None)
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        a, b = np.asarray(one), np.asarray(other)
        return None if (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()) else place
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) != len(other):
            return f"the length of {place}"
        pairs = zip(one, other, strict=True)
        return next(filter(None, (difference(a, b, f"{place}[{i}]") for i, (a, b) in enumerate(pairs))), None)
    return None if one == other or (one != one and other != other) else place


def expect_same(one: Any, other: Any, message: str) -> None:
    """Two states are equal bit for bit; the message is completed by where they are not."""
    place = difference(one, other)
    expect(place is None, f"{message} ({place} differs)")


def expect_sound(p: Any, q: Any) -> None:
    """Probabilities of a draw are in [0, 1], its inclusion is finite and above 0 where it is stated."""
    known = np.ones(0) if q is None else np.asarray(q)
    expect(np.all((p >= 0.0) & (p <= 1.0 + 1e-9)), f"a draw records probability {p}, which is none")
    expect(np.all(np.isfinite(known) & (known > 0.0)), f"a draw records inclusion {q}; none may be 0")


def expect_refusal(
    action: str,
    call: Callable[[], Any],
    state: Callable[[], Any],
    *,
    errors: tuple[type[Exception], ...] = (ValueError,),
    naming: tuple[str, ...] = (),
) -> None:
    """The call raises one of the errors, its message holds one of the names, and the state is as it was."""
    before = copy.deepcopy(state())
    kinds = " or ".join(error.__name__ for error in errors)
    try:
        call()
    except errors as error:
        message = str(error)
    except Exception as error:
        raise AssertionError(f"{action} raises {type(error).__name__} ({error}); raise {kinds}") from error
    else:
        raise AssertionError(f"{action} is accepted; raise {kinds}")
    expect_same(before, state(), f"{action} is refused, but leaves a trace")
    expect(
        not naming or any(name in message for name in naming),
        f"{action} is refused with {message!r}, which does not name {' or '.join(naming)}",
    )


def damaged(state: Mapping[str, Any], per_arm: int | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """What is wrong, and copies of a state that nobody may load: entries missing, another's identity, wrong shapes.

    An array whose last axis has length `per_arm` has one entry per arm.
    """
    if state:
        yield "an empty state", {}
    yield from _damaged_at(state, "state", per_arm)


def _damaged_at(value: Any, place: str, per_arm: int | None) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key in value:
            yield f"a state without {place}[{key!r}]", {k: v for k, v in value.items() if k != key}
            if key in _IDENTITY:
                yield f"a state whose {place}[{key!r}] is another's", {**value, key: "another's"}
            for what, entry in _damaged_at(value[key], f"{place}[{key!r}]", per_arm):
                yield what, {**value, key: entry}
    elif isinstance(value, np.ndarray | np.floating):
        yield f"a state with an axis too many in {place}", np.stack([value, value])
        if per_arm is not None and value.shape[-1:] == (per_arm,):
            yield f"a state with too many arms in {place}", np.concatenate([value, value], axis=-1)


def stored(state: Mapping[str, Any]) -> dict[str, Any]:
    """The state as it comes back from a checkpoint file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state.npz"
        save_state(path, state)
        return load_state(path)


def scribbled(value: Any) -> None:
    """Overwrite every writable array of a state in place, so that whoever kept a view of it shows."""
    if isinstance(value, Mapping | list | tuple):
        for entry in value.values() if isinstance(value, Mapping) else value:
            scribbled(entry)
    elif isinstance(value, np.ndarray) and value.flags.writeable:
        value[...] = np.zeros((), dtype=value.dtype) if np.any(value) else np.ones((), dtype=value.dtype)


def global_randomness() -> Any:
    """State of the two generators that nobody may touch."""
    return np.random.get_state(), random.getstate()  # noqa: NPY002 - read, to see that nobody else writes it


def expect_unbiased(items: IntArray, inclusion: FloatArray, n: int, who: str) -> None:
    """``E sum_{j: x_j = x} 1 / inclusion_j = 1`` for every x of n that is drawn at all, by a z-test over many draws.

    Items and the inclusion recorded for each have shape (D, m); `who` is what an item is called.
    """
    draws = len(items)
    totals = sum_by_arm(items, 1.0 / inclusion, n)
    mean, spread = np.mean(totals, axis=0), np.std(totals, axis=0) / np.sqrt(draws)
    heaviest = np.max(totals, axis=0)
    # The last term keeps rare items, whose sums are far from normal, from raising a false alarm.
    tolerance = _SIGMAS * spread + 3.0 * heaviest / draws + 1e-9
    excess = np.where(mean > 0.0, np.abs(mean - 1.0) - tolerance, -np.inf)
    worst = int(np.argmax(excess))
    expect(
        excess[worst] <= 0.0,
        f"the mean of sum 1/inclusion of {who} {worst} over {draws} draws is {mean[worst]:.3f} "
        f"+- {spread[worst]:.3f} instead of 1: the recorded inclusion is not the number to divide by",
    )


def expect_expected_counts(arms: IntArray, expected: FloatArray) -> None:
    """Arms (D, m) are played as often as expected in a draw (K,), by a z-test over many draws."""
    draws, plays = arms.shape
    counts = np.bincount(arms.ravel(), minlength=len(expected))
    mean = draws * expected
    excess = np.abs(counts - mean) - _SIGMAS * np.sqrt(mean * (1.0 - expected / plays)) - 3.0
    worst = int(np.argmax(excess))
    expect(
        excess[worst] <= 0.0,
        f"arm {worst} is played {counts[worst]} times in {draws} draws where probabilities() says {mean[worst]:.1f}: "
        "what is reported is not what is played",
    )
