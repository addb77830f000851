"""The Python on the Markdown pages runs. Blocks of one page run in order and share their names.

Before a block may stand an HTML comment, which readers do not see: `<!-- run first: ... -->` holds code that the page
takes for granted, and `<!-- not run: reason -->` leaves the next block out, except that it must still be Python.
"""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    page
    for page in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
    if page.exists() and "_build" not in page.parts and "```python" in page.read_text(encoding="utf-8")
]
PIECE = re.compile(
    r"^<!-- run first:(?P<setup>.*?)-->|^<!-- not run:(?P<reason>.*?)-->\s*|^```python\n(?P<code>.*?)^```",
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    code: str
    line: int
    runs: bool


def blocks(text: str) -> Iterator[Block]:
    """The Python of a page: what is shown and what runs unseen, in order."""
    skip_from = None
    for piece in PIECE.finditer(text):
        if piece["reason"] is not None:
            skip_from = piece.end()
            continue
        name = "setup" if piece["setup"] is not None else "code"
        yield Block(piece[name], text.count("\n", 0, piece.start(name)), runs=piece.start() != skip_from)


def run_block(block: Block, page: str, names: dict[str, Any]) -> None:
    if ">>> " in block.code:
        test = doctest.DocTestParser().get_doctest(block.code, names, page, page, block.line)
        if block.runs:
            runner = doctest.DebugRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
            runner.run(test, clear_globs=False)
            names.update(test.globs)
        return
    # The empty lines make a traceback name the page's own line; this module's annotations are not the page's.
    code = compile("\n" * block.line + block.code, page, "exec", dont_inherit=True)
    if block.runs:
        exec(code, names)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": page.stem}
    for block in blocks(page.read_text(encoding="utf-8")):
        run_block(block, str(page), names)


EXAMPLE = """\
<!-- run first:
x = 1
-->
```python
y = x + 1
```
<!-- not run: no such module -->
```python
import nowhere
```
```python
>>> y
2
```
"""


def test_blocks_of_a_page() -> None:
    names: dict[str, Any] = {}
    found = list(blocks(EXAMPLE))
    assert [(block.line, block.runs) for block in found] == [(0, True), (4, True), (8, False), (11, True)]
    for block in found:
        run_block(block, "page", names)
    assert names["y"] == 2


@pytest.mark.parametrize("code", ["1 / 0\n", ">>> 1 + 1\n3\n"])
def test_a_wrong_block_fails(code: str) -> None:
    with pytest.raises((ZeroDivisionError, doctest.DocTestFailure)):
        run_block(Block(code, 0, runs=True), "page", {})


def test_a_block_that_is_not_run_must_still_be_python() -> None:
    with pytest.raises(SyntaxError):
        run_block(Block("not python at all", 0, runs=False), "page", {})
