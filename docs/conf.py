"""Sphinx settings. The API pages list modules by hand, one line each, but for those of the methods; public_symbols.py
catches what is missing."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for the two extensions beside this file

project = "curriculum_bandits"
author = "The curriculum_bandits developers"
copyright = f"2026, {author}"
release = metadata.version("curriculum-bandits")
version = release

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "public_symbols",
    "rendering",
]
exclude_patterns = ["_build"]

# Pages are Markdown; docstrings are reStructuredText in Google's style.
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # fields of a dataclass are described once, in its docstring
napoleon_attr_annotations = False  # the signature has them

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_type_aliases = {name: name for name in ("FloatArray", "IntArray", "BoolArray", "npt.ArrayLike")}
python_use_unqualified_type_names = True

public_symbols_packages = [
    "curriculum_bandits",
    "curriculum_bandits.adapters",
    "curriculum_bandits.benchmarks",
]

html_theme = "furo"
html_title = f"curriculum_bandits {release}"
