"""Optional dependencies, asked for by name, with one clear line when one is missing."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Mapping
from types import ModuleType

__all__ = ["require_extra", "require_extras"]


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


def require_extras(needs: Mapping[str, str]) -> None:
    """Ask for everything that a command needs in one message, and import nothing.

    Args:
        needs: The extra that brings each module, by the module's name.

    Raises:
        ModuleNotFoundError: If some are not installed; the message names all of them and gives one pip command.
    """
    missing = {module: extra for module, extra in needs.items() if not _installed(module)}
    if missing:
        extras = ",".join(dict.fromkeys(missing.values()))
        are = "is" if len(missing) == 1 else "are"
        message = f"{', '.join(missing)} {are} not installed; run: pip install 'curriculum-bandits[{extras}]'"
        raise ModuleNotFoundError(message, name=next(iter(missing)))


def _installed(module: str) -> bool:
    """Look for the package that a module is in; the module itself would have to be imported to be found."""
    try:
        return importlib.util.find_spec(module.partition(".")[0]) is not None
    except ModuleNotFoundError:  # as a finder may say it
        return False
    except ValueError:  # it was imported, and says not from where
        return True
