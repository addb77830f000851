"""Which versions of the libraries a run depends on are installed, for checkpoints and records of runs."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

__all__ = ["installed_versions"]


def installed_versions(packages: Iterable[str]) -> dict[str, str]:
    """Versions by name.

    Args:
        packages: Names of distributions.

    Returns:
        Those that are installed; the others are left out.
    """
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
