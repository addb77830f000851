"""What both suites are made of: laws are methods, and a broken law is an AssertionError that says how it shows.

A law that does not apply raises `unittest.SkipTest`, which pytest reports as skipped, so nothing here needs pytest.
"""

from __future__ import annotations

import unittest
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

__all__ = ["Conformance", "ConformanceError"]

_PREFIX = "test_"

Suite = TypeVar("Suite", bound="Conformance")


class ConformanceError(AssertionError):
    """At least one law is broken.

    Args:
        failures: What went wrong, by law.

    Attributes:
        failures: As given.
    """

    def __init__(self, failures: Mapping[str, str]) -> None:
        self.failures = dict(failures)
        lines = [f"- {law}: {message}" for law, message in self.failures.items()]
        laws = "1 law is broken" if len(lines) == 1 else f"{len(lines)} laws are broken"
        super().__init__("\n".join([f"{laws}:", *lines]))


class Conformance:
    """A set of laws; the base of both suites.

    Every method whose name begins with ``test_`` is a law, named by the rest of its name.
    """

    @classmethod
    def laws(cls) -> tuple[str, ...]:
        """Names of all laws, in the order they are written."""
        names = [name for base in reversed(cls.__mro__) for name in vars(base) if name.startswith(_PREFIX)]
        return tuple(name[len(_PREFIX) :] for name in dict.fromkeys(names))

    def check(self, laws: Iterable[str] | None = None) -> dict[str, str]:
        """Try the laws one after the other (None: all), and return those that do not apply, each with the reason.

        Raises:
            ConformanceError: If a law is broken; it names all that are.
        """
        failures: dict[str, str] = {}
        skipped: dict[str, str] = {}
        for law in self.laws() if laws is None else laws:
            try:
                getattr(self, _PREFIX + law)()
            except unittest.SkipTest as reason:
                skipped[law] = str(reason)
            except AssertionError as failure:
                failures[law] = str(failure)
            except Exception as error:  # whatever the code under test raises where it should not
                failures[law] = f"{type(error).__name__}: {error}"
        if failures:
            raise ConformanceError(failures)
        return skipped


def configured(suite: type[Suite], make: Any, settings: Mapping[str, Any]) -> Suite:
    """An instance of a suite with this `make` (without `self`) and these class attributes.

    Raises:
        TypeError: If the suite has no such attribute.
    """
    known = sorted({name for base in suite.__mro__ for name in vars(base).get("__annotations__", {})})
    for name in settings:
        if name not in known:
            raise TypeError(f"{suite.__name__} has no attribute {name!r}; it has {', '.join(known)}")
    instance: Suite = type(suite.__name__, (suite,), {**settings, "make": staticmethod(make)})()
    return instance
