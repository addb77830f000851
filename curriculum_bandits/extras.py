"""Optional dependencies, asked for by name, with one clear line when one is missing."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["require_extra"]


def require_extra(module: str, extra: str) -> ModuleType:
    """Import an optional dependency.

    Args:
        module: Module to import, such as ``"matplotlib.pyplot"``.
        extra: The extra of this package that brings it, such as ``"plot"``.

    Returns:
        The module.

    Raises:
        ModuleNotFoundError: If it is not installed; the message gives the pip command.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not (module == error.name or module.startswith(error.name + ".")):
            raise
        message = f"{error.name} is not installed; run: pip install 'curriculum-bandits[{extra}]'"
        raise ModuleNotFoundError(message, name=error.name) from None
