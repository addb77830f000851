"""The law of the documentation: a public symbol without documentation fails the build.

Public is what a module names in `__all__`; a module without one is public by accident, and that is an error too. A
symbol is documented when it has a docstring, its public methods and properties have one, and it stands on a page, under
the module that defines it or any module that offers it again. Constants have no docstring of their own: standing on a
page, which autodoc grants only to those with a `#:` comment, is enough. Faults are Sphinx warnings; `-W` makes them
errors.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Container, Iterable, Iterator
from functools import cached_property
from types import ModuleType
from typing import Any

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

__all__ = ["faults", "import_public_modules", "setup"]

_logger = logging.getLogger(__name__)


def import_public_modules(packages: Iterable[str]) -> list[ModuleType]:
    """Import each package and every module below it, except those with an underscore in front of a part of their name.

    Args:
        packages: Names to start from. One that is below another is visited once.

    Returns:
        The modules, sorted by name.

    Raises:
        ImportError: If one of them cannot be imported; an undocumented module must not hide behind its fault.
    """
    names: set[str] = set()
    for package in packages:
        names.add(package)
        path = getattr(importlib.import_module(package), "__path__", [])
        names.update(info.name for info in pkgutil.walk_packages(path, f"{package}."))
    return [importlib.import_module(name) for name in sorted(names) if not _is_private(name)]


def faults(modules: Iterable[ModuleType], on_pages: Container[str]) -> Iterator[str]:
    """Say what keeps these modules from being documented, one line per fault.

    Args:
        modules: The public modules.
        on_pages: Full names of everything that stands on a page, as in Sphinx's inventory of Python objects.

    Yields:
        The faults. None: all is documented.
    """
    modules = list(modules)
    for module in modules:
        if not module.__doc__:
            yield f"{module.__name__} has no docstring"
        if module.__name__ not in on_pages:
            yield f"{module.__name__} is on no page; add to a page of docs/api: .. automodule:: {module.__name__}"
        if not hasattr(module, "__all__"):
            yield f"{module.__name__} has no __all__; name what is public in it, or put an underscore before its name"
        for name in getattr(module, "__all__", ()):
            yield from _symbol_faults(module, name, modules, on_pages)


def _symbol_faults(
    module: ModuleType, name: str, modules: Iterable[ModuleType], on_pages: Container[str]
) -> Iterator[str]:
    full_name = f"{module.__name__}.{name}"
    if not hasattr(module, name):
        yield f"{full_name} is in __all__ but does not exist"
        return
    symbol = getattr(module, name)
    if inspect.ismodule(symbol) or name.startswith(
        "__"
    ):  # modules are visited for themselves; __version__ needs no page
        return
    is_on_page = any(place in on_pages for place in _places(full_name, name, symbol, modules))
    if module.__name__ in on_pages and not is_on_page:  # of a whole module that is missing, one line is enough
        yield f"{full_name} is on no page; a constant needs a `#:` comment above it, anything else a docstring"
    if not (inspect.isclass(symbol) or inspect.isroutine(symbol)):
        return
    if not _has_docstring(symbol):
        yield f"{full_name} has no docstring"
    if inspect.isclass(symbol):
        yield from (f"{full_name}.{member} has no docstring" for member in _undocumented_members(symbol))


def _places(full_name: str, name: str, symbol: Any, modules: Iterable[ModuleType]) -> Iterator[str]:
    """Every name under which the symbol may stand on a page."""
    yield full_name
    if inspect.isclass(symbol) or inspect.isroutine(symbol):
        yield f"{symbol.__module__}.{symbol.__qualname__}"
    for module in modules:
        if name in getattr(module, "__all__", ()) and getattr(module, name, None) is symbol:
            yield f"{module.__name__}.{name}"


def _has_docstring(symbol: Any) -> bool:
    """Whether somebody wrote one: not that of a base class, nor the signature that dataclasses write themselves."""
    docstring = symbol.__doc__ or ""
    is_generated = inspect.isclass(symbol) and docstring.startswith(f"{symbol.__name__}(")
    return bool(docstring.strip()) and not is_generated


def _undocumented_members(cls: type) -> Iterator[str]:
    """Public methods and properties that the class itself defines, without a docstring of their own or inherited."""
    for name, member in vars(cls).items():
        if name.startswith("_"):
            continue
        is_method = inspect.isroutine(member) or isinstance(
            member, (classmethod, staticmethod, property, cached_property)
        )
        if is_method and not inspect.getdoc(getattr(cls, name)):
            yield name


def _is_private(module_name: str) -> bool:
    return any(part.startswith("_") for part in module_name.split("."))


def _check(app: Sphinx, env: BuildEnvironment) -> None:
    on_pages = set(env.domains.python_domain.objects) | set(env.domains.python_domain.modules)
    try:
        modules = import_public_modules(app.config.public_symbols_packages)
    except Exception as error:  # whatever a module raises while it is imported
        _logger.warning("a public module cannot be imported: %r", error, type="public_symbols")
        return
    for fault in faults(modules, on_pages):
        _logger.warning("%s", fault, type="public_symbols")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; called by Sphinx."""
    app.add_config_value("public_symbols_packages", [], "env", types=[list])
    app.connect("env-check-consistency", _check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
