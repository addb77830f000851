"""How docstrings and declarations become pages, where Sphinx's own way does not suit this code.

Modules get a heading, and packages a list of what can be imported from them, since symbols stand under the modules
that define them. Google's style lets `Returns:` begin with a type and a colon; here types are annotations, so a colon
there is only a colon.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from sphinx.application import Sphinx

from curriculum_bandits.methods.registry import declared, methods_table

__all__ = ["setup"]

_BEFORE_NAPOLEON, _AFTER_NAPOLEON = 400, 600
_TABLE = methods_table()  # now: later autodoc replaces the defaults of signatures, which the table shows
_NOTHING = "\\"  # in reStructuredText this joins the next line


def _keep_colons(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Put a line that shows nothing where napoleon looks for a type, so that it finds none."""
    if what in ("attribute", "data", "property"):
        lines.insert(0, _NOTHING)
    for index in reversed(range(len(lines))):
        if lines[index].strip() in ("Returns:", "Yields:"):
            indent = len(lines[index]) - len(lines[index].lstrip()) + 4
            lines.insert(index + 1, " " * indent + _NOTHING)


def _head_module(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Begin a module with its name, and end a package with what it offers."""
    if what != "module":
        return
    lines[:0] = [f".. rubric:: {name}", ""]
    offered = [getattr(obj, each, None) for each in getattr(obj, "__all__", ())] if hasattr(obj, "__path__") else []
    links = [
        f":py:obj:`~{symbol.__module__}.{symbol.__qualname__}`"
        for symbol in offered
        if inspect.isclass(symbol) or inspect.isroutine(symbol)
    ]
    if links:
        lines.extend(["", f"Import from ``{name}``: {', '.join(links)}.", ""])


def _clean_signature(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """Show aliases by their name alone, and a Protocol, which nobody calls, without arguments."""
    if what == "class" and getattr(obj, "_is_protocol", False):
        return "", None
    return _plain_aliases(signature), _plain_aliases(returns)


def _plain_aliases(signature: str | None) -> str | None:
    return signature and re.sub(r"TypeAliasForwardRef\('([\w.]+)'\)", r"\1", signature)


def _list_methods(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the declared methods where a page asks for them: their table, or their modules."""
    source[0] = source[0].replace("<!-- table of the methods -->", _TABLE)
    modules = dict.fromkeys(each.make.__module__ for each in declared().values())
    listed = "\n\n".join(f".. automodule:: {module}" for module in modules)
    source[0] = source[0].replace(".. modules of the methods", listed)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register with Sphinx; called by Sphinx."""
    app.connect("autodoc-process-docstring", _keep_colons, priority=_BEFORE_NAPOLEON)
    app.connect("autodoc-process-docstring", _head_module, priority=_AFTER_NAPOLEON)
    app.connect("autodoc-process-signature", _clean_signature)
    app.connect("source-read", _list_methods)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
